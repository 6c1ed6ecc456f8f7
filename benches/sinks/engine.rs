//! The processes of engines, each on a port of its own, in a folder that goes with it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::node;

/// It ends when it is dropped.
pub struct Engine {
    pub port: u16,
    child: Child,
    _dir: tempfile::TempDir,
}

impl Engine {
    /// Starts what `describe` makes of a port and a folder, and waits until it listens.
    fn start(describe: impl FnOnce(u16, &Path) -> Command) -> Self {
        let (port, dir) = (free_port(), tempfile::tempdir().unwrap());
        let mut command = describe(port, dir.path());
        // A node of RabbitMQ lives as long as its stdin.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("scripts/need bench installs it");
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { port, child, _dir: dir }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// RabbitMQ.
pub fn rabbitmq() -> Engine {
    Engine::start(|port, dir| {
        std::fs::write(dir.join("rabbitmq.conf"), format!("listeners.tcp.1 = 127.0.0.1:{port}\n")).unwrap();
        std::fs::write(dir.join("enabled_plugins"), "[].\n").unwrap();
        let mut command = Command::new(node::server());
        command.envs(node::environment(dir, port, free_port(), ""));
        command
    })
}

/// NATS with JetStream.
pub fn nats() -> Engine {
    Engine::start(|port, dir| {
        let mut command = Command::new("nats-server");
        command.args(["-js", "-a", "127.0.0.1", "-p", &port.to_string(), "-sd"]).arg(dir);
        command
    })
}

/// Redis, which syncs each write, or keeps nothing.
pub fn redis(appendonly: &str) -> Engine {
    Engine::start(|port, dir| {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]).arg(dir);
        command.args(["--appendonly", appendonly, "--appendfsync", "always"]);
        command
    })
}
