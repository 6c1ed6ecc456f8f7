//! `pgfeed tail-queue --dead`: shows, requeues or purges the events that could not be delivered.

use jiff::Timestamp;
use postgres::Transaction;
use serde_json::json;

use crate::cli::{OutputFormat, TailQueue};
use crate::commands::context::print_lines;
use crate::connection::Connection;
use crate::connection::ask::{self, Value};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::format::append_payload;
use crate::queue::Queue;
use crate::{sql, text};

/// Does what was asked; without --requeue and --purge it shows.
pub fn run(args: &TailQueue, queue: &Queue, mut connection: Connection) -> Result<Exit> {
    let all = args.id.is_empty();
    let chosen: [&dyn Value; 2] = [&all, &args.id];
    let mut transaction = connection.begin()?;
    if args.purge {
        let delete = format!("DELETE FROM {} WHERE $1 OR id = ANY ($2)", queue.dead_table());
        let purged = ask::execute(&mut transaction, &delete, &chosen).map_err(Error::from)?;
        transaction.commit()?;
        print_lines(std::iter::once(format!("purged {purged} dead events of queue \"{}\"", queue.name)))?;
        return Ok(Exit::Done);
    }
    if args.requeue {
        let (dead, retry) = (queue.dead_table(), queue.retry_table());
        let places =
            [("dead", dead.as_str()), ("retry", &retry), ("all", "$1"), ("ids", "$2"), ("doorbell", "$3::text")];
        let requeue = sql::fill(include_str!("../../../sql/requeue.sql"), &places);
        let row = ask::row(&mut transaction, &requeue, &[&all, &args.id, &queue.doorbell()]).map_err(Error::from)?;
        let requeued: i64 = row.get(0);
        transaction.commit()?;
        print_lines(std::iter::once(format!("requeued {requeued} dead events of queue \"{}\"", queue.name)))?;
        return Ok(Exit::Done);
    }
    show(args, queue, &mut transaction, &chosen)
}

fn show(args: &TailQueue, queue: &Queue, transaction: &mut Transaction, chosen: &[&dyn Value]) -> Result<Exit> {
    let query = format!(
        "SELECT id, at, attempts, payload, error, died_at FROM {} WHERE $1 OR id = ANY ($2) ORDER BY id",
        queue.dead_table()
    );
    let rows = ask::rows(transaction, &query, chosen).map_err(Error::from)?;
    print_lines(rows.iter().map(|row| {
        let (id, at, attempts): (i64, Timestamp, i32) = (row.get("id"), row.get("at"), row.get("attempts"));
        let (payload, error, died_at): (String, Option<String>, Timestamp) =
            (row.get("payload"), row.get("error"), row.get("died_at"));
        match args.output.output {
            OutputFormat::Raw => payload,
            OutputFormat::Pretty => {
                let error = error.unwrap_or_default();
                format!("{id} dead after {attempts} attempts: {} {}", text::escape(&error), text::escape(&payload))
            }
            OutputFormat::Auto | OutputFormat::Json => {
                let mut embedded = Vec::new();
                append_payload(&mut embedded, &payload);
                let payload = String::from_utf8_lossy(&embedded);
                let (queue, error) = (json!(queue.name), json!(error));
                format!(
                    r#"{{"type":"dead","queue":{queue},"id":{id},"attempt":{attempts},"at":"{at:.6}","died_at":"{died_at:.6}","error":{error},"payload":{payload}}}"#
                )
            }
        }
    }))?;
    Ok(Exit::Done)
}
