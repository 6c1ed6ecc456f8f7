//! What arrives, and under which subject.

use super::{database, deliver};
use crate::harness::broker::nats::Nats;

#[test]
fn what_was_committed_is_stored_once_and_in_order() {
    let db = database();
    db.sql("INSERT INTO t SELECT n FROM generate_series(1, 1000) n; UPDATE t SET v = 'x' WHERE id <= 10");
    db.sql("BEGIN; INSERT INTO t VALUES (2000); ROLLBACK");
    let nats = Nats::start();
    let url = nats.url("stream=S&create=shop.>&subject=shop.{table}.{op}");
    deliver(&db, &url).run().ok().stdout_is("").stderr_is("");
    let stored = nats.stored("S");
    assert_eq!(stored.len(), 1010);
}
