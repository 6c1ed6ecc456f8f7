//! One request an event, beside the client library alone that posts as much to the same server.

use std::time::Instant;

use crate::server::{Http, Reply};
use crate::{Bench, RUNS, report};

const EVENTS: usize = 10_000;

/// Posts.
pub fn run(bench: &Bench) {
    let mut client = bench.client("postgres");
    let server = Http::start(|_, _| Reply::status(204));
    let url = format!("http://127.0.0.1:{}/", server.port());
    client.batch_execute("CREATE TABLE posts (id int PRIMARY KEY, title text)").unwrap();
    assert!(bench.pgfeed(&["-q", "notify", "--queue", "posts", "--create", "x"]).status().unwrap().success());
    let payload = format!("{{\"n\":\"{}\"}}", "x".repeat(100));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let fill = format!(
            "TRUNCATE pgfeed.queue_posts; INSERT INTO pgfeed.queue_posts (key, payload) SELECT n, '{payload}' FROM generate_series(1, {EVENTS}) n"
        );
        client.batch_execute(&fill).unwrap();
        ours.push(bench.drain("posts", EVENTS, &url));
        let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
        let body = format!(
            "{{\"type\":\"event\",\"queue\":\"posts\",\"id\":12345,\"attempt\":1,\"at\":\"2026-11-20T23:28:41.123456Z\",\"payload\":{payload}}}"
        );
        let started = Instant::now();
        for _ in 0..EVENTS {
            agent.post(&url).header("content-type", "application/json").send(&body).unwrap();
        }
        theirs.push(EVENTS as f64 / started.elapsed().as_secs_f64());
    }
    report("a request per event; ureq alone", "/s", &mut ours, &mut theirs, ">= 0.8");
}
