//! The exec sink with real, tiny processes.

mod streams;

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::Timestamp;

use super::*;
use crate::exit::Exit;
use crate::stop::StopReason;

/// Longer than anything here should take.
const LONG: Option<Duration> = Some(Duration::from_secs(60));
/// Answers every event with its id.
const ACKNOWLEDGE: &str = r#"sed -u 's/.*"id":\([0-9]*\).*/\1/'"#;

fn event(id: i64) -> Item {
    let origin = Origin::Queue { queue: Arc::from("q"), id, attempt: 2, key: id, barrier: false };
    Item::Event(Event { origin, at: Timestamp::UNIX_EPOCH, payload: "x".into() })
}

fn notification(payload: &str) -> Item {
    let origin = Origin::Channel { channel: Arc::from("c"), pid: 1 };
    Item::Event(Event { origin, at: Timestamp::UNIX_EPOCH, payload: payload.into() })
}

/// A sink that runs a script, with what it warned of.
struct Run {
    sink: Exec,
    stop: Stop,
    warnings: Arc<Mutex<Vec<String>>>,
    dir: tempfile::TempDir,
}

impl Run {
    fn words(words: &[&str], mode: Mode, timeout: Option<Duration>) -> Self {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (stop, warnings) = (Stop::default(), Arc::<Mutex<Vec<String>>>::default());
        let told = Arc::clone(&warnings);
        let warn = move |warning: &str| told.lock().unwrap().push(warning.to_owned());
        let dir = tempfile::tempdir().unwrap();
        let sink = Exec::new(&words, mode, timeout, &stop, warn).unwrap();
        Self { sink: sink.env("DIR", dir.path().to_str().unwrap()), stop, warnings, dir }
    }

    /// In the script `$DIR` is a folder of its own.
    fn new(script: &str, mode: Mode) -> Self {
        Self::words(&["sh", "-c", script], mode, LONG)
    }

    fn timeout(script: &str, mode: Mode, millis: u64) -> Self {
        Self::words(&["sh", "-c", script], mode, Some(Duration::from_millis(millis)))
    }

    fn give(&mut self, items: impl IntoIterator<Item = Item>) -> Result<Outcome> {
        items.into_iter().for_each(|item| assert_eq!(self.sink.write(&item).unwrap(), Written::Taken));
        self.sink.flush()
    }

    /// What became of some events: `.` delivered, `-` not tried, or why it was refused.
    fn fates(&mut self, ids: std::ops::RangeInclusive<i64>) -> Vec<String> {
        let count = ids.clone().count();
        let mut fates = vec![".".to_owned(); count];
        match self.give(ids.map(event)).unwrap() {
            Outcome::Delivered => {}
            Outcome::AllBut(undelivered) => {
                for Undelivered { place, reason } in undelivered {
                    fates[place] = reason.unwrap_or_else(|| "-".to_owned());
                }
            }
            other => panic!("{other:?}"),
        }
        fates
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }
}

/// Whether a process is there and not a zombie.
fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn each_event_has_a_process_and_its_exit_code_decides() {
    let mut run = Run::new(r#"cat >> $DIR/in; case $PGFEED_ID in 2) exit 3;; 3) kill -9 $$;; esac"#, Mode::Each);
    assert_eq!(run.fates(1..=4), [".", "exit code 3", "killed by signal 9", "."]);
    assert_eq!(run.file("in").lines().count(), 4);
    let first = r#"{"type":"event","queue":"q","id":1,"attempt":2,"at":"1970-01-01T00:00:00.000000Z","payload":"x"}"#;
    assert_eq!(run.file("in").lines().next(), Some(first));
}

#[test]
fn a_batch_has_one_process_and_one_fate() {
    let mut run = Run::new("cat > $DIR/in; env | grep ^PGFEED > $DIR/env; grep -qv '\"id\":7,' $DIR/in", Mode::Batch);
    assert_eq!(run.fates(1..=3), [".", ".", "."]);
    assert_eq!((run.file("in").lines().count(), run.file("env").as_str()), (3, "PGFEED_QUEUE=q\n"));
    assert_eq!(run.fates(7..=7), ["exit code 1"]);
    assert_eq!(run.give([]).unwrap(), Outcome::Delivered);
    let mut run = Run::new("exit 9", Mode::Batch);
    let refused = |place| Undelivered { place, reason: Some("exit code 9".to_owned()) };
    let all = Outcome::AllBut(vec![refused(0), refused(1)]);
    assert_eq!(run.give(["a", "b"].map(notification)).unwrap(), all, "at most once: nothing is offered again");
}

#[test]
fn of_a_batch_only_what_is_at_fault_is_refused() {
    // 6 and 7 are of one key.
    let of_key = |id, key| {
        let origin = Origin::Queue { queue: Arc::from("q"), id, attempt: 1, key, barrier: false };
        Item::Event(Event { origin, at: Timestamp::UNIX_EPOCH, payload: "x".into() })
    };
    let ids = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 6), (8, 8)];
    let script = r#"all=$(cat); case $all in *'"id":6,'*) exit 1;; esac; echo "$all" | sed 's/.*"id":\([0-9]*\).*/\1/' >> $DIR/in"#;
    let mut run = Run::new(script, Mode::Batch);
    let outcome = run.give(ids.map(|(id, key)| of_key(id, key))).unwrap();
    let refused = Undelivered { place: 5, reason: Some("exit code 1".to_owned()) };
    assert_eq!(outcome, Outcome::AllBut(vec![refused, Undelivered { place: 6, reason: None }]));
    assert_eq!(run.file("in"), "1\n2\n3\n4\n5\n8\n");
}

