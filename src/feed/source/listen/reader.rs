//! The reader thread: owns the LISTENing connection, never waits for a sink, notices a dead server, and comes back.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use fallible_iterator::FallibleIterator;
use jiff::Timestamp;
use postgres::{Client, Notification};

use super::held::{Admission, Held};
use super::observer::Teller;
use super::{Message, Options, Reconnect};
use crate::backoff::Backoff;
use crate::connection::{self, Connection, Pooling};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::event::{Control, ControlKind, Event, Item, Origin};
use crate::sql;

/// How long a server may take to answer a heartbeat: with the heartbeat itself, within the promised two seconds more.
const HEARTBEAT_LIMIT: Duration = Duration::from_millis(1500);
/// How long LISTEN may take. It waits for nobody's lock, so a server that needs longer is not well.
const LISTEN_LIMIT: Duration = Duration::from_secs(10);
/// The longest wait for the socket, also without a heartbeat; an error ends it early.
const LONG_WAIT: Duration = Duration::from_secs(3600);
/// A connection that lived this long was a good one: the next loss is tried again quickly.
const STABLE: Duration = Duration::from_secs(10);
/// Most notifications handed over at once.
const MAX_BURST: usize = 1000;

pub(super) struct Reader {
    options: Options,
    teller: Teller,
    sender: Sender<Message>,
    held: Arc<Held>,
    backoff: Backoff,
}

/// Why receiving ended.
enum Fault {
    Lost {
        error: Error,
        /// Since when nothing is known to have been received.
        since: Instant,
    },
    Full,
}

impl Reader {
    pub(super) fn new(options: Options, teller: Teller, sender: Sender<Message>, held: Arc<Held>) -> Self {
        Self { options, teller, sender, held, backoff: Backoff::new() }
    }

    /// Listens until the process ends or the feed has failed for good.
    pub(super) fn run(mut self) {
        let died = |_| Error::failed("the thread that listens has ended unexpectedly");
        let error = panic::catch_unwind(AssertUnwindSafe(|| self.follow())).unwrap_or_else(died);
        // Nobody hears it when the pump has ended: then it does not matter.
        let _ = self.sender.send(Message::Failed(error));
    }

    fn follow(&mut self) -> Error {
        let mut connection = match self.first() {
            Ok(connection) => connection,
            Err(error) => return error,
        };
        self.tell(ControlKind::Ready, None, None);
        loop {
            let live = Instant::now();
            let (lost, since) = match self.receive(&mut connection) {
                Fault::Full => return overflow(self.options.buffer_bytes),
                Fault::Lost { error, since } => (error, since),
            };
            drop(connection);
            if live.elapsed() > STABLE {
                self.backoff.reset();
            }
            self.tell(ControlKind::Lost, None, Some(lost.to_string()));
            if self.options.reconnect == Reconnect::Never {
                return lost.doing("connection lost").exiting(Exit::Connection);
            }
            connection = match self.again(None, String::new()) {
                Ok(connection) => connection,
                Err(error) => return error.doing("reconnecting"),
            };
            self.tell(ControlKind::Gap, Some(since.elapsed()), Some(lost.to_string()));
        }
    }

    fn first(&mut self) -> Result<Connection> {
        let wait = self.options.wait_server;
        let deadline = Instant::now().checked_add(wait);
        match self.listen() {
            Err(error) if connection::is_transient(&error) && !wait.is_zero() => {
                let told = error.to_string();
                self.teller.tell(move |observer| observer.retrying(&error));
                self.again(deadline, told)
            }
            answer => answer,
        }
    }

