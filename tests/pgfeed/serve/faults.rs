//! The database goes away and comes back, and the server ends.

use std::time::{Duration, Instant};

use super::{EventStream, Serving};
use crate::harness::proxy::Cut;
use crate::harness::{Database, Signal, wait_until};
use crate::listen::notify;

#[test]
fn a_database_that_goes_away_and_comes_back_is_a_gap() {
    let db = Database::new();
    let proxy = db.proxy();
    let serving = Serving::start(db.pgfeed(["serve", "c", "-d", &proxy.url(db.name())]));
    let (mut socket, mut stream) = (serving.ws(""), serving.sse("?table=t&op=insert"));
    proxy.refuse();
    proxy.cut(Cut::Reset);
    let lost = socket.json();
    assert_eq!((lost["type"].as_str(), lost["event"].as_str()), (Some("control"), Some("lost")));
    // Where the database is, and why it is away, is nobody's business.
    assert!(lost.get("detail").is_none(), "{lost}");
    assert_eq!(stream.next().kind, "lost");
    let health = serving.get("/healthz");
    assert_eq!((health.status, health.body.as_str()), (503, "the database is away\n"));
    assert_eq!(EventStream::open(serving.port, "", &[]).next().kind, "lost");
    notify(&db, "c", "missed");
    proxy.accept();
    let gap = socket.json();
    assert_eq!(gap["event"], "gap");
    assert!(gap["down_ms"].is_u64() && gap.get("detail").is_none(), "{gap}");
    assert_eq!(stream.next().kind, "gap");
    assert_eq!((serving.get("/healthz").status, serving.metric("reconnects_total")), (200, 1.0));
    notify(&db, "c", "seen");
    assert_eq!(socket.json()["payload"], "seen");
    serving.run.wait_stderr("pgfeed: warning: connection lost: ");
    serving.run.wait_stderr("pgfeed: warning: serving again, after a gap of ");
}

#[test]
fn a_queue_whose_database_goes_away_and_comes_back_is_a_gap_too() {
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "events", "--create", "first"]).run().ok();
    let proxy = db.proxy();
    let serving = Serving::start(db.pgfeed(["serve", "--queue", "events", "-d", &proxy.url(db.name())]));
    wait_until("the first event is there", || serving.metric("events_total") == 1.0);
    let mut socket = serving.ws("");
    proxy.refuse();
    proxy.cut(Cut::Reset);
    assert_eq!(socket.json()["event"], "lost");
    assert_eq!(serving.get("/healthz").status, 503);
    db.pgfeed(["notify", "--queue", "events", "kept"]).run().ok();
    proxy.accept();
    assert_eq!(socket.json()["event"], "gap");
    // Looking goes on where it was: a queue forgets nothing.
    assert_eq!(socket.json()["payload"], "kept");
    assert_eq!(serving.get("/healthz").status, 200);
}

#[test]
fn a_signal_ends_it_within_a_second_and_clients_are_told() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let (mut socket, mut stream) = (serving.ws(""), serving.sse(""));
    let _stalled = serving.ws("");
    let since = Instant::now();
    serving.run.signal(Signal::Term);
    assert_eq!(socket.close_code(), Some(1001));
    assert_eq!(stream.next_or_end(), None);
    serving.run.finish().code(130).stdout_is("");
    // A second and what a busy machine needs: the process would otherwise never end.
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
}

#[test]
fn it_waits_for_a_server_if_told_so_and_says_that_it_is_not_well() {
    let db = Database::new();
    let proxy = db.proxy();
    proxy.refuse();
    db.pgfeed(["serve", "c", "--bind", "127.0.0.1:0", "-d", &proxy.url(db.name())]).run().code(3).stdout_is("");
    let waits = db.pgfeed(["serve", "c", "--bind", "127.0.0.1:0", "-d", &proxy.url(db.name()), "--wait-server", "1m"]);
    let waits = waits.spawn();
    waits.wait_stderr("; trying again");
    proxy.accept();
    waits.wait_stderr("pgfeed: serving c at http://127.0.0.1:");
}