#[test]
fn halves_of_a_batch_are_offered_while_the_time_that_it_is_held_allows_it() {
    let mut run = Run::new("echo >> $DIR/runs; sleep 1.1; exit 1", Mode::Batch);
    let hold = Hold::new(Duration::from_secs(2));
    run.sink = run.sink.within(Some(hold.clone()));
    hold.begin();
    assert_eq!(run.fates(1..=4), ["-", "-", "-", "-"]);
    assert_eq!(run.file("runs"), "\n");
    hold.begin();
    assert_eq!(run.fates(4..=4), ["exit code 1"]);
}

#[test]
fn a_stop_ends_the_search_for_what_is_at_fault() {
    let mut run =
        Run::new("echo >> $DIR/runs; : > $DIR/begun; while [ ! -e $DIR/go ]; do sleep 0.01; done; exit 1", Mode::Batch);
    let (stop, begun, go) = (run.stop.clone(), run.dir.path().join("begun"), run.dir.path().join("go"));
    let signal = std::thread::spawn(move || {
        wait_until("it is in flight", || begun.exists());
        stop.request(StopReason::Signal);
        std::fs::write(go, "").unwrap();
    });
    assert_eq!(run.fates(1..=4), ["-", "-", "-", "-"]);
    assert_eq!(run.file("runs"), "\n");
    signal.join().unwrap();
}

#[test]
fn a_command_that_is_not_there_is_the_end() {
    for (words, message) in [
        (&["/no/such/program"][..], "running /no/such/program: No such file or directory (os error 2)"),
        (&["/etc/passwd"], "running /etc/passwd: Permission denied (os error 13)"),
        (&["sh", "-c", "exit 126"], "running sh: exit code 126"),
        (&["sh", "-c", "no-such-program 2>/dev/null"], "running sh: exit code 127"),
    ] {
        for mode in [Mode::Each, Mode::Batch, Mode::Stream] {
            let error = Run::words(words, mode, LONG).give([event(1)]).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.exit()), (message, Exit::Failed));
            assert!(error.notes().any(|(name, _)| name == "hint"));
        }
    }
}

#[test]
fn one_that_does_not_read_its_input_need_not() {
    let long = "x".repeat(1 << 20);
    for script in ["exit 0", "exec <&-; exit 0", "head -c 10 > $DIR/in", "sleep 0.1"] {
        for mode in [Mode::Each, Mode::Batch] {
            let mut run = Run::new(script, mode);
            assert_eq!(run.give([notification(&long), notification(&long)]).unwrap(), Outcome::Delivered, "{script}");
        }
    }
}

#[test]
fn a_grandchild_that_holds_the_pipes_does_not_hold_us() {
    let script = r#"sleep 60 <&0 & echo $! > $DIR/pid; exit 0"#;
    let mut run = Run::new(script, Mode::Each);
    let started = Instant::now();
    assert_eq!(run.give([notification(&"x".repeat(1 << 20))]).unwrap(), Outcome::Delivered);
    assert!(started.elapsed() < Duration::from_secs(10));
    // What a command leaves behind when it is content is its own affair.
    assert!(lives(&run.file("pid")));
    std::process::Command::new("kill").arg(run.file("pid").trim()).status().unwrap();
}

