//! `pgfeed listen` while things break: nothing is lost that was received, every interruption is told, and it comes back.

// Sessions that are ended, servers that restart, connections that are cut.
mod lost;
// Errors that trying again cannot help, and servers that are not there yet.
mod refused;
// Servers and networks that say nothing, or little.
mod silent;
// A standby, which cannot be listened to.
mod standby;
// What is told, and how often.
mod told;

use std::time::Duration;

use postgres::Client;
use serde_json::Value;

use crate::harness::proxy::Proxy;
use crate::harness::{Database, Output, Pgfeed, Running};
use crate::listen::{listening, notify_with, numbers};

/// By when a silent server must be noticed: a heartbeat and two seconds; the rest is for a busy machine.
const NOTICED: Duration = Duration::from_millis(3900);

/// Describes a run that says everything in its records, and lets a silent server be asked every second.
fn described(url: &str) -> Pgfeed {
    with_heartbeat(url, "1s")
}

/// The same with another heartbeat.
fn with_heartbeat(url: &str, heartbeat: &str) -> Pgfeed {
    let args = ["listen", "c", "--control", "--heartbeat", heartbeat, "--connect-timeout", "1s"];
    Pgfeed::new(args).env("DATABASE_URL", url)
}

/// How a place and a database are named in an error.
fn named(proxy: &Proxy, database: &Database) -> String {
    format!("database \"{}\" on 127.0.0.1:{} as \"postgres\"", database.name(), proxy.port())
}

/// The same through a proxy, once it is live.
fn through(proxy: &Proxy, database: &Database) -> Running {
    listening(described(&proxy.url(database.name())))
}

/// Waits for a control record.
#[track_caller]
fn wait_for(run: &Running, event: &str) -> Value {
    let line = run.wait_stdout_line(|line| line.contains(&format!(r#""event":"{event}""#)));
    serde_json::from_str(&line).unwrap()
}

/// Sends each number in a transaction of its own.
fn send(client: &mut Client, numbers: std::ops::RangeInclusive<i32>) {
    numbers.for_each(|n| notify_with(client, "c", &n.to_string()));
}

/// Waits until a number is received.
#[track_caller]
fn wait_number(run: &Running, number: i32) {
    run.wait_stdout_line(|line| line.contains(&format!(r#""payload":"{number}""#)));
}

/// What came, in order: the numbers, and the names of the records.
fn story(output: &Output) -> Vec<String> {
    let name = |record: &Value| record["event"].as_str().or(record["payload"].as_str()).unwrap().to_owned();
    output.json().iter().map(name).collect()
}

/// The numbers alone.
fn received(output: &Output) -> Vec<i32> {
    numbers(output.json().iter().filter_map(|record| record["payload"].as_str()))
}

/// Ends the sessions of pgfeed at the server.
fn terminate(database: &Database) {
    database.sql(&format!("SELECT pg_terminate_backend(pid) FROM ({}) AS s", sessions("pid")));
}

/// A query for sessions of pgfeed in this database.
fn sessions(column: &str) -> String {
    format!(
        "SELECT {column} FROM pg_stat_activity WHERE application_name = 'pgfeed listen' AND datname = current_database()"
    )
}

/// Ends a run and gives what it printed.
#[track_caller]
fn stop(run: Running) -> Output {
    run.signal(crate::harness::Signal::Term);
    run.finish().code(130)
}
