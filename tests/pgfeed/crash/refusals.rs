//! Runs in which events are refused: retried, dead, and waiting behind each other, while consumers are killed.

use std::sync::{Arc, Mutex};

use super::consumers::{Arrivals, Files};
use super::random::Random;
use super::runs::Run;
use crate::harness::http::{Http, Reply, Request};

/// An endpoint that refuses: what it has taken, in order.
struct Fickle {
    server: Http,
    taken: Arc<Mutex<Vec<u8>>>,
}

impl Fickle {
    fn start() -> Self {
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let lines = Arc::clone(&taken);
        let server = Http::start(move |request, _| {
            if refuses(request) {
                return Reply::status(422);
            }
            let mut lines = lines.lock().unwrap();
            lines.extend_from_slice(request.body.as_bytes());
            lines.push(b'\n');
            Reply::status(200)
        });
        Self { server, taken }
    }
}

/// One in 8 attempts, and one in 50 events always.
fn refuses(request: &Request) -> bool {
    let event: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    let [id, attempt] = ["id", "attempt"].map(|name| event[name].as_u64().unwrap());
    Random::of(id, 0).below(50) == 0 || Random::of(id, attempt).below(8) == 0
}

impl Arrivals for Fickle {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.server.port())
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.taken.lock().unwrap())
    }
}

#[test]
fn commands_that_refuse_lose_nothing() {
    Run::new(41, Files::OfCommands, 6, 1).refusing().check().is_clean();
}

#[test]
fn an_endpoint_that_refuses_gets_every_row_in_order() {
    let run = Run::new(42, Files::OfSink, 6, 1).refusing();
    run.check_arrivals(|_| Some(Box::new(Fickle::start()))).is_clean();
}

#[test]
fn without_keys_everything_waits_behind_what_is_refused_and_nothing_for_ever() {
    let run = Run::new(43, Files::OfSink, 6, 1).refusing().without_keys();
    run.check_arrivals(|_| Some(Box::new(Fickle::start()))).is_clean();
}
