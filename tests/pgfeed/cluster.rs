//! The throwaway server as a library: starting, restarting, TCP, keeping, and that nothing survives its owner.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use pgfeed::cluster::{Cluster, Durability, Shutdown, Signal, Tcp};
use postgres::{Client, NoTls};

use crate::harness::{Pgfeed, Running, own_server, own_server_with, send, temp_dir, wait_until};

fn answer(url: &str, query: &str) -> String {
    Client::connect(url, NoTls).unwrap().query_one(query, &[]).unwrap().get(0)
}

/// Looks in the process table, where every process of a server bears the name of its folder or of its parent.
fn ps(columns: &str) -> String {
    let output = Command::new("ps").args(["-A", "-ww", "-o", columns]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn group_of(pid: u32) -> u32 {
    let table = ps("pid=,pgid=");
    let mut rows = table.lines().map(|line| line.split_whitespace().map(|number| number.parse::<u32>().unwrap()));
    rows.find_map(|mut row| (row.next() == Some(pid)).then(|| row.next().unwrap())).unwrap()
}

#[test]
fn a_restart_keeps_the_data_and_the_socket() {
    let server = own_server();
    let (cluster, database) = (server.cluster(), server.database());
    database.sql("CREATE TABLE t AS SELECT 7 AS id");
    for how in [Shutdown::Fast, Shutdown::Immediate] {
        let (pid, mut session) = (cluster.pid(), database.client());
        cluster.restart(how).unwrap();
        assert!(session.batch_execute("SELECT 1").is_err());
        assert_ne!(cluster.pid(), pid);
        assert_eq!(database.value("SELECT id FROM t"), "7");
    }
    assert!(cluster.log_text().contains("automatic recovery in progress"));
    cluster.halt(Shutdown::Fast).unwrap();
    assert_eq!(cluster.pid(), None);
    assert!(Client::connect(&database.url(), NoTls).is_err());
    cluster.launch().unwrap();
    assert_eq!(database.value("SELECT id FROM t"), "7");
    assert_eq!(cluster.launch().unwrap_err().to_string(), "the server is running already");
}

#[test]
fn a_stopped_server_says_nothing_and_can_still_be_ended() {
    let server = own_server();
    let (cluster, database) = (server.cluster(), server.database());
    let mut session = database.client();
    cluster.signal_backends(Signal::Stop).unwrap();
    let asked = thread::spawn(move || session.query_one("SELECT 7", &[]).unwrap().get::<_, i32>(0));
    thread::sleep(Duration::from_millis(100));
    assert!(!asked.is_finished());
    cluster.signal_backends(Signal::Cont).unwrap();
    assert_eq!(asked.join().unwrap(), 7);

    let session = database.client();
    cluster.signal_postmaster(Signal::Stop).unwrap();
    cluster.signal_backends(Signal::Stop).unwrap();
    let (dir, started) = (cluster.socket_dir().to_owned(), Instant::now());
    drop((database, server));
    assert!(!dir.exists() && !ps("args=").contains(&*dir.to_string_lossy()));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(session);
}

#[test]
fn over_tcp_a_password_is_required() {
    let server = own_server_with(|builder| builder.tcp(Tcp::AnyFree));
    let cluster = server.cluster();
    let url = cluster.url("postgres");
    let (before, address) = url.split_once('@').unwrap();
    assert_eq!(address, format!("127.0.0.1:{}/postgres", cluster.port()));
    assert_eq!(before.strip_prefix("postgresql://postgres:").map(str::len), Some(32));
    assert_eq!(answer(&url, "SELECT host(inet_client_addr())"), "127.0.0.1");
    assert_eq!(answer(&cluster.socket_url("postgres"), "SELECT current_user::text"), "postgres");
    let wrong = format!("postgresql://postgres:guess@{address}");
    let refused = Client::connect(&wrong, NoTls).err().unwrap();
    assert_eq!(refused.code(), Some(&postgres::error::SqlState::INVALID_PASSWORD));
    cluster.restart(Shutdown::Fast).unwrap();
    assert_eq!(answer(&url, "SELECT host(inet_client_addr())"), "127.0.0.1");
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = Cluster::builder().tcp(Tcp::Port(port)).start().unwrap_err();
    assert!(refused.to_string().starts_with("starting a throwaway PostgreSQL: the server ended with"), "{refused}");
    let detail = refused.notes().find(|(label, _)| *label == "detail").unwrap().1;
    assert!(detail.contains("Address already in use"), "{detail}");
}

#[test]
fn durability_is_what_was_asked_for() {
    let server = own_server_with(|builder| builder.durability(Durability::Real).setting("wal_level", "logical"));
    let asked = "SELECT concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('wal_level'))";
    assert_eq!(answer(&server.cluster().url("postgres"), asked), "on on logical");
    drop(server);
    let server = own_server();
    assert_eq!(answer(&server.cluster().url("postgres"), asked), "off off replica");
}

#[test]
fn what_is_kept_stays_and_is_not_mixed_with_others() {
    let dir = tempfile::tempdir().unwrap();
    // The server's user has to get there, also when we are root.
    fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let kept = dir.path().join("kept");
    let builder = Cluster::builder().keep(&kept);
    let cluster = builder.start().unwrap();
    let sockets = cluster.socket_dir().to_owned();
    cluster.stop().unwrap();
    assert!(!sockets.exists());
    assert!(kept.join("data/PG_VERSION").exists() && !kept.join("data/postmaster.pid").exists());
    assert!(fs::read_to_string(kept.join("log")).unwrap().contains("database system is shut down"));
    let refused = builder.start().unwrap_err().to_string();
    assert_eq!(refused, format!("starting a throwaway PostgreSQL: {} is not empty", kept.display()));
}

#[test]
fn the_server_and_its_guard_do_not_hear_ctrl_c() {
    let server = own_server();
    let pid = server.cluster().pid().unwrap();
    assert_eq!(group_of(pid), pid);
    let (dir, table) = (server.cluster().socket_dir().to_string_lossy().into_owned(), ps("pid=,args="));
    let guard = table.lines().find(|line| line.contains("pgfeed-guard") && line.contains(&dir)).unwrap();
    let guard = guard.split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(group_of(guard), guard);
}

#[test]
fn a_guard_that_was_killed_is_replaced() {
    let server = own_server();
    let (dir, table) = (server.cluster().socket_dir().to_owned(), ps("pid=,args="));
    let path = dir.to_string_lossy();
    let guard = table.lines().find(|line| line.contains("pgfeed-guard") && line.contains(&*path)).unwrap();
    send(crate::harness::Signal::Kill, guard.split_whitespace().next().unwrap().parse().unwrap());
    drop(server);
    assert!(!dir.exists() && !ps("args=").contains(&*path));
}

/// Holds a server until somebody ends this process: run by the tests below, in a process of its own.
#[test]
#[ignore = "it waits to be killed; others run it"]
fn holder() {
    let builder = match std::env::var_os("HOLDER_SETTING") {
        Some(setting) => Cluster::builder().setting(&setting.to_string_lossy(), "1"),
        None => Cluster::builder(),
    };
    let cluster = builder.start();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "\nholds {:?}", cluster.as_ref().map(Cluster::pid)).unwrap();
    drop(std::io::stdin().read(&mut [0]));
}

fn hold(temp: &Path, setting: Option<&str>) -> Running {
    fs::set_permissions(temp, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "cluster::holder", "--ignored", "--nocapture"]);
    let run = Pgfeed::command(command).env("TMPDIR", temp).stdin_open();
    setting.into_iter().fold(run, |run, setting| run.env("HOLDER_SETTING", setting)).spawn()
}

