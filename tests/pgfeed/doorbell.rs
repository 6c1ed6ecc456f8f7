//! The doorbell against a real server: consumers that nothing else wakes in time get every event at once.

// Writers at random moments, and what they have stored.
mod writers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use postgres::fallible_iterator::FallibleIterator as _;

use self::writers::{Keys, steadily, stored_by};
use crate::harness::{Database, Running, Signal, send, wait_until};

/// Class of the lock of whoever sleeps in front.
const X: i32 = 1_885_824_600;
/// Class of the lock of those who sleep behind.
const W: i32 = 1_885_824_599;
/// Class of the locks on slots.
const SLOT: i32 = 1_885_824_595;
/// How long a delivery may take on a busy machine. What is not rung for is found after an hour.
const SLOWEST: Duration = Duration::from_secs(3);
/// How long all but a few take at most. Those who sleep behind, and workers, look once a second by themselves: were they not
/// rung for, deliveries would take up to that.
const USUALLY: Duration = Duration::from_millis(250);

/// A database with the queue `sample`.
fn database() -> Database {
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "sample", "--create", "x"]).run().ok();
    db.sql("DELETE FROM pgfeed.queue_sample");
    db
}

/// A process that waits for the queue, and nothing but the bell wakes it. Its sessions are called `name`.
fn tail(db: &Database, name: &str, args: &[&str]) -> Running {
    let run =
        db.pgfeed(["tail-queue", "sample", "-o", "raw", "--poll", "1h"]).args(args).env("PGAPPNAME", name).spawn();
    db.wait_for(&format!("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '{name}')"));
    run
}

/// Who sleeps in front.
fn in_front(db: &Database) -> Option<String> {
    let holder = format!(
        "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted \
         AND mode = 'ExclusiveLock' AND classid = {X}::oid AND datname = current_database()"
    );
    db.rows(&holder).into_iter().next()
}

fn wait_until_somebody_is_in_front(db: &Database) -> String {
    wait_until("somebody sleeps in front", || in_front(db).is_some());
    // It may have gone since, though not for long.
    in_front(db).unwrap_or_else(|| wait_until_somebody_is_in_front(db))
}

/// Waits until the slots of the queue are shared out evenly among so many workers.
fn wait_until_shared_out(db: &Database, workers: usize) {
    db.wait_for(&format!(
        "SELECT count(*) = {workers} AND sum(slots) = 64 AND max(slots) <= (63 + {workers}) / {workers} FROM (
           SELECT count(*) AS slots FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted
           AND classid = {SLOT}::oid AND datname = current_database() GROUP BY pid) s"
    ));
}

/// When each number was committed.
type Stored = BTreeMap<u32, Instant>;
/// What a process has printed, each with when.
type Delivered = Vec<(u32, Instant)>;

