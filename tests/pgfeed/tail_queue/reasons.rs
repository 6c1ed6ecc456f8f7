//! What a command says on its stderr: all of it goes where ours goes, and the last line tells why an event is dead.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{enqueue, held, store, with_queue};
use crate::exec::read;
use crate::harness::{Database, Pgfeed, Signal, wait_until};
use crate::listen::{peak_kib, shell};

const MODES: [&str; 3] = ["each", "batch", "stream"];

/// Delivers to a shell command until nothing is left; what is refused is dead at once.
fn deliver(db: &Database, mode: &str, script: &str) -> Pgfeed {
    let args =
        ["tail-queue", "q", "-e", "--poll", "100ms", "--on-error", "dead", "--exec-mode", mode, "--", "sh", "-c"];
    db.pgfeed(args).args([script])
}

fn errors(db: &Database) -> Vec<String> {
    db.rows("SELECT error FROM pgfeed.dead_q ORDER BY id")
}

#[test]
fn a_dead_event_keeps_the_last_line_that_its_command_wrote_to_stderr() {
    let db = with_queue();
    let long = "é".repeat(300);
    for mode in MODES {
        for (says, code, kept) in [
            (r"printf 'first\nno such customer: 7\n\n'", 3, "exit code 3; stderr: no such customer: 7"),
            (r"printf 'first\nwithout an end'", 4, "exit code 4; stderr: without an end"),
            (r"printf '10 \045\r20 \045\rfull\n'", 5, "exit code 5; stderr: full"),
            (r"printf '\033[31mred\t\n'", 6, r"exit code 6; stderr: \u{001b}[31mred"),
            (r"printf 'caf\351\n'", 7, "exit code 7; stderr: caf\u{fffd}"),
            (":", 8, "exit code 8"),
            (&format!("echo {long}"), 9, &format!("exit code 9; stderr: {}...", "é".repeat(200))),
        ] {
            store(&db, "x");
            deliver(&db, mode, &format!("read -r line; {says} >&2; exit {code}")).run().ok();
            assert_eq!(errors(&db), [kept], "{mode}: {says}");
            db.sql("DELETE FROM pgfeed.dead_q");
        }
    }
    store(&db, "x");
    let run = deliver(&db, "each", "echo why >&2; exit 1").run().ok();
    run.stderr_has("why\npgfeed: warning: event ").stderr_has(" was refused, attempt 1: exit code 1; stderr: why\n");
    let dead = db.pgfeed(["tail-queue", "q", "--dead"]).run().ok().json();
    assert_eq!(dead[0]["error"], "exit code 1; stderr: why");
}

