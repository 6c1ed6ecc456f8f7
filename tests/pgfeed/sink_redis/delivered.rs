//! What arrives, and where.

use crate::harness::broker::redis::Redis;
use crate::harness::broker::{database, deliver};

#[test]
fn what_was_committed_is_added_in_order() {
    let db = database();
    db.sql("INSERT INTO t SELECT n FROM generate_series(1, 1000) n; UPDATE t SET v = 'x' WHERE id <= 10");
    db.sql("BEGIN; INSERT INTO t VALUES (2000); ROLLBACK");
    let redis = Redis::start();
    deliver(&db, &redis.url("")).run().ok().stdout_is("").stderr_is("");
    let entries = redis.entries("q");
    assert_eq!(entries.len(), 1010);
    eprintln!("{:?}", entries[1009]);
}
