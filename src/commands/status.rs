//! `pgfeed status`: looks, once or again and again.

mod text;

use std::time::Duration;

use super::context::{Context, print, print_lines};
use super::output::stop_when_the_reader_goes;
use crate::backoff::Backoff;
use crate::cli::{self, ReportFormat};
use crate::connection::{Connection, is_transient};
use crate::error::Result;
use crate::exit::Exit;
use crate::status::{self, Status};
use crate::stop::{Stop, StopReason};
use crate::{queue, signal, sql};

/// Between the two looks that a rate is made of.
const MEASURE: Duration = Duration::from_millis(500);

/// Looks.
pub fn run(args: &cli::Status, context: &Context) -> Result<Exit> {
    sql::check_name("the schema's name", &args.schema)?;
    let stop = Stop::default();
    signal::watch(&stop, signal::GRACE);
    let mut connection = context.connect_unless(&stop)?;
    let first = read(&mut connection, &args.schema)?;
    match args.watch {
        None => once(args, &stop, &mut connection, first),
        Some(every) => watch(args, context, &stop, connection, first, every.max(MEASURE)),
    }
}

fn read(connection: &mut Connection, schema: &str) -> Result<Status> {
    status::read(connection, schema).map_err(|error| match error.sqlstate() {
        Some("42501") => error.hint(queue::rights_to_look(schema)),
        _ => error,
    })
}

fn once(args: &cli::Status, stop: &Stop, connection: &mut Connection, first: Status) -> Result<Exit> {
    let mut status = first;
    if !status.queues.is_empty() {
        stop.pause(MEASURE);
        let before = std::mem::replace(&mut status, read(connection, &args.schema)?);
        status.measure_since(&before);
    }
    tell(args.output, &status)?;
    Ok(Exit::Done)
}

/// Looks until somebody stops it, whatever becomes of the server meanwhile.
fn watch(
    args: &cli::Status,
    context: &Context,
    stop: &Stop,
    connection: Connection,
    first: Status,
    every: Duration,
) -> Result<Exit> {
    stop_when_the_reader_goes(stop);
    let mut connection = Some(connection);
    let mut before = first;
    let mut backoff = Backoff::new();
    stop.pause(MEASURE);
    while stop.requested().is_none() {
        let looked = match connection.take() {
            Some(open) => Ok(open),
            None => context.connect_unless(stop),
        };
        let looked = looked.and_then(|mut open| Ok((read(&mut open, &args.schema)?, open)));
        match looked {
            Ok((mut status, open)) => {
                status.measure_since(&before);
                if args.output == ReportFormat::Text && context.term.stdout_is_terminal {
                    // Home, and everything below away.
                    print(b"\x1b[H\x1b[2J")?;
                }
                tell(args.output, &status)?;
                (before, connection) = (status, Some(open));
                backoff.reset();
                stop.pause(every);
            }
            Err(_) if stop.requested().is_some() => {}
            Err(error) if is_transient(&error) => {
                context.term.warn(format!("{error}; trying again"));
                stop.pause(backoff.wait().max(every));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(if stop.requested() == Some(StopReason::Signal) { Exit::Signal } else { Exit::Done })
}

fn tell(form: ReportFormat, status: &Status) -> Result<()> {
    match form {
        ReportFormat::Text => print_lines(text::lines(status).into_iter()),
        ReportFormat::Json => {
            print_lines(std::iter::once(serde_json::to_string(status).expect("plain data is always JSON")))
        }
    }
}