/// Collects what processes print while `store` stores, which may wait until so many of its events were printed `times` times.
/// Ends a moment later than the last is printed, to see what comes twice, or when that takes too long.
fn collect(
    runs: &[&Running],
    times: usize,
    store: impl FnOnce(&dyn Fn(usize) -> bool) -> Stored,
) -> (Stored, Vec<Delivered>) {
    const MOMENT: Duration = Duration::from_millis(100);
    let (printed, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let read = |run: &Running| {
        let mut delivered = Delivered::new();
        loop {
            match run.line_within(MOMENT) {
                Some(line) => {
                    delivered.push((line.parse().unwrap(), Instant::now()));
                    printed.fetch_add(1, SeqCst);
                }
                None if is_over.load(SeqCst) => return delivered,
                None => {}
            }
        }
    };
    let wait_for = |events: usize| {
        let give_up = Instant::now() + SLOWEST;
        let is_delivered = || printed.load(SeqCst) >= events * times;
        while !is_delivered() && Instant::now() < give_up {
            thread::sleep(Duration::from_micros(100));
        }
        is_delivered()
    };
    thread::scope(|scope| {
        let readers: Vec<_> = runs.iter().map(|run| scope.spawn(|| read(run))).collect();
        let stored = store(&wait_for);
        wait_for(stored.len());
        is_over.store(true, SeqCst);
        (stored, readers.into_iter().map(|reader| reader.join().unwrap()).collect())
    })
}

/// Checks that everything was delivered once. Returns how long it took, the fastest first.
#[track_caller]
fn check(what: &str, stored: &Stored, delivered: &Delivered) -> Vec<Duration> {
    let numbers: BTreeSet<u32> = delivered.iter().map(|(number, _)| *number).collect();
    let lost: Vec<&u32> = stored.keys().filter(|number| !numbers.contains(number)).collect();
    assert!(lost.is_empty(), "{what}: not delivered {lost:?}");
    assert_eq!(delivered.len(), stored.len(), "{what}: delivered twice");
    let mut took: Vec<Duration> =
        delivered.iter().map(|(number, at)| at.saturating_duration_since(stored[number])).collect();
    took.sort();
    let (usual, slowest) = (took[took.len() * 99 / 100], took[took.len() - 1]);
    assert!(usual < USUALLY && slowest < SLOWEST, "{what}: 99 % in {usual:?}, slowest {slowest:?}");
    took
}

#[test]
fn takers_get_every_event_at_once() {
    let db = database();
    let one = tail(&db, "one", &["--consume"]);
    let many = tail(&db, "many", &["--consume", "-j", "3"]);
    let another = tail(&db, "another", &["--consume"]);
    // What others take before it has looked it does not show; but it sleeps, is rung for, and rings.
    let _looks = tail(&db, "looks", &[]);
    wait_until_shared_out(&db, 5);
    let seed = 20_261_120;
    let (stored, delivered) =
        collect(&[&one, &many, &another], 1, |wait| stored_by(&db, seed, 3, 1000, Keys::Many, wait));
    check(&format!("seed {seed}"), &stored, &delivered.concat());
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_sample)");
}

#[test]
fn all_who_only_look_see_every_event_at_once() {
    let db = database();
    let names = ["first", "second", "third"];
    let runs = names.map(|name| tail(&db, name, &[]));
    let seed = 812;
    let (stored, delivered) = collect(&runs.each_ref(), 3, |wait| stored_by(&db, seed, 2, 400, Keys::Many, wait));
    for (name, delivered) in names.iter().zip(&delivered) {
        check(&format!("seed {seed}, {name}"), &stored, delivered);
    }
}

#[test]
fn workers_whose_slots_stay_empty_keep_nobody_from_the_others() {
    let db = database();
    let runs = ["one", "other"].map(|name| tail(&db, name, &["--consume", "-j", "3"]));
    wait_until_shared_out(&db, 6);
    let seed = 7;
    let (stored, delivered) = collect(&runs.each_ref(), 1, |wait| stored_by(&db, seed, 2, 400, Keys::One, wait));
    check(&format!("seed {seed}"), &stored, &delivered.concat());
    assert!(delivered.iter().any(Vec::is_empty), "only one worker owns the slot");
}

#[test]
fn those_behind_take_over_from_whoever_ends_in_front() {
    let db = database();
    let mut runs: BTreeMap<&str, Running> = BTreeMap::new();
    // The first only looks.
    for (name, args) in
        [("a", &[][..]), ("b", &["--consume"]), ("c", &["--consume"]), ("d", &["--consume"]), ("e", &["--consume"])]
    {
        runs.insert(name, tail(&db, name, args));
    }
    for (seed, how) in [(1, Signal::Kill), (2, Signal::Term), (3, Signal::Kill)] {
        wait_until_shared_out(&db, runs.keys().filter(|name| **name != "a").count());
        let front = wait_until_somebody_is_in_front(&db);
        let gone = runs.remove(front.as_str()).unwrap();
        let takers: Vec<&Running> = runs.iter().filter(|(name, _)| **name != "a").map(|(_, run)| run).collect();
        let (stored, delivered) = collect(&takers, 1, |wait| {
            gone.signal(how);
            stored_by(&db, seed, 1, 64, Keys::EverySlot, wait)
        });
        let numbers: BTreeSet<u32> = delivered.iter().flatten().map(|(number, _)| *number).collect();
        let lost: Vec<&u32> = stored.keys().filter(|number| !numbers.contains(number)).collect();
        assert!(lost.is_empty(), "after the end of {front} by {how:?}, seed {seed}: not delivered {lost:?}");
    }
}

