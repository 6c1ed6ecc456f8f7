//! Commands that hang, flood, do not read, do not end, or die.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{lives, read, script};
use crate::harness::{Database, Stdout, wait_until};
use crate::listen::{listening, notify, send_numbers, shell};

#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_has_started() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    for mode in ["each", "batch"] {
        let run = script(
            &database,
            &dir,
            &["--exec-timeout", "300ms", "--exec-mode", mode],
            "sleep 60 & echo $! > pid; sleep 60",
        );
        let started = Instant::now();
        notify(&database, "c", "x");
        run.finish().code(1).stderr_has("pgfeed: error: delivering an event: timed out after 300ms\n");
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        wait_until("the grandchild has ended", || !lives(&read(&dir, "pid")));
    }
}

#[test]
fn one_that_ignores_sigterm_is_killed() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let stubborn = "trap '' TERM; sleep 60 & echo $! > pid; wait; sleep 60";
    let run = script(&database, &dir, &["--exec-timeout", "100ms"], stubborn);
    let started = Instant::now();
    notify(&database, "c", "x");
    run.finish().code(1).stderr_has("timed out after 100ms");
    assert!((5..10).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    wait_until("the grandchild has ended", || !lives(&read(&dir, "pid")));
}

#[test]
fn a_stream_that_does_not_read_is_ended_too() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = script(&database, &dir, &["--exec-timeout", "300ms", "--exec-mode", "stream"], "sleep 60");
    send_numbers(&mut database.client(), 1, 100, 7000);
    run.finish().code(1).stderr_has("timed out after 300ms");
}

#[test]
fn death_by_a_signal_is_a_refusal() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = script(&database, &dir, &[], "kill -9 $$");
    notify(&database, "c", "x");
    run.finish().code(1).stderr_has("pgfeed: error: delivering an event: killed by signal 9\n");
}

#[test]
fn long_payloads_that_nobody_reads_do_no_harm() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    for mode in ["each", "batch"] {
        for command in ["exit 0", "exec <&-", "head -c 100 > /dev/null"] {
            let run = script(&database, &dir, &["-n", "60", "--exec-mode", mode], command);
            send_numbers(&mut database.client(), 1, 60, 7999);
            run.finish().ok().stderr_is("pgfeed: listening on c\n");
        }
    }
}

#[test]
fn a_grandchild_that_holds_the_pipes_holds_nobody_up() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let leave = "sleep 60 <&0 > /dev/null 2>&1 & echo $! >> pids; exit 0";
    let run = script(&database, &dir, &["-n", "2"], leave);
    send_numbers(&mut database.client(), 1, 2, 7999);
    run.finish().ok();
    for pid in read(&dir, "pids").lines() {
        crate::harness::send(crate::harness::Signal::Kill, pid.parse().unwrap());
    }
}

#[test]
fn a_flood_goes_past_us() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let flood = "head -c 100000000 /dev/zero; head -c 1000 /dev/zero >&2; cat > /dev/null";
    let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
    let run = database.pgfeed(["listen", "c", "--", "sh", "-c", flood]).stdout(Stdout::To(null));
    let run = listening(run.current_dir(dir.path()));
    (0..3).for_each(|_| notify(&database, "c", "x"));
    run.wait_stderr(&"\0".repeat(3000));
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
    assert!(peak.parse::<u32>().unwrap() < 40_000, "{peak} kB");
}

#[test]
fn nothing_is_left_of_many_processes() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    // Every process writes down which descriptors it was given.
    let run = script(&database, &dir, &["--on-error", "skip"], "ls -m /proc/$$/fd >> fds; exit 1");
    let mut client = database.client();
    let open = || std::fs::read_dir(format!("/proc/{}/fd", run.pid())).unwrap().count();
    let threads = || std::fs::read_dir(format!("/proc/{}/task", run.pid())).unwrap().count();
    let processed = |count| wait_until("all were processed", || read(&dir, "fds").lines().count() == count);
    send_numbers(&mut client, 1, 10, 10);
    processed(10);
    let before = (open(), threads());
    send_numbers(&mut client, 11, 300, 7000);
    processed(300);
    // The last one may just be ending.
    wait_until("all descriptors and threads are back", || open() <= before.0 && threads() <= before.1);
    let children = PathBuf::from(format!("/proc/{0}/task/{0}/children", run.pid()));
    wait_until("no zombie is left", || std::fs::read_to_string(&children).unwrap().is_empty());
    let fds = read(&dir, "fds");
    assert!(fds.lines().all(|line| line == fds.lines().next().unwrap()), "{fds}");
}

#[test]
fn whoever_started_us_may_ignore_its_children() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let script = "exec env --ignore-signal=CHLD \"$PGFEED\" listen c -n 1 --on-error skip -- sh -c '[ -e in ] || { : > in; exit 3; }'";
    let run = listening(shell(&database, script).current_dir(dir.path()));
    (0..2).for_each(|_| notify(&database, "c", "x"));
    run.finish().ok().stderr_has("refused: exit code 3");
}
