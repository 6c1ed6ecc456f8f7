//! Stands where the driver expects a TLS library: puts the [`Line`] over the socket, asks for TLS, and encrypts or not.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use postgres::Socket;
use postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::announced::{Announced, Ears};
use super::encryption::{Negotiation, Tls};
use super::line::{Line, Wire};
use super::verify;

/// SSLRequest: its length, and 1234 and 5679 as the major and minor version (PostgreSQL's protocol, "Message Formats").
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// How one connection is to be made.
#[derive(Debug, Clone)]
pub(super) struct Dial {
    pub line: Line,
    pub plan: Plan,
    pub announced: Announced,
}

/// Whether one connection is encrypted.
#[derive(Debug, Clone)]
pub(super) enum Plan {
    Plain,
    /// Encrypted where the server can, else plain.
    Opportunistic(Tls),
    Encrypted(Tls),
}

/// [`Dial`] for one host.
pub(super) struct Dialling {
    dial: Dial,
    host: String,
}

/// The driver's setting must be `require` with direct negotiation, so that it leaves everything to this.
impl MakeTlsConnect<Socket> for Dial {
    type Stream = Stream;
    type TlsConnect = Dialling;
    type Error = Infallible;

    fn make_tls_connect(&mut self, host: &str) -> Result<Dialling, Infallible> {
        Ok(Dialling { dial: self.clone(), host: host.to_owned() })
    }
}

impl TlsConnect<Socket> for Dialling {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move {
            let mut wire = self.dial.line.over(socket);
            let stream = |kind| Stream { kind, ears: self.dial.announced.ears() };
            let tls = match &self.dial.plan {
                Plan::Plain => return Ok(stream(Kind::Plain(wire))),
                Plan::Opportunistic(tls) | Plan::Encrypted(tls) => tls,
            };
            if tls.negotiation == Negotiation::Direct || agrees(&mut wire).await? {
                return encrypt(wire.encrypted(), tls, &self.host).await.map(stream);
            }
            match self.dial.plan {
                Plan::Encrypted(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "the server does not offer TLS")),
                Plan::Plain | Plan::Opportunistic(_) => Ok(stream(Kind::Plain(wire))),
            }
        })
    }
}

/// Asks the server for TLS.
async fn agrees(wire: &mut Wire) -> io::Result<bool> {
    wire.write_all(&SSL_REQUEST).await?;
    wire.flush().await?;
    // One byte and no more: what follows an S unencrypted was injected (CVE-2021-23222).
    match wire.read_u8().await? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "what answers there is not a PostgreSQL server")),
    }
}

async fn encrypt(wire: Wire, tls: &Tls, host: &str) -> io::Result<Kind> {
    let mut library = MakeRustlsConnect::new(verify::client_config(tls)?);
    let Ok(connect) = MakeTlsConnect::<Wire>::make_tls_connect(&mut library, host);
    Ok(Kind::Encrypted(Box::new(connect.connect(wire).await?)))
}

type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Wire>>::Stream;

/// A connection whose start-up is heard.
pub(super) struct Stream {
    kind: Kind,
    ears: Ears,
}

/// Encrypted or not.
enum Kind {
    Plain(Wire),
    Encrypted(Box<Encrypted>),
}

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.kind {
            Kind::Plain(_) => ChannelBinding::none(),
            Kind::Encrypted(stream) => stream.channel_binding(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let Self { kind, ears } = self.get_mut();
        let poll = match kind {
            Kind::Plain(wire) => Pin::new(wire).poll_read(cx, buf),
            Kind::Encrypted(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        ears.hear(&buf.filled()[before..]);
        poll
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().kind {
            Kind::Plain(wire) => Pin::new(wire).poll_write(cx, buf),
            Kind::Encrypted(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Plain(wire) => Pin::new(wire).poll_flush(cx),
            Kind::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().kind {
            Kind::Plain(wire) => Pin::new(wire).poll_shutdown(cx),
            Kind::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
