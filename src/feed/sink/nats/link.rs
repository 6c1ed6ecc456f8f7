//! A connection to a NATS server, with the runtime that drives it. It lives until the first trouble: it never comes back by
//! itself, so nothing that it has held back is sent behind what was sent anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, Message, ServerError, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, unconstrained};
use tokio::time::timeout;

use super::options::Options;
use crate::feed::sink::patience::Patience;
use crate::feed::sink::plain::{NO_TLS, is_plain};

/// How long what is under way may take to end when the connection is thrown away.
const FAREWELL: Duration = Duration::from_millis(100);
/// Longer than any process lives: the delay in front of the library's own attempt to come back.
const NEVER: Duration = Duration::from_secs(10 * 365 * 86400);
/// A server that is silent for twice as long is gone.
const PING: Duration = Duration::from_secs(30);

/// Why there is no connection.
pub enum Failed {
    /// The server does not accept who we are.
    NotAccepted,
    /// Anything else.
    Unavailable(String),
}

/// What comes from the server while answers are waited for.
pub enum Heard {
    /// An answer, with its number.
    Answer(Option<u64>, Message),
    /// That we may not publish to a subject, as [`denial`] has it.
    Denied(String),
}

/// How the server says that we may not publish to a subject. That is all that comes of such a message.
pub fn denial(subject: &str) -> String {
    format!("{DENIAL}{subject:?}")
}

const DENIAL: &str = "Permissions Violation for Publish to ";

/// A connection.
pub struct Link {
    /// What is said over it.
    line: Line,
    driver: Driver,
}

/// The part of a connection that its runtime works on.
pub struct Line {
    pub client: Client,
    /// Answers are sent to this, a dot, and a number.
    pub inbox: String,
    /// The number of the next answer to ask for.
    pub next: u64,
    answers: Subscriber,
    trouble: UnboundedReceiver<String>,
}

impl Link {
    /// Connects, and makes the stream that was asked for.
    pub fn open(options: &Options, patience: &mut Patience) -> Result<Self, Failed> {
        // A thread of its own drives it, so that pings are answered while the feed is idle.
        let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("nats").enable_all().build();
        let driver = Driver(Some(runtime.map_err(|error| Failed::Unavailable(error.to_string()))?));
        let line = driver.run(Line::open(options, patience))?;
        let mut link = Self { line, driver };
        if !options.create.is_empty() {
            let made = link.run(async |line| line.create(options, patience).await);
            made.map_err(Failed::Unavailable)?;
        }
        Ok(link)
    }

    /// Does something over it, to its end.
    pub fn run<T>(&mut self, what: impl AsyncFnOnce(&mut Line) -> T) -> T {
        self.driver.run(what(&mut self.line))
    }

    /// Lets its own thread do something over it, while the caller goes on.
    pub fn start<F>(self, what: impl FnOnce(Line) -> F) -> Busy<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let Self { line, driver } = self;
        let task = driver.runtime().spawn(what(line));
        Busy { driver, task }
    }

    /// Whether something has happened to it since it was used last.
    pub fn is_in_trouble(&mut self) -> bool {
        // What it says of a subject it may say once more than there were messages that waited for it.
        std::iter::from_fn(|| self.line.trouble.try_recv().ok()).any(|trouble| !trouble.starts_with(DENIAL))
    }
}

/// A connection over which its thread does something. When this goes, that ends.
pub struct Busy<T> {
    driver: Driver,
    task: JoinHandle<T>,
}

impl<T> Busy<(Line, T)> {
    /// Waits until it is done.
    pub fn end(self) -> (Link, T) {
        let Self { driver, task } = self;
        let (line, done) = driver.run(task).expect("nobody aborts it, and it does not panic");
        (Link { line, driver }, done)
    }
}

