//! `pgfeed notify`: sends one payload, or one for every line or record of stdin.

pub mod batch;
mod input;

use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

use serde_json::json;

use super::context::{Context, print_lines};
use crate::cli::{self, ReportFormat};
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::stop::Stop;
use crate::{queue, signal, sql, trigger};
use batch::{Checker, Counted, Sender, Target};
use input::{Input, Records};

/// Notifications in a transaction when they are read from stdin one after the other.
const STREAM_BATCH: u64 = 1000;

/// What was sent.
#[derive(Debug, Default, Clone, Copy)]
pub struct Sent {
    payloads: u64,
    transactions: u64,
}

impl Sent {
    /// What an error does not undo.
    fn already(self, unit: &str) -> String {
        format!("already sent: {}", counted(self.payloads, unit))
    }
}

/// Sends.
pub fn run(args: &cli::Notify, context: &Context) -> Result<Exit> {
    let (channel, payload) = args.target_and_payload()?;
    match (channel, &args.queue) {
        (Some(channel), _) => sql::check_name("the channel's name", channel)?,
        (None, queue) => queue.iter().try_for_each(|name| queue::check_name(name))?,
    }
    if args.batch == Some(0) {
        return Err(Error::usage("--batch 0 would send nothing"));
    }
    let separator = match (args.lines, args.null) {
        (true, _) => Some(b'\n'),
        (_, true) => Some(0),
        _ => None,
    };
    match separator {
        Some(separator) => send_stream(args, context, channel, separator),
        None => send_one(args, context, channel, payload),
    }
}

/// The channel, or the queue, which must be there unless it is to be made.
fn target(args: &cli::Notify, connection: &mut Connection, channel: Option<&str>) -> Result<Target> {
    let Some(name) = &args.queue else {
        return Ok(Target::Channel(channel.unwrap_or_default().to_owned()));
    };
    let queue = Queue::named(&args.schema, name);
    if args.create {
        trigger::make_queue(connection, &queue)?;
    } else if queue::find(&mut connection.begin()?, &args.schema, name)?.is_none() {
        return Err(Error::usage(format!("there is no queue \"{name}\"")).hint("--create makes it"));
    }
    Ok(Target::Queue(queue))
}

fn send_one(args: &cli::Notify, context: &Context, channel: Option<&str>, payload: Option<&str>) -> Result<Exit> {
    // There is nothing in hand to be finished: a signal ends it at once.
    signal::watch(&Stop::default(), Duration::ZERO);
    let (counted, longest) = match channel {
        // No more than shows that it is too long, however much there is.
        Some(_) => (Counted::Characters, batch::TOO_LONG_BYTES as u64 + 1),
        None => (Counted::Not, u64::MAX),
    };
    let payload = match payload {
        Some("-") => whole_stdin(longest)?,
        Some(payload) => payload.as_bytes().to_vec(),
        None if std::io::stdin().is_terminal() => Vec::new(),
        None => whole_stdin(longest)?,
    };
    // Whatever can be told without a server is told before there is a connection.
    let payload = Checker { json: args.json, counted }.check(payload, "the payload")?;
    let mut connection = context.connect()?;
    let target = target(args, &mut connection, channel)?;
    let pooling = connection.pooling();
    let mut sender = Sender::new(&mut connection, pooling, &target);
    sender.send(std::slice::from_ref(&payload))?;
    report(args, context, &target, sender.sent(), false)?;
    Ok(Exit::Done)
}

fn whole_stdin(longest: u64) -> Result<Vec<u8>> {
    let mut payload = Vec::new();
    let read = std::io::stdin().lock().take(longest).read_to_end(&mut payload);
    read.map_err(|error| Error::failed(error.to_string()).doing("reading stdin"))?;
    if payload.last() == Some(&b'\n') {
        payload.pop();
    }
    Ok(payload)
}

fn send_stream(args: &cli::Notify, context: &Context, channel: Option<&str>, separator: u8) -> Result<Exit> {
    let stop = Stop::default();
    signal::watch(&stop, signal::GRACE);
    let mut connection = match context.connect_unless(&stop) {
        Err(error) if error.exit() == Exit::Signal => return Ok(Exit::Signal),
        connected => connected?,
    };
    let target = target(args, &mut connection, channel)?;
    let (counted, longest) = match target {
        Target::Channel(_) => (Counted::by_server(&mut connection)?, batch::TOO_LONG_BYTES as u64),
        Target::Queue(_) => (Counted::Not, u64::MAX),
    };
    let checker = Checker { json: args.json, counted };
    let pooling = connection.pooling();
    let mut sender = Sender::new(&mut connection, pooling, &target);
    let limit = usize::try_from(args.batch.unwrap_or(STREAM_BATCH)).unwrap_or(usize::MAX);
    let mut progress = Progress::new(context.term, "sent");
    let mut records = Records::start(separator, longest, &stop);
    let end = loop {
        if stop.requested().is_some() {
            break Ok(Exit::Signal);
        }
        let sent = match records.next_batch(limit, checker) {
            Ok(Input::Ended) => break Ok(Exit::Done),
            Ok(Input::Idle) => Ok(()),
            Ok(Input::Batch(batch)) => sender.send(&batch),
            Err(error) => Err(error),
        };
        if let Err(error) = sent {
            break Err(error);
        }
        progress.at(sender.sent().payloads);
    };
    progress.finish();
    let sent = sender.sent();
    let reported = report(args, context, &target, sent, true);
    let exit = end.map_err(|error| error.detail(sent.already(target.unit())))?;
    reported.map(|()| exit)
}

fn report(args: &cli::Notify, context: &Context, target: &Target, sent: Sent, stream: bool) -> Result<()> {
    let Sent { payloads, transactions } = sent;
    let (ones, many) = (counted(payloads, target.unit()), counted(transactions, "transaction"));
    let text = format!("sent {ones} to {target} in {many}");
    match args.output {
        Some(ReportFormat::Text) => print_lines(std::iter::once(text)),
        Some(ReportFormat::Json) => {
            let mut summary = json!({"sent": payloads, "transactions": transactions});
            match target {
                Target::Channel(name) => summary["channel"] = name.as_str().into(),
                Target::Queue(queue) => summary["queue"] = queue.name.as_str().into(),
            }
            print_lines(std::iter::once(summary.to_string()))
        }
        None => {
            if stream {
                context.term.note(text);
            }
            Ok(())
        }
    }
}

fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
