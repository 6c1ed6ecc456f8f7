//! The statements of a worker, prepared once where it has a session of its own.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use postgres::Client;

use crate::connection::Connection;
use crate::connection::ask::{self, Question, Value};
use crate::error::Result;
use crate::queue::barrier::Barriers;
use crate::queue::batch::{Failure, Fate, Order};
use crate::queue::floor::{Above, DRAWN, ENDED, Horizon};
use crate::queue::registry::Queue;
use crate::queue::way::{self, Way};
use crate::sql;

/// Statements for one queue.
pub struct Statements {
    pub facts: Question,
    pub take: Question,
    pub fetch: Question,
    pub remove: Question,
    /// Removes, and answers with the facts.
    pub remove_and_ask: Question,
    /// Locks the queue, and answers where it is stored; two statements in one go.
    pub lock: String,
    pub take_retry: Question,
    pub end: Question,
    pub put_off: Question,
    pub retried_keys: Question,
    retry: Question,
    bury: Question,
    promote: Question,
    /// Of those that wait for another attempt, and of the dead.
    make_way: [Question; 2],
    order: Order,
    reasons: Characters,
}

const FACTS: &str = include_str!("../../../sql/queue_facts.sql");
/// Thousands may wait behind a key: only its first is looked at.
const RETRIED_KEYS: &str = "SELECT key FROM pg_catalog.unnest($1::bigint[]) AS k(key) \
    WHERE (SELECT true FROM /*{retry}*//*{}*/ r WHERE r.key = k.key LIMIT 1)";
const REMOVE: &str = include_str!("../../../sql/remove.sql");

/// Both in one statement. What it answers is what it saw before it removed, but for its number: that was drawn by it, hence when the
/// events that it removes had been read.
fn remove_and_ask() -> String {
    format!("WITH removed AS ({}) {FACTS}", REMOVE.trim_end().trim_end_matches(';'))
}

/// Which characters the database can store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Characters {
    /// All but NUL.
    Unicode,
    /// For certain only these, and no NUL: it has an encoding of its own.
    Ascii,
}

impl Characters {
    /// A text from elsewhere as it can be stored. What cannot is escaped: the server would refuse the whole statement.
    fn storable(self, text: &str) -> Cow<'_, str> {
        let fits = |c: char| c != '\0' && (self == Self::Unicode || c.is_ascii());
        if text.chars().all(fits) {
            return Cow::Borrowed(text);
        }
        let escaped = |c: char| if fits(c) { c.to_string() } else { c.escape_unicode().to_string() };
        Cow::Owned(text.chars().map(escaped).collect())
    }
}

impl Statements {
    /// Prepares them.
    ///
    /// # Errors
    /// What the server says, such as that the queue's tables are gone.
    pub fn prepare(connection: &mut Connection, queue: &Queue, order: Order) -> Result<Self> {
        let (table, retry, dead) = (queue.table(), queue.retry_table(), queue.dead_table());
        // Who owns a slot needs no locks on its rows: nobody else takes from it.
        let lock = match order {
            Order::Ordered => "",
            Order::Unordered => "FOR UPDATE SKIP LOCKED",
        };
        let unordered = if order == Order::Unordered { "true" } else { "false" };
        let encoding = ask::row(&mut **connection, "SELECT pg_catalog.current_setting('server_encoding')", &[])?;
        let reasons = match encoding.get(0) {
            // SQL_ASCII stores whatever it gets.
            "UTF8" | "SQL_ASCII" => Characters::Unicode,
            _ => Characters::Ascii,
        };
        let [retry_way, dead_way] =
            [Way::Retry, Way::Dead].map(|way| connection.question(&way.sql(queue, "$1::bigint[]")));
        let make_way = [retry_way?, dead_way?];
        let mut prepare = |file: &str, places: &[(&str, &str)]| -> Result<Question> {
            Ok(connection.question(&sql::fill(file, places))?)
        };
        let barriers = Barriers::of(queue);
        let (first, [taken, head, behind]) = (barriers.first(), ["e", "r", "w"].map(|row| barriers.unhindered(row)));
        let first = ("first_barrier", first.as_str());
        let storage = queue.storage();
        let storage = ("storage", storage.as_str());
        let (queue, retry, dead) = (("queue", table.as_str()), ("retry", retry.as_str()), ("dead", dead.as_str()));
        let lock = ("lock", lock);
        let above = Above::sql("$1", "$5", "$6");
        let take = [
            queue,
            first,
            ("unhindered", &taken),
            ("above", &above),
            ("slots", "$2::bigint"),
            ("events", "$3"),
            ("share", "$4"),
            lock,
        ];
        let remove = [queue, ("places", "$1::tid[]"), ("first", "$2"), ("last", "$3")];
        let bury = [
            ("ids", "$1::bigint[]"),
            ("ats", "$2::timestamptz[]"),
            ("keys", "$3::bigint[]"),
            ("barriers", "$4::boolean[]"),
            ("payloads", "$5::text[]"),
            ("attempts", "$6::integer[]"),
            ("errors", "$7::text[]"),
        ];
        Ok(Self {
            facts: prepare(FACTS, &[queue, retry, storage, ("horizon", &Horizon::sql(ENDED))])?,
            take: prepare(include_str!("../../../sql/take.sql"), &take)?,
            fetch: prepare("SELECT id, payload FROM /*{queue}*//*{}*/ WHERE ctid = ANY ($1::tid[])", &[queue])?,
            remove: prepare(REMOVE, &remove)?,
            remove_and_ask: prepare(
                &remove_and_ask(),
                &[&remove[..], &[retry, storage, ("horizon", &Horizon::sql(DRAWN))]].concat(),
            )?,
            lock: sql::fill(include_str!("../../../sql/lock_queue.sql"), &[queue, storage]),
            take_retry: prepare(
                include_str!("../../../sql/take_retry.sql"),
                &[
                    retry,
                    first,
                    ("head_unhindered", &head),
                    ("unhindered", &behind),
                    ("slots", "$1"),
                    ("events", "$2"),
                    ("bytes", "$3"),
                    ("unordered", unordered),
                ],
            )?,
            put_off: prepare(
                include_str!("../../../sql/put_off.sql"),
                &[retry, ("ids", "$1::bigint[]"), ("delay", "$2::float8")],
            )?,
            end: prepare(include_str!("../../../sql/end_of_queue.sql"), &[queue, ("floor", "$1::bigint")])?,
            retried_keys: prepare(RETRIED_KEYS, &[retry])?,
            retry: prepare(
                include_str!("../../../sql/retry.sql"),
                &[&bury[..], &[retry, ("delays", "$8::float8[]")]].concat(),
            )?,
            bury: prepare(include_str!("../../../sql/bury.sql"), &[&bury[..], &[dead]].concat())?,
            promote: prepare(
                include_str!("../../../sql/promote.sql"),
                &[retry, ("keys", "$1::bigint[]"), ("delay", "$2::float8"), lock],
            )?,
            make_way,
            order,
            reasons,
        })
    }

