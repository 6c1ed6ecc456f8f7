//! JetStream.

use std::collections::VecDeque;
use std::process::Command;
use std::time::Instant;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};

use crate::engine::Engine;
use crate::{EVENTS, bodies};

const WINDOW: usize = 256;

pub fn start() -> Engine {
    Engine::start(|port, dir| {
        let mut command = Command::new("nats-server");
        command.args(["-js", "-a", "127.0.0.1", "-sd", dir, "-p", &port.to_string()]);
        command
    })
}

pub fn url(server: &Engine) -> String {
    format!("nats://127.0.0.1:{}?stream=OURS&create=ours&subject=ours", server.port)
}

/// Messages a second, each acknowledged, with an id that the server deduplicates by.
pub fn bare(server: &Engine) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(format!("127.0.0.1:{}", server.port)).await.unwrap();
        let jetstream = jetstream::new(client);
        let config = stream::Config { name: "BARE".into(), subjects: vec!["bare".into()], ..Default::default() };
        jetstream.create_stream(config).await.unwrap();
        let started = Instant::now();
        let mut open = VecDeque::new();
        for (n, body) in bodies() {
            if open.len() == WINDOW {
                let ack: jetstream::context::PublishAckFuture = open.pop_front().unwrap();
                ack.await.unwrap();
            }
            let mut headers = HeaderMap::new();
            headers.insert("Nats-Msg-Id", format!("drain:{n}"));
            headers.insert("Nats-Expected-Stream", "BARE");
            open.push_back(jetstream.publish_with_headers("bare", headers, body.into()).await.unwrap());
        }
        for ack in open {
            ack.await.unwrap();
        }
        EVENTS as f64 / started.elapsed().as_secs_f64()
    })
}
