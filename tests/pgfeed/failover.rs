//! A primary that dies and a standby that takes its place, with both in the conninfo.

use pgfeed::cluster::Shutdown;

use crate::harness::{Database, Pgfeed, Server, own_server, standby_of, wait_until};
use crate::tail_queue::{enqueue, in_order, make_queue};

/// Both servers, of which the one that takes writes is wanted.
fn either(database: &Database, servers: [&Server; 2]) -> String {
    let dirs = servers.map(|server| server.cluster().socket_dir().display().to_string()).join(",");
    format!("host={dirs} user=postgres dbname={} target_session_attrs=read-write", database.name())
}

fn value(server: &Server, database: &Database, query: &str) -> Option<String> {
    let url = server.cluster().socket_url(database.name());
    let mut client = postgres::Client::connect(&url, postgres::NoTls).ok()?;
    client.query_one(query, &[]).ok()?.get(0)
}

#[test]
fn a_consumer_and_a_listener_follow_the_primary_to_the_standby() {
    let primary = own_server();
    let db = primary.database();
    make_queue(&db, "q");
    let standby = standby_of(&primary);
    wait_until("the standby has the database", || value(&standby, &db, "SELECT 'x'").is_some());
    let conninfo = either(&db, [&standby, &primary]);

    let consumer =
        Pgfeed::new(["tail-queue", "q", "--consume", "-o", "raw", "--poll", "100ms", "-d", &conninfo]).spawn();
    let listener = Pgfeed::new(["listen", "c", "-o", "raw", "-d", &conninfo]).spawn();
    listener.wait_stderr("listening on c");
    db.sql(&enqueue(4, 5));
    db.wait_for("SELECT NOT EXISTS (SELECT FROM pgfeed.queue_q)");
    // Replication is not synchronous here: what was delivered and not replicated would come again, as it may.
    let written = db.value("SELECT pg_current_wal_lsn()::text");
    let replayed = format!("SELECT (pg_last_wal_replay_lsn() >= '{written}'::pg_lsn)::text");
    wait_until("all is replicated", || value(&standby, &db, &replayed).as_deref() == Some("true"));

    primary.cluster().halt(Shutdown::Immediate).unwrap();
    consumer.wait_stderr("trying again");
    assert_eq!(value(&standby, &db, "SELECT pg_promote()::text").as_deref(), Some("true"));
    listener.wait_stderr("listening again");
    let url = standby.cluster().socket_url(db.name());
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    let more = "INSERT INTO pgfeed.queue_q (key, payload) SELECT k, k || ' ' || n \
                FROM generate_series(6, 10) n, generate_series(1, 4) k ORDER BY n, k; NOTIFY c, 'after'";
    client.batch_execute(more).unwrap();
    listener.wait_stdout_line(|line| line == "after");
    wait_until("all was delivered", || consumer.lines().len() == 40);
    in_order(consumer.lines().iter().map(String::as_str), 4, 10);
}