    /// Gives events another attempt.
    pub fn retry(&self, connection: &mut Connection, failures: &[&Failure]) -> Result<()> {
        if failures.is_empty() {
            return Ok(());
        }
        let delays: Vec<Option<f64>> = failures
            .iter()
            .map(|failure| match failure.fate {
                Fate::Retry(delay) => Some(delay.as_secs_f64()),
                // Where no order is kept nothing waits for anything.
                Fate::Later(delay) if self.order == Order::Unordered => Some(delay.as_secs_f64()),
                Fate::Behind | Fate::Later(_) | Fate::Bury => None,
            })
            .collect();
        let reasons = self.reasons(failures);
        let rows = Columns::of(failures, &reasons);
        let [ids, ats, keys, barriers, payloads, attempts, errors] = rows.values();
        let values = [ids, ats, keys, barriers, payloads, attempts, errors, &delays];
        let make_way = |client: &mut Client| self.make_way[0].execute(client, &[ids]);
        way::put(&mut **connection, |client| self.retry.execute(client, &values), make_way)?;
        Ok(())
    }

    /// Keeps events that get no more attempts.
    pub fn bury(&self, connection: &mut Connection, failures: &[&Failure]) -> Result<()> {
        if failures.is_empty() {
            return Ok(());
        }
        let reasons = self.reasons(failures);
        let rows = Columns::of(failures, &reasons);
        let make_way = |client: &mut Client| self.make_way[1].execute(client, &[&rows.ids]);
        way::put(&mut **connection, |client| self.bury.execute(client, &rows.values()), make_way)?;
        Ok(())
    }

    fn reasons<'a>(&self, failures: &[&Failure<'a>]) -> Vec<Option<Cow<'a, str>>> {
        failures.iter().map(|failure| failure.reason.map(|reason| self.reasons.storable(reason))).collect()
    }

    /// Lets the oldest of what waits behind each of some keys go on after a delay.
    pub fn promote(&self, connection: &mut Connection, keys: &[i64], delay: Duration) -> Result<()> {
        if !keys.is_empty() {
            self.promote.execute(&mut **connection, &[&keys, &delay.as_secs_f64()])?;
        }
        Ok(())
    }
}

/// Failures as columns, for unnest.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<i64>,
    ats: Vec<Timestamp>,
    keys: Vec<i64>,
    barriers: Vec<bool>,
    payloads: Vec<&'a str>,
    attempts: Vec<i32>,
    errors: Vec<Option<&'a str>>,
}

impl<'a> Columns<'a> {
    fn of(failures: &[&'a Failure<'a>], reasons: &'a [Option<Cow<'a, str>>]) -> Self {
        let mut columns = Self::default();
        for (Failure { event, fate, .. }, reason) in failures.iter().zip(reasons) {
            columns.ids.push(event.id);
            columns.ats.push(event.at);
            columns.keys.push(event.key);
            columns.barriers.push(event.barrier);
            columns.payloads.push(&event.payload);
            // What waits behind another event was not attempted.
            columns.attempts.push(event.attempts + i32::from(fate.is_attempt()));
            columns.errors.push(reason.as_deref());
        }
        columns
    }

    fn values(&self) -> [&dyn Value; 7] {
        [&self.ids, &self.ats, &self.keys, &self.barriers, &self.payloads, &self.attempts, &self.errors]
    }
}

/// How long to wait before the next attempt: doubled with every failure, at most 10 minutes, and spread by half, so that what
/// failed together does not come back together.
pub fn delay(first: Duration, failures: i32, random: f64) -> Duration {
    const LONGEST: Duration = Duration::from_secs(600);
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(31);
    first.saturating_mul(1 << doublings).min(LONGEST).mul_f64(0.5 + random / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_stored_is_escaped() {
        assert_eq!(Characters::Unicode.storable("нет\0"), "нет\\u{0}");
        assert_eq!(Characters::Ascii.storable("no: нет"), "no: \\u{43d}\\u{435}\\u{442}");
        assert!(matches!(Characters::Ascii.storable("exit code 1"), Cow::Borrowed(_)));
    }
}
