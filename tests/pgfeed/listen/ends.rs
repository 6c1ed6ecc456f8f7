//! How it ends: readers that leave, full disks, signals.

use std::fs::OpenOptions;
use std::io::{BufReader, Read as _};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use super::{listen, listening, notify, numbers, send_numbers, shell, wait_until_the_queue_is_empty};
use crate::harness::{Database, Pgfeed, Running, Signal, Stdout, wait_until};

/// The answer to a signal is promised within a second; the rest is for a busy machine.
const ABOUT_A_SECOND: Duration = Duration::from_millis(1900);

#[test]
fn a_reader_that_has_enough_ends_it_quietly_though_nothing_more_comes() {
    let database = Database::new();
    let run = listening(database.pgfeed(["listen", "c", "-o", "raw"]).stdout(Stdout::Head(1)));
    notify(&database, "c", "one");
    run.finish().ok().stdout_is("one\n").stderr_is("pgfeed: listening on c\n");
}

#[test]
fn a_reader_that_leaves_under_load_ends_it_quietly() {
    let database = Database::new();
    let run = listening(database.pgfeed(["listen", "c", "-o", "raw", "--control"]).stdout(Stdout::Head(1)));
    send_numbers(&mut database.client(), 1, 20_000, 100);
    run.finish().ok().stderr_is("pgfeed: listening on c\n");
}

#[test]
fn a_reader_that_leaves_a_stuck_write_ends_it_quietly() {
    let database = Database::new();
    let mut run = stuck(&database, &[]);
    run.close_stdout();
    run.finish().ok().stderr_is("pgfeed: listening on c\n");
}

#[test]
fn a_reader_that_was_never_there_ends_it_quietly() {
    let database = Database::new();
    database.pgfeed(["listen", "c"]).stdout(Stdout::Head(0)).run().ok().stdout_is("");
}

#[test]
fn a_socket_that_is_closed_ends_it_too() {
    let database = Database::new();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let stdout = std::os::fd::OwnedFd::from(theirs).into();
    let run = listening(database.pgfeed(["listen", "c"]).stdout(Stdout::To(stdout)));
    drop(ours);
    run.finish().ok().stderr_is("pgfeed: listening on c\n");
}

#[test]
fn a_stdout_that_does_not_block_gets_everything() {
    let database = Database::new();
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let stdout = std::os::fd::OwnedFd::from(theirs).into();
    let run = database.pgfeed(["listen", "c", "-o", "raw", "-n", "2000"]).stdout(Stdout::To(stdout));
    let run = listening(run);
    send_numbers(&mut database.client(), 1, 2000, 1000);
    wait_until_the_queue_is_empty(&database);
    let mut received = String::new();
    BufReader::new(ours).take(2000 * 1001).read_to_string(&mut received).unwrap();
    run.finish().ok();
    assert_eq!(numbers(received.lines()), (1..=2000).collect::<Vec<_>>());
}

#[test]
fn a_full_disk_is_an_error() {
    let database = Database::new();
    for form in ["raw", "json"] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = listening(database.pgfeed(["listen", "c", "-o", form]).stdout(Stdout::To(full)));
        notify(&database, "c", "x");
        run.finish().code(1).stderr_is(
            "pgfeed: listening on c\npgfeed: error: writing to stdout: No space left on device (os error 28)\n",
        );
    }
}

#[test]
fn a_closed_stdout_is_like_dev_null() {
    let database = Database::new();
    let run = shell(&database, "exec \"$PGFEED\" listen c -n 1 >&-").spawn();
    run.wait_stderr("listening on c");
    notify(&database, "c", "x");
    run.finish().ok().stderr_is("pgfeed: listening on c\n");
}

#[test]
fn signals_end_it_with_130_and_say_so_in_the_last_record() {
    let database = Database::new();
    for signal in [Signal::Term, Signal::Int, Signal::Hup] {
        let run = listen(&database, ["c", "--control"]);
        let started = Instant::now();
        run.signal(signal);
        let output = run.finish().code(130);
        assert!(started.elapsed() < Duration::from_millis(900), "{:?}", started.elapsed());
        assert_eq!(output.json().last().unwrap()["detail"], "stopped by a signal");
        output.stderr_is("pgfeed: listening on c\n");
    }
}