#[test]
fn a_time_that_is_over_ends_the_whole_group() {
    for mode in [Mode::Each, Mode::Batch, Mode::Stream] {
        let script = "sleep 60 & echo $! > $DIR/pid; sleep 60; exit 0";
        let mut run = Run::timeout(script, mode, 300);
        let started = Instant::now();
        assert_eq!(run.fates(1..=1), ["timed out after 300ms"]);
        assert!(started.elapsed() < Duration::from_secs(4), "nobody had to be killed");
        wait_until("the grandchild has ended", || !lives(&run.file("pid")));
    }
}

#[test]
fn one_that_does_not_want_to_end_is_killed() {
    let mut run = Run::timeout("trap '' TERM; sleep 60 & echo $! > $DIR/pid; wait; sleep 60", Mode::Each, 100);
    let started = Instant::now();
    assert_eq!(run.fates(1..=1), ["timed out after 100ms"]);
    assert!((5..9).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    wait_until("the grandchild has ended", || !lives(&run.file("pid")));
}

#[test]
fn a_stop_leaves_what_is_in_flight_time_to_finish() {
    for mode in [Mode::Each, Mode::Batch, Mode::Stream] {
        let script =
            format!("read -r line; : > $DIR/begun; sleep 0.5; echo \"$line\" | {ACKNOWLEDGE} >&1; cat > /dev/null");
        let mut run = Run::new(&script, mode);
        let (stop, begun) = (run.stop.clone(), run.dir.path().join("begun"));
        let signal = std::thread::spawn(move || {
            wait_until("it is in flight", || begun.exists());
            stop.request(StopReason::Signal);
        });
        assert_eq!(run.fates(1..=1), ["."], "{mode:?}");
        assert_eq!(run.fates(2..=3), ["-", "-"]);
        signal.join().unwrap();
    }
}

#[test]
fn a_stop_ends_what_takes_longer_and_that_was_no_attempt() {
    let mut run = Run::new(": > $DIR/begun; sleep 60", Mode::Each);
    let (stop, begun) = (run.stop.clone(), run.dir.path().join("begun"));
    let (sender, stopped) = mpsc::channel();
    std::thread::spawn(move || {
        wait_until("it is in flight", || begun.exists());
        stop.request(StopReason::Signal);
        sender.send(Instant::now()).unwrap();
    });
    assert_eq!(run.fates(1..=2), ["-", "-"]);
    let took = stopped.recv().unwrap().elapsed();
    assert!(took > Duration::from_millis(4900) && took < GRACE, "{took:?}");
}

#[test]
fn no_process_begins_when_the_batch_was_held_for_long() {
    let mut run = Run::new("sleep 1.1", Mode::Each);
    let hold = Hold::new(Duration::from_secs(2));
    run.sink = run.sink.within(Some(hold.clone()));
    hold.begin();
    assert_eq!(run.fates(1..=3), [".", "-", "-"]);
    // Not in the next round of the same batch either.
    assert_eq!(run.fates(4..=4), ["-"]);
}

#[test]
fn what_cannot_be_started_any_more_for_now_is_no_refusal_and_is_waited_for() {
    // Somebody writes to the program: it is busy.
    let script = r#"cat >> $DIR/in; [ -e $DIR/pid ] || { exec 3>> "$0"; sleep 60 & echo $! > $DIR/pid; }"#;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("handler");
    // By another process: what is forked from this one meanwhile would keep it open.
    let write = format!("printf '#!/bin/sh\n%s\n' '{script}' > {0}; chmod +x {0}", path.display());
    assert!(std::process::Command::new("sh").args(["-c", &write]).status().unwrap().success());
    let mut run = Run::words(&[path.to_str().unwrap()], Mode::Each, LONG);
    let untried = [1, 2].map(|place| Undelivered { place, reason: None }).to_vec();
    let busy = format!("{} cannot be started now: Text file busy (os error 26)", path.display());
    assert_eq!(run.give((1..=3).map(event)).unwrap(), Outcome::Short(untried, busy.clone()));
    assert_eq!(run.give((2..=3).map(event)).unwrap(), Outcome::Unavailable(busy));
    std::process::Command::new("kill").arg(run.file("pid").trim()).status().unwrap();
    wait_until("nobody writes to it", || !lives(&run.file("pid")));
    assert_eq!(run.give((2..=3).map(event)).unwrap(), Outcome::Delivered);
    assert_eq!(run.file("in").lines().count(), 3);
}
