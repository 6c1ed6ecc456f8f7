//! Goes through hosts and addresses until one is as asked, each within its own time.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::thread;
use std::time::{Duration, Instant};

use super::attempt::{self, Target};
use super::endpoint::Place;
use super::line::{Line, Stage};
use super::preamble::Facts;
use super::settings::{Host, Order, Settings, Wanted};
use super::{Connection, is_transient};
use crate::backoff::{Backoff, Random};
use crate::bounded::{self, Outcome};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::units::show_duration;

/// How often a wait asks whether to stop: a signal is to be answered at once, as a person sees it.
const SLICE: Duration = Duration::from_millis(50);

/// Connects, trying again while the error is transient and `wait_server` is not over.
///
/// `on_wait` hears each error before a wait. When `stop` says so, the error has the exit code of a signal.
///
/// # Errors
/// The last error.
pub fn open_waiting(
    settings: &Settings,
    wait_server: Duration,
    stop: &dyn Fn() -> bool,
    on_wait: &mut dyn FnMut(&Error),
) -> Result<Connection> {
    let started = Instant::now();
    let mut backoff = Backoff::new();
    loop {
        let error = match open_unless(settings, stop) {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let left = wait_server.saturating_sub(started.elapsed());
        if left.is_zero() || !is_transient(&error) {
            return Err(error);
        }
        on_wait(&error);
        let until = Instant::now() + backoff.wait().min(left);
        while Instant::now() < until {
            if stop() {
                return Err(stopped(settings));
            }
            thread::sleep(until.saturating_duration_since(Instant::now()).min(SLICE));
        }
    }
}

/// Connects in a thread, which is left to itself when `stop` says so: it ends within the connect timeout.
fn open_unless(settings: &Settings, stop: &dyn Fn() -> bool) -> Result<Connection> {
    let its_settings = settings.clone();
    match bounded::start(move || open(&its_settings)).wait_unless(stop) {
        Outcome::Done(result) => result,
        Outcome::Expired => Err(stopped(settings)),
        Outcome::Died => Err(Error::connection("the connecting thread ended unexpectedly")),
    }
}

fn stopped(settings: &Settings) -> Error {
    Error::connection("stopped").exiting(Exit::Signal).permanent().doing(doing(settings))
}

/// Connects to the first host that is as asked.
pub(super) fn open(settings: &Settings) -> Result<Connection> {
    let passes: &[Wanted] = match settings.wanted {
        Wanted::PreferStandby => &[Wanted::Standby, Wanted::Any],
        ref wanted => std::slice::from_ref(wanted),
    };
    let mut hosts: Vec<&Host> = settings.hosts.iter().collect();
    if settings.order == Order::Random {
        Random::new().shuffle(&mut hosts);
    }
    let mut failures = Vec::new();
    for wanted in passes {
        failures.clear();
        for host in &hosts {
            let search = Search { settings, host, wanted: *wanted };
            match search.run(&mut failures) {
                Ok(Some(connection)) => return Ok(connection),
                Ok(None) => {}
                Err(error) => return Err(error.doing(doing(settings))),
            }
        }
    }
    Err(summary(failures).doing(doing(settings)))
}

fn doing(settings: &Settings) -> String {
    format!("connecting to {}", settings.target())
}

/// A place that did not do, and why.
struct Failure {
    place: String,
    error: Error,
}

/// One error out of all: theirs when they agree, else a list of places and reasons.
fn summary(failures: Vec<Failure>) -> Error {
    let all_permanent = failures.iter().all(|failure| failure.error.is_permanent());
    let mut failures = failures.into_iter();
    let Some(first) = failures.next() else { return Error::connection("there is no host to connect to") };
    let others: Vec<Failure> = failures.filter(|other| other.error.to_string() != first.error.to_string()).collect();
    if others.is_empty() {
        return first.error;
    }
    let told = std::iter::once(&first).chain(&others).map(|failure| format!("{}: {}", failure.place, failure.error));
    let mut error = Error::connection(told.collect::<Vec<_>>().join("; "));
    let hint = std::iter::once(&first).chain(&others).find_map(|f| f.error.notes().find(|(label, _)| *label == "hint"));
    if let Some((_, hint)) = hint {
        error = error.hint(hint);
    }
    if all_permanent { error.permanent() } else { error }
}

/// The search for a server at one host.
struct Search<'a> {
    settings: &'a Settings,
    host: &'a Host,
    wanted: Wanted,
}