#[test]
fn a_signal_in_the_middle_of_a_burst_leaves_whole_lines_without_a_hole() {
    let database = Database::new();
    for signal in [Signal::Term, Signal::Int, Signal::Hup] {
        let run = listen(&database, ["c", "-o", "raw"]);
        let mut client = database.client();
        let flood =
            thread::spawn(move || (0..40).for_each(|n| send_numbers(&mut client, n * 500 + 1, n * 500 + 500, 300)));
        run.wait_stdout_line(|line| line.starts_with("1000 "));
        let started = Instant::now();
        run.signal(signal);
        let output = run.finish().code(130);
        assert!(started.elapsed() < ABOUT_A_SECOND, "{:?}", started.elapsed());
        assert!(output.stdout.ends_with("x\n") && output.lines().iter().all(|line| line.len() == 300), "{output}");
        let seen = numbers(output.lines());
        assert_eq!(seen, (1..=i32::try_from(seen.len()).unwrap()).collect::<Vec<_>>());
        flood.join().unwrap();
    }
}

/// A run whose reader does not read, and which has more to write than a pipe takes.
fn stuck(database: &Database, args: &[&str]) -> Running {
    let run = database.pgfeed(["listen", "c", "-o", "raw"]).args(args).stdout(Stdout::Stalled);
    let run = listening(run);
    send_numbers(&mut database.client(), 1, 1000, 2000);
    wait_until_the_queue_is_empty(database);
    run
}

#[test]
fn a_signal_ends_a_stuck_write_within_a_second() {
    let database = Database::new();
    for signal in [Signal::Term, Signal::Int, Signal::Hup] {
        let run = stuck(&database, &[]);
        let started = Instant::now();
        run.signal(signal);
        run.finish().code(130).stderr_is("pgfeed: listening on c\n");
        assert!(started.elapsed() < ABOUT_A_SECOND, "{:?}", started.elapsed());
    }
}

#[test]
fn a_time_that_is_over_ends_a_stuck_write() {
    let database = Database::new();
    for (args, code) in [(&["-t", "1s"][..], 0), (&["--idle-timeout", "1s"], 0), (&["-t", "1s", "-n", "5000"], 124)] {
        let run = stuck(&database, args);
        run.finish().code(code).stderr_is(
            "pgfeed: listening on c\npgfeed: warning: the time is over, and nobody takes what is being written\n",
        );
    }
}

#[test]
fn a_reader_that_is_only_slow_gets_what_is_being_written_when_the_time_is_over() {
    let database = Database::new();
    let script = "exec \"$PGFEED\" listen c -o raw -t 1s | while dd bs=65536 count=1 2>/dev/null | grep -q .; do sleep 0.3; done; echo end";
    let run = listening(shell(&database, script));
    send_numbers(&mut database.client(), 1, 1000, 2000);
    let told = run.finish().ok().stdout_is("end\n");
    told.stderr_is("pgfeed: listening on c\n");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let database = Database::new();
    let run = stuck(&database, &[]);
    let started = Instant::now();
    run.signal(Signal::Term);
    // Two equal signals could arrive as one.
    run.signal(Signal::Int);
    run.finish().code(130);
    assert!(started.elapsed() < Duration::from_millis(700), "{:?}", started.elapsed());
}

#[test]
fn a_reader_that_reads_again_within_the_second_gets_everything_that_was_begun() {
    let database = Database::new();
    let mut run = stuck(&database, &["--control"]);
    run.signal(Signal::Term);
    run.read_stdout();
    let output = run.finish().code(130);
    assert!(output.stdout.ends_with("x\n") && output.lines().iter().all(|line| line.len() == 2000));
}

#[test]
fn nohup_keeps_working() {
    let database = Database::new();
    let run = shell(&database, "trap '' HUP; exec \"$PGFEED\" listen c -o raw -n 2").spawn();
    run.wait_stderr("listening on c");
    notify(&database, "c", "before");
    run.wait_stdout_line(|line| line == "before");
    run.signal(Signal::Hup);
    notify(&database, "c", "after");
    run.finish().ok().stdout_is("before\nafter\n");
}

#[test]
fn a_signal_ends_a_connect_that_hangs() {
    let database = Database::new();
    let proxy = database.proxy();
    proxy.set(crate::harness::proxy::Mode::Stall);
    let run = Pgfeed::new(["listen", "c"]).env("DATABASE_URL", proxy.url(database.name())).spawn();
    wait_until("the server is asked", || proxy.accepted() == 1);
    let started = Instant::now();
    run.signal(Signal::Term);
    run.finish().code(130).stdout_is("").stderr_is("");
    assert!(started.elapsed() < ABOUT_A_SECOND, "{:?}", started.elapsed());
}

#[test]
fn the_session_at_the_server_ends_with_it() {
    let database = Database::new();
    let sessions = "SELECT count(*) = $$ FROM pg_stat_activity WHERE application_name = 'pgfeed listen' AND datname = current_database()";
    let run = listen(&database, ["c"]);
    database.wait_for(&sessions.replace("$$", "1"));
    run.signal(Signal::Term);
    run.finish().code(130);
    database.wait_for(&sessions.replace("$$", "0"));
}
