//! Printing to a reader that does not read: what ends it ends a write too, and takes nothing of what is in it.

use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use super::{consume, enqueue, held, store, with_queue};
use crate::harness::{Database, Running, Signal, Stdout, wait_until};

const WAYS: [&[&str]; 3] = [&[], &["--consume"], &["--consume", "-j", "2"]];
const OVER: &str = "pgfeed: warning: the time is over, and nobody takes what is being written\n";

/// A stdout that takes nothing, with whoever does not read it.
fn full() -> (UnixStream, File) {
    let (reader, mut stdout) = UnixStream::pair().unwrap();
    stdout.set_nonblocking(true).unwrap();
    let filled = loop {
        if let Err(error) = stdout.write(&[b'\n'; 4096]) {
            break error.kind();
        }
    };
    assert_eq!(filled, ErrorKind::WouldBlock);
    stdout.set_nonblocking(false).unwrap();
    (reader, OwnedFd::from(stdout).into())
}

/// A run that is or will be stuck in its first write.
struct Stuck {
    db: Database,
    run: Running,
    _reader: UnixStream,
}

impl Stuck {
    fn new(way: &[&str], args: &[&str]) -> Self {
        let db = with_queue();
        db.sql(&enqueue(10, 2));
        let (reader, stdout) = full();
        let run = db.pgfeed(["tail-queue", "q", "-o", "raw"]).args(way).args(args);
        Self { db, run: run.stdout(Stdout::To(stdout)).spawn(), _reader: reader }
    }

    fn ends(self, code: i32, told: &str) {
        let Self { db, run, .. } = self;
        run.finish().code(code).stderr_is(told);
        assert_eq!(held(&db), "20 0 0");
        assert_eq!(consume(&db, &["-e"]).run().ok().lines().len(), 20, "the server has let go of all");
    }
}

#[test]
fn a_time_that_is_over_ends_a_stuck_write_and_takes_nothing() {
    let limits: [(&[&str], i32); 3] =
        [(&["-t", "1s"], 0), (&["--idle-timeout", "1s"], 0), (&["-t", "1s", "-n", "50"], 124)];
    let runs = WAYS.into_iter().flat_map(|way| limits.map(|(args, code)| (Stuck::new(way, args), code)));
    for (stuck, code) in runs.collect::<Vec<_>>() {
        stuck.ends(code, OVER);
    }
}

#[test]
fn the_last_record_may_be_what_is_stuck() {
    for way in WAYS {
        let db = with_queue();
        let (_reader, stdout) = full();
        let run = db.pgfeed(["tail-queue", "q", "--control", "-o", "json", "-t", "1s"]).args(way);
        run.stdout(Stdout::To(stdout)).run().ok().stderr_is(OVER);
    }
}

#[test]
fn a_signal_ends_a_stuck_write_within_a_second_and_takes_nothing() {
    for way in WAYS {
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        let stuck = Stuck::new(way, &["--ready-file", ready.to_str().unwrap()]);
        wait_until("it is ready", || ready.exists());
        // What it holds it is about to write.
        let holds = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database())";
        if !way.is_empty() {
            stuck.db.wait_for(holds);
        }
        let started = Instant::now();
        stuck.run.signal(Signal::Term);
        stuck.ends(130, "");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[test]
fn a_reader_that_is_only_slow_gets_what_is_being_written_when_the_time_is_over() {
    let db = with_queue();
    db.sql("INSERT INTO pgfeed.queue_q (key, payload) VALUES (1, repeat('x', 2000000))");
    let (mut reader, stdout) = UnixStream::pair().unwrap();
    let slow = thread::spawn(move || {
        let (mut piece, mut read) = (vec![0; 64 * 1024], 0);
        loop {
            match reader.read(&mut piece).unwrap() {
                0 => return read,
                length => read += length,
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    let run = consume(&db, &["-t", "1s"]).stdout(Stdout::To(OwnedFd::from(stdout).into())).spawn();
    run.finish().ok().stderr_is("");
    assert_eq!((slow.join().unwrap(), held(&db).as_str()), (2_000_001, "0 0 0"));
}

#[test]
fn a_commit_that_is_slow_is_not_ended_with_the_time() {
    let db = with_queue();
    db.sql(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';
         CREATE CONSTRAINT TRIGGER dawdle AFTER DELETE ON pgfeed.queue_q DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION dawdle()",
    );
    store(&db, "1");
    consume(&db, &["-t", "1s"]).run().ok().stdout_is("1\n").stderr_is("");
    assert_eq!(held(&db), "0 0 0");
}
