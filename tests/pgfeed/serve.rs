//! `pgfeed serve`, with real clients.

// Who may come in: host names, origins, tokens, addresses.
mod access;
// A client of HTTP, of event streams and of WebSockets.
mod client;
// The database goes away and comes back; signals; clients that come back.
mod faults;
// What clients are sent, and what they may ask for.
mod feed;
// Clients that mean no good.
mod hostile;
// The page, in a real browser.
mod page;
// What clients send.
mod publishing;
// Clients that do not read.
mod slow;

use client::{Answer, EventStream, Socket, request};

use crate::harness::{Database, Pgfeed, Running};

/// A running `pgfeed serve`.
#[derive(Debug)]
pub struct Serving {
    run: Running,
    port: u16,
}

impl Serving {
    /// Starts to serve at a free port, and waits until it is live.
    #[track_caller]
    pub fn start(run: Pgfeed) -> Self {
        let run = run.args(["--bind", "127.0.0.1:0"]).spawn();
        run.wait_stderr("pgfeed: serving ");
        run.wait_stderr("/\n");
        let address = run.stderr().rsplit_once("http://127.0.0.1:").unwrap().1.to_owned();
        Self { run, port: address.trim_end().trim_end_matches('/').parse().unwrap() }
    }

    /// Serves channel `c` of a database, with more arguments.
    #[track_caller]
    pub fn channel<const N: usize>(db: &Database, args: [&str; N]) -> Self {
        Self::start(db.pgfeed(["serve", "c"]).args(args))
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Fetches a path.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        request(self.port, "GET", path, &[], "")
    }

    /// Connects a WebSocket, and reads the first record, which says that it is live.
    #[track_caller]
    pub fn ws(&self, query: &str) -> Socket {
        let mut socket = Socket::connect(self.port, query, &[]).unwrap();
        assert_eq!(socket.json()["event"], "ready");
        socket
    }

    /// Opens an event stream, and reads the first record, which says that it is live.
    #[track_caller]
    pub fn sse(&self, query: &str) -> EventStream {
        let mut stream = EventStream::open(self.port, query, &[]);
        assert_eq!(stream.next().kind, "ready");
        stream
    }

    /// The value of a metric.
    #[track_caller]
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("pgfeed_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }
}
