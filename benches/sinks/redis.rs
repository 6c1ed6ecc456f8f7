//! Redis Streams.

use std::process::Command;
use std::time::Instant;

use crate::engine::Engine;
use crate::{EVENTS, bodies};

const PIPELINE: usize = 100;

pub fn start(fsync: &str) -> Engine {
    Engine::start(|port, dir| {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", dir, "--save", ""]);
        command.args(["--appendonly", if fsync == "no" { "no" } else { "yes" }, "--appendfsync", fsync]);
        command
    })
}

pub fn url(server: &Engine) -> String {
    format!("redis://127.0.0.1:{}?stream=ours", server.port)
}

/// Entries a second, each acknowledged.
pub fn bare(server: &Engine) -> f64 {
    let mut connection = redis::Client::open(("127.0.0.1", server.port)).unwrap().get_connection().unwrap();
    let started = Instant::now();
    let mut pipe = redis::pipe();
    for (n, body) in bodies() {
        pipe.cmd("XADD").arg("bare").arg("*").arg("id").arg(format!("drain:{n}")).arg("body").arg(body);
        if n % PIPELINE == 0 || n == EVENTS {
            let ids: Vec<String> = pipe.query(&mut connection).unwrap();
            assert!(ids.len() <= PIPELINE);
            pipe.clear();
        }
    }
    EVENTS as f64 / started.elapsed().as_secs_f64()
}