#[test]
fn what_a_process_of_mode_stream_said_of_others_is_not_told_of_the_next() {
    let db = with_queue();
    let script = "while read -r line; do case $line in *bad*) exit 1;; esac
        id=${line#*\\\"id\\\":}; echo \"${id%%,*}\"; sleep 0.2; echo \"done ${id%%,*}\" >&2; done";
    let args = ["tail-queue", "q", "--on-error", "dead", "--exec-mode", "stream", "--", "sh", "-c", script];
    let run = db.spawn(args);
    store(&db, "good");
    // Said when it had nothing to do any more: it is passed on all the same.
    run.wait_stderr("done 1\n");
    store(&db, "bad");
    wait_until("it is dead", || held(&db) == "0 0 1");
    assert_eq!(errors(&db), ["exit code 1"]);
}

#[test]
fn all_that_commands_say_goes_past_us_whole_and_in_order() {
    let db = with_queue();
    for mode in MODES {
        db.sql(&enqueue(40, 1));
        let take = "id=${line#*\\\"id\\\":}; id=${id%%,*}; for n in 1 2 3; do echo \"$id says $n\" >&2; done; echo $id";
        let run = deliver(&db, mode, &format!("while read -r line; do {take}; done")).run().ok();
        let mut said = HashMap::<&str, Vec<&str>>::new();
        for line in run.stderr.lines() {
            let (id, number) = line.split_once(" says ").expect(line);
            said.entry(id).or_default().push(number);
        }
        assert_eq!(said.len(), 40, "{mode}: {run}");
        assert!(said.values().all(|numbers| *numbers == ["1", "2", "3"]), "{mode}: {run}");
        assert_eq!(held(&db), "0 0 0", "{mode}");
    }
}

#[test]
fn a_flood_on_stderr_takes_no_memory() {
    let db = with_queue();
    for flood in ["head -c 20000000 /dev/zero", "yes | head -c 20000000"] {
        store(&db, "x");
        let null = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
        let script = format!("cat > /dev/null; ({flood}) >&2; exit 1");
        let args = ["tail-queue", "q", "--on-error", "dead", "--", "sh", "-c", &script];
        let run = db.pgfeed(args).stderr(null).spawn();
        wait_until("it is dead", || held(&db) == "0 0 1");
        assert!(peak_kib(&run) < 40_000, "{} KiB", peak_kib(&run));
        run.signal(Signal::Term);
        run.finish().code(130);
        let [error] = &errors(&db)[..] else { panic!("one is dead") };
        assert!(error.starts_with("exit code 1; stderr: ") && error.len() < 2000, "{error}");
        db.sql("DELETE FROM pgfeed.dead_q");
    }
}

/// Whatever a script has left running waits for this.
fn let_go(dir: &TempDir) {
    std::fs::write(dir.path().join("go"), "").unwrap();
}

#[test]
fn a_grandchild_that_holds_stderr_holds_no_event_and_is_heard_later() {
    for mode in MODES {
        let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
        db.sql(&enqueue(3, 1));
        let leave =
            "(until test -e go; do sleep 0.05; done; echo late >&2; echo over >> over) < /dev/null > /dev/null &";
        let script = format!("{leave} echo gone >&2; exit 1");
        let args = ["tail-queue", "q", "--on-error", "dead", "--exec-mode", mode, "--", "sh", "-c", &script];
        let started = Instant::now();
        let run = db.pgfeed(args).current_dir(dir.path()).spawn();
        wait_until("all are dead", || held(&db) == "0 0 3");
        assert!(started.elapsed() < Duration::from_secs(10), "{mode}: {:?}", started.elapsed());
        assert!(errors(&db).iter().all(|error| error == "exit code 1; stderr: gone"), "{mode}: {:?}", errors(&db));
        let_go(&dir);
        // It was not ended by a pipe that nobody reads.
        run.wait_stderr("late\n");
        wait_until("all have ended", || read(&dir, "over").lines().count() >= 3);
    }
}

#[test]
fn nothing_is_left_of_many_that_were_listened_to() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    // Every process writes down which descriptors it was given.
    let script = "ls -m /proc/$$/fd >> fds; echo said >&2";
    let run = db.pgfeed(["tail-queue", "q", "--", "sh", "-c", script]).current_dir(dir.path()).spawn();
    let open = || std::fs::read_dir(format!("/proc/{}/fd", run.pid())).unwrap().count();
    let threads = || std::fs::read_dir(format!("/proc/{}/task", run.pid())).unwrap().count();
    db.sql(&enqueue(10, 1));
    wait_until("all are delivered", || held(&db) == "0 0 0");
    let before = (open(), threads());
    db.sql(&enqueue(150, 1));
    wait_until("all are delivered", || held(&db) == "0 0 0");
    wait_until("all descriptors and threads are back", || open() <= before.0 && threads() <= before.1);
    let fds = read(&dir, "fds");
    assert!(fds.lines().all(|line| line == fds.lines().next().unwrap()), "{fds}");
}

#[test]
fn a_terminal_is_the_command_s_own() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    store(&db, "x");
    let handler = "test -t 2 && echo terminal > found; echo why >&2; exit 1";
    std::fs::write(dir.path().join("handler"), handler).unwrap();
    let script = r#"exec script -qec "$PGFEED tail-queue q -e --on-error dead -- sh handler" /dev/null"#;
    shell(&db, script).env("TERM", "dumb").current_dir(dir.path()).run().ok();
    assert_eq!((read(&dir, "found").as_str(), errors(&db)), ("terminal\n", vec!["exit code 1".to_owned()]));
}
