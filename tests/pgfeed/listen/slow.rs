//! Readers that are too slow: the server never waits for them, memory is bounded, and what is lost is counted.

use super::{listening, numbers, peak_kib, send_numbers, shell, wait_until_the_queue_is_empty};
use crate::harness::{Database, Running, Stdout, wait_until};

/// More than 8M and a pipe can hold: 3,000 events of 7,000 bytes.
const EVENTS: i32 = 3000;
const BYTES: i32 = 7000;

/// A run with a buffer of 8M whose reader does not read, after all events were sent and the server is rid of them.
fn overflowed(database: &Database, args: &[&str]) -> Running {
    let run = database.pgfeed(["listen", "c", "--buffer", "8M"]).args(args);
    let run = listening(run.stdout(Stdout::Stalled));
    let mut client = database.client();
    for first in (1..=EVENTS).step_by(100) {
        send_numbers(&mut client, first, first + 99, BYTES);
    }
    run
}

#[test]
#[cfg(target_os = "linux")]
fn a_reader_that_stops_holds_neither_the_server_nor_more_memory_than_allowed() {
    let database = Database::new();
    let run = overflowed(&database, &["--overflow", "drop", "-o", "raw"]);
    wait_until_the_queue_is_empty(&database);
    run.wait_stderr("notifications are dropped");
    let peak = peak_kib(&run);
    assert!(peak <= (8 + 32) * 1024, "{peak} KiB");
    assert!(peak >= 8 * 1024, "the buffer was not used: {peak} KiB");
}

#[test]
fn overflow_stop_is_told_at_once_and_delivers_what_it_had() {
    let database = Database::new();
    let mut run = overflowed(&database, &["-o", "json", "--control"]);
    run.wait_stderr(
        "pgfeed: warning: the reader is too slow and the buffer is full: \
         listening ends here, and what was received is still delivered\n",
    );
    wait_until_the_queue_is_empty(&database);
    assert!(run.is_running());
    run.read_stdout();
    let output = run.finish().code(1);
    output.clone().stderr_has(
        "pgfeed: error: the reader is too slow: 8388608 bytes of notifications are waiting for it\n  \
         hint: --buffer holds more; --overflow drop goes on and tells how many were lost\n",
    );
    let records = output.json();
    let delivered = numbers(records.iter().filter_map(|record| record["payload"].as_str()));
    let last = i32::try_from(delivered.len()).unwrap();
    assert!(last < EVENTS && last > 8_000_000 / (BYTES + 500), "{last}");
    assert_eq!(delivered, (1..=last).collect::<Vec<_>>());
    let end = records.last().unwrap();
    assert_eq!(end["event"], "stopped");
    assert_eq!(end["detail"], "the reader is too slow: 8388608 bytes of notifications are waiting for it");
}

#[test]
fn overflow_drop_counts_what_it_drops_and_tells_where() {
    let database = Database::new();
    let args = ["listen", "c", "--control", "--buffer", "256k", "--overflow", "drop"];
    let mut run = listening(database.pgfeed(args).stdout(Stdout::Stalled));
    let mut client = database.client();
    send_numbers(&mut client, 1, 1000, 1000);
    run.wait_stderr(
        "pgfeed: warning: the reader is too slow and the buffer is full: notifications are dropped until it catches up\n",
    );
    // More comes while the reader catches up, and then until one gets through behind all losses.
    run.read_stdout();
    (1000..3000).step_by(20).for_each(|n| send_numbers(&mut client, n + 1, n + 20, 1000));
    let mut last = 3000;
    wait_until("the last number arrives", || {
        last += 1;
        send_numbers(&mut client, last, last, 1000);
        run.lines().iter().any(|line| line.contains(&format!("\"payload\":\"{} ", last - 1)))
    });
    run.wait_stdout_line(|line| line.contains(&format!("\"payload\":\"{last} ")));
    run.wait_stderr("pgfeed: warning: dropped ");
    run.signal(crate::harness::Signal::Term);
    let output = run.finish().code(130);
    // Each record of a loss stands exactly where the numbers jump, and by its count.
    let mut next = 1;
    for record in output.json() {
        match record["event"].as_str() {
            Some("overflow") => next += dropped(record["detail"].as_str().unwrap()),
            Some(_) => {}
            None => {
                assert_eq!(numbers(record["payload"].as_str()), [next]);
                next += 1;
            }
        }
    }
    assert_eq!(next, last + 1, "delivered and dropped make what was sent");
}

