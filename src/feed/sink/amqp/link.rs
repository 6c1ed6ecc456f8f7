//! One connection to a broker, with a channel that confirms. After any trouble it is cut, never waited for.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::{FutureExt as _, Stream, StreamExt as _};
use lapin::options::ConfirmSelectOptions;
use lapin::tcp::RustlsConnector;
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties, ConnectionStatus, Event};

use super::broker::Broker;
use super::topology::Known;
use super::trouble::Trouble;

/// How long connecting may take, TLS and login included.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the broker may take to hear that we go.
const GOODBYE: Duration = Duration::from_millis(500);

/// A connection.
pub struct Link {
    pub connection: Connection,
    pub channel: Channel,
    /// What is known to be there.
    pub known: Known,
    pub blocking: Blocking,
    /// Whether confirmations were given up, which may still come: nothing can be published on it any more.
    pub abandoned: bool,
    _socket: Socket,
}

/// Whether the broker takes nothing for now.
pub struct Blocking {
    status: ConnectionStatus,
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    /// What it said the last time that it did so.
    reason: String,
}

/// The socket under a connection, once there is one. Dropping this cuts it: the library would wait without end for a broker that
/// stands still, on a thread of its own.
#[derive(Default)]
struct Socket(Arc<OnceLock<TcpStream>>);

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(socket) = self.0.get() {
            // It may be closed already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Link {
    /// Connects, logs in, and opens a channel.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn open(broker: &Broker) -> Result<Self, Trouble> {
        let opened = tokio::time::timeout(CONNECT_WITHIN, Self::connect(broker)).await;
        opened.unwrap_or_else(|_| Err(Trouble::Passing("it does not answer".to_owned())))
    }

    async fn connect(broker: &Broker) -> Result<Self, Trouble> {
        // Files may have changed since the start: who renews certificates replaces several.
        let tls = broker.tls().map_err(Trouble::Passing)?.map(RustlsConnector::from);
        let runtime = lapin::runtime::default_runtime().map_err(|error| Trouble::connecting(&error))?;
        let socket = Socket::default();
        let (host, kept) = (broker.host().to_owned(), Arc::downgrade(&socket.0));
        let reactor = runtime.clone();
        let dial = async move |uri: AMQPUri, _| {
            let reaching = async {
                let found = tokio::net::lookup_host((uri.authority.host, uri.authority.port)).await?;
                AsyncTcpStream::connect(&reactor, found.collect::<Vec<_>>()).await
            };
            let stream = tokio::time::timeout(CONNECT_WITHIN, reaching).await.map_err(std::io::Error::from)??;
            if let AsyncTcpStream::Plain(plain) = &stream {
                // Whoever wanted the connection may have given up.
                let kept = kept.upgrade().ok_or(std::io::ErrorKind::TimedOut).map_err(std::io::Error::from)?;
                // Connecting happens once: there is no recovery that would do it again.
                let _ = kept.set(plain.get_ref().as_fd().try_clone_to_owned()?.into());
            }
            match &tls {
                None => Ok(stream),
                Some(tls) => Ok(stream.into_rustls(tls, &host).await?),
            }
        };
        let options = ConnectionProperties::default().with_connection_name("pgfeed".into());
        let connection = Connection::connector(broker.uri(), runtime, dial, options).await;
        let connection = connection.map_err(|error| Trouble::connecting(&error))?;
        let blocking = Blocking {
            status: connection.status().clone(),
            events: Box::pin(connection.events_listener()),
            reason: String::new(),
        };
        let channel = connection.create_channel().await.map_err(|error| Trouble::connecting(&error))?;
        let confirming = channel.confirm_select(ConfirmSelectOptions::default()).await;
        confirming.map_err(|error| Trouble::connecting(&error))?;
        Ok(Self { connection, channel, known: Known::default(), blocking, abandoned: false, _socket: socket })
    }

    /// Whether it still stands, as far as anybody has noticed.
    pub fn stands(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }

    /// Says goodbye, so that the broker logs no warning.
    pub async fn close(self) {
        let goodbye = self.connection.close(200, "OK".into());
        // Whoever does not answer is left anyway.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

impl Blocking {
    /// Why the broker takes nothing for now, if it has said so (`connection.blocked`).
    pub fn reason(&mut self) -> Option<&str> {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            if let Event::ConnectionBlocked(reason) = event {
                self.reason = reason;
            }
        }
        self.status.blocked().then_some(self.reason.as_str())
    }
}
