//! What the commands with a feed share: the flags of the output and of the limits, turned into what the feed takes.

use std::fs::File;
use std::sync::{Arc, Mutex};

use crate::cli;
use crate::error::Result;
use crate::feed::event::{Control, Item};
use crate::feed::format::{Format, Json, Pretty, Raw};
use crate::feed::limits::{End, Limits};
use crate::feed::sink::Stdout;
use crate::feed::{Outcome, Sink};
use crate::stop::{Stop, StopReason};
use crate::sys;
use crate::term::Term;

/// When to stop by itself.
pub fn limits(limits: &cli::Limits) -> Limits {
    Limits { count: limits.count, timeout: limits.timeout, idle_timeout: limits.idle_timeout }
}

/// A sink that writes to stdout as asked.
pub fn sink(output: &cli::Output, term: Term, stdout: &Arc<Mutex<File>>) -> Stdout {
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
