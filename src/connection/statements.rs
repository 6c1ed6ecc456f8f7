//! Tells the text of every SQL statement, for whoever wants to see it. The driver logs most of them by itself.

use log::{LevelFilter, Log, Metadata, Record};

/// What is written here is a statement that the driver does not log.
const OURS: &str = "pgfeed::statement";
/// The modules of the driver that log statements, and what stands in front of each.
const DRIVERS: &str = "tokio_postgres::";
const PREPARING: &str = "preparing query ";
const EXECUTING: [&str; 2] = ["executing statement batch: ", "executing simple query: "];

struct Statements<T>(T);

impl<T: Fn(&str) + Send + Sync> Log for Statements<T> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == OURS || metadata.target().starts_with(DRIVERS)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = record.args().to_string();
        match record.target() {
            OURS => (self.0)(&line),
            _ => statement_in(&line).into_iter().for_each(&self.0),
        }
    }

    fn flush(&self) {}
}

/// Calls `tell` with each statement from here on, as it is sent; one that is prepared is told once. Never its parameters, which are
/// payloads.
pub fn tell_statements(tell: impl Fn(&str) + Send + Sync + 'static) {
    // Fails only when there is a logger already: a second run in one process keeps the first one's.
    if log::set_boxed_logger(Box::new(Statements(tell))).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
}

/// Notes a statement that the driver does not log.
pub(super) fn note(statement: &str) {
    log::debug!(target: OURS, "{statement}");
}

/// The statement in a line of the driver's log: behind `s0: `, or `s0 with types [Int8, Text]: `.
fn statement_in(line: &str) -> Option<&str> {
    let Some(prepared) = line.strip_prefix(PREPARING) else {
        return EXECUTING.into_iter().find_map(|start| line.strip_prefix(start));
    };
    let (name, statement) = prepared.split_once(": ")?;
    if !name.contains(" with types ") {
        return Some(statement);
    }
    prepared.split_once("]: ").map(|(_, statement)| statement)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_in_the_drivers_log() {
        assert_eq!(statement_in("preparing query s0: SELECT ': ]: '"), Some("SELECT ': ]: '"));
        assert_eq!(statement_in("preparing query s1 with types [Int8, Text]: SELECT $1"), Some("SELECT $1"));
        assert_eq!(statement_in("executing statement batch: BEGIN"), Some("BEGIN"));
        assert_eq!(statement_in("executing simple query: SELECT\n1"), Some("SELECT\n1"));
        assert_eq!(statement_in("executing statement s0 with parameters: [\"secret\"]"), None);
    }
}
