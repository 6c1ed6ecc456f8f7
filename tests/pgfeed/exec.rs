//! `pgfeed listen CHANNEL -- COMMAND`: what the command gets, what its end means, and that nothing it does harms us.

// Commands that hang, flood, do not read, do not end, or die.
mod bad;
// Signals with a command in flight, and what is left behind.
mod stops;

use std::path::Path;

use tempfile::TempDir;

use crate::harness::{Database, Running};
use crate::listen::{listening, notify, timeless};

/// Listens to channel `c` with these further arguments, in a folder of its own, which is `$DIR`.
#[track_caller]
pub fn start(database: &Database, dir: &TempDir, args: &[&str]) -> Running {
    listening(database.pgfeed(["listen", "c"]).args(args).env("DIR", dir.path()).current_dir(dir.path()))
}

/// The same with a shell script as the command, of which flags can stand in front.
#[track_caller]
pub fn script(database: &Database, dir: &TempDir, flags: &[&str], script: &str) -> Running {
    start(database, dir, &[flags, &["--", "sh", "-c", script]].concat())
}

pub fn read(dir: &TempDir, name: &str) -> String {
    std::fs::read_to_string(dir.path().join(name)).unwrap_or_default()
}

/// Whether a process is there, and not as a zombie.
pub fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

#[test]
fn each_notification_is_one_json_line_on_the_stdin_of_a_process() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = script(&database, &dir, &["-n", "2"], "echo $$ >> pids; cat; echo done");
    notify(&database, "c", "one");
    notify(&database, "c", r#"{"a":[1e400]}"#);
    let output = run.finish().ok().stderr_is("pgfeed: listening on c\n");
    let lines = output.lines();
    assert_eq!((lines.len(), lines[1], lines[3]), (4, "done", "done"), "{output}");
    assert!(timeless(lines[0]).ends_with(r#","at":T,"payload":"one"}"#), "{output}");
    assert!(timeless(lines[2]).ends_with(r#","at":T,"payload":{"a":[1e400]}}"#), "{output}");
    assert!(lines[0].starts_with(r#"{"type":"notification","channel":"c","pid":"#), "{output}");
    assert_eq!(read(&dir, "pids").lines().count(), 2);
}

#[test]
fn the_environment_says_what_it_is_about_and_never_the_payload() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let run = database.pgfeed([
        "listen",
        "c",
        "d",
        "-n",
        "2",
        "--",
        "sh",
        "-c",
        "env | grep -v _BIN= | sort; cat > /dev/null",
    ]);
    let run = listening(run.current_dir(dir.path()).env("PGFEED_ID", "of an outer pgfeed").env("KEPT", "yes"));
    notify(
        &database,
        "c",
        r#"{"op":"UPDATE","schema":"public","table":"orders","key":{"id":7},"new":{"secret":"S3cr3t"}}"#,
    );
    notify(&database, "d", "S3cr3t");
    let output = run.finish().ok().lacks("S3cr3t");
    let ours: Vec<&str> = output.lines().into_iter().filter(|line| line.starts_with("PGFEED_")).collect();
    assert_eq!(ours, ["PGFEED_CHANNEL=c", "PGFEED_OP=UPDATE", "PGFEED_TABLE=public.orders", "PGFEED_CHANNEL=d"]);
    assert_eq!(output.lines().into_iter().filter(|line| *line == "KEPT=yes").count(), 2);
}

#[test]
fn a_channel_is_told_to_a_batch_only_when_it_is_the_only_one() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    for mode in ["batch", "stream"] {
        for (channels, expected) in [(&["c"][..], "PGFEED_CHANNEL=c\n"), (&["c", "d"], "")] {
            let run = database.pgfeed(["listen"]).args(channels).args(["-n", "1", "--exec-mode", mode, "--"]);
            let run =
                listening(run.args(["sh", "-c", "env | grep ^PGFEED_CH; cat > /dev/null"]).current_dir(dir.path()));
            notify(&database, "c", "x");
            run.finish().ok().stdout_is(expected);
        }
    }
}

#[test]
fn arguments_are_passed_as_they_are() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let odd =
        ["-n", "--", "$(touch x)", "`touch x`", "; touch x", "a\nb", "", "*", "'\"\\", "-h", "--help", "é\u{202e}"];
    let words = [&["-n", "1", "--", "printf", "[%s]\n"][..], &odd].concat();
    let run = start(&database, &dir, &words);
    notify(&database, "c", "x");
    let expected: String = odd.iter().map(|word| format!("[{word}]\n")).collect();
    run.finish().ok().stdout_is(&expected);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn arguments_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let database = Database::new();
    let word = std::ffi::OsStr::from_bytes(b"a\xffb");
    let run = listening(database.pgfeed(["listen", "c", "-n", "1", "--", "printf", "%s"]).args([word]));
    notify(&database, "c", "x");
    assert_eq!(run.finish().ok().stdout_bytes, b"a\xffb");
}

#[test]
fn a_payload_is_never_run() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let payloads =
        ["$(touch x)", "`touch x`", "'; touch x; '", "\"\n; touch x\n", "-rf", "\u{1b}]0;x\u{7}", "é\u{202e}%s"];
    let run = start(&database, &dir, &["-n", &payloads.len().to_string(), "--", "cat"]);
    payloads.iter().for_each(|payload| notify(&database, "c", payload));
    let output = run.finish().ok();
    let seen: Vec<_> = output.json().iter().map(|event| event["payload"].as_str().unwrap().to_owned()).collect();
    assert_eq!(seen, payloads);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_refusal_stops_it_before_the_next_or_is_skipped() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let refuse = "read -r line; echo \"$line\" >> in; case $line in *bad*) exit 3;; esac";
    let run = script(&database, &dir, &[], refuse);
    let all = "SELECT pg_notify('c', p) FROM unnest('{good,bad,never}'::text[]) p";
    database.sql(all);
    let told = "pgfeed: warning: a notification on c was refused: exit code 3\n";
    let failed = "pgfeed: error: delivering an event: exit code 3\n";
    run.finish().code(1).stdout_is("").stderr_is(&format!("pgfeed: listening on c\n{told}{failed}"));
    assert_eq!(read(&dir, "in").lines().count(), 2);

    let run = script(&database, &dir, &["--on-error", "skip", "-n", "2"], refuse);
    database.sql(all);
    run.finish().ok().stdout_is("").stderr_is(&format!("pgfeed: listening on c\n{told}"));
    assert_eq!(read(&dir, "in").lines().count(), 5);
}

#[test]
fn a_batch_is_one_process_and_a_stream_is_one_for_all() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let count = "echo $$ >> pids; wc -l";
    let numbers = "SELECT count(pg_notify('c', n::text)::text) FROM generate_series(1, 5000) n";
    for (mode, processes) in [("batch", 5..200), ("stream", 1..2)] {
        let run = script(&database, &dir, &["-n", "5000", "--exec-mode", mode], count);
        database.sql(numbers);
        let output = run.finish().ok();
        let lines: u32 = output.lines().iter().map(|line| line.trim().parse::<u32>().unwrap()).sum();
        assert_eq!(lines, 5000);
        let pids = read(&dir, "pids");
        assert!(processes.contains(&pids.lines().count()), "{mode}: {pids}");
        std::fs::remove_file(dir.path().join("pids")).unwrap();
    }
}

#[test]
fn a_stream_that_ends_badly_is_told_at_the_end() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    for (flags, code, told) in [
        (&["-n", "1", "--exec-mode", "stream"][..], 1, "pgfeed: error: ending sh: exit code 3\n"),
        (&["-n", "1", "--exec-mode", "stream", "--on-error", "skip"], 0, "pgfeed: warning: ending sh: exit code 3\n"),
    ] {
        let run = script(&database, &dir, flags, "cat > in; exit 3");
        notify(&database, "c", "x");
        run.finish().code(code).stderr_is(&format!("pgfeed: listening on c\n{told}"));
        assert_eq!(read(&dir, "in").lines().count(), 1);
    }
}

