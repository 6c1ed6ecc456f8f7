//! The process of an engine, and its folder. Both are gone when the test ends, in whatever way the test's process ends.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use crate::harness::{Signal, send, temp_dir, wait_until};

/// Waits for the end of the pipe that only we hold; then ends the process that it was told last, and removes the folder. (A
/// process that is about to end may still make files.)
const GUARD: &str = "trap '' HUP INT TERM PIPE; pid=none; while read -r line; do pid=$line; done
[ $pid = none ] || kill -s KILL $pid
for try in 1 2 3 4 5 6 7 8 9; do rm -rf -- \"$0\" && exit; sleep 0.1; done";

/// An engine that can be killed, frozen and started again on the same port.
#[derive(Debug)]
pub struct Process {
    port: u16,
    dir: PathBuf,
    child: Option<Child>,
    guard: Child,
    /// None once the guard is to do its work.
    pipe: Option<ChildStdin>,
}

impl Process {
    /// Makes the folder, and finds a port. Nothing runs yet.
    pub fn new(name: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(name).tempdir_in(temp_dir()).unwrap().keep();
        let mut guard = Command::new("/bin/sh");
        guard.args(["-c", GUARD]).arg(&dir).current_dir("/").stdin(Stdio::piped());
        std::os::unix::process::CommandExt::process_group(&mut guard, 0);
        let mut guard = guard.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let pipe = guard.stdin.take();
        Self { port: free_port(), dir, child: None, guard, pipe }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it is to listen, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts it, and waits until `is_ready`. What it prints goes to a file of its folder.
    #[track_caller]
    pub fn start(&mut self, mut command: Command, is_ready: impl Fn(u16) -> bool) {
        assert!(self.child.is_none(), "it runs already");
        let log = self.dir.join("log");
        let file = std::fs::OpenOptions::new().append(true).create(true).open(&log).unwrap();
        command.current_dir(&self.dir).stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        // Debian keeps servers where only root looks for programs.
        command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap()));
        let program = command.get_program().to_string_lossy().into_owned();
        let child =
            command.spawn().unwrap_or_else(|error| panic!("{program}: {error} (scripts/need test installs it)"));
        self.tell(&child.id().to_string());
        self.child = Some(child);
        wait_until(&format!("{program} is ready"), || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "{program} has ended\n{}", std::fs::read_to_string(&log).unwrap_or_default());
            is_ready(self.port)
        });
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
        self.tell("none");
    }

    /// Lets it stand still, or go on.
    pub fn signal(&self, signal: Signal) {
        send(signal, self.child.as_ref().expect("it runs").id());
    }

    fn tell(&mut self, pid: &str) {
        writeln!(self.pipe.as_mut().expect("the guard still listens"), "{pid}").unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
        self.pipe = None;
        drop(self.guard.wait());
    }
}

/// A port that nobody listens on, below those that the system gives to whoever asks for any: it is still free when an engine
/// is started again.
pub fn free_port() -> u16 {
    const FIRST: u16 = 15000;
    const COUNT: u16 = 16000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    loop {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}
