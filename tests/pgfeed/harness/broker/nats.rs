//! A NATS server, and what a test does to it from outside pgfeed.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use async_nats::{Client, ConnectOptions};
use futures_util::StreamExt as _;
use tokio::runtime::Runtime;

use super::Process;
use crate::harness::DEADLINE;

/// A server with JetStream.
pub struct Nats {
    process: Process,
    runtime: Runtime,
}

/// A message of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its subject.
    pub subject: String,
    /// Nats-Msg-Id.
    pub id: Option<String>,
    /// Its body.
    pub body: String,
}

impl Nats {
    /// Starts one that everybody may use.
    pub fn start() -> Self {
        Self::configured("")
    }

    /// Starts one with more lines of configuration.
    pub fn configured(more: &str) -> Self {
        let mut nats = Self { process: Process::new("nats"), runtime: Runtime::new().unwrap() };
        nats.configure(more);
        nats.again();
        nats
    }

    /// Writes its configuration with more lines, which it reads when it starts and on SIGHUP.
    pub fn configure(&self, more: &str) {
        let (port, dir) = (self.process.port(), self.process.dir().display());
        let always = format!("listen: \"127.0.0.1:{port}\"\njetstream {{ store_dir: \"{dir}\" }}\n");
        std::fs::write(self.process.dir().join("conf"), format!("{always}{more}\n")).unwrap();
    }

    /// Starts it again after [`Process::kill`].
    pub fn again(&mut self) {
        let mut command = Command::new("nats-server");
        command.args(["-c", "conf"]);
        self.process.start(command, says_hello);
    }

    /// Its process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// The URL of `--to` with these parameters.
    pub fn url(&self, parameters: &str) -> String {
        format!("nats://127.0.0.1:{}?{parameters}", self.process.port())
    }

    /// Does something as a client.
    pub fn with<T>(&self, what: impl AsyncFnOnce(Client) -> T) -> T {
        self.with_options(ConnectOptions::new(), what)
    }

    /// The same with options, such as a user.
    pub fn with_options<T>(&self, options: ConnectOptions, what: impl AsyncFnOnce(Client) -> T) -> T {
        let address = format!("127.0.0.1:{}", self.process.port());
        self.runtime.block_on(async {
            let done = async { what(options.connect(address).await.unwrap()).await };
            tokio::time::timeout(DEADLINE, done).await.expect("the server answers")
        })
    }

    /// Makes a stream.
    pub fn make_stream(&self, config: stream::Config) {
        self.with(async |client| drop(jetstream::new(client).create_stream(config).await.unwrap()));
    }

    /// Everything that a stream holds, in its order.
    pub fn stored(&self, stream: &str) -> Vec<Stored> {
        self.stored_behind(stream, 0, u64::MAX).0
    }

    /// What a stream holds behind a message with this number, in its order, at most so many, and the number of the last one.
    pub fn stored_behind(&self, stream: &str, number: u64, most: u64) -> (Vec<Stored>, u64) {
        self.with(async |client| {
            let mut stream = jetstream::new(client).get_stream(stream).await.unwrap();
            let state = stream.info().await.unwrap().state.clone();
            let last = state.last_sequence.min(number.saturating_add(most));
            let mut stored = Vec::new();
            for sequence in state.first_sequence.max(number + 1)..=last {
                let message = stream.get_raw_message(sequence).await.unwrap();
                stored.push(Stored {
                    subject: message.subject.to_string(),
                    id: message.headers.get("Nats-Msg-Id").map(ToString::to_string),
                    body: String::from_utf8(message.payload.to_vec()).unwrap(),
                });
            }
            (stored, last)
        })
    }

    /// How many messages a stream holds.
    pub fn count(&self, stream: &str) -> u64 {
        self.with(async |client| {
            jetstream::new(client).get_stream(stream).await.unwrap().info().await.unwrap().state.messages
        })
    }

    /// Listens to subjects while something is `done`, until so many messages came: their subjects and bodies.
    pub fn heard(&self, subject: &str, count: usize, done: impl FnOnce()) -> Vec<(String, String)> {
        let heard = self.with(async |client| {
            let heard = client.subscribe(subject.to_owned()).await.unwrap();
            // The server has heard of the subscription once it has answered.
            let _ = client.request("nobody", "".into()).await;
            heard
        });
        done();
        let text = |message: async_nats::Message| {
            (message.subject.to_string(), String::from_utf8_lossy(&message.payload).into_owned())
        };
        let texts = heard.take(count).map(text).collect();
        self.runtime.block_on(async { tokio::time::timeout(DEADLINE, texts).await.expect("they come") })
    }
}

fn says_hello(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok_and(|_| line.starts_with("INFO "))
}