impl Search<'_> {
    /// Tries every address of the host. An error ends the whole search: as in libpq, a server that answered and refused
    /// the user is not followed by another.
    fn run(&self, failures: &mut Vec<Failure>) -> Result<Option<Connection>> {
        let started = Instant::now();
        let targets = match self.targets() {
            Ok(targets) => targets,
            Err(error) => {
                failures.push(Failure { place: self.host.endpoint.to_string(), error });
                return Ok(None);
            }
        };
        let count = targets.len();
        for (index, target) in targets.into_iter().enumerate() {
            // An address that swallows packets must leave time for the others.
            let left = self.settings.timeout.map(|limit| limit.saturating_sub(started.elapsed()));
            let share = left.map(|left| left / u32::try_from(count - index).unwrap_or(u32::MAX));
            let place = match &target {
                Target::Tcp { address, .. } if count > 1 => format!("{} ({address})", self.host.endpoint),
                Target::Tcp { .. } | Target::Socket(_) => self.host.endpoint.to_string(),
            };
            match self.attempt(target, share) {
                Ok(connection) => return Ok(Some(connection)),
                Err(error) if error.sqlstate().is_some() && !is_transient(&error) => return Err(error),
                Err(error) => failures.push(Failure { place, error }),
            }
        }
        Ok(None)
    }

    /// What to try; a name may have several addresses.
    fn targets(&self) -> Result<Vec<Target>> {
        let (name, address) = match &self.host.endpoint.place {
            Place::Socket(dir) => return Ok(vec![Target::Socket(dir.clone())]),
            Place::Tcp { name, address } => (name.clone(), address.or_else(|| name.parse().ok())),
        };
        if let Some(address) = address {
            return Ok(vec![Target::Tcp { name, address }]);
        }
        let place = (name.clone(), self.host.endpoint.port);
        let found = bounded::run(self.settings.timeout, move || {
            let (name, port) = place;
            (name.as_str(), port).to_socket_addrs().map(Iterator::collect::<Vec<SocketAddr>>)
        });
        let mut found = match found {
            Outcome::Done(Ok(found)) => found,
            Outcome::Done(Err(error)) => return Err(no_such_host(&error)),
            Outcome::Expired => return Err(Error::connection("looking up the name took too long")),
            Outcome::Died => return Err(Error::connection("no thread could be started")),
        };
        if self.settings.order == Order::Random {
            Random::new().shuffle(&mut found);
        }
        Ok(found.into_iter().map(|found| Target::Tcp { name: name.clone(), address: found.ip() }).collect())
    }

    fn attempt(&self, target: Target, limit: Option<Duration>) -> Result<Connection> {
        let line = Line::default();
        let (settings, host, its_line) = (self.settings.clone(), self.host.clone(), line.clone());
        let outcome = bounded::run(limit, move || attempt::run(&settings, &host, &target, &its_line));
        let session = match outcome {
            Outcome::Done(result) => result?,
            Outcome::Expired => return Err(self.expired(&line, limit.unwrap_or_default())),
            Outcome::Died => return Err(Error::connection("the connecting thread ended unexpectedly")),
        };
        let unsuitable = unsuitable(&session.facts, self.wanted);
        let connection = Connection::new(session, self.host.endpoint.clone());
        unsuitable.map_or(Ok(connection), Err)
    }

    fn expired(&self, line: &Line, limit: Duration) -> Error {
        let stage = line.stage();
        line.cut();
        // Looking up the name took some of it: 9.998 s are the 10 s that were asked for.
        let limit =
            show_duration(Duration::from_millis(100) * u32::try_from(limit.as_millis().div_ceil(100)).unwrap_or(0));
        match (&self.host.endpoint.place, stage) {
            (Place::Socket(_), _) => Error::connection(format!("the server did not answer within {limit}"))
                .hint("it may be overloaded or stopped"),
            (Place::Tcp { .. }, Stage::Connected | Stage::Encrypted) => {
                Error::connection(format!("the server took the connection but did not answer within {limit}"))
                    .hint("it may be overloaded or stopped, or what listens there is not PostgreSQL")
            }
            (Place::Tcp { .. }, _) => Error::connection(format!("no answer within {limit}"))
                .hint("is the host right, and does a firewall let the port through?"),
        }
    }
}

fn no_such_host(error: &std::io::Error) -> Error {
    // "failed to lookup address information: Name or service not known": the second half says it.
    let text = error.to_string();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    Error::connection(format!("the host's name cannot be resolved: {text}"))
}

/// Why a server is not the kind that was asked for.
fn unsuitable(facts: &Facts, wanted: Wanted) -> Option<Error> {
    let standby = facts.is_standby;
    let read_only = standby || facts.is_read_only_by_default;
    let asked = "target_session_attrs asks for another kind of server: name it among the hosts too";
    let kind = match wanted {
        Wanted::Any | Wanted::PreferStandby => return None,
        Wanted::ReadWrite if standby => "it is a standby, and takes no writes",
        Wanted::ReadWrite if read_only => "its sessions are read-only by default",
        Wanted::ReadOnly if !read_only => "it is not read-only",
        Wanted::Primary if standby => "it is a standby",
        Wanted::Standby if !standby => "it is not a standby",
        Wanted::ReadWrite | Wanted::ReadOnly | Wanted::Primary | Wanted::Standby => return None,
    };
    Some(Error::connection(kind).hint(asked))
}

#[cfg(test)]
#[path = "open_tests.rs"]
mod tests;