    /// Tries until it listens again; gives up at a deadline, or when trying again cannot help. `told` is the error that was told
    /// last: an outage is told once, however long.
    fn again(&mut self, deadline: Option<Instant>, mut told: String) -> Result<Connection> {
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            std::thread::sleep(self.backoff.wait().min(left.unwrap_or(Duration::MAX)));
            let error = match self.listen() {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            if !connection::is_transient(&error) || deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(error);
            }
            if told != error.to_string() {
                told = error.to_string();
                self.teller.tell(move |observer| observer.retrying(&error));
            }
        }
    }

    /// Connects and LISTENs: when this returns, nothing sent from now on is missed.
    fn listen(&self) -> Result<Connection> {
        let statements: Vec<String> =
            self.options.channels.iter().map(|channel| format!("LISTEN {}", sql::ident(channel))).collect();
        let started = Instant::now();
        let connection = Connection::open(&self.options.settings)?;
        let described = connection.describe(started.elapsed());
        self.teller.tell(move |observer| observer.connected(&described));
        if connection.pooling() == Pooling::Transaction {
            return Err(deaf(&connection));
        }
        let listen = move |client: &mut Client| Ok(client.batch_execute(&statements.join(";"))?);
        let (connection, ()) = connection.within(LISTEN_LIMIT, listen).map_err(|error| match error.sqlstate() {
            Some("25006") => error.hint(
                "this server is a standby, and LISTEN works on a primary only: add target_session_attrs=read-write",
            ),
            // A known bug of servers before November 2025, cured by whatever moves the tail of the notification queue.
            Some("58P01") => error.hint("update the server to the latest minor release"),
            _ => error,
        })?;
        Ok(connection)
    }

    fn receive(&mut self, connection: &mut Connection) -> Fault {
        let heartbeat = self.options.heartbeat;
        let mut last_sign = Instant::now();
        loop {
            // The iterator's clock starts anew with every notification (postgres 0.19.14), so the deadline is kept here.
            let wait = if heartbeat.is_zero() { LONG_WAIT } else { heartbeat.saturating_sub(last_sign.elapsed()) };
            let wait = wait.min(LONG_WAIT);
            let (burst, end) = next_burst(connection, wait);
            if !burst.is_empty() {
                last_sign = Instant::now();
                if self.hand_over(&burst) == Admission::Full {
                    return Fault::Full;
                }
            }
            if let Err(error) = end {
                return Fault::Lost { error, since: Instant::now() };
            }
            if heartbeat.is_zero() || last_sign.elapsed() < heartbeat {
                continue;
            }
            if let Err(error) = connection.alive(HEARTBEAT_LIMIT) {
                let last = buffered(connection, usize::MAX);
                if self.hand_over(&last) == Admission::Full {
                    return Fault::Full;
                }
                // An answer can stand behind many notifications on a slow line: they are a sign of life as well.
                if last.is_empty() || error.sqlstate().is_some() || connection.is_closed() {
                    return Fault::Lost { error, since: last_sign };
                }
            }
            last_sign = Instant::now();
        }
    }

    fn hand_over(&self, burst: &[Notification]) -> Admission {
        let at = Timestamp::now();
        let items = burst.iter().map(|notification| Item::Event(self.event(notification, at))).collect();
        let send = |items| {
            let _ = self.sender.send(Message::Items(items));
        };
        self.held.admit(items, send, |then| self.teller.tell(move |observer| observer.full(then)))
    }

    fn event(&self, notification: &Notification, at: Timestamp) -> Event {
        let known = self.options.channels.iter().find(|channel| channel.as_ref() == notification.channel());
        let channel = known.map_or_else(|| Arc::from(notification.channel()), Arc::clone);
        let origin = Origin::Channel { channel, pid: notification.process_id() };
        Event { origin, at, payload: notification.payload().into() }
    }

    fn tell(&mut self, kind: ControlKind, down: Option<Duration>, detail: Option<String>) {
        let control = Control::now(kind, &self.options.channels, down, detail);
        let told = control.clone();
        self.teller.tell(move |observer| observer.control(&told));
        let _ = self.sender.send(Message::Items(vec![Item::Control(control)]));
    }
}

/// Waits for notifications, and takes what has been read along with the first. What was received before an error comes first:
/// the driver reports the error while notifications still stand in its buffer (postgres 0.19.14).
fn next_burst(client: &mut Client, wait: Duration) -> (Vec<Notification>, Result<()>) {
    let first = client.notifications().timeout_iter(wait).next();
    match first {
        Ok(Some(first)) => {
            let mut burst = vec![first];
            burst.extend(buffered(client, MAX_BURST));
            (burst, Ok(()))
        }
        // None is a timeout, or a server that is gone.
        Ok(None) if !client.is_closed() => (Vec::new(), Ok(())),
        Ok(None) => (Vec::new(), Err(closed())),
        Err(error) if error.is_closed() => (buffered(client, usize::MAX), Err(closed())),
        Err(error) => (buffered(client, usize::MAX), Err(error.into())),
    }
}

/// Takes what the driver has read already. `iter` alone would never receive anything (postgres 0.19.14), so it is asked only
/// for what is there.
fn buffered(client: &mut Client, max: usize) -> Vec<Notification> {
    let mut notifications = client.notifications();
    let count = notifications.len().min(max);
    let mut taken = Vec::with_capacity(count);
    while taken.len() < count {
        let Ok(Some(notification)) = notifications.iter().next() else { break };
        taken.push(notification);
    }
    taken
}

fn closed() -> Error {
    Error::connection("the server closed the connection")
}

/// Whoever is sent notifications here is some other client, who has not asked for them.
fn deaf(connection: &Connection) -> Error {
    let place = connection.endpoint();
    Error::connection(format!("a transaction pooler answers at {place}, and through one no notification ever comes"))
        .permanent()
        .hint("connect to the server itself, or to a pool in session mode; tail-queue works here too, by looking every second")
}

fn overflow(limit: usize) -> Error {
    Error::failed(format!("the reader is too slow: {limit} bytes of notifications are waiting for it"))
        .hint("--buffer holds more; --overflow drop goes on and tells how many were lost")
}
