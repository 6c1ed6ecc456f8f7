//! A socket that is waited for as long as there is patience, plain or encrypted. (The library's own connection begins its
//! wait anew with every reply, and cannot be stopped.)

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Parser, RedisError, Value};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::options::Options;
use crate::feed::sink::address::Host;
use crate::feed::sink::patience::{LOOK, Patience};
use crate::feed::sink::plain::{NO_TLS, is_plain};

/// How long one address may take to accept a connection, at most.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How long the server may take to answer a handshake, at most.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// A connection that has rested for longer may have been closed.
const REST: Duration = Duration::from_secs(1);

/// A connection, over which commands go and replies come.
pub struct Wire {
    stream: Stream,
    /// The same socket, to look at it.
    socket: TcpStream,
    patience: Rc<RefCell<Patience>>,
    parser: Parser,
    used: Instant,
}

enum Stream {
    Plain(Socket),
    Encrypted(Box<StreamOwned<ClientConnection, Socket>>),
}

/// The socket, whose timeouts are short.
struct Socket {
    tcp: TcpStream,
    patience: Rc<RefCell<Patience>>,
}

impl Wire {
    /// Connects to the first host that accepts.
    ///
    /// # Errors
    /// What the last one says.
    pub fn open(options: &Options, patience: Patience) -> Result<Self, String> {
        let patience = Rc::new(RefCell::new(patience));
        let mut why = String::new();
        for host in &options.address.hosts {
            match connect(host, options.within.min(CONNECT_WITHIN))
                .map_err(|error| error.to_string())
                .and_then(|tcp| Self::over(tcp, host, options, &patience))
            {
                Ok(wire) => return Ok(wire),
                Err(error) => why = error,
            }
        }
        Err(why)
    }

    fn over(tcp: TcpStream, host: &Host, options: &Options, patience: &Rc<RefCell<Patience>>) -> Result<Self, String> {
        let told = |error: io::Error| error.to_string();
        tcp.set_nodelay(true).map_err(told)?;
        tcp.set_read_timeout(Some(LOOK)).map_err(told)?;
        tcp.set_write_timeout(Some(LOOK)).map_err(told)?;
        let socket = tcp.try_clone().map_err(told)?;
        let tcp = Socket { tcp, patience: Rc::clone(patience) };
        let stream = match &options.tls {
            None => Stream::Plain(tcp),
            Some(tls) => {
                let name = ServerName::try_from(host.name.clone()).map_err(|error| error.to_string())?;
                let session =
                    ClientConnection::new(Arc::new(tls.config()?), name).map_err(|error| error.to_string())?;
                Stream::Encrypted(Box::new(shake_hands(session, tcp)?))
            }
        };
        Ok(Self { stream, socket, patience: Rc::clone(patience), parser: Parser::new(), used: Instant::now() })
    }

    /// Waits anew from now on.
    pub fn be_patient(&mut self, patience: Patience) {
        *self.patience.borrow_mut() = patience;
    }

    /// Whether the other side has closed it while it rested.
    pub fn is_closed(&self) -> bool {
        if self.used.elapsed() < REST {
            return false;
        }
        let looked = self.socket.set_nonblocking(true).and_then(|()| self.socket.peek(&mut [0]));
        // Nothing was asked, so that there is nothing to be read either.
        !looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock) || self.socket.set_nonblocking(false).is_err()
    }

    /// Sends commands.
    ///
    /// # Errors
    /// What is wrong with the connection, or that the time is over.
    pub fn send(&mut self, commands: &[u8]) -> Result<(), String> {
        let sent = match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(commands),
            Stream::Encrypted(session) => session.write_all(commands).and_then(|()| session.flush()),
        };
        sent.map_err(|error| error.to_string())
    }

    /// The next reply, which may be an error of the server.
    ///
    /// # Errors
    /// What is wrong with the connection, or that the time is over.
    pub fn reply(&mut self) -> Result<Value, String> {
        let reply = match &mut self.stream {
            Stream::Plain(socket) => self.parser.parse_value(socket),
            Stream::Encrypted(session) => self.parser.parse_value(session),
        };
        self.used = Instant::now();
        reply.map_err(|error| reason(&error))
    }
}

/// A server that speaks no TLS waits for the end of what it takes for a command: it is not waited for as long as a busy one.
fn shake_hands(
    mut session: ClientConnection,
    mut socket: Socket,
) -> Result<StreamOwned<ClientConnection, Socket>, String> {
    let patience = Rc::clone(&socket.patience);
    let whole = patience.borrow().clone();
    *patience.borrow_mut() = whole.at_most(HANDSHAKE_WITHIN);
    let shaken = session.complete_io(&mut socket);
    let mut granted = patience.replace(whole);
    match shaken {
        Ok(_) => Ok(StreamOwned::new(session, socket)),
        Err(error) if is_plain(&error) => Err(NO_TLS.to_owned()),
        Err(_) if granted.step().is_none() => Err(format!("{}: perhaps {NO_TLS}", granted.over())),
        Err(error) => Err(error.to_string()),
    }
}

/// What an error of the library says, without the library's own words around it.
fn reason(error: &RedisError) -> String {
    match std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(error) if error.kind() == ErrorKind::UnexpectedEof => "the server has closed the connection".to_owned(),
        Some(error) => error.to_string(),
        None => error.to_string(),
    }
}

fn connect(host: &Host, within: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host.name.as_str(), host.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, within) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Socket {
    fn patiently(&mut self, mut what: impl FnMut(&mut TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            let mut patience = self.patience.borrow_mut();
            if patience.step().is_none() {
                return Err(io::Error::other(patience.over()));
            }
            drop(patience);
            match what(&mut self.tcp) {
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                }
                done => return done,
            }
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.patiently(|tcp| tcp.read(into))
    }
}

impl Write for Socket {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.patiently(|tcp| tcp.write(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