#[test]
fn whoever_leaves_rings_for_those_behind() {
    let db = database();
    let mut runs = BTreeMap::from(["a", "b", "c", "d", "e"].map(|name| (name, tail(&db, name, &[]))));
    let mut ear = db.client();
    ear.batch_execute("LISTEN \"pgfeed:sample\"").unwrap();
    while runs.len() > 1 {
        // All of them, so that whoever takes over has slept behind.
        db.wait_for(&format!(
            "SELECT count(*) = {} FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid IN ({X}, {W})
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            runs.len()
        ));
        let front = wait_until_somebody_is_in_front(&db);
        let leaves = runs.remove(front.as_str()).unwrap();
        leaves.signal(Signal::Term);
        leaves.finish();
        let rung = ear.notifications().timeout_iter(SLOWEST).next().unwrap();
        assert!(rung.is_some(), "{front} has left without a ring");
        wait_until_somebody_is_in_front(&db);
    }
}

#[test]
fn a_steady_load_is_delivered_at_once_by_those_who_are_awake() {
    let db = database();
    let runs = ["one", "other"].map(|name| tail(&db, name, &["--consume"]));
    wait_until_shared_out(&db, 2);
    let (stored, delivered) = collect(&runs.each_ref(), 1, |_| steadily(&db, 4, 500));
    let took = check("steadily", &stored, &delivered.concat());
    // They look less often while others are busy, and must not mistake their own events for that: up to 100 ms each.
    assert!(took[took.len() / 2] < Duration::from_millis(30), "half of it in {:?}", took[took.len() / 2]);
}

#[test]
fn nobody_is_busy_because_a_transaction_stays_open() {
    let db = database();
    let mut open = db.client();
    let mut transaction = open.transaction().unwrap();
    transaction
        .execute(&format!("SELECT pg_advisory_xact_lock_shared({X}, id) FROM pgfeed.queue WHERE name = 'sample'"), &[])
        .unwrap();
    let _run = tail(&db, "waits", &["--consume"]);
    // A session tells of its transactions once a second.
    let mut client = db.client();
    let mut transactions = || {
        let commits = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        client.query_one(commits, &[]).unwrap().get::<_, i64>(0)
    };
    thread::sleep(Duration::from_secs(1));
    let before = transactions();
    thread::sleep(Duration::from_secs(3));
    let done = transactions() - before;
    // Ten looks a second, each with a handful of statements around it. Without a pause it would be thousands.
    assert!((1..2000).contains(&done), "{done} transactions in three seconds");
    transaction.rollback().unwrap();
    wait_until_somebody_is_in_front(&db);
}

#[test]
fn workers_look_for_themselves_while_whoever_waits_for_them_is_stuck() {
    let db = database();
    let args = ["tail-queue", "sample", "--consume", "-o", "raw", "--poll", "100ms", "-n", "1"];
    let run = db.pgfeed(args).spawn();
    wait_until_somebody_is_in_front(&db);
    let front = format!(
        "SELECT pid::text FROM pg_locks WHERE classid = {X}::oid AND mode = 'ExclusiveLock'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    let session = db.value(&front).parse().unwrap();
    send(Signal::Stop, session);
    db.pgfeed(["notify", "--queue", "sample", "x"]).run().ok();
    let line = run.line_within(Duration::from_secs(20));
    send(Signal::Cont, session);
    assert_eq!(line.as_deref(), Some("x"));
}

#[test]
fn whoever_rings_without_end_wakes_nobody_more_often_than_ten_times_a_second() {
    let db = database();
    let run = tail(&db, "waits", &["--consume"]);
    wait_until_somebody_is_in_front(&db);
    let (until, mut rings) = (Instant::now() + Duration::from_secs(3), 0);
    let mut ringer = db.client();
    while Instant::now() < until {
        ringer.batch_execute("NOTIFY \"pgfeed:sample\"").unwrap();
        rings += 1;
        thread::sleep(Duration::from_millis(1));
    }
    db.sql("INSERT INTO pgfeed.queue_sample (key, payload) VALUES (1, '1')");
    assert_eq!(run.line_within(SLOWEST).as_deref(), Some("1"));
    // A session tells of its scans when it ends at the latest.
    run.kill();
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'waits')");
    let looks =
        "SELECT (seq_scan + idx_scan)::text FROM pg_stat_user_tables WHERE relid = 'pgfeed.queue_sample'::regclass";
    let looks: u32 = db.value(looks).parse().unwrap();
    assert!(rings > 500 && (10..200).contains(&looks), "{looks} looks at {rings} rings");
}