#[test]
fn a_command_that_is_not_there_ends_it() {
    let (database, dir) = (Database::new(), tempfile::tempdir().unwrap());
    for (command, told) in [
        (
            &["no-such-program"][..],
            "pgfeed: error: running no-such-program: No such file or directory (os error 2)\n  hint: ",
        ),
        (&["/etc/passwd"], "pgfeed: error: running /etc/passwd: Permission denied (os error 13)\n  hint: "),
    ] {
        // At once, and not when the first event comes.
        let run = database.pgfeed(["listen", "c", "--"]).args(command).run().code(1);
        run.stdout_is("").stderr_has(told).lacks("listening");
    }
    for (command, told) in [
        (&["sh", "-c", "exit 127"][..], "pgfeed: error: running sh: exit code 127\n  hint: "),
        (&["sh", "-c", "exit 126"], "pgfeed: error: running sh: exit code 126\n  hint: "),
        (&["./goes"], "pgfeed: error: running ./goes: No such file or directory (os error 2)\n  hint: "),
    ] {
        let program = dir.path().join("goes");
        std::fs::copy("/bin/true", &program).unwrap();
        // Also when refusals are skipped: the next event would fare no better.
        let run = start(&database, &dir, &[&["--on-error", "skip", "--"][..], command].concat());
        std::fs::remove_file(&program).unwrap();
        notify(&database, "c", "x");
        run.finish().code(1).stdout_is("").stderr_has(told);
    }
}

#[test]
fn a_wrong_command_line_is_told_before_connecting() {
    for (words, told) in [
        (&["listen", "c", "--"][..], "nothing follows --"),
        (&["listen", "c", "--exec-mode", "batch"], "COMMAND"),
        (&["listen", "c", "--exec-timeout", "1s"], "COMMAND"),
        (&["listen", "c", "--on-error", "skip"], "COMMAND"),
        (&["listen", "c", "--on-error", "retry", "--", "cat"], "retry"),
        (&["listen", "c", "-o", "raw", "--", "cat"], "--output"),
        (&["listen", "c", "--control", "--", "cat"], "--control"),
        (&["listen", "--", "cat"], "<CHANNEL>"),
    ] {
        let run = crate::harness::Pgfeed::new(words).env("DATABASE_URL", "postgresql://127.0.0.1:1/x");
        run.run().code(2).stdout_is("").stderr_has(told);
    }
}
