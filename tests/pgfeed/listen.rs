//! `pgfeed listen` while nothing is broken.

// What names may look like, and that only good ones reach the server.
mod channels;
// How it ends: readers that leave, full disks, signals.
mod ends;
// When it stops by itself.
mod limits;
// Forms of the output, and that no payload can break them.
mod output;
// That "ready" is true, and who is told.
mod ready;
// Readers that are too slow.
mod slow;

use postgres::Client;

use crate::harness::{Database, Pgfeed, Running};

/// Starts to listen, and waits until it is live.
#[track_caller]
pub fn listening(run: Pgfeed) -> Running {
    let run = run.spawn();
    run.wait_stderr("pgfeed: listening on ");
    run
}

/// Starts `pgfeed listen` with these arguments on a database, and waits until it is live.
#[track_caller]
pub fn listen<const N: usize>(database: &Database, args: [&str; N]) -> Running {
    listening(database.pgfeed(["listen"]).args(args))
}

/// Sends one notification from a session of its own.
pub fn notify(database: &Database, channel: &str, payload: &str) {
    notify_with(&mut database.client(), channel, payload);
}

/// Sends one notification.
pub fn notify_with(client: &mut Client, channel: &str, payload: &str) {
    client.execute("SELECT pg_notify($1, $2)", &[&channel, &payload]).unwrap();
}

/// Sends numbers, from the first to the last, to channel `c`, each padded to `bytes`, in one transaction.
pub fn send_numbers(client: &mut Client, first: i32, last: i32, bytes: i32) {
    let statement =
        "SELECT count(pg_notify('c', rpad(n::text || ' ', $3, 'x'))::text) FROM generate_series($1::int, $2::int) n";
    client.query_one(statement, &[&first, &last, &bytes]).unwrap();
}

/// The numbers that were received, in that order, of what [`send_numbers`] sent.
pub fn numbers<S: AsRef<str>>(lines: impl IntoIterator<Item = S>) -> Vec<i32> {
    let number =
        |line: S| line.as_ref().split(' ').next().unwrap().parse().unwrap_or_else(|_| panic!("{}", line.as_ref()));
    lines.into_iter().map(number).collect()
}

/// A line of JSON with its time, which no test can know, replaced by `T`.
#[track_caller]
pub fn timeless(line: &str) -> String {
    let (head, rest) = line.split_once(r#""at":""#).unwrap_or_else(|| panic!("no time in {line}"));
    let (at, tail) = rest.split_once('"').unwrap();
    let pattern: String = at.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(pattern, "0000-00-00T00:00:00.000000Z");
    format!(r#"{head}"at":T{tail}"#)
}

/// Runs a shell script in which `$PGFEED` is the program and the database is set.
pub fn shell(database: &Database, script: &str) -> Pgfeed {
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", script]);
    Pgfeed::command(command).env("PGFEED", env!("CARGO_BIN_EXE_pgfeed")).env("DATABASE_URL", database.url())
}

/// Waits until the server keeps next to nothing of what was sent for any listener. A few pages (of a million) may stay: the
/// server does not wake the listeners of other databases for less.
pub fn wait_until_the_queue_is_empty(database: &Database) {
    database.wait_for("SELECT pg_notification_queue_usage() < 8 / 1048576.0");
}

/// Waits until the server has handed everything that was sent to its listeners' sockets.
pub fn wait_until_the_server_has_sent_it(database: &Database) {
    // More pages behind it than may stay.
    let filler =
        "SELECT count(pg_notify('nobody listens to this', rpad(n::text, 7000))::text) FROM generate_series(1, 12) n";
    database.client().execute(filler, &[]).unwrap();
    wait_until_the_queue_is_empty(database);
}

/// The most memory that a process ever had, in KiB.
#[cfg(target_os = "linux")]
pub fn peak_kib(run: &Running) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
