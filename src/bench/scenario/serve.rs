//! From a sender to web sockets: what `pgfeed serve` adds, with many clients, and with some that do not read.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use super::notify;
use crate::bench::feed::Feed;
use crate::bench::histogram::Latencies;
use crate::bench::report::Row;
use crate::bench::stamp::{Phase, Stamp, now_ns};
use crate::bench::tally::{Ordered, Tally};
use crate::bench::{Bench, Case, Delivery, Knob, Label, Measured, Scenario, feed, load, render};
use crate::error::{Error, Result};
use crate::serve::{self, Audience, Heard, Options, Served, Server};

/// Clients that do not read, in the case with such.
const STALLED: usize = 5;
/// How long it may take to listen.
const START: Duration = Duration::from_secs(30);
/// How often to look whether there is still something to wait for.
const LOOK: Duration = Duration::from_millis(20);
const ALL_READ: &str = "web sockets";
const SOME_STALL: &str = "web sockets, 5 more stall";

pub const SCENARIO: Scenario = Scenario {
    name: "serve",
    about: "notifications from a sender to web sockets of one pgfeed serve",
    uses: &[Knob::Clients, Knob::Listeners, Knob::Rate],
    cases,
    findings,
};

fn cases(bench: &Bench) -> Result<Vec<Case>> {
    bench.plan.refuse_long(notify::LONGEST)?;
    let mut cases = Vec::new();
    for clients in bench.plan.clients_or(&[1]) {
        for listeners in bench.plan.listeners_or(&[100]) {
            for (name, stalled) in [(ALL_READ, 0), (SOME_STALL, STALLED)] {
                let label = Label { clients, listeners, ..Label::new(name, "notifications") };
                let measure = move |bench: &Bench| measure(bench, clients, listeners, stalled);
                cases.push(Case { label, measure: Box::new(measure) });
            }
        }
    }
    Ok(cases)
}

/// What all clients have heard.
struct Ears {
    tallies: Vec<Tally>,
    latency: Latencies,
    cut_off: u64,
}

fn measure(bench: &Bench, clients: usize, listeners: usize, stalled: usize) -> Result<Measured> {
    let channel = bench.place.schema().to_owned();
    let bound = serve::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = bound.address();
    let server = bound.start(Options {
        bind: address,
        served: Served::Channels(Arc::from([Arc::from(channel.as_str())])),
        origins: Vec::new(),
        token: None,
        // Their own ends are in this process too, and need as many descriptors again.
        clients: 2 * (listeners + stalled),
        heartbeat: Duration::ZERO,
        publishing: None,
    });
    let feed = feed::into(bench, &channel, server.fan());
    if let Err(error) = wait_live(bench, &server, &feed) {
        let fed = feed.end();
        server.close();
        return Err(fed.err().unwrap_or(error));
    }
    let tallies = (0..listeners).map(|_| Tally::new(Ordered::Yes)).collect();
    let ears = Arc::new(Mutex::new(Ears { tallies, latency: Latencies::default(), cut_off: 0 }));
    let ended = Arc::new(AtomicUsize::new(0));
    let hear = hearer(Arc::clone(&ears), Arc::clone(&ended));
    let audience = Audience::gather(address, listeners, stalled, hear)?;
    let mut measured = load::drive(bench, &mut notify::senders(bench, clients, &channel)?)?;
    notify::call_the_end(bench, &channel, || ended.load(Ordering::Acquire) >= listeners)?;
    drop(audience);
    let fed = feed.end();
    server.close();
    fed?;
    let ears = ears.lock().expect("hearing does not panic");
    measured.latency = ears.latency.clone();
    let mut delivery = Delivery::of(measured.operations * listeners as u64);
    ears.tallies.iter().for_each(|tally| delivery.add(tally));
    delivery.cut_off = ears.cut_off;
    measured.delivery = Some(delivery);
    Ok(measured)
}

/// What is sent before somebody listens is lost.
fn wait_live(bench: &Bench, server: &Server, feed: &Feed) -> Result<()> {
    let (live, is_live) = mpsc::channel();
    server.when_live(move || {
        let _ = live.send(());
    });
    let until = Instant::now() + START;
    while is_live.recv_timeout(LOOK).is_err() {
        if bench.stop.requested().is_some() || feed.has_ended() || Instant::now() >= until {
            return Err(Error::failed("the server did not begin to listen"));
        }
    }
    Ok(())
}

/// Counts and times what each client hears, and how many have heard that nothing follows.
fn hearer(ears: Arc<Mutex<Ears>>, ended: Arc<AtomicUsize>) -> impl FnMut(Heard) + Send {
    let mut has_ended = Vec::new();
    let mut end = move |client: usize| {
        if has_ended.len() <= client {
            has_ended.resize(client + 1, false);
        }
        if !std::mem::replace(&mut has_ended[client], true) {
            ended.fetch_add(1, Ordering::Release);
        }
    };
    move |heard| {
        let now = now_ns();
        let mut ears = ears.lock().expect("hearing does not panic");
        let (client, text) = match heard {
            Heard::Message(client, text) => (client, text),
            Heard::End(client) => {
                ears.cut_off += 1;
                return end(client);
            }
        };
        let payload = text.find(PAYLOAD).map(|at| &text[at + PAYLOAD.len()..]);
        match payload.and_then(Stamp::find) {
            Some(stamp) if stamp.phase == Phase::Measured && ears.tallies[client].count(&stamp, now) => {
                ears.latency.record(now.saturating_sub(stamp.due_ns));
            }
            Some(stamp) if stamp.phase == Phase::End => end(client),
            _ => {}
        }
    }
}

/// What stands in front of a payload that is text.
const PAYLOAD: &str = "\"payload\":\"";

fn findings(rows: &[Row]) -> Vec<String> {
    let p99 = |row: &Row| row.latency.as_ref().and_then(|latency| latency.p99);
    let stall = rows.iter().filter(|row| row.case == SOME_STALL);
    let pairs = stall.filter_map(|stall| {
        let all =
            |row: &&Row| (row.case == ALL_READ) && (row.clients, row.listeners) == (stall.clients, stall.listeners);
        Some((stall, p99(rows.iter().find(all)?)?, p99(stall)?))
    });
    let told = |(row, all, stall): (&Row, f64, f64)| {
        let (all, stall) = (render::micros(all), render::micros(stall));
        format!("p99 to {} web sockets: {all}, and {stall} while {STALLED} more do not read", row.listeners)
    };
    pairs.map(told).collect()
}
