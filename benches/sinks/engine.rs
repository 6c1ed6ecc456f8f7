//! The process of an engine, on a port of its own, in a folder that goes with it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// It ends when it is dropped.
pub struct Engine {
    pub port: u16,
    child: Child,
    _dir: tempfile::TempDir,
}

impl Engine {
    /// Starts what `describe` makes of a port and a folder, and waits until it listens.
    pub fn start(describe: impl FnOnce(u16, &str) -> Command) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let mut command = describe(port, dir.path().to_str().unwrap());
        let child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("scripts/need bench installs it");
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
