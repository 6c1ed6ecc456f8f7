//! NOTIFY from senders to one listener; `fanout` measures with the same, and more listeners.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bench::feed::{self, Feed};
use crate::bench::histogram::Latencies;
use crate::bench::load::{self, Turn};
use crate::bench::stamp::{Phase, Stamp};
use crate::bench::{Bench, Case, Delivery, Knob, Label, Measured, Scenario};
use crate::connection::Connection;
use crate::error::Result;

/// The longest payload of a notification (`NOTIFY_PAYLOAD_MAX_LENGTH` less one, async.c).
pub const LONGEST: usize = 7999;
/// How long listeners may take to hear the last of it.
const LAST_CALL: Duration = Duration::from_secs(60);
/// How often they are told that nothing follows: whoever is cut off when it is said must hear it again.
const CALL_AGAIN: Duration = Duration::from_secs(1);
/// How often to look whether they have heard it.
const LOOK: Duration = Duration::from_millis(2);

pub const SCENARIO: Scenario = Scenario {
    name: "notify",
    about: "notifications from senders to a listener, each in a transaction of its own",
    uses: &[Knob::Clients, Knob::Listeners, Knob::Rate],
    cases: |bench| cases(bench, &[1], "NOTIFY"),
    findings: |_| Vec::new(),
};

/// A case for every number of senders and of listeners.
pub fn cases(bench: &Bench, listeners: &[usize], name: &'static str) -> Result<Vec<Case>> {
    bench.plan.refuse_long(LONGEST)?;
    let mut cases = Vec::new();
    for clients in bench.plan.clients_or(&[1]) {
        for listeners in bench.plan.listeners_or(listeners) {
            let label = Label { clients, listeners, ..Label::new(name, "notifications") };
            cases.push(Case { label, measure: Box::new(move |bench| measure(bench, clients, listeners)) });
        }
    }
    Ok(cases)
}

fn measure(bench: &Bench, clients: usize, listeners: usize) -> Result<Measured> {
    let channel = bench.place.schema().to_owned();
    let started: Vec<Feed> = (0..listeners).map(|_| feed::listener(bench, &channel)).collect();
    let feeds: Vec<Feed> = started.into_iter().map(|feed| feed.wait_live(bench)).collect::<Result<_>>()?;
    let mut senders = senders(bench, clients, &channel)?;
    let mut measured = load::drive(bench, &mut senders)?;
    call_the_end(bench, &channel, || feeds.iter().all(Feed::has_ended))?;
    // From sender to listener counts here, and not how long the sender waited.
    measured.latency = Latencies::default();
    let mut delivery = Delivery::of(measured.operations * listeners as u64);
    for feed in feeds {
        let collected = Arc::clone(&feed.collected);
        feed.end()?;
        collected.add_to(&mut delivery, &mut measured.latency);
    }
    measured.delivery = Some(delivery);
    Ok(measured)
}

/// Senders, each with a connection of its own.
pub fn senders(
    bench: &Bench,
    clients: usize,
    channel: &str,
) -> Result<Vec<impl FnMut(Turn) -> Result<()> + Send + use<>>> {
    let size = bench.plan.size;
    let connect = |_| {
        let mut connection: Connection = bench.place.connect()?;
        let notify = connection.prepare("SELECT pg_catalog.pg_notify($1, $2)")?;
        let channel = channel.to_owned();
        Ok(move |turn: Turn| {
            connection.execute(&notify, &[&channel, &turn.stamp().text(size)])?;
            Ok(())
        })
    };
    (0..clients).map(connect).collect()
}

/// Notifications come in the order of the commits: who hears that nothing follows has heard, or lost, all before.
pub fn call_the_end(bench: &Bench, channel: &str, have_heard: impl Fn() -> bool) -> Result<()> {
    let until = Instant::now() + LAST_CALL;
    let mut calls = 0;
    let mut call_at = Instant::now();
    while !have_heard() && Instant::now() < until && bench.stop.requested().is_none() {
        if Instant::now() >= call_at {
            let end = Stamp { phase: Phase::End, stream: 0, seq: calls, due_ns: 0 };
            let notify = "SELECT pg_catalog.pg_notify($1, $2)";
            bench.place.with(|client| Ok(client.execute(notify, &[&channel, &end.text(0)])?))?;
            calls += 1;
            call_at = Instant::now() + CALL_AGAIN;
        }
        bench.stop.pause(LOOK);
    }
    Ok(())
}
