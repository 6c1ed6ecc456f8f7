//! `pgfeed tail-queue`: from a durable queue to stdout or a sink, by one or more workers.

mod dead;
mod workers;

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::sync::Arc;

use super::context::{Context, stdout};
use super::delivery::{self, Taker};
use super::look::Look;
use super::output;
use super::ready::Ready;
use super::told::Told;
use crate::cli::TailQueue;
use crate::connection::{Connection, Pooling, Settings};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::Sink;
use crate::feed::event::{Control, ControlKind};
use crate::feed::limits::{End, Meter};
use crate::feed::sink::Acknowledgement;
use crate::feed::source::queue::Observer;
use crate::feed::source::records::Records;
use crate::queue::{self, Order, Queue};
use crate::signal;
use crate::stop::Stop;
use crate::term::Term;

/// Events in a transaction, unless told otherwise.
const BATCH: usize = 1000;

/// Looks, takes, or tends to the dead.
pub fn run(args: &TailQueue, context: &Context) -> Result<Exit> {
    tail(args, context).map_err(|error| match error.sqlstate() {
        Some("42501") => error.hint(
            "it needs USAGE on pgfeed's schema, SELECT on its table queue, and rights on the queue's own tables, of which the \
             README has a list",
        ),
        _ => error,
    })
}

fn tail(args: &TailQueue, context: &Context) -> Result<Exit> {
    if let Some(name) = &args.queue {
        queue::check_name(name)?;
    }
    if args.consume {
        refuse_nowhere()?;
    }
    let consumes = args.consume || args.delivery.is_given();
    if args.jobs > 1 && !consumes {
        return Err(Error::usage("--jobs: whoever only looks is alone")
            .hint("workers share out what they take: --consume, --to or a command"));
    }
    if args.unordered && !consumes {
        return Err(Error::usage("--unordered: whoever only looks sees all events, oldest first")
            .hint("it is for what is taken: --consume, --to or a command"));
    }
    let acknowledgement = if args.at_most_once { Acknowledgement::NotNeeded } else { Acknowledgement::Needed };
    let taker = delivery::taker(&args.delivery, acknowledgement)?;
    if let Taker::Sink(destination) = &taker
        && args.unordered
        && destination.needs_order()
    {
        return Err(Error::usage("--unordered: what keeps a table in step needs the changes of a row in their order"));
    }
    let mut connection = context.connect()?;
    let queue = choose(&mut connection, args)?;
    if args.dead {
        return dead::run(args, context.term, &queue, connection);
    }
    if connection.pooling() == Pooling::Transaction {
        let place = connection.endpoint();
        context.term.warn(format!(
            "a transaction pooler answers at {place}, and through one nobody can be woken: the queue is looked at every second"
        ));
    }
    let ready = Ready::new(args.output.ready_file.clone())?;
    let settings = context.settings()?;
    if consumes {
        drop(connection);
        return workers::run(args, &taker, context, &queue, &settings, &ready);
    }
    look(args, context, connection, &queue, settings, &ready)
}

/// The queue that was named, or the only one.
fn choose(connection: &mut Connection, args: &TailQueue) -> Result<Queue> {
    let queues = queue::list(&mut connection.begin()?, &args.schema)?;
    let names = || queues.iter().map(|queue| queue.name.as_str()).collect::<Vec<_>>().join(", ");
    let there_are = || match queues.as_slice() {
        [] => "there is no queue here: install-trigger --queue or notify --queue --create makes one".to_owned(),
        _ => format!("the queues are: {}", names()),
    };
    match (&args.queue, queues.as_slice()) {
        (Some(name), _) => {
            let found = queues.iter().find(|queue| queue.name == *name).cloned();
            found.ok_or_else(|| Error::usage(format!("there is no queue \"{name}\"")).hint(there_are()))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(Error::usage(there_are())),
        (None, _) => Err(Error::usage("there is more than one queue").hint(there_are())),
    }
}

/// What is taken and printed to nowhere is lost.
fn refuse_nowhere() -> Result<()> {
    let nowhere = std::fs::metadata("/dev/null").map(|null| null.rdev());
    let stdout = stdout()?;
    let metadata = stdout.file().metadata();
    match (metadata, nowhere) {
        (Ok(stdout), Ok(nowhere)) if stdout.file_type().is_char_device() && stdout.rdev() == nowhere => {
            Err(Error::usage("--consume would throw the events away: stdout is closed or /dev/null")
                .hint("to delete them, run a command that succeeds: -- true"))
        }
        _ => Ok(()),
    }
}

fn look(
    args: &TailQueue,
    context: &Context,
    connection: Connection,
    queue: &Queue,
    settings: Settings,
    ready: &Ready,
) -> Result<Exit> {
    let (term, limits, stop) = (context.term, output::limits(&args.limits), &Stop::default());
    signal::watch(stop, signal::GRACE);
    output::stop_when_the_reader_goes(stop);
    let batch = args.batch.map_or(BATCH, |batch| usize::try_from(batch).unwrap_or(usize::MAX)).max(1);
    let bytes = batch_bytes(args);
    // What others take while the connection is lost is not shown.
    let records = records(args, queue, ControlKind::Gap);
    let (meter, out) = (Arc::new(Meter::start(limits)), stdout()?);
    output::end_a_stuck_write(&meter, Arc::clone(&out), &limits, term);
    let meter = meter.as_ref();
    let look = Look { queue, settings, records, poll: args.poll, ends: args.exit_on_empty, batch, bytes, meter, stop };
    let mut sink = output::sink(&args.output, term, &out);
    let end = look.run(connection, Box::new(Watch { term }), &mut sink, &Told { term }, || {
        // In front of a stderr that nobody may read.
        let failed = ready.tell();
        if term.stdout_is_terminal {
            term.note("looking only: every event stays in the queue (--consume takes them)");
        }
        failed.iter().for_each(|why| term.warn(why));
    });
    say_goodbye(args, queue, &mut sink, &end);
    Ok(end?.exit(&limits))
}

/// Bytes of payload in a transaction, or shown together.
fn batch_bytes(args: &TailQueue) -> usize {
    usize::try_from(args.batch_bytes).unwrap_or(usize::MAX).max(1)
}

/// The control records of a feed, if somebody wants them.
fn records(args: &TailQueue, queue: &Queue, back: ControlKind) -> Option<Arc<Records>> {
    args.output.control.then(|| Arc::new(Records::new(&queue.name, back)))
}

fn say_goodbye(args: &TailQueue, queue: &Queue, sink: &mut dyn Sink, end: &Result<End>) {
    if args.output.control
        && let Some(why) = output::why_it_stopped(end)
    {
        let queue = Arc::from(queue.name.as_str());
        let stopped = Control::of_queue(ControlKind::Stopped, &queue, None, Some(why));
        output::last_records(sink, std::iter::once(stopped));
    }
}

/// Tells people how a connection fares.
struct Watch {
    term: Term,
}

impl Observer for Watch {
    fn lost(&self, error: &Error) {
        self.term.warn(format!("{error}; trying again"));
    }

    fn back(&self) {
        self.term.note("connected again");
    }

    fn buried(&self, id: i64, reason: &str) {
        self.term.warn(format!("event {id} is dead after its last attempt: {reason}"));
    }
}

/// Whether the order of a row's events is kept.
fn order(args: &TailQueue) -> Order {
    if args.unordered { Order::Unordered } else { Order::Ordered }
}
