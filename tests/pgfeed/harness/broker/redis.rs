//! A Redis server, and what a test does to it from outside pgfeed.

use std::process::Command;

use redis::streams::{StreamId, StreamRangeReply};
use redis::{Connection, ConnectionLike as _, FromRedisValue};

use super::Process;

/// A server, which keeps every command on the disk before it answers.
pub struct Redis {
    process: Process,
    arguments: Vec<String>,
}

/// An entry of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The field of this name.
    pub id: Option<String>,
    /// The field of this name.
    pub body: String,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Self {
        Self::configured(&[])
    }

    /// Starts one with more arguments.
    pub fn configured(more: &[&str]) -> Self {
        let process = Process::new("redis");
        let arguments = more.iter().map(|argument| (*argument).to_owned()).collect();
        let mut redis = Self { process, arguments };
        redis.again();
        redis
    }

    /// Starts it again after [`Process::kill`].
    pub fn again(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.process.port().to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]).arg(self.process.dir());
        command.args(&self.arguments);
        self.process.start(command, |port| client(port).is_some());
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The URL of `--to` with these parameters.
    pub fn url(&self, parameters: &str) -> String {
        format!("redis://127.0.0.1:{}?{parameters}", self.process.port())
    }

    /// A connection as a client.
    pub fn client(&self) -> Connection {
        client(self.process.port()).expect("the server answers")
    }

    /// Asks it something: words with spaces between them.
    #[track_caller]
    pub fn ask<T: FromRedisValue>(&self, words: &str) -> T {
        ask(&mut self.client(), words)
    }

    /// Everything that a stream holds, in its order.
    #[track_caller]
    pub fn entries(&self, stream: &str) -> Vec<Entry> {
        self.entries_from(stream, "-").0
    }

    /// What a stream holds from an entry with this number on, in its order, and the number of the last one: from `(N` on is
    /// what came behind it.
    #[track_caller]
    pub fn entries_from(&self, stream: &str, number: &str) -> (Vec<Entry>, Option<String>) {
        let range: StreamRangeReply = self.ask(&format!("XRANGE {stream} {number} +"));
        let last = range.ids.last().map(|entry| entry.id.clone());
        let entries = range.ids.into_iter();
        let entry =
            |entry: StreamId| Entry { id: entry.get("id"), body: entry.get("body").expect("an entry has a body") };
        (entries.map(entry).collect(), last)
    }
}

/// Asks over an open connection.
#[track_caller]
pub fn ask<T: FromRedisValue>(client: &mut Connection, words: &str) -> T {
    let mut command = redis::Cmd::new();
    for word in words.split(' ') {
        command.arg(word);
    }
    command.query(client).unwrap_or_else(|error| panic!("{words}: {error}"))
}

/// A server that loads its data, or wants to know who asks, is there as well.
fn client(port: u16) -> Option<Connection> {
    let mut client = redis::Client::open(("127.0.0.1", port)).unwrap().get_connection().ok()?;
    client.req_command(&redis::cmd("PING")).ok().map(|_| client)
}