fn dropped(detail: &str) -> i32 {
    let number = detail.strip_prefix("dropped ").and_then(|rest| rest.split(' ').next()).unwrap();
    assert_eq!(detail, format!("dropped {number} notifications, because the reader was too slow"));
    number.parse().unwrap()
}

#[test]
fn a_loss_that_was_not_told_yet_is_told_at_the_end() {
    let database = Database::new();
    let mut run = overflowed(&database, &["-o", "json", "--control", "--overflow", "drop", "-n", "100"]);
    run.wait_stderr("notifications are dropped");
    wait_until_the_queue_is_empty(&database);
    run.read_stdout();
    let output = run.finish().ok();
    let records = output.json();
    let told = |at: usize| records[at]["event"].as_str();
    assert_eq!(
        (records.len(), told(0), told(100), told(101), told(102)),
        (103, Some("ready"), None, Some("overflow"), Some("stopped"))
    );
    output.stderr_has("pgfeed: warning: dropped ");
}

#[test]
fn a_stderr_that_nobody_reads_holds_neither_the_server() {
    let database = Database::new();
    // Both streams go to one pipe that nobody reads; what there is to tell must not stop the reading.
    let script = "exec \"$PGFEED\" listen c -o raw --buffer 64k --overflow drop --ready-file ready 2>&1";
    let dir = tempfile::tempdir().unwrap();
    let run = shell(&database, script).current_dir(dir.path()).stdout(Stdout::Stalled).spawn();
    wait_until("it is ready", || dir.path().join("ready").exists());
    let mut client = database.client();
    for first in (1..=1000).step_by(100) {
        send_numbers(&mut client, first, first + 99, BYTES);
    }
    wait_until_the_queue_is_empty(&database);
    run.signal(crate::harness::Signal::Term);
    run.finish().code(130);
}

#[test]
fn a_gap_descriptor_gets_a_line_for_every_loss() {
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let script = "exec \"$PGFEED\" listen c -o raw --buffer 64k --overflow drop --gap-fd 7 7>gaps";
    let mut run = listening(shell(&database, script).current_dir(dir.path()).stdout(Stdout::Stalled));
    send_numbers(&mut database.client(), 1, 100, BYTES);
    run.wait_stderr("notifications are dropped");
    wait_until_the_queue_is_empty(&database);
    run.read_stdout();
    run.wait_stderr("warning: dropped ");
    let gaps = || std::fs::read_to_string(dir.path().join("gaps")).unwrap();
    wait_until("the line is there", || gaps().ends_with('\n'));
    let line = super::timeless(gaps().trim_end());
    assert!(
        line.starts_with(r#"{"type":"control","event":"overflow","at":T,"channels":["c"],"detail":"dropped "#),
        "{line}"
    );
}

#[test]
fn a_gap_descriptor_must_be_open_and_none_of_the_usual() {
    let database = Database::new();
    let closed = database.pgfeed(["listen", "c", "--gap-fd", "99"]).run().code(2);
    closed.stderr_is("pgfeed: error: --gap-fd 99: it is not open\n  hint: open it, as in 99>gaps\n");
    let usual = database.pgfeed(["listen", "c", "--gap-fd", "2"]).run().code(2);
    usual.stderr_is(
        "pgfeed: error: --gap-fd 2: 0, 1 and 2 are stdin, stdout and stderr\n  hint: open another one, as in 3>gaps\n",
    );
    let unwritable = shell(&database, "exec \"$PGFEED\" listen c --gap-fd 7 7</dev/null").run().code(2);
    unwritable.stderr_is("pgfeed: error: --gap-fd 7: it is not open for writing\n  hint: open it, as in 7>gaps\n");
}
