//! How long a migration waits for tables. It cannot begin anew by itself, as an install does (see `locks`): it fails instead.

use std::time::Duration;

use super::locks::MOST_PATIENCE;

/// The settings of a migration that limit its waits.
pub struct Waits {
    lock_timeout: Duration,
    first: Option<Option<u32>>,
    is_short: bool,
}

impl Waits {
    /// For a migration that waits so long for the first of its tables.
    pub fn new(lock_timeout: Duration) -> Self {
        Self { lock_timeout, first: None, is_short: false }
    }

    /// To be called before each statement on a table (none: a queue). From the second table on, and for one with partitions, the
    /// waits are short.
    pub fn before(&mut self, table_oid: Option<u32>, has_partitions: bool, statements: &mut Vec<String>) {
        let is_first = *self.first.get_or_insert(table_oid) == table_oid && !has_partitions;
        if is_first || self.is_short {
            return;
        }
        self.is_short = true;
        let wait = self.lock_timeout.min(MOST_PATIENCE);
        statements.push(format!(
            "-- Shorter while tables are held: an application that waits for one could be ended as the victim of a deadlock.\n{}",
            set(wait)
        ));
    }

    /// The migration with these settings around it.
    pub fn around(&self, statements: Vec<String>) -> Vec<String> {
        if statements.is_empty() {
            return statements;
        }
        let begin = format!(
            "-- To be run in one transaction (psql -1 -f, or what a migration tool begins). When a table cannot be had in time it fails\n\
             -- (55P03), and nothing has changed: run it again. The limit is set for the session, since SET LOCAL would do nothing\n\
             -- outside of a transaction; what the session began with comes back at the end, and with a rollback.\n{}",
            set(self.lock_timeout)
        );
        let end = "RESET lock_timeout".to_owned();
        [begin].into_iter().chain(statements).chain([end]).collect()
    }
}

fn set(wait: Duration) -> String {
    // 0 would wait for ever.
    format!("SET lock_timeout = '{}ms'", wait.as_millis().max(1))
}
