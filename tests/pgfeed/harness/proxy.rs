//! A TCP proxy in front of a server, which breaks connections in the ways that networks do.

mod deaf;
mod pump;
mod stream;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::deaf::Deaf;
use self::pump::{Connection, Direction, Pump};
use self::stream::{Stream, Upstream};
use super::server::Server;

/// How often a thread that waits for the network looks at what it has been told.
const POLL: Duration = Duration::from_millis(5);

/// What happens to the bytes of every connection, from the moment that it is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// They are forwarded.
    Pass,
    /// They are taken, acknowledged by TCP, and lost. Only a cut can follow: something is missing in the connection.
    Blackhole,
    /// They are not even taken: both sides see a connection that is open and silent. What was sent arrives after it.
    Stall,
    /// They are forwarded later by this much.
    Delay(Duration),
    /// They are forwarded at so many bytes a second.
    Slow(u32),
    /// So many bytes from the server are forwarded, which may end inside a message; then the connection is reset.
    ResetAfter(usize),
    /// Everything is forwarded until the client sends this text (in one write, such as a COMMIT). The server gets it too, but
    /// its answer is lost: the client sees a reset instead.
    LoseAnswerTo(&'static str),
    /// Everything is forwarded but notifications. Set it before connecting.
    Deaf,
}

/// How a connection ends that the proxy cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// As if the server had closed it (FIN).
    Close,
    /// As if a machine in between had forgotten it (RST).
    Reset,
}

/// A running proxy. Dropping it ends its connections.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    port: u16,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    upstream: Mutex<Upstream>,
    ended: AtomicBool,
    accepted: AtomicUsize,
    open: AtomicUsize,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    accepts: bool,
    /// Whether the acceptor has done as it was told.
    listening: bool,
    /// Counts the cuts: a connection that is older than the last one ends.
    cuts: usize,
    how: Cut,
}

impl Proxy {
    /// Starts a proxy in front of a server's local socket, so that no password is needed.
    pub fn in_front_of(server: &Server) -> Self {
        let cluster = server.cluster();
        Self::start(Upstream::Unix(cluster.socket_dir().join(format!(".s.PGSQL.{}", cluster.port()))))
    }

    /// Starts a proxy in front of any TCP port of this machine.
    pub fn in_front_of_port(port: u16) -> Self {
        Self::start(Upstream::Tcp((Ipv4Addr::LOCALHOST, port).into()))
    }

    fn start(upstream: Upstream) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = State { mode: Mode::Pass, accepts: true, listening: true, cuts: 0, how: Cut::Reset };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            upstream: Mutex::new(upstream),
            ended: AtomicBool::new(false),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
        });
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(listener, port)
        });
        Self { shared, port, acceptor: Some(acceptor) }
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads connections to come to another port of this machine.
    pub fn lead_to_port(&self, port: u16) {
        *self.shared.upstream.lock().unwrap() = Upstream::Tcp((Ipv4Addr::LOCALHOST, port).into());
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Changes what happens to all connections, those that are open and those to come.
    pub fn set(&self, mode: Mode) {
        self.shared.change(|state| state.mode = mode);
    }

    /// Ends all connections that are open now, and waits until they are.
    pub fn cut(&self, how: Cut) {
        self.shared.change(|state| {
            state.cuts += 1;
            state.how = how;
        });
        super::wait_until("the proxy's connections are cut", || self.connections() == 0);
    }

    /// Refuses new connections, as if nothing listened; those that are open stay. Returns when it is so.
    pub fn refuse(&self) {
        self.listen(false);
    }

    /// Accepts connections again. Returns when it is so.
    pub fn accept(&self) {
        self.listen(true);
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.open.load(SeqCst)
    }

    /// How many connections there have been.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(SeqCst)
    }

    fn listen(&self, accepts: bool) {
        self.shared.change(|state| state.accepts = accepts);
        super::wait_until("the proxy has changed whether it listens", || self.shared.state().listening == accepts);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        self.shared.change(|state| state.cuts += 1);
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Accepts connections until the end. Refusing means not to listen: a client gets the same error as without a server.
    fn accept(self: &Arc<Self>, listener: TcpListener, port: u16) {
        let mut listener = Some(listener);
        while !self.ended.load(SeqCst) {
            match (self.state().accepts, &listener) {
                (false, _) => listener = None,
                // Until a connection that was closed a moment ago has left the port.
                (true, None) => listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok(),
                (true, Some(_)) => {}
            }
            let accepted = listener.as_ref().map(|listener| {
                listener.set_nonblocking(true)?;
                listener.accept()
            });
            self.state().listening = listener.is_some();
            match accepted {
                Some(Ok((client, _))) => self.connect(client),
                Some(Err(error)) if error.kind() != ErrorKind::WouldBlock => return,
                _ => thread::sleep(POLL),
            }
        }
    }

    fn connect(self: &Arc<Self>, client: TcpStream) {
        self.accepted.fetch_add(1, SeqCst);
        let cuts = self.state().cuts;
        // A server that is not there: the client sees the connection closed.
        let Ok(server) = self.upstream.lock().unwrap().connect() else { return };
        let client = Stream::of(client);
        self.open.fetch_add(1, SeqCst);
        let connection = Arc::new(Connection::default());
        let pump = |from: &Stream, to: &Stream, direction| {
            let (shared, connection) = (Arc::clone(self), Arc::clone(&connection));
            Pump { shared, connection, from: from.clone(), to: to.clone(), direction, cuts, deaf: Deaf::default() }
        };
        let (up, down) = (pump(&client, &server, Direction::ToServer), pump(&server, &client, Direction::ToClient));
        drop(server);
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let up = thread::spawn(move || up.run());
            down.run();
            drop(up.join());
            if connection.ended() == Some(Cut::Reset) {
                client.reset_on_close();
            }
            drop(client);
            shared.open.fetch_sub(1, SeqCst);
        });
    }

    /// Waits for a change of what was told, at most that long.
    fn sleep(&self, longest: Duration) {
        let until = Instant::now() + longest;
        let state = self.state();
        drop(self.changed.wait_timeout(state, until.saturating_duration_since(Instant::now())).unwrap());
    }
}
