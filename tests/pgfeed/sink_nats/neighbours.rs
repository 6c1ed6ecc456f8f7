//! One destination that takes nothing, among others that do.

use async_nats::jetstream::stream::Config;

use crate::harness::broker::nats::Nats;
use crate::harness::broker::{database, deliver, follow, held, wait_until_tried_again};
use crate::harness::{Signal, wait_until};

#[test]
fn a_subject_that_no_stream_takes_keeps_no_other_waiting_and_nothing_dies() {
    let db = database();
    db.sql("CREATE TABLE secret (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "secret", "--queue", "q"]).run().ok();
    let nats = Nats::start();
    let stream = |name: &str, subject: &str| Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        ..Default::default()
    };
    nats.make_stream(stream("T", "shop.t"));
    let url = nats.url("subject=shop.%7Btable%7D");
    let following = follow(&db, &url).args(["--max-attempts", "1", "--batch", "10"]).spawn();
    // More than a batch of those that wait.
    db.sql("INSERT INTO secret SELECT generate_series(1, 30)");
    wait_until("they wait for another attempt", || held(&db) == "0 30 0");
    for part in 0..5 {
        db.sql(&format!("INSERT INTO t SELECT {part} * 100 + g FROM generate_series(1, 100) g"));
        wait_until("the others are delivered", || nats.count("T") == (part + 1) * 100);
    }
    assert_eq!(held(&db), "0 30 0");
    following.wait_stderr("no stream takes the subject \"shop.secret\"");
    following.wait_stderr("; trying again (event 1 of queue q and ");
    nats.make_stream(stream("SECRET", "shop.secret"));
    wait_until("they are delivered too", || held(&db) == "0 0 0");
    following.signal(Signal::Term);
    let told = following.finish().code(130).stderr;
    assert_eq!((nats.count("SECRET"), told.matches("trying again").count()), (30, 1), "{told}");
}

#[test]
fn until_nothing_is_left_what_no_stream_takes_is_waited_for_and_told_once() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::start();
    let url = nats.url("subject=shop.%7Btable%7D");
    let mut delivering = deliver(&db, &url).args(["--max-attempts", "1"]).spawn();
    delivering.wait_stderr(
        "no stream takes the subject \"shop.t\" (stream=NAME&create=SUBJECTS makes one); trying again (event 1 of queue q waits)\n",
    );
    wait_until_tried_again(&db, 3);
    assert!(delivering.is_running());
    let told = delivering.stderr();
    nats.make_stream(Config { name: "T".into(), subjects: vec!["shop.t".into()], ..Default::default() });
    delivering.finish().ok().stderr_is(&told);
    assert_eq!((nats.count("T"), told.lines().count()), (1, 1), "{told}");
}
