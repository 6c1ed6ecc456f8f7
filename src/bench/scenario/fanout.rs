//! One sender and many listeners: what each listener adds.

use super::notify;
use crate::bench::report::Row;
use crate::bench::{Knob, Scenario, render};

pub const SCENARIO: Scenario = Scenario {
    name: "fanout",
    about: "notifications from one sender to many listeners",
    uses: &[Knob::Clients, Knob::Listeners, Knob::Rate],
    cases: |bench| notify::cases(bench, &[1, 10, 50], "fan-out"),
    findings,
};

fn findings(rows: &[Row]) -> Vec<String> {
    let (Some(few), Some(many)) =
        (rows.iter().min_by_key(|row| row.listeners), rows.iter().max_by_key(|row| row.listeners))
    else {
        return Vec::new();
    };
    let (Some(one), Some(all)) = (few.received_rate, many.received_rate) else { return Vec::new() };
    if few.listeners == many.listeners {
        return Vec::new();
    }
    vec![format!(
        "{} listeners got {} notifications a second together, {} got {}; the sender sent {} instead of {} a second",
        many.listeners,
        render::rate(all),
        few.listeners,
        render::rate(one),
        render::rate(many.rate.median),
        render::rate(few.rate.median)
    )]
}
