//! The browsers' side: what comes from the database is shown to WebSockets and event streams, and to a page.
//!
//! The runtime of axum stays in this folder. The database's side is blocking, on threads of its own: events come in through a
//! [`Fan`], and what clients send goes out through a [`Publish`].

mod access;
mod audience;
mod clients;
mod closing;
mod entry;
mod http;
mod log;
mod metrics;
mod page;
mod publish;
mod refusal;
mod request;
mod routes;
mod shared;
mod sink;
mod sse;
mod ws;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::sys;
use access::Access;
use clients::Clients;
use closing::Closing;
use log::{Bounds, Log};
use metrics::Metrics;
use publish::Publisher;
use shared::Shared;

pub use access::{Origin, Token};
pub use audience::{Audience, Heard};
pub use publish::{Publish, Unpublished};
pub use request::Served;
pub use shared::Publishes;
pub use sink::Fan;

/// How much is held for clients that come back, and for those that are slow.
const BOUNDS: Bounds = Bounds { entries: 50_000, bytes: 32 << 20 };
/// Connections besides those of clients: for the page's files, health and metrics.
const OTHER_CONNECTIONS: usize = 64;
/// Descriptors besides those of connections.
const OTHER_DESCRIPTORS: usize = 64;
/// How long clients may take to be told that it is over.
const FAREWELL: Duration = Duration::from_millis(500);

/// What to serve, and to whom.
pub struct Options {
    /// Where to listen.
    pub bind: SocketAddr,
    /// What is served.
    pub served: Served,
    /// Pages elsewhere that may use it.
    pub origins: Vec<Origin>,
    /// What a client must know.
    pub token: Option<Token>,
    /// Most clients at a time.
    pub clients: usize,
    /// How often a silent client is asked whether it is still there; zero never asks.
    pub heartbeat: Duration,
    /// What the messages of clients become, and who publishes them; none when they may send nothing.
    pub publishing: Option<(Publishes, Box<dyn Publish>)>,
}

/// An address that is taken, where nobody is answered yet.
pub struct Bound {
    runtime: Runtime,
    listener: TcpListener,
    address: SocketAddr,
}

/// A server that answers.
pub struct Server {
    runtime: Runtime,
    fan: Fan,
    log: Arc<Log>,
    clients: Arc<Clients>,
    seats: usize,
    closing: watch::Sender<bool>,
}

/// Takes an address.
///
/// # Errors
/// That it cannot be had.
pub fn bind(address: SocketAddr) -> Result<Bound> {
    let failed = |error: std::io::Error| Error::failed(error.to_string()).doing(format!("listening on {address}"));
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("serve").enable_io().enable_time().build();
    let runtime = runtime.map_err(failed)?;
    let listener = {
        let _inside = runtime.enter();
        http::listen(address).map_err(|error| failed(error).hint("--bind takes another address and port"))?
    };
    let address = listener.local_addr().map_err(failed)?;
    Ok(Bound { runtime, listener, address })
}

impl Bound {
    /// Where it listens, with the port that was found.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to answer.
    pub fn start(self, options: Options) -> Server {
        let metrics = Arc::new(Metrics::default());
        let log = Arc::new(Log::new(BOUNDS));
        let seats = seats(options.clients);
        let clients = Arc::new(Clients::new(seats, Arc::clone(&metrics)));
        let (closing, closes) = Closing::new();
        let shared = Shared {
            log: Arc::clone(&log),
            clients: Arc::clone(&clients),
            metrics: Arc::clone(&metrics),
            access: Access::new(options.bind.ip(), options.origins, options.token),
            served: options.served,
            publishing: options.publishing.map(|(publishes, publish)| (publishes, Publisher::start(publish))),
            heartbeat: options.heartbeat,
            closing: closes.clone(),
        };
        let routes = routes::routes(Arc::new(shared));
        self.runtime.spawn(http::serve(self.listener, routes, seats + OTHER_CONNECTIONS, closes));
        self.runtime.spawn(Arc::clone(&clients).watch(Arc::clone(&log)));
        let fan = Fan::new(Arc::clone(&log), metrics);
        Server { runtime: self.runtime, fan, log, clients, seats, closing }
    }
}

/// As many as were asked for, if the system allows so many open connections.
fn seats(wanted: usize) -> usize {
    let others = OTHER_CONNECTIONS + OTHER_DESCRIPTORS;
    let descriptors = sys::allow_open_files(wanted.saturating_add(others) as u64);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    wanted.min(descriptors.saturating_sub(others)).max(1)
}

impl Server {
    /// Most clients at a time, as far as the system allows.
    pub fn seats(&self) -> usize {
        self.seats
    }

    /// Calls `then` once the feed is live for clients, on a thread that may wait.
    pub fn when_live(&self, then: impl FnOnce() + Send + 'static) {
        let log = Arc::clone(&self.log);
        self.runtime.spawn(async move {
            log.until_live().await;
            drop(tokio::task::spawn_blocking(then));
        });
    }

    /// Where events go in.
    pub fn fan(&self) -> Fan {
        self.fan.clone()
    }

    /// Tells all clients that it is over, and ends.
    pub fn close(self) {
        self.closing.send_replace(true);
        let until = Instant::now() + FAREWELL;
        while !self.clients.is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.runtime.shutdown_timeout(Duration::from_millis(50));
    }
}
