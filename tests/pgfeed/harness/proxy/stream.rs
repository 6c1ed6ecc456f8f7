//! Both kinds of socket as one, with timeouts short enough to look up from in between.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::POLL;

/// What is behind the proxy.
#[derive(Debug)]
pub enum Upstream {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Upstream {
    pub fn connect(&self) -> io::Result<Stream> {
        match self {
            Self::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(POLL))?;
                stream.set_write_timeout(Some(POLL))?;
                Ok(Stream::Unix(Arc::new(stream)))
            }
            Self::Tcp(address) => Ok(Stream::of(TcpStream::connect_timeout(address, Duration::from_secs(5))?)),
        }
    }
}

/// A socket, shared: it is closed with its last clone.
#[derive(Debug, Clone)]
pub enum Stream {
    Unix(Arc<UnixStream>),
    Tcp(Arc<TcpStream>),
}

impl Stream {
    pub fn of(stream: TcpStream) -> Self {
        let set = || {
            // An accepted socket inherits this from its listener on macOS.
            stream.set_nonblocking(false)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(POLL))?;
            stream.set_write_timeout(Some(POLL))
        };
        set().expect("a new socket takes options");
        Self::Tcp(Arc::new(stream))
    }

    pub fn read(&self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => (&**stream).read(bytes),
            Self::Tcp(stream) => (&**stream).read(bytes),
        }
    }

    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => (&**stream).write(bytes),
            Self::Tcp(stream) => (&**stream).write(bytes),
        }
    }

    /// Tells the peer that nothing more comes.
    pub fn end_writing(&self) {
        // It may be gone altogether.
        drop(match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
        });
    }

    /// Makes closing it a reset.
    pub fn reset_on_close(&self) {
        if let Self::Tcp(stream) = self {
            // The peer may have closed it before; then there is nothing to reset.
            drop(socket2::SockRef::from(&**stream).set_linger(Some(Duration::ZERO)));
        }
    }
}
