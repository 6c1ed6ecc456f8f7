//! Posting to an HTTP endpoint: what is sent, what its answers mean, and that an outage loses and kills nothing.

mod answers;
#[cfg(debug_assertions)]
mod crashes;
mod outages;
mod requests;
mod secrets;

use crate::harness::http::{Http, Request};
use crate::harness::{Database, Pgfeed};
use crate::tail_queue::{held, with_queue};

/// Delivers queue `q` until it is empty, to a path and parameters behind the port.
fn post(db: &Database, port: u16, rest: &str) -> Pgfeed {
    let url = format!("http://127.0.0.1:{port}{rest}");
    db.pgfeed(["tail-queue", "q", "-e", "--poll", "100ms", "--backoff", "10ms", "--to", &url])
}

/// The ids of events, from the bodies of requests.
fn ids(requests: &[Request]) -> Vec<i64> {
    let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_i64().unwrap();
    requests.iter().flat_map(|request| request.body.lines().map(id)).collect()
}

/// The same of those that were acknowledged, which `is_taken` says of each by its number.
fn taken(server: &Http, is_taken: impl Fn(usize) -> bool) -> Vec<i64> {
    let requests: Vec<Request> =
        server.got().into_iter().enumerate().filter(|(place, _)| is_taken(place + 1)).map(|(_, one)| one).collect();
    ids(&requests)
}
