//! What the commands with a feed share: the flags of the output and of the limits, turned into what the feed takes.

use std::sync::Arc;
use std::time::Duration;

use crate::cli;
use crate::error::Result;
use crate::feed::event::{Control, Item};
use crate::feed::format::{Format, Json, Pretty, Raw};
use crate::feed::limits::{End, Limits, Meter};
use crate::feed::sink::{Out, Progress, Stdout};
use crate::feed::{Outcome, Sink};
use crate::stop::{Stop, StopReason};
use crate::term::Term;
use crate::{signal, sys};

/// How often it is looked whether a write is stuck.
const LOOK: Duration = Duration::from_millis(100);

/// When to stop by itself.
pub fn limits(limits: &cli::Limits) -> Limits {
    Limits { count: limits.count, timeout: limits.timeout, idle_timeout: limits.idle_timeout }
}

/// A sink that writes to stdout as asked.
pub fn sink(output: &cli::Output, term: Term, stdout: &Arc<Out>) -> Stdout {
    let terminator = if output.null { 0 } else { b'\n' };
    Stdout::new(Arc::clone(stdout), format_of(output, term), terminator)
}

fn format_of(output: &cli::Output, term: Term) -> Box<dyn Format> {
    match output.output {
        cli::OutputFormat::Raw => Box::new(Raw),
        cli::OutputFormat::Pretty => Box::new(Pretty::new(term.stdout_color)),
        cli::OutputFormat::Auto if term.stdout_is_terminal => Box::new(Pretty::new(term.stdout_color)),
        cli::OutputFormat::Json | cli::OutputFormat::Auto => Box::new(Json { control: output.control }),
    }
}

/// The last control records of a feed.
pub fn last_records(sink: &mut dyn Sink, records: impl Iterator<Item = Control>) {
    let mut records = records.map(Item::Control);
    let _: Result<Outcome> = records.try_for_each(|record| sink.write(&record).map(drop)).and_then(|()| sink.flush());
}

/// Why a feed has ended, for its last record; none when nobody reads that.
pub fn why_it_stopped(end: &Result<End>) -> Option<String> {
    Some(match end {
        Ok(End::Counted) => "the count is reached".to_owned(),
        Ok(End::SourceEnded) => "the feed has ended".to_owned(),
        Ok(End::TimeOver) => "the time is over".to_owned(),
        Ok(End::ReaderGone) => return None,
        Ok(End::Signal) => "stopped by a signal".to_owned(),
        Err(error) => error.to_string(),
    })
}

/// Notices that nobody reads stdout any more even while there is nothing to write.
pub fn stop_when_the_reader_goes(stop: &Stop) {
    if !sys::stdout_has_reader() {
        return;
    }
    let stop = stop.clone();
    std::thread::spawn(move || {
        if sys::wait_for_stdout_to_close() {
            stop.request(StopReason::ReaderGone);
        }
    });
}

/// Ends the process when the time of a feed is over, and nothing of what is being written was taken for as long as a signal would
/// leave it: the pump itself looks at the limits only between two writes.
pub fn end_a_stuck_write(meter: &Arc<Meter>, out: Arc<Out>, limits: &Limits, term: Term) {
    if limits.timeout.is_none() && limits.idle_timeout.is_none() {
        return;
    }
    let (meter, exit) = (Arc::downgrade(meter), End::TimeOver.exit(limits));
    std::thread::spawn(move || {
        let mut stuck = Duration::ZERO;
        let mut seen = Progress::Idle;
        while let Some(meter) = meter.upgrade() {
            let now = out.progress();
            let is_stuck = meter.is_over() && now != Progress::Idle && std::mem::replace(&mut seen, now) == now;
            // Held no longer than needed: it shows that the feed goes on.
            drop(meter);
            stuck = if is_stuck { stuck + LOOK } else { Duration::ZERO };
            if stuck > signal::GRACE {
                // On a thread: nobody may read stderr either.
                std::thread::spawn(move || term.warn("the time is over, and nobody takes what is being written"));
                std::thread::sleep(LOOK);
                std::process::exit(i32::from(exit.code()));
            }
            std::thread::sleep(LOOK);
        }
    });
}
