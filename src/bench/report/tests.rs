//! Reports of runs with made-up figures.

use super::super::Amount;
use super::*;

fn plan() -> Plan {
    Plan {
        clients: Vec::new(),
        listeners: Vec::new(),
        size: 100,
        amount: Amount::Count(100),
        rate: None,
        warmup: Duration::ZERO,
        runs: 1,
        flush_delay: Duration::ZERO,
        to: None,
    }
}

fn scenario(uses: &'static [Knob]) -> Scenario {
    Scenario { name: "name", about: "about", uses, cases: |_| Ok(Vec::new()), findings: |_| Vec::new() }
}

#[test]
fn a_row_is_beside_a_baseline_with_as_many_listeners_or_none() {
    let label = |name, listeners, baseline| Label { listeners, baseline, ..Label::new(name, "events") };
    let labels = [
        label("drain", 1, None),
        label("drain", 2, None),
        label("sink", 2, Some("drain")),
        label("none", 0, None),
        label("some", 2, Some("none")),
        label("sink", 3, Some("drain")),
    ];
    let second = Duration::from_secs(1);
    let measured = [100, 200, 100, 50, 25, 1]
        .map(|operations| vec![Measured { operations, elapsed: second, ..Measured::default() }]);
    let ratios: Vec<_> = rows(labels.into_iter().zip(&measured), &plan()).iter().map(|row| row.ratio).collect();
    assert_eq!(ratios, [None, None, Some(0.5), None, Some(0.5), None]);
}

#[test]
fn a_missed_pace_is_told_where_there_is_one() {
    let mut measured = Measured { operations: 90, elapsed: Duration::from_secs(1), ..Measured::default() };
    measured.latency.record(1);
    let measured = [vec![measured]];
    let plan = Plan { rate: Some(100), ..plan() };
    let rows = rows([Label::new("case", "messages")].into_iter().zip(&measured), &plan);
    let told = |uses| warnings(&scenario(uses), &rows, &measured, &plan).len();
    assert_eq!((told(&[Knob::Rate]), told(&[])), (1, 0));
}

#[test]
fn what_arrives_later_arrives_at_a_lower_rate() {
    let seconds = |seconds: u64| 7_000_000_000 + seconds * 1_000_000_000;
    let arrived = |last_ns| {
        let delivery = Delivery { received: 100, last_ns, ..Delivery::of(100) };
        let elapsed = Duration::from_secs(1);
        let measured = Measured { operations: 100, elapsed, started_ns: Some(seconds(0)), ..Measured::default() };
        let measured = [vec![Measured { delivery: Some(delivery), ..measured }]];
        let rows = rows([Label::new("case", "messages")].into_iter().zip(&measured), &plan());
        let warnings = warnings(&scenario(&[]), &rows, &measured, &plan());
        (rows[0].rate.median, rows[0].received_rate, warnings.into_iter().nth(1))
    };
    assert_eq!(arrived(seconds(1)), (100.0, Some(100.0), None));
    let lag =
        "case: the last message arrived 3.0 s after all were sent, so that its latencies grow for as long as it runs";
    assert_eq!(arrived(seconds(4)), (100.0, Some(25.0), Some(lag.to_owned())));
}

#[test]
fn the_median_of_an_even_number_lies_between() {
    assert_eq!(Spread::of(vec![4.0]), Spread { median: 4.0, min: 4.0, max: 4.0 });
    assert_eq!(Spread::of(vec![9.0, 1.0, 2.0]), Spread { median: 2.0, min: 1.0, max: 9.0 });
    assert_eq!(Spread::of(vec![9.0, 1.0, 2.0, 4.0]), Spread { median: 3.0, min: 1.0, max: 9.0 });
}