/// The private directory, as soon as there is one.
fn private_dir(temp: &Path) -> Option<std::path::PathBuf> {
    fs::read_dir(temp).unwrap().next().map(|entry| entry.unwrap().path())
}

fn wait_until_nothing_is_left(temp: &Path) {
    wait_until("directory and processes are gone", || {
        private_dir(temp).is_none() && !ps("args=").contains(&*temp.to_string_lossy())
    });
}

#[test]
fn kill_9_leaves_neither_process_nor_directory() {
    let temp = tempfile::tempdir_in(temp_dir()).unwrap();
    let run = hold(temp.path(), None);
    let held = run.wait_stdout_line(|line| line.starts_with("holds"));
    assert!(held.starts_with("holds Ok(Some("), "{held}");
    let dir = private_dir(temp.path()).unwrap();
    let session = Client::connect(&format!("host={} user=postgres", dir.display()), NoTls).unwrap();
    run.kill();
    wait_until_nothing_is_left(temp.path());
    drop(session);
}

#[test]
fn kill_9_at_any_moment_of_the_start_leaves_nothing() {
    let moments: [&dyn Fn(&Path) -> bool; 5] = [
        &|_| true,
        &|dir| dir.join("log").exists(),
        &|dir| dir.join("data").exists(),
        &|dir| dir.join("data/PG_VERSION").exists(),
        &|dir| dir.join("data/postmaster.pid").exists(),
    ];
    for moment in moments {
        let temp = tempfile::tempdir_in(temp_dir()).unwrap();
        let run = hold(temp.path(), None);
        wait_until("the start is as far as that", || private_dir(temp.path()).is_some_and(|dir| moment(&dir)));
        run.kill();
        wait_until_nothing_is_left(temp.path());
    }
}

#[test]
fn a_start_that_fails_tells_why_and_leaves_nothing() {
    let temp = tempfile::tempdir_in(temp_dir()).unwrap();
    let run = hold(temp.path(), Some("no_such_setting"));
    let held = run.wait_stdout_line(|line| line.starts_with("holds"));
    assert!(held.contains("unrecognized configuration parameter \\\"no_such_setting\\\""), "{held}");
    assert_eq!(private_dir(temp.path()), None);
}
