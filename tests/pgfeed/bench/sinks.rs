//! Sinks beside their client libraries alone, against the real engines, where nothing is left but what the sink was told to write.

#[cfg(feature = "amqp")]
mod rabbitmq;

use serde_json::Value;

use super::{bench, schemas};
use crate::harness::Database;

/// Events of each row: more than a pipeline and a batch of any of them, and of two publishers no even share.
const EVENTS: u64 = 1101;

/// Measures with one consumer and with two; everything must arrive. Returns the report and the schema's name.
#[track_caller]
fn measured(db: &Database, url: &str, library: &str) -> (Value, String) {
    let words = ["queue", "-n", &EVENTS.to_string(), "--listeners", "1,2", "--to", url];
    let running = bench(db, &words).spawn();
    let schema = format!("pgfeed_bench_{}", running.pid());
    let report = running.finish().ok().json().remove(0);
    let rows = report["rows"].as_array().unwrap();
    let cases: Vec<(&str, u64)> =
        rows[4..].iter().map(|row| (row["case"].as_str().unwrap(), row["listeners"].as_u64().unwrap())).collect();
    let into = "drain into the sink";
    assert_eq!(cases, [(into, 1), (into, 2), (library, 1), (library, 2)]);
    for (sink, alone) in [(&rows[4], &rows[6]), (&rows[5], &rows[7])] {
        assert_eq!((&sink["received"], &sink["lost"], &sink["duplicated"]), (&EVENTS.into(), &0.into(), &0.into()));
        assert_eq!((&sink["baseline"], &alone["count"]), (&library.into(), &EVENTS.into()), "{report}");
        let rate = |row: &Value| row["rate"]["median"].as_f64().unwrap();
        let (ratio, expected) = (sink["ratio"].as_f64().unwrap(), rate(sink) / rate(alone));
        assert!((ratio - expected).abs() < 1e-3 * expected.max(1.0), "{report}");
    }
    assert!(report["findings"][0].as_str().unwrap().starts_with(&format!("{library}: ")), "{report}");
    assert_eq!(schemas(db), [""; 0]);
    (report, schema)
}

#[test]
fn a_file_stands_beside_lines_that_are_written_and_synced_alone() {
    let (db, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let file = dir.path().join("events");
    measured(&db, &format!("file:{}", file.display()), "write and fsync alone");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count() as u64, 2 * EVENTS);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn all_forms_of_a_report_show_the_ratio() {
    let (db, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let url = format!("file:{}", dir.path().join("events").display());
    let shown = |form: &'static str| {
        let words = ["bench", "queue", "--warmup", "0", "-q", "-n", "20", "-o", form, "--to", &url];
        db.pgfeed(words).run().ok()
    };
    shown("text").stdout_has("   ratio   ").stdout_has("\n* write and fsync alone: lines as the sink's");
    shown("markdown").stdout_has(" | ratio | ").stdout_has("\n- write and fsync alone: lines as the sink's");
    let csv = shown("csv");
    let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
    let lines = csv.lines();
    let (names, sink) = (cells(lines[0]), cells(lines[3]));
    let cell = |name: &str| &sink[names.iter().position(|one| one == name).unwrap()];
    assert_eq!((cell("case").as_str(), cell("baseline").as_str()), ("drain into the sink", "write and fsync alone"));
    assert!(cell("ratio").parse::<f64>().unwrap() > 0.0, "{csv}");
}

#[test]
fn a_table_stands_beside_upserts_of_arrays() {
    let (db, other) = (Database::new(), Database::new());
    for target in [&db, &other] {
        target.sql("CREATE TABLE \"Copy\" (number bigint PRIMARY KEY, what varchar(200) NOT NULL, more int DEFAULT 7)");
        let url = target.url();
        let joint = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{joint}table=%22Copy%22&map=id:number,stamp:what");
        measured(&db, &url, "postgres alone");
        let counted = format!("{} 7", 2 * EVENTS);
        assert_eq!(target.value("SELECT count(*) || ' ' || min(more) FROM \"Copy\""), counted);
        assert_eq!(target.rows("SELECT relname FROM pg_class WHERE relname ~ '_alone'"), [""; 0]);
    }
}

#[test]
#[cfg(feature = "http")]
fn an_endpoint_stands_beside_ureq_with_one_event_a_request_and_with_many() {
    use crate::harness::http::{Http, Reply};
    let db = Database::new();
    for (parameters, requests) in [("", 4 * EVENTS), ("?pgfeed.batch=100&pgfeed.body=payload", 0)] {
        let server = Http::start(|_, _| Reply::status(204));
        measured(&db, &format!("http://127.0.0.1:{}/in{parameters}", server.port()), "ureq alone");
        let got = server.got();
        let lines: usize = got.iter().map(|request| request.body.trim_end().lines().count()).sum();
        assert_eq!(lines as u64, 4 * EVENTS);
        if requests > 0 {
            assert_eq!(got.len() as u64, requests);
            // Neither takes the other's for a repetition, nor one publisher another's.
            let ids: std::collections::HashSet<&str> = got.iter().map(|got| got.header("idempotency-key")).collect();
            assert_eq!(ids.len() as u64, requests);
        }
        let kinds: std::collections::HashSet<&str> = got.iter().map(|request| request.header("content-type")).collect();
        assert_eq!(kinds.len(), 1, "{kinds:?}");
    }
}

#[test]
#[cfg(feature = "nats")]
fn jetstream_stands_beside_async_nats() {
    use crate::harness::broker::nats::Nats;
    use async_nats::jetstream;
    use futures_util::StreamExt as _;
    let (db, nats) = (Database::new(), Nats::start());
    measured(&db, &nats.url("stream=OURS&create=ours&subject=ours"), "async-nats alone");
    assert_eq!(nats.count("OURS"), 2 * EVENTS);
    let streams = || nats.with(async |client| jetstream::new(client).stream_names().count().await);
    assert_eq!(streams(), 1);
    // A stream that is found by its subject; and one that forgets.
    let config = jetstream::stream::Config {
        name: "MEMORY".to_owned(),
        subjects: vec!["memory".to_owned()],
        storage: jetstream::stream::StorageType::Memory,
        ..Default::default()
    };
    nats.make_stream(config);
    measured(&db, &nats.url("subject=memory&body=payload"), "async-nats alone");
    assert_eq!((nats.count("MEMORY"), streams()), (2 * EVENTS, 2));
}

#[test]
#[cfg(feature = "redis")]
fn redis_streams_stand_beside_redis() {
    use crate::harness::broker::redis::Redis;
    let (db, redis) = (Database::new(), Redis::start());
    measured(&db, &redis.url("stream=ours"), "redis alone");
    assert_eq!(redis.ask::<u64>("XLEN ours"), 2 * EVENTS);
    assert_eq!(redis.ask::<u64>("DBSIZE"), 1);
    // What has the name of the queue is nobody's but ours.
    measured(&db, &redis.url("maxlen=1000&timeout=5s"), "redis alone");
    assert_eq!(redis.ask::<u64>("DBSIZE"), 1);
}
