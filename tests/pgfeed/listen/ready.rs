//! That "ready" is true, and who is told.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use super::{notify_with, shell};
use crate::harness::proxy::Mode;
use crate::harness::{Database, Pgfeed, wait_until};

#[test]
fn what_is_sent_after_the_ready_line_is_never_missed() {
    let database = Database::new();
    let mut client = database.client();
    for n in 0..40 {
        let run = database.pgfeed(["listen", "c", "--control", "-n", "1"]).spawn();
        assert!(run.next_line().contains(r#""event":"ready""#));
        notify_with(&mut client, "c", &n.to_string());
        assert_eq!(run.finish().ok().json()[1]["payload"], n.to_string());
    }
}

#[test]
fn what_is_sent_after_the_ready_file_is_never_missed() {
    let database = Database::new();
    let mut client = database.client();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ready");
    for n in 0..20 {
        let run = database.pgfeed(["listen", "c", "-o", "raw", "-n", "1", "--ready-file"]).args([&file]).spawn();
        wait_until("the ready file is there", || file.exists());
        notify_with(&mut client, "c", &n.to_string());
        run.finish().ok().stdout_is(&format!("{n}\n"));
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn ready_waits_for_the_answer_to_listen() {
    let database = Database::new();
    let mut client = database.client();
    let proxy = database.proxy();
    // Between the connect and the answer to LISTEN there is time enough to be wrong.
    proxy.set(Mode::Delay(Duration::from_millis(50)));
    let run =
        Pgfeed::new(["listen", "c", "--control", "-n", "1"]).env("DATABASE_URL", proxy.url(database.name())).spawn();
    assert!(run.next_line().contains(r#""event":"ready""#));
    notify_with(&mut client, "c", "x");
    assert_eq!(run.finish().ok().json()[1]["payload"], "x");
}

#[test]
fn the_ready_file_of_an_earlier_run_is_removed_and_made_anew_only_when_live() {
    let database = Database::new();
    let proxy = database.proxy();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ready");
    fs::write(&file, "stale").unwrap();
    proxy.set(Mode::Stall);
    let args = ["listen", "c", "--ready-file", file.to_str().unwrap()];
    let run = Pgfeed::new(args).env("DATABASE_URL", proxy.url(database.name())).spawn();
    wait_until("the server is asked", || proxy.accepted() == 1);
    assert!(!file.exists());
    proxy.set(Mode::Pass);
    run.wait_stderr("listening on c");
    wait_until("the ready file is there", || file.exists());
}

#[test]
fn a_ready_file_that_cannot_be_removed_is_an_error_and_one_that_cannot_be_made_a_warning() {
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    let refused = database.pgfeed(["listen", "c", "--ready-file", path]).run().code(1);
    refused.stderr_has(&format!("pgfeed: error: removing {path}: "));
    let nowhere = format!("{path}/none/ready");
    // In either order: people and programs are told apart.
    let run = database.pgfeed(["listen", "c", "-t", "1s", "--ready-file", &nowhere]).run().ok();
    run.stderr_has("pgfeed: listening on c\n")
        .stderr_has(&format!("pgfeed: warning: creating {nowhere}: No such file"));
}

/// What a service manager hears on this socket.
fn heard(socket: &UnixDatagram) -> String {
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut message = [0; 100];
    let length = socket.recv(&mut message).expect("systemd is told");
    String::from_utf8_lossy(&message[..length]).into_owned()
}

#[test]
fn systemd_is_told_at_a_path() {
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let run = database.pgfeed(["listen", "c", "-o", "raw", "-n", "1"]).env("NOTIFY_SOCKET", &path).spawn();
    assert_eq!(heard(&socket), "READY=1");
    notify_with(&mut database.client(), "c", "x");
    run.finish().ok().stdout_is("x\n");
}

#[test]
#[cfg(target_os = "linux")]
fn systemd_is_told_at_an_abstract_name() {
    use std::os::linux::net::SocketAddrExt as _;
    let database = Database::new();
    let name = format!("pgfeed-test-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let _run = database.pgfeed(["listen", "c"]).env("NOTIFY_SOCKET", format!("@{name}")).spawn();
    assert_eq!(heard(&socket), "READY=1");
}

/// A stderr that is full, and that nobody reads.
fn stuck_stderr() -> (File, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    while (&theirs).write(&[b'x'; 4096]).is_ok() {}
    while (&theirs).write(b"x").is_ok() {}
    theirs.set_nonblocking(false).unwrap();
    (OwnedFd::from(theirs).into(), ours)
}

#[test]
fn a_stderr_that_nobody_reads_withholds_nothing_from_programs() {
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let (ready, gaps, socket) = (dir.path().join("ready"), dir.path().join("gaps"), dir.path().join("notify"));
    let systemd = UnixDatagram::bind(&socket).unwrap();
    let (stderr, _unread) = stuck_stderr();
    let script = format!("exec \"$PGFEED\" listen c --ready-file {} --gap-fd 7 7>{}", ready.display(), gaps.display());
    let run = shell(&database, &script).env("NOTIFY_SOCKET", &socket).stderr(stderr).spawn();
    assert_eq!(heard(&systemd), "READY=1");
    wait_until("the ready file is there", || ready.exists());
    // That the connection is lost is told to people first, who do not listen.
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgfeed listen' AND datname = current_database()");
    wait_until("the gap is told", || fs::read_to_string(&gaps).unwrap().contains(r#""event":"gap""#));
    run.kill();
}

#[test]
fn a_systemd_that_cannot_be_told_is_a_warning_and_does_not_hide_the_file() {
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ready");
    let args = ["listen", "c", "-t", "1s", "--ready-file", file.to_str().unwrap()];
    let run = database.pgfeed(args).env("NOTIFY_SOCKET", dir.path().join("nobody")).spawn();
    run.wait_stderr("pgfeed: warning: telling systemd: ");
    run.finish().ok();
    assert!(Path::new(&file).exists());
}
