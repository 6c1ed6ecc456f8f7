//! `pgfeed listen`: from channels to stdout, a command, or a sink.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, stdout};
use super::delivery::{self, Taker};
use super::exec;
use super::output;
use super::ready::Ready;
use super::told::Told;
use crate::cli;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::Sink;
use crate::feed::event::{Control, ControlKind};
use crate::feed::format;
use crate::feed::limits::{End, Limits, Meter};
use crate::feed::pump::{OnRefusal, Pump};
use crate::feed::sink::{self, Acknowledgement, Out, Stdout};
use crate::feed::source::listen::{Listen, Observer, Options, Overflow, Reconnect};
use crate::stop::Stop;
use crate::term::Term;
use crate::units::show_duration;
use crate::{signal, sql, sys};

/// The most notifications written between two flushes.
const MAX_BATCH: usize = 1000;

/// Listens until a limit, a signal, or the end of whoever reads.
pub fn run(args: &cli::Listen, context: &Context) -> Result<Exit> {
    let taker = delivery::taker(&args.delivery, Acknowledgement::NotNeeded)?;
    let options = Options {
        channels: channels(&args.channels)?,
        settings: context.settings()?,
        heartbeat: args.heartbeat,
        reconnect: match args.reconnect {
            cli::Reconnect::Always => Reconnect::Always,
            cli::Reconnect::Never => Reconnect::Never,
        },
        wait_server: context.connection.wait_server,
        buffer_bytes: usize::try_from(args.buffer).unwrap_or(usize::MAX),
        overflow: match args.overflow {
            cli::Overflow::Drop => Overflow::Drop,
            cli::Overflow::Stop => Overflow::Stop,
        },
    };
    let watch = Watch { term: context.term, target: options.settings.target() };
    let programs = Programs {
        term: context.term,
        gaps: args.gap_fd.map(gap_file).transpose()?,
        // Last, since it removes a file: nothing of the command line can be wrong any more.
        ready: Ready::new(args.output.ready_file.clone())?,
    };
    let stop = Stop::default();
    let outlet = match taker {
        Taker::Stdout => Outlet::stdout(output::sink(&args.output, context.term, &stdout()?)),
        Taker::Command => Outlet::command(args, &options.channels, &stop, context.term)?,
        Taker::Sink(destination) => Outlet::sink(args, destination.open(&stop)?),
    };
    let observers: Vec<Box<dyn Observer>> = vec![Box::new(programs), Box::new(watch)];
    follow(options, observers, outlet, &output::limits(&args.limits), context.term, &stop)
}

/// Where notifications go, and what that asks of the pump.
pub struct Outlet {
    sink: Box<dyn Sink>,
    batch: usize,
    on_refusal: OnRefusal,
    /// How long after the first signal the process may take.
    grace: Duration,
    /// Stdout, if they go there: then it is all over when nobody reads that any more.
    out: Option<Arc<Out>>,
}

impl Outlet {
    /// To stdout.
    pub fn stdout(sink: Stdout) -> Self {
        let (batch, on_refusal, out) = (MAX_BATCH, OnRefusal::Stop, Some(sink.out()));
        Self { sink: Box::new(sink), batch, on_refusal, grace: signal::GRACE, out }
    }

    /// To the clients of a server, who take all or nothing.
    #[cfg(feature = "serve")]
    pub fn clients(sink: Box<dyn Sink>) -> Self {
        Self { sink, batch: MAX_BATCH, on_refusal: OnRefusal::GoOn, grace: signal::GRACE, out: None }
    }

    /// To a command.
    fn command(args: &cli::Listen, channels: &[Arc<str>], stop: &Stop, term: Term) -> Result<Self> {
        let mut sink = exec::sink(&args.delivery, stop, term)?;
        if let [channel] = channels {
            sink = sink.env("PGFEED_CHANNEL", channel);
        }
        let (batch, on_refusal) = (exec::batch(&args.delivery).unwrap_or(MAX_BATCH), on_refusal(args));
        Ok(Self { sink: Box::new(sink), batch, on_refusal, grace: sink::exec::GRACE, out: None })
    }

    /// To a sink of `--to`.
    fn sink(args: &cli::Listen, sink: Box<dyn Sink>) -> Self {
        Self { sink, batch: MAX_BATCH, on_refusal: on_refusal(args), grace: sink::GRACE, out: None }
    }
}

fn on_refusal(args: &cli::Listen) -> OnRefusal {
    match args.on_error {
        cli::OnError::Stop => OnRefusal::Stop,
        cli::OnError::Skip => OnRefusal::GoOn,
    }
}

