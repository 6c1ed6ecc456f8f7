//! Delivery while sessions and servers end.

use std::time::Duration;

use pgfeed::cluster::Shutdown;

use super::{consume, enqueue, held, make_queue, with_queue};
use crate::durable_trigger::doorbell::wait_for_a_sleeper;
use crate::harness::proxy::Mode;
use crate::harness::{Database, Pgfeed, own_server, own_server_with, wait_until};

#[test]
fn a_session_that_is_ended_costs_no_event() {
    let db = with_queue();
    let consumer = consume(&db, &["-j", "2", "--batch", "20", "--poll", "100ms"]).spawn();
    wait_for_a_sleeper(&db);
    for round in 0..5 {
        db.sql(&format!(
            "INSERT INTO pgfeed.queue_q (key, payload) SELECT n % 20, '{round} ' || n FROM generate_series(1, 200) n"
        ));
        db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgfeed tail-queue' AND datname = current_database()");
    }
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    // What is committed was printed before.
    let mut lines = consumer.lines();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 1000);
    assert!(consumer.stderr().contains("trying again"), "{}", consumer.stderr());
}

/// A shell command that has the session of its own worker ended when it runs for the first time.
fn end_the_session_once(db: &Database, then: &str) -> String {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'
               AND application_name = 'pgfeed tail-queue' AND datname = current_database()";
    format!(
        r#"test -e "$HOME/ended" || {{ touch "$HOME/ended"; "{}" -qAt "{}" -c "{end}" >&2; }}; {then}"#,
        db.server().program("psql").display(),
        db.url()
    )
}

#[test]
fn what_was_delivered_and_not_committed_does_not_count() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    let script = end_the_session_once(&db, "cat");
    let output = db.pgfeed(["tail-queue", "q", "-n", "1", "--", "sh", "-c", &script]).run().ok();
    assert_eq!((output.lines().len(), held(&db).as_str()), (2, "0 0 0"), "{output}");
}

#[test]
fn an_event_is_told_to_be_dead_when_that_is_committed() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    let script = end_the_session_once(&db, "exit 7");
    let args = ["tail-queue", "q", "-e", "--poll", "100ms", "--on-error", "dead", "--", "sh", "-c", &script];
    let output = db.pgfeed(args).run().ok();
    assert_eq!((output.stderr.matches("is dead").count(), held(&db).as_str()), (1, "0 0 1"), "{output}");
}

#[test]
fn a_restart_costs_no_event() {
    let server = own_server_with(|builder| builder.setting("synchronous_commit", "on"));
    let db = server.database();
    make_queue(&db, "q");
    db.sql(&enqueue(100, 20));
    let consumer = consume(&db, &["-j", "2", "--batch", "3", "--poll", "100ms"]).spawn();
    consumer.next_line();
    server.cluster().restart(Shutdown::Immediate).unwrap();
    wait_until("all was delivered", || held(&db) == "0 0 0");
    let mut lines = consumer.lines();
    assert!(lines.len() <= 2000 + 6, "more than the batches in flight came twice: {}", lines.len());
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), 2000);
}

#[test]
fn time_is_over_while_the_server_is_away_too() {
    let server = own_server();
    let db = server.database();
    make_queue(&db, "q");
    let proxy = db.proxy();
    let consumer = consume(&db, &["-t", "2s", "--poll", "100ms"]).env("DATABASE_URL", proxy.url(db.name())).spawn();
    wait_for_a_sleeper(&db);
    proxy.refuse();
    proxy.cut(crate::harness::proxy::Cut::Reset);
    consumer.wait_stderr("trying again");
    consumer.finish().ok();
}

#[test]
fn a_stopped_consumer_is_bounded_by_the_timeout_of_its_command() {
    let db = with_queue();
    let timeout = |args: &[&str]| {
        db.sql(&enqueue(1, 1));
        // The session of the worker is in a transaction for as long as the command runs; its setting is known to itself alone.
        let log = db.server().cluster().log_text().len();
        db.sql(&format!("ALTER DATABASE {} SET log_statement = 'all'", db.name()));
        drop(db.pgfeed(["tail-queue", "q", "-e"]).args(args).run().ok());
        let text = db.server().cluster().log_text();
        // Every session of ours begins with another, in quotes; which is the last, nobody knows.
        let is_it =
            |line: &&str| line.contains("SET idle_in_transaction_session_timeout = ") && !line.contains("'60s'");
        let set = text[log..].lines().rfind(is_it);
        set.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(timeout(&["--exec-timeout", "5s", "--", "true"]), "35000");
    assert_eq!(timeout(&["--exec-timeout", "0", "--", "true"]), "0");
    assert_eq!(timeout(&["--", "true"]), "330000");
    // The last of several is begun when half of the time is over, and has all of its own.
    let answer = "while read -r line; do id=${line#*\\\"id\\\":}; echo \"${id%%,*}\"; done";
    for mode in ["each", "batch", "stream"] {
        let args = ["--exec-timeout", "5s", "--batch", "2", "--exec-mode", mode, "--", "sh", "-c", answer];
        assert_eq!(timeout(&args), "40000", "{mode}");
    }
    assert_eq!(timeout(&["--consume"]), "330000");
    let file = tempfile::NamedTempFile::new().unwrap();
    assert_eq!(timeout(&["--to", &format!("file:{}", file.path().display())]), "60000");
}

#[test]
fn a_server_that_refuses_to_be_listened_to_is_asked_less_and_less_often() {
    let db = with_queue();
    let proxy = db.proxy();
    proxy.set(Mode::LoseAnswerTo("LISTEN"));
    let args = ["tail-queue", "q", "--poll", "1h"];
    let _run = Pgfeed::new(args).env("DATABASE_URL", proxy.url(db.name())).spawn();
    wait_until("it has tried", || proxy.accepted() >= 2);
    // Ten times a second without a growing pause. With one, the first seven of them take six seconds on average.
    std::thread::sleep(Duration::from_secs(3));
    let tries = proxy.accepted();
    assert!(tries < 18, "{tries} connections in three seconds");
}

#[test]
fn a_worker_without_a_connection_and_without_room_is_not_busy() {
    let db = with_queue();
    db.sql(&enqueue(1, 1));
    let run = db.pgfeed(["tail-queue", "q", "-n", "1", "-j", "2", "--", "sh", "-c", "cat; sleep 60"]).spawn();
    assert!(run.next_line().contains("\"1 1\""));
    db.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgfeed tail-queue'
         AND datname = current_database() AND state <> 'idle in transaction'",
    );
    run.wait_stderr("trying again");
    let before = cpu_ticks(run.pid());
    std::thread::sleep(Duration::from_secs(1));
    let busy = cpu_ticks(run.pid()) - before;
    assert!(busy < 40, "{busy} hundredths of a second");
}

/// The processor time that a process has used, in hundredths of a second.
fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}
