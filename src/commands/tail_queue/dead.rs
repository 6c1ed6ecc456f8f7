//! `pgfeed tail-queue --dead`: shows, requeues or purges the events that could not be delivered.

use jiff::Timestamp;
use postgres::{Row, Transaction};
use serde_json::json;

use crate::cli::{OutputFormat, TailQueue};
use crate::commands::context::{Reader, print_lines, print_while_read};
use crate::connection::Connection;
use crate::connection::ask;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::format::append_payload;
use crate::queue::{self, Queue, Way};
use crate::term::Term;
use crate::{sql, text};

/// Events on a page, at most.
const PAGE: i64 = 1000;
/// Bytes of payloads and reasons on a page, about at most.
const PAGE_BYTES: i64 = 8 << 20;

/// What whoever puts dead events back should know.
const LATE: &str = "they come after newer events of their rows that were delivered meanwhile: a table that is kept in step gets the older \
                    state back, and is emptied by a TRUNCATE";

/// Which of the dead.
struct Ids<'a> {
    all: bool,
    chosen: &'a [i64],
}

/// Does what was asked; without --requeue and --purge it shows.
pub fn run(args: &TailQueue, term: Term, queue: &Queue, mut connection: Connection) -> Result<Exit> {
    let ids = Ids { all: args.id.is_empty(), chosen: &args.id };
    let mut transaction = connection.begin()?;
    tell_missing(&mut transaction, term, queue, &ids)?;
    if !args.purge && !args.requeue {
        transaction.commit()?;
        return show(args, term, queue, connection, &ids);
    }
    if args.purge {
        let delete = format!("DELETE FROM {} WHERE $1 OR id = ANY ($2)", queue.dead_table());
        let purged = ask::execute(&mut transaction, &delete, &[&ids.all, &ids.chosen]).map_err(Error::from)?;
        transaction.commit()?;
        print_lines(std::iter::once(format!("purged {purged} dead events of queue \"{}\"", queue.name)))?;
        return Ok(Exit::Done);
    }
    let requeued = requeue(&mut transaction, queue, &ids)?;
    transaction.commit()?;
    print_lines(std::iter::once(format!("requeued {requeued} dead events of queue \"{}\"", queue.name)))?;
    if requeued > 0 {
        term.note(LATE);
    }
    Ok(Exit::Done)
}

/// Says which of the ids that were named are no dead event's.
fn tell_missing(transaction: &mut Transaction, term: Term, queue: &Queue, ids: &Ids) -> Result<()> {
    if ids.all {
        return Ok(());
    }
    let missing = format!(
        "SELECT pg_catalog.string_agg(w::pg_catalog.text, ', ' ORDER BY w) FROM pg_catalog.unnest($1) w \
         WHERE NOT EXISTS (SELECT FROM {} d WHERE d.id = w)",
        queue.dead_table()
    );
    let missing: Option<String> = ask::row(transaction, &missing, &[&ids.chosen])?.get(0);
    if let Some(missing) = missing {
        term.note(format!("queue \"{}\" has no dead event with the id {missing}", queue.name));
    }
    Ok(())
}

/// Puts the dead back, and counts them.
fn requeue(transaction: &mut Transaction, queue: &Queue, ids: &Ids) -> Result<i64> {
    let (dead, retry, doorbell) = (queue.dead_table(), queue.retry_table(), queue.doorbell());
    let places = [("dead", dead.as_str()), ("retry", &retry), ("all", "$1"), ("ids", "$2"), ("doorbell", "$3::text")];
    let requeue = sql::fill(include_str!("../../../sql/requeue.sql"), &places);
    let make_way = Way::Retry.sql(queue, &format!("ARRAY(SELECT id FROM {dead} WHERE $1 OR id = ANY ($2))"));
    let requeued = queue::put(
        transaction,
        |transaction| ask::row(transaction, &requeue, &[&ids.all, &ids.chosen, &doorbell]),
        |transaction| ask::execute(transaction, &make_way, &[&ids.all, &ids.chosen]),
    );
    Ok(requeued.map_err(Error::from)?.get(0))
}

/// How a dead event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Raw,
    Pretty,
    Json,
}

impl Style {
    fn of(output: OutputFormat, is_terminal: bool) -> Self {
        match output {
            OutputFormat::Raw => Self::Raw,
            OutputFormat::Pretty => Self::Pretty,
            OutputFormat::Auto if is_terminal => Self::Pretty,
            OutputFormat::Auto | OutputFormat::Json => Self::Json,
        }
    }

    fn append(self, out: &mut Vec<u8>, queue: &str, row: &Row) {
        let (id, at, attempts): (i64, Timestamp, i32) = (row.get("id"), row.get("at"), row.get("attempts"));
        let (payload, error, died_at): (&str, Option<&str>, Timestamp) =
            (row.get("payload"), row.get("error"), row.get("died_at"));
        match self {
            Self::Raw => out.extend_from_slice(payload.as_bytes()),
            Self::Pretty => {
                let (error, payload) = (text::escape(error.unwrap_or_default()), text::escape(payload));
                out.extend_from_slice(format!("{id} dead after {attempts} attempts: {error} {payload}").as_bytes());
            }
            Self::Json => {
                let (queue, error) = (json!(queue), json!(error));
                let head = format!(
                    r#"{{"type":"dead","queue":{queue},"id":{id},"attempt":{attempts},"at":"{at:.6}","died_at":"{died_at:.6}","error":{error},"payload":"#
                );
                out.extend_from_slice(head.as_bytes());
                append_payload(out, payload);
                out.push(b'}');
            }
        }
    }
}

/// Shows page by page. No transaction is open while a page is printed: a pager may keep that waiting for days.
fn show(args: &TailQueue, term: Term, queue: &Queue, mut connection: Connection, ids: &Ids) -> Result<Exit> {
    let style = Style::of(args.output.output, term.stdout_is_terminal);
    let terminator = if args.output.null { 0 } else { b'\n' };
    let dead = queue.dead_table();
    let places =
        [("dead", dead.as_str()), ("all", "$1"), ("ids", "$2"), ("last", "$3"), ("events", "$4"), ("bytes", "$5")];
    let query = sql::fill(include_str!("../../../sql/dead.sql"), &places);
    let mut last = i64::MIN;
    loop {
        let mut transaction = connection.begin()?;
        let rows = ask::rows(&mut transaction, &query, &[&ids.all, &ids.chosen, &last, &PAGE, &PAGE_BYTES])
            .map_err(Error::from)?;
        transaction.commit()?;
        let Some(end) = rows.last() else { return Ok(Exit::Done) };
        last = end.get("id");
        let mut text = Vec::new();
        for row in &rows {
            style.append(&mut text, &queue.name, row);
            text.push(terminator);
        }
        if print_while_read(&text)? == Reader::Gone {
            return Ok(Exit::Done);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_to_a_terminal_raw_unless_asked_for() {
        assert_eq!(Style::of(OutputFormat::Auto, true), Style::Pretty);
        assert_eq!(Style::of(OutputFormat::Auto, false), Style::Json);
        assert_eq!(Style::of(OutputFormat::Raw, true), Style::Raw);
    }
}