/// Pumps notifications until a limit, a signal, or the end of whoever reads.
pub fn follow(
    options: Options,
    observers: Vec<Box<dyn Observer>>,
    outlet: Outlet,
    limits: &Limits,
    term: Term,
    stop: &Stop,
) -> Result<Exit> {
    let channels = Arc::clone(&options.channels);
    let Outlet { mut sink, batch, on_refusal, grace, out } = outlet;
    signal::watch(stop, grace);
    let mut source = Listen::start(options, observers, stop);
    let meter = Arc::new(Meter::start(*limits));
    if let Some(out) = out {
        output::stop_when_the_reader_goes(stop);
        output::end_a_stuck_write(&meter, out, limits, term);
    }
    let meter = meter.as_ref();
    let report = &Told { term };
    let pump = Pump { source: &mut source, sink: sink.as_mut(), meter, batch, on_refusal, report, stop };
    let end = match pump.run() {
        Ok(End::TimeOver) if limits.count.is_none() && !source.was_live() => {
            Err(Error::connection("the time was over before there was a connection"))
        }
        end => end,
    };
    if let Some(why) = output::why_it_stopped(&end) {
        let stopped = Control::now(ControlKind::Stopped, &channels, None, Some(why));
        output::last_records(sink.as_mut(), source.last_overflow().into_iter().chain([stopped]));
    }
    let end = match (end, sink.close()) {
        (Ok(end), Err(error)) if end == End::Signal || on_refusal == OnRefusal::GoOn => {
            term.warn(error.to_string());
            end
        }
        (end, closed) => end.and_then(|end| closed.map(|()| end))?,
    };
    Ok(end.exit(limits))
}

/// Checks the names of channels.
///
/// # Errors
/// A usage error when one is no name.
pub fn channels(names: &[String]) -> Result<Arc<[Arc<str>]>> {
    let mut channels: Vec<Arc<str>> = Vec::new();
    for name in names {
        sql::check_name("the channel's name", name)?;
        if !channels.iter().any(|known| known.as_ref() == name) {
            channels.push(Arc::from(name.as_str()));
        }
    }
    Ok(channels.into())
}

fn gap_file(fd: RawFd) -> Result<File> {
    let refused = |why: &str| Error::usage(format!("--gap-fd {fd}: {why}"));
    if fd <= 2 {
        return Err(refused("0, 1 and 2 are stdin, stdout and stderr").hint("open another one, as in 3>gaps"));
    }
    sys::inherited_file(fd).map_err(|error| refused(&error.to_string()).hint(format!("open it, as in {fd}>gaps")))
}

/// Tells people what happens to the connection.
struct Watch {
    term: Term,
    /// What is connected to.
    target: String,
}

impl Observer for Watch {
    fn connected(&mut self, to: &str) {
        self.term.verbose(format!("connected to {to}"));
    }

    fn control(&mut self, control: &Control) {
        let detail = control.detail.as_deref().unwrap_or_default();
        match control.kind {
            ControlKind::Ready => {
                // A person at a terminal may have another database in mind.
                let place = if self.term.stderr_is_terminal { format!(" ({})", self.target) } else { String::new() };
                self.term.note(format!("listening on {}{place}", control.about.names()));
            }
            ControlKind::Lost => self.term.warn(format!("connection lost: {detail}")),
            ControlKind::Gap => {
                let down = show_duration(control.down.unwrap_or_default());
                self.term
                    .warn(format!("listening again, after a gap of {down}: what was sent in between is not known"));
            }
            ControlKind::Overflow => self.term.warn(detail),
            ControlKind::Stopped => {}
        }
    }

    fn retrying(&mut self, error: &Error) {
        self.term.warn(format!("{error}; trying again"));
    }

    fn full(&mut self, then: Overflow) {
        let then = match then {
            Overflow::Drop => "notifications are dropped until it catches up",
            Overflow::Stop => "listening ends here, and what was received is still delivered",
        };
        self.term.warn(format!("the reader is too slow and the buffer is full: {then}"));
    }
}

/// Tells programs the same: the ready file, systemd, and whoever reads the gap descriptor. Apart from people, whose stderr nobody may
/// read.
struct Programs {
    term: Term,
    ready: Ready,
    gaps: Option<File>,
}

impl Observer for Programs {
    fn control(&mut self, control: &Control) {
        match control.kind {
            ControlKind::Ready => self.ready.tell().into_iter().for_each(|why| self.term.warn(why)),
            ControlKind::Gap | ControlKind::Overflow => self.tell_gap(control),
            ControlKind::Lost | ControlKind::Stopped => {}
        }
    }

    fn retrying(&mut self, _error: &Error) {}

    fn full(&mut self, _then: Overflow) {}
}

impl Programs {
    fn tell_gap(&mut self, control: &Control) {
        let Some(file) = &mut self.gaps else { return };
        let mut line = Vec::new();
        format::append_control(&mut line, control);
        line.push(b'\n');
        if let Err(error) = file.write_all(&line) {
            self.term.warn(format!("writing to --gap-fd: {error}"));
        }
    }
}