impl Line {
    async fn open(options: &Options, patience: &mut Patience) -> Result<Self, Failed> {
        let (tell, trouble) = unbounded_channel();
        let is_open = Arc::new(AtomicBool::new(false));
        let settings = settings(options, &is_open, tell).map_err(Failed::Unavailable)?;
        let connected = within(patience, settings.connect(options.servers.as_slice())).await;
        let client = connected.map_err(Failed::Unavailable)?.map_err(|error| match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => Failed::NotAccepted,
            _ if is_plain(&error) => Failed::Unavailable(NO_TLS.to_owned()),
            _ => Failed::Unavailable(std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string)),
        })?;
        is_open.store(true, Ordering::Relaxed);
        let inbox = client.new_inbox();
        let answers = client.subscribe(format!("{inbox}.*")).await;
        let answers = answers.map_err(|error| Failed::Unavailable(error.to_string()))?;
        Ok(Self { client, inbox, next: 0, answers, trouble })
    }

    /// Makes the stream, unless it is there.
    async fn create(&self, options: &Options, patience: &mut Patience) -> Result<(), String> {
        let name = options.stream.clone().unwrap_or_default();
        let doing = format!("making the stream {name}");
        let config = stream::Config { name, subjects: options.create.clone(), ..Default::default() };
        let made = within(patience, self.jetstream().get_or_create_stream(config)).await;
        match made.map(|made| made.map_err(|error| error.to_string())) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(why)) | Err(why) => Err(format!("{doing}: {why}")),
        }
    }

    /// JetStream's own interface. To be called on the runtime: it starts a task.
    pub fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.client.clone())
    }

    /// An answer, if one has come.
    pub fn heard(&mut self) -> Option<Heard> {
        // The runtime would let nothing come once in a while, for the sake of other tasks.
        unconstrained(self.answers.next()).now_or_never().flatten().map(numbered)
    }

    /// That we may not publish to a subject, if the server has said so.
    ///
    /// # Errors
    /// What else has happened to the connection.
    pub fn denied(&mut self) -> Result<Option<String>, String> {
        match self.trouble.try_recv() {
            Ok(denied) if denied.starts_with(DENIAL) => Ok(Some(denied)),
            Ok(trouble) => Err(trouble),
            Err(_) => Ok(None),
        }
    }

    /// What comes next.
    ///
    /// # Errors
    /// What has happened to the connection, or that the time is over.
    pub async fn hear(&mut self, patience: &mut Patience) -> Result<Heard, String> {
        if let Some(heard) = self.heard() {
            return Ok(heard);
        }
        loop {
            if let Some(denied) = self.denied()? {
                return Ok(Heard::Denied(denied));
            }
            let Some(step) = patience.step() else { return Err(patience.over()) };
            match timeout(step, self.answers.next()).await {
                Ok(Some(answer)) => return Ok(numbered(answer)),
                Ok(None) => return Err("the connection is closed".to_owned()),
                Err(_) => {}
            }
        }
    }
}

/// The number that stands at the end of an answer's subject.
fn numbered(answer: Message) -> Heard {
    let number = answer.subject.rsplit('.').next().and_then(|number| number.parse().ok());
    Heard::Answer(number, answer)
}

/// The runtime of a connection. When it goes, all that the connection still does ends.
struct Driver(Option<Runtime>);

impl Driver {
    fn runtime(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until it is dropped")
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime().block_on(future)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_timeout(FAREWELL);
        }
    }
}

/// Waits for a future as long as there is patience.
///
/// # Errors
/// That it is over.
pub async fn within<T>(patience: &mut Patience, future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = Box::pin(future);
    while let Some(step) = patience.step() {
        if let Ok(done) = timeout(step, &mut future).await {
            return Ok(done);
        }
    }
    Err(patience.over())
}

fn settings(
    options: &Options,
    is_open: &Arc<AtomicBool>,
    tell: UnboundedSender<String>,
) -> Result<ConnectOptions, String> {
    let is_open = Arc::clone(is_open);
    let mut settings = options
        .credentials
        .add_to(ConnectOptions::new())?
        .name("pgfeed")
        .ping_interval(PING)
        .connection_timeout(options.within)
        .request_timeout(Some(options.within))
        .reconnect_delay_callback(move |_| if is_open.load(Ordering::Relaxed) { NEVER } else { Duration::ZERO })
        .event_callback(move |event| {
            // Nobody hears it when the connection is being thrown away.
            let _ = match event {
                Event::Disconnected | Event::Closed => tell.send("the connection is lost".to_owned()),
                Event::ServerError(ServerError::Other(error)) => tell.send(error),
                Event::ServerError(error) => tell.send(error.to_string()),
                _ => Ok(()),
            };
            std::future::ready(())
        });
    if let Some(prefix) = &options.inbox {
        settings = settings.custom_inbox_prefix(prefix);
    }
    if let Some(tls) = &options.tls {
        settings = settings.require_tls(true).tls_client_config(tls.config()?);
    }
    Ok(settings)
}
