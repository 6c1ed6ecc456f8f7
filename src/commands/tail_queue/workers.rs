//! The workers of a consuming tail-queue: each a thread with a connection, a source, a sink and a pump.

use std::sync::Arc;
use std::time::Duration;

use super::{BATCH, Watch, batch_bytes, order, records, say_goodbye};
use crate::cli::{OnRefusedEvent, TailQueue};
use crate::commands::context::{Context, stdout};
use crate::commands::delivery::Taker;
use crate::commands::ready::Ready;
use crate::commands::told::Told;
use crate::commands::{exec, output};
use crate::connection::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::failpoint;
use crate::feed::Sink;
use crate::feed::event::ControlKind;
use crate::feed::limits::{End, Meter};
use crate::feed::pump::{OnRefusal, Pump};
use crate::feed::sink;
use crate::feed::source::queue::{Policy, QueueSource};
use crate::queue::Queue;
use crate::queue::doorbell::{Bell, For, Options};
use crate::signal;
use crate::stop::{Stop, StopReason};

/// What a batch may take longer than its handler's timeout, before the server ends the session.
const HOLD_MARGIN: Duration = Duration::from_secs(30);

/// Consumes until a limit, a signal, or the end of whoever reads.
pub fn run(
    args: &TailQueue,
    taker: &Taker,
    context: &Context,
    queue: &Queue,
    settings: &Settings,
    ready: &Ready,
) -> Result<Exit> {
    let stop = Stop::default();
    signal::watch(&stop, grace(taker));
    let limits = output::limits(&args.limits);
    let (meter, stdout) = (Arc::new(Meter::start(limits)), stdout()?);
    if matches!(taker, Taker::Stdout) {
        output::stop_when_the_reader_goes(&stop);
        output::end_a_stuck_write(&meter, Arc::clone(&stdout), &limits, context.term);
    }
    let workers = usize::from(args.jobs);
    let options = Options { what: For::Anything, workers, poll: args.poll, ends: args.exit_on_empty };
    let (bell, waiting) = Bell::start(settings.clone(), queue.clone(), options, &stop);
    let mut sources = Vec::new();
    // Nothing is missed while a connection is lost: what comes waits.
    let records = records(args, queue, ControlKind::Ready).filter(|_| matches!(taker, Taker::Stdout));
    for _ in 0..workers {
        let observer = Box::new(Watch { term: context.term });
        let (settings, bell) = (settings.clone(), Arc::clone(&bell));
        let source = QueueSource::open(settings, queue.clone(), policy(args, taker), bell, observer, &stop)?;
        sources.push(source.with_records(records.clone()));
    }
    ready.tell().iter().for_each(|why| context.term.warn(why));
    // The sink is made on the worker's thread: a command ends with the thread that started it.
    let sink = |source: &QueueSource| -> Result<Box<dyn Sink>> {
        Ok(match taker {
            Taker::Stdout => Box::new(output::sink(&args.output, context.term, &stdout)),
            Taker::Command => {
                let sink = exec::sink(&args.delivery, &stop, context.term)?.stderr(exec::stderr(context.term));
                Box::new(sink.env("PGFEED_QUEUE", &queue.name).within(source.hold()))
            }
            Taker::Sink(destination) => destination.open(&stop)?,
        })
    };
    let work = |mut source: QueueSource| {
        let end = sink(&source).and_then(|mut sink| {
            let pump = Pump {
                source: &mut source,
                sink: sink.as_mut(),
                meter: &meter,
                batch: batch(args, taker),
                on_refusal: if args.on_error == OnRefusedEvent::Stop { OnRefusal::Stop } else { OnRefusal::GoOn },
                report: &Told { term: context.term },
                stop: &stop,
            };
            let end = pump.run();
            end.and_then(|end| sink.close().map(|()| end))
        });
        // Whatever ends one worker ends all: a limit, a signal, a failure.
        stop.request(StopReason::Finished);
        end
    };
    let ends: Vec<Result<End>> = std::thread::scope(|scope| {
        let threads: Vec<_> = sources.into_iter().map(|source| scope.spawn(|| work(source))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(Error::failed("a worker panicked"))))
            .collect()
    });
    drop(waiting);
    let end = first_reason(ends);
    if matches!(taker, Taker::Stdout) {
        say_goodbye(args, queue, &mut output::sink(&args.output, context.term, &stdout), &end);
    }
    Ok(end?.exit(&limits))
}

/// Why it ended: a failure counts most; that others had ended, least.
fn first_reason(ends: Vec<Result<End>>) -> Result<End> {
    let mut reason = End::SourceEnded;
    for end in ends {
        match end? {
            End::SourceEnded => {}
            other => reason = other,
        }
    }
    Ok(reason)
}

/// How long after the first signal the process may take.
fn grace(taker: &Taker) -> Duration {
    match taker {
        Taker::Stdout => signal::GRACE,
        Taker::Command => sink::exec::GRACE,
        Taker::Sink(_) => sink::GRACE,
    }
}

/// Events in a transaction.
fn batch(args: &TailQueue, taker: &Taker) -> usize {
    let default = if matches!(taker, Taker::Command) { exec::batch(&args.delivery) } else { None };
    args.batch.map_or(default.unwrap_or(BATCH), |batch| usize::try_from(batch).unwrap_or(usize::MAX)).max(1)
}

fn policy(args: &TailQueue, taker: &Taker) -> Policy {
    let max_attempts = if args.on_error == OnRefusedEvent::Dead { 1 } else { i32::from(args.max_attempts) };
    let timeout = match taker {
        Taker::Sink(_) => Some(sink::ACKNOWLEDGE_WITHIN),
        // The last event is offered when half of the time is over, and may then take as long as each.
        Taker::Command if batch(args, taker) > 1 => args.delivery.timeout().map(|timeout| timeout.saturating_mul(2)),
        Taker::Stdout | Taker::Command => args.delivery.timeout(),
    };
    Policy {
        order: order(args),
        hold: timeout.map(|timeout| failpoint::at_most("PGFEED_HOLD", timeout.saturating_add(HOLD_MARGIN))),
        bytes: batch_bytes(args),
        max_attempts,
        first_delay: args.backoff,
    }
}
