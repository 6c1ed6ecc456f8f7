//! Puts a new session into a known state, and learns what kind of server it is, in one round trip.

use postgres::{Client, SimpleQueryMessage};

use crate::error::{Error, Result};

const PREAMBLE: &str = include_str!("../../sql/preamble.sql");

/// The oldest server that is supported: version 14.
const OLDEST: u32 = 140_000;

/// What the server said about itself, before the preamble changed anything.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub version_num: u32,
    pub backend_pid: i32,
    /// It is in recovery: it can neither LISTEN nor NOTIFY.
    pub is_standby: bool,
    pub is_read_only_by_default: bool,
}

/// Sends the preamble. A server that refuses a setting (a service of a cloud, another platform, an old version) does without it.
pub(super) fn send(client: &mut Client) -> Result<Facts> {
    let facts = match client.simple_query(PREAMBLE) {
        Ok(answers) => facts(&answers)?,
        Err(error) if error.as_db_error().is_some() && !client.is_closed() => one_by_one(client)?,
        Err(error) => return Err(error.into()),
    };
    if facts.version_num < OLDEST {
        let (major, minor) = (facts.version_num / 10_000, facts.version_num % 10_000);
        let message = format!("the server is PostgreSQL {major}.{minor}, and pgfeed needs 14 or newer");
        return Err(Error::connection(message).permanent());
    }
    Ok(facts)
}

fn one_by_one(client: &mut Client) -> Result<Facts> {
    let mut statements = PREAMBLE.lines().filter(|line| !line.starts_with("--"));
    let first = statements.next().expect("the preamble has statements");
    let facts = facts(&client.simple_query(first)?)?;
    for statement in statements {
        match client.batch_execute(statement) {
            Err(error) if may_be_missing(statement, &error) => {}
            result => result?,
        }
    }
    Ok(facts)
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
        })
    })();
    facts.ok_or_else(|| Error::connection("what answers there is not a PostgreSQL server").permanent())
}
