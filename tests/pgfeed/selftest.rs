//! Proves the harness: what every other test relies on.

use std::fs::OpenOptions;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};

use postgres::NoTls;

use crate::harness::proxy::{Cut, Mode, Proxy};
use crate::harness::{Database, Pgfeed, Signal, Stdout, hang, server};

/// A shell script run as pgfeed would be.
fn sh(script: &str) -> Pgfeed {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]);
    Pgfeed::command(command)
}

/// What a failing assertion of the harness says.
fn failure<T>(run: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(run)).err().expect("it should fail");
    panic.downcast_ref::<String>().expect("a message").clone()
}

/// A connection that speaks to a server through a proxy.
fn through(proxy: &Proxy, database: &Database) -> postgres::Client {
    postgres::Client::connect(&proxy.url(database.name()), NoTls).unwrap()
}

#[test]
fn two_databases_are_separate() {
    let (one, other) = (Database::new(), Database::new());
    one.sql("CREATE TABLE t (id int)");
    other.sql("CREATE TABLE t (id int)");
    one.sql("INSERT INTO t VALUES (1)");
    assert_eq!(other.value("SELECT count(*) FROM t"), "0");
    assert_eq!(one.rows("SELECT id, NULL, 'a' FROM t"), ["1||a"]);
}

#[test]
fn databases_and_roles_are_dropped() {
    let database = Database::new();
    let (name, role) = (database.name().to_owned(), database.role("writer"));
    let session = database.client_as(&role);
    drop(database);
    drop(session);
    let other = Database::new();
    assert_eq!(other.value(&format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'")), "0");
    assert_eq!(other.value(&format!("SELECT count(*) FROM pg_roles WHERE rolname = '{role}'")), "0");
}

#[test]
fn the_shared_server_is_private() {
    let shared = server().cluster();
    assert!(shared.url("x").starts_with("postgresql://postgres@%2F"), "{}", shared.url("x"));
    assert_eq!(Database::new().value("SHOW listen_addresses"), "");
}

#[test]
fn pgfeed_runs_with_the_database_and_a_clean_environment() {
    let database = Database::new();
    database.pgfeed(["notify", "x"]).run().ok().stdout_is("").stderr_is("");
    let environment = sh("env; ls -A \"$HOME\"").env("DATABASE_URL", database.url()).run().ok();
    let allowed = [
        "HOME=",
        "PGHOST=",
        "PATH=",
        "TMPDIR=",
        "PWD=",
        "SHLVL=",
        "_=",
        "OLDPWD=",
        "LLVM_PROFILE_FILE=",
        "DATABASE_URL=",
    ];
    for line in environment.lines() {
        assert!(allowed.iter().any(|name| line.starts_with(name)), "{line}");
    }
}

#[test]
fn a_failure_shows_everything() {
    let told = failure(|| sh("echo out; echo err >&2; exit 3").run().ok());
    for part in ["exit code 3 instead of 0", "/bin/sh -c 'echo out;", "--- stdout\nout\n", "--- stderr\nerr\n"] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn the_deadline_kills() {
    let started = Instant::now();
    let told = failure(|| sh("echo begun; exec sleep 60").deadline(Duration::from_millis(200)).run());
    assert!(told.contains("still running after 200ms") && told.contains("begun"), "{told}");
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_wait_in_vain_tells_what_was_printed() {
    let run = sh("echo one; exec sleep 60").deadline(Duration::from_millis(200)).spawn();
    let told = failure(|| run.wait_stdout_line(|line| line == "two"));
    assert!(told.contains("--- stdout\none\n"), "{told}");
}

#[test]
fn waits_go_on_behind_each_other() {
    let mut run =
        sh("echo a; echo b; echo lost >&2; echo a; read line; echo \"got $line\"; echo lost >&2").stdin_open().spawn();
    assert_eq!(run.next_line(), "a");
    run.wait_stdout_line(|line| line == "a");
    run.wait_stderr("lost");
    assert_eq!(run.lines(), ["a", "b", "a"]);
    run.write_stdin("this\n");
    run.wait_stderr("lost");
    assert_eq!(run.next_line(), "got this");
    run.finish().ok();
}

#[test]
fn signals_end_a_run_with_the_shells_code() {
    let run = sh("echo ready; exec sleep 60").spawn();
    run.next_line();
    run.signal(Signal::Term);
    assert_eq!(run.finish().code, 128 + 15);
    let run = sh("echo ready; exec sleep 60").spawn();
    run.next_line();
    assert_eq!(run.kill().code, 128 + 9);
}

#[test]
fn stdout_can_be_stalled_cut_short_or_a_file() {
    let mut stalled = sh("yes | head -c 1000000; echo done >&2").stdout(Stdout::Stalled).spawn();
    assert!(stalled.is_running());
    stalled.read_stdout();
    stalled.wait_stderr("done");
    assert_eq!(stalled.finish().ok().stdout.len(), 1_000_000);

    let head = sh("exec yes").stdout(Stdout::Head(2)).run();
    assert_eq!((head.code, &head.lines()[..2]), (128 + 13, &["y", "y"][..]));

    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    sh("echo x").stdout(Stdout::To(null)).run().ok().stdout_is("");
}

#[test]
fn stdin_is_given_and_ends() {
    sh("cat").stdin("a\nb").run().ok().stdout_is("a\nb");
    sh("cat").run().ok().stdout_is("");
}

#[test]
fn the_proxy_passes_and_cuts() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = through(&proxy, &database);
    assert_eq!(client.query_one("SELECT 7", &[]).unwrap().get::<_, i32>(0), 7);
    assert_eq!((proxy.connections(), proxy.accepted()), (1, 1));
    proxy.cut(Cut::Reset);
    let error = client.query_one("SELECT 7", &[]).unwrap_err();
    assert!(error.is_closed() || format!("{error:?}").contains("ConnectionReset"), "{error:?}");
    through(&proxy, &database).query_one("SELECT 7", &[]).unwrap();
}

#[test]
fn the_proxy_refuses_and_accepts_again() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut before = through(&proxy, &database);
    proxy.refuse();
    let refused = postgres::Client::connect(&proxy.url(database.name()), NoTls).err().unwrap();
    assert!(format!("{refused:?}").contains("ConnectionRefused"), "{refused:?}");
    before.query_one("SELECT 7", &[]).unwrap();
    proxy.accept();
    through(&proxy, &database).query_one("SELECT 7", &[]).unwrap();
}

#[test]
fn a_stalled_connection_goes_on_later_and_a_black_hole_never_does() {
    let database = Database::new();
    let proxy = database.proxy();
    let asks = |mut client: postgres::Client| {
        let (sender, answers) = std::sync::mpsc::channel();
        std::thread::spawn(move || sender.send(client.query_one("SELECT 7", &[]).is_ok()));
        answers
    };
    let (one, other) = (through(&proxy, &database), through(&proxy, &database));
    proxy.set(Mode::Stall);
    let answers = asks(one);
    assert!(answers.recv_timeout(Duration::from_millis(200)).is_err());
    proxy.set(Mode::Pass);
    assert_eq!(answers.recv_timeout(Duration::from_secs(20)), Ok(true));
    proxy.set(Mode::Blackhole);
    let answers = asks(other);
    assert!(answers.recv_timeout(Duration::from_millis(200)).is_err());
    proxy.cut(Cut::Close);
    assert_eq!(answers.recv_timeout(Duration::from_secs(20)), Ok(false));
}

#[test]
fn the_proxy_delays_and_slows() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = through(&proxy, &database);
    proxy.set(Mode::Delay(Duration::from_millis(100)));
    let started = Instant::now();
    client.batch_execute("SELECT 7").unwrap();
    assert!(started.elapsed() >= Duration::from_millis(200));
    proxy.set(Mode::Slow(10_000));
    let started = Instant::now();
    client.batch_execute("SELECT repeat('x', 2000)").unwrap();
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_reset_can_come_inside_a_message() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = through(&proxy, &database);
    proxy.set(Mode::ResetAfter(1000));
    assert!(client.batch_execute("SELECT repeat('x', 2000)").is_err());
}

#[test]
fn the_answer_to_a_commit_can_be_lost() {
    let database = Database::new();
    database.sql("CREATE TABLE t (id int)");
    let proxy = database.proxy();
    let mut client = through(&proxy, &database);
    proxy.set(Mode::LoseAnswerTo("COMMIT"));
    client.batch_execute("BEGIN; INSERT INTO t VALUES (1)").unwrap();
    assert!(client.batch_execute("COMMIT").is_err());
    assert_eq!(database.value("SELECT count(*) FROM t"), "1");
}

#[test]
fn what_a_server_says_last_arrives_through_the_proxy() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = through(&proxy, &database);
    let error = client.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())").unwrap_err();
    assert_eq!(error.code().map(postgres::error::SqlState::code), Some("57P01"), "{error:?}");
}

#[test]
fn a_test_that_hangs_is_named_and_ends_the_run() {
    const HANGS: &str = "PGFEED_TEST_HANGS";
    if std::env::var_os(HANGS).is_some() {
        sh("true").run().ok();
        std::thread::sleep(Duration::from_secs(600));
    }
    let name = "selftest::a_test_that_hangs_is_named_and_ends_the_run";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name]);
    let run = Pgfeed::command(command).env(HANGS, "").env(hang::LIMIT, "1").run();
    run.code(101).stderr_has(&format!("test {name} has been running for 1 s: it hangs, and this run ends"));
}
