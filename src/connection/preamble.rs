//! Learns what kind of server a new session is on, and puts the session into a known state.

use postgres::{Client, SimpleQueryMessage};

use crate::error::{Error, Result};

const PREAMBLE: &str = include_str!("../../sql/preamble.sql");

/// The oldest server that is supported: version 14.
const OLDEST: u32 = 140_000;

/// What the server said about itself.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub version_num: u32,
    pub backend_pid: i32,
    /// It is in recovery: it can neither LISTEN nor NOTIFY.
    pub is_standby: bool,
    pub is_read_only_by_default: bool,
    /// The server's own port, which also names its local socket.
    pub port: u16,
}

impl Facts {
    /// Whether nobody stands between us and the server who would keep sessions of his own. Nothing is heard of the start-up on a
    /// local socket; there the server's port must be the socket's, and a pooler that has the same one passes for the server.
    pub(super) fn is_announced_as(&self, pid: Option<i32>, port: u16) -> bool {
        pid.map_or(self.port == port, |pid| pid == self.backend_pid)
    }
}

/// How much of the preamble was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// The question only.
    Question,
    /// All of it.
    All,
}

/// Asks for the facts and, in the same round trip, makes the settings where the session is our own by what was announced at the
/// start-up ([`Facts::is_announced_as`]). A server that refuses one of them is only asked.
pub(super) fn begin(client: &mut Client, pid: Option<i32>, port: u16) -> Result<(Facts, Said)> {
    match client.simple_query(&question_and_settings(pid, port)) {
        Ok(answers) => {
            let facts = checked(facts(&answers)?)?;
            let said = if facts.is_announced_as(pid, port) { Said::All } else { Said::Question };
            Ok((facts, said))
        }
        Err(error) if error.as_db_error().is_some() && !client.is_closed() => {
            Ok((checked(facts(&client.simple_query(question())?)?)?, Said::Question))
        }
        Err(error) => Err(error.into()),
    }
}

/// Nobody knows yet what the search_path is: all names are qualified, operators too.
fn question_and_settings(pid: Option<i32>, port: u16) -> String {
    let ours = match pid {
        Some(pid) => format!("pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.=) {pid}"),
        None => format!("pg_catalog.current_setting('port') OPERATOR(pg_catalog.=) '{port}'"),
    };
    let set = settings().filter_map(|line| line.strip_prefix("SET ")?.strip_suffix(';')?.split_once(" = "));
    let rows = set.map(|(name, value)| format!("('{name}', '{}')", value.trim_matches('\'')));
    let rows = rows.collect::<Vec<_>>().join(", ");
    let set =
        format!("SELECT pg_catalog.set_config(name, value, false) FROM (VALUES {rows}) s(name, value) WHERE {ours};");
    let others = settings().filter(|line| !line.starts_with("SET "));
    let others = others.map(|line| format!("{} AND {ours};", line.trim_end_matches(';')));
    [question().to_owned(), set].into_iter().chain(others).collect::<Vec<_>>().join("\n")
}

fn checked(facts: Facts) -> Result<Facts> {
    if facts.version_num < OLDEST {
        let (major, minor) = (facts.version_num / 10_000, facts.version_num % 10_000);
        let message = format!("the server is PostgreSQL {major}.{minor}, and pgfeed needs 14 or newer");
        return Err(Error::connection(message).permanent());
    }
    Ok(facts)
}

/// Makes the settings. A server that refuses one (a service of a cloud, another platform, an old version) does without it.
pub(super) fn send(client: &mut Client) -> Result<()> {
    let settings: Vec<&str> = settings().collect();
    match client.batch_execute(&settings.join("\n")) {
        Err(error) if error.as_db_error().is_some() && !client.is_closed() => one_by_one(client),
        result => Ok(result?),
    }
}

/// The same for the transaction that was begun just before, where the session belongs to others as well.
pub(super) fn of_transaction(facts: &Facts) -> String {
    // What is a default of transactions is said of this one, and what is about the socket is the pooler's affair.
    let elsewhere = ["SET default_", "SET tcp_", "SET idle_session_", "SET client_connection_"];
    let local = settings().filter(|line| !elsewhere.iter().any(|start| line.starts_with(start)));
    let local = local.map(|line| line.replacen("SET ", "SET LOCAL ", 1).replacen(", false)", ", true)", 1));
    let mode = if facts.is_standby { "" } else { ", READ WRITE" };
    let first = format!("SET TRANSACTION ISOLATION LEVEL READ COMMITTED{mode};");
    std::iter::once(first).chain(local).collect::<Vec<_>>().join("\n")
}

fn statements() -> impl Iterator<Item = &'static str> {
    PREAMBLE.lines().filter(|line| !line.starts_with("--"))
}

fn question() -> &'static str {
    statements().next().expect("the preamble has statements")
}

fn settings() -> impl Iterator<Item = &'static str> {
    statements().skip(1)
}

fn one_by_one(client: &mut Client) -> Result<()> {
    for statement in settings() {
        match client.batch_execute(statement) {
            Err(error) if may_be_missing(statement, &error) => {}
            result => result?,
        }
    }
    Ok(())
}

/// What is refused and may be: all settings but the search_path, which safety depends on.
fn may_be_missing(statement: &str, error: &postgres::Error) -> bool {
    // Unknown, wrong value on this platform, not permitted, not supported.
    let codes = ["42704", "22023", "42501", "0A000"];
    !statement.contains("search_path") && error.code().is_some_and(|code| codes.contains(&code.code()))
}

fn facts(answers: &[SimpleQueryMessage]) -> Result<Facts> {
    let row = answers.iter().find_map(|answer| match answer {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let column = |index| row.and_then(|row| row.get(index));
    let number = |index| column(index).and_then(|text| text.parse().ok());
    let facts = (|| {
        Some(Facts {
            version_num: number(0)?,
            backend_pid: column(1)?.parse().ok()?,
            is_standby: column(2)? == "t",
            is_read_only_by_default: column(3)? == "on",
            // Unknown, it is no socket's.
            port: number(4).and_then(|port| u16::try_from(port).ok()).unwrap_or(0),
        })
    })();
    facts.ok_or_else(|| Error::connection("what answers there is not a PostgreSQL server").permanent())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_has_the_settings_that_matter_and_leaves_none_behind() {
        let facts =
            Facts { version_num: 1, backend_pid: 1, is_standby: false, is_read_only_by_default: false, port: 1 };
        let statements = of_transaction(&facts);
        assert!(statements.starts_with("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE;\n"));
        assert!(statements.contains("SET LOCAL search_path = pg_catalog;"));
        for line in statements.lines().skip(1) {
            assert!(
                line.starts_with("SET LOCAL ") || line.contains("set_config(") && line.contains(", true)"),
                "{line}"
            );
        }
        assert!(!of_transaction(&Facts { is_standby: true, ..facts }).contains("READ WRITE"));
    }

    #[test]
    fn who_announces_another_number_is_not_the_server() {
        let facts =
            Facts { version_num: 1, backend_pid: 7, is_standby: false, is_read_only_by_default: false, port: 5432 };
        assert!(facts.is_announced_as(Some(7), 6432) && !facts.is_announced_as(Some(8), 5432));
        assert!(facts.is_announced_as(None, 5432) && !facts.is_announced_as(None, 6432));
    }
}
