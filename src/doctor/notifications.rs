//! Probes of LISTEN and NOTIFY: whether one is heard, whether the queue behind them drains, and what a NOTIFY costs a commit.

use std::time::{Duration, Instant};

use fallible_iterator::FallibleIterator as _;

use super::{Finding, Group, Patient, Problem, Verdict, unfinished, well};
use crate::backoff::Random;
use crate::connection::{Connection, Pooling, Settings, ask};
use crate::error::{Error, Result};
use crate::status;
use crate::units::show_duration;

pub(super) const GROUP: Group = Group {
    name: "notifications",
    problems: &[&UNHEARD, &UNTRIED, &QUEUE_FILLS, &QUEUE_FULL, &SLOW_COMMITS, &UNMEASURED],
    examine,
};

const UNHEARD: Problem = Problem {
    check: "loop-back",
    symptom: "a notification was sent through a second connection and not heard",
    verdict: Verdict::Fail,
    remedy: "connect both to the server itself: something in between swallows notifications, or leads to two servers",
};
const UNTRIED: Problem = Problem {
    check: "loop-back",
    symptom: "whether a notification is heard could not be tried",
    verdict: Verdict::Warn,
    remedy: "to have it tried, let the role open a second connection",
};
const QUEUE_FILLS: Problem = Problem {
    check: "notification queue",
    symptom: "more than a hundredth of the notification queue is in use: some listener does not keep up",
    verdict: Verdict::Warn,
    remedy: "end the session that holds it (pgfeed status names those that may): a listener must read, and must not sit in a transaction",
};
const QUEUE_FULL: Problem = Problem {
    check: "notification queue",
    symptom: "the notification queue is more than half full: at 100 % every commit with a NOTIFY fails",
    verdict: Verdict::Fail,
    remedy: "end one of those that pgfeed status names, if it listens: SELECT pg_terminate_backend(process); once the queue is half full, the server's own log names the process",
};
const SLOW_COMMITS: Problem = Problem {
    check: "commits",
    symptom: "NOTIFY more than halves the commits of several writers: all of them wait for one lock until the disk has each",
    verdict: Verdict::Warn,
    remedy: "feed busy tables through a queue (install-trigger --queue): it notifies only when somebody sleeps",
};

const UNMEASURED: Problem = Problem {
    check: "commits",
    symptom: "what a NOTIFY costs could not be measured",
    verdict: Verdict::Warn,
    remedy: "to have it measured, let the role open five connections, and call pg_catalog.pg_logical_emit_message",
};

/// What the server says to a role that may not (`insufficient_privilege`).
const DENIED: &str = "42501";
/// What it says when there may be no more connections (`too_many_connections`).
const TOO_MANY: &str = "53300";
/// How long a notification may take.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// Who commits at once, and how long.
const WRITERS: usize = 4;
const COMMITTING: Duration = Duration::from_millis(200);

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    // Neither could be told from what is wrong already.
    if patient.connection.pooling() == Pooling::Transaction || is_standby(patient)? {
        return Ok(Vec::new());
    }
    // What one cannot do, another can still tell why.
    let mut probes = vec![("notification queue", queue(patient))];
    // A role that may not notify is told so with its rights.
    if may_notify(patient)? {
        let heard = loop_back(patient).or_else(|error| not_allowed(&UNTRIED, error));
        let cost = commits(patient.settings).or_else(|error| not_allowed(&UNMEASURED, error));
        probes.extend([("loop-back", heard), ("commits", cost)]);
    }
    Ok(probes.into_iter().map(|(check, found)| found.unwrap_or_else(|error| unfinished(check, &error))).collect())
}

/// What the role may not do for a probe proves nothing about the feed.
fn not_allowed(problem: &Problem, error: Error) -> Result<Finding> {
    match error.sqlstate() {
        Some(DENIED | TOO_MANY) => Ok(problem.found(error.to_string())),
        _ => Err(error),
    }
}

fn may_notify(patient: &mut Patient) -> Result<bool> {
    let may = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_notify(text, text)', 'EXECUTE')";
    Ok(ask::row(&mut **patient.connection, may, &[])?.get(0))
}

fn is_standby(patient: &mut Patient) -> Result<bool> {
    Ok(ask::row(&mut **patient.connection, "SELECT pg_catalog.pg_is_in_recovery()", &[])?.get(0))
}

/// Hears what another connection sends.
fn loop_back(patient: &mut Patient) -> Result<Finding> {
    // Nobody else's, and no secret.
    let channel = format!("pgfeed_doctor_{:08.0}", Random::new().fraction() * 1e8);
    patient.connection.batch_execute(&format!("LISTEN {channel}"))?;
    let mut other = Connection::open(patient.settings)?;
    let sent = Instant::now();
    ask::row(&mut *other, "SELECT pg_catalog.pg_notify($1, '')", &[&channel])?;
    let heard = patient.connection.notifications().timeout_iter(HEARD_WITHIN).next()?.is_some();
    let took = sent.elapsed();
    patient.connection.batch_execute(&format!("UNLISTEN {channel}"))?;
    Ok(if heard {
        well("loop-back", format!("a notification was heard in {}", show_duration(took)))
    } else {
        UNHEARD.found(format!("nothing was heard within {}", show_duration(HEARD_WITHIN)))
    })
}

fn queue(patient: &mut Patient) -> Result<Finding> {
    let mut transaction = patient.connection.begin()?;
    let usage: f64 = ask::row(&mut transaction, "SELECT pg_catalog.pg_notification_queue_usage()", &[])?.get(0);
    let problem = match usage {
        usage if usage >= 0.5 => &QUEUE_FULL,
        usage if usage >= 0.01 => &QUEUE_FILLS,
        _ => return Ok(well("notification queue", format!("{:.1} % in use", usage * 100.0))),
    };
    let suspects = status::suspects(&mut transaction)?;
    let who: Vec<String> = suspects.iter().map(|one| format!("process {} {}", one.pid, one.why)).collect();
    let who = if who.is_empty() { "nobody who may hold it is seen".to_owned() } else { who.join("; ") };
    Ok(problem.found(format!("{:.1} % in use; {who}", usage * 100.0)))
}

/// Several writers commit as often as they can, without NOTIFY and with it. What each writes leaves nothing behind but WAL: a
/// commit of nothing would not wait for the disk (`RecordTransactionCommit`).
fn commits(settings: &Settings) -> Result<Finding> {
    let without = rate(settings, "BEGIN; SELECT pg_catalog.pg_logical_emit_message(true, 'pgfeed', ''); COMMIT")?;
    let with = rate(
        settings,
        "BEGIN; SELECT pg_catalog.pg_logical_emit_message(true, 'pgfeed', ''), pg_catalog.pg_notify('pgfeed_doctor', ''); COMMIT",
    )?;
    let told =
        format!("{WRITERS} writers commit {without:.0} times a second, and {with:.0} times with a NOTIFY in each");
    Ok(if with * 2.0 < without { SLOW_COMMITS.found(told) } else { well("commits", told) })
}

fn rate(settings: &Settings, statement: &str) -> Result<f64> {
    let writers = (0..WRITERS).map(|_| Connection::open(settings)).collect::<Result<Vec<_>>>()?;
    let started = Instant::now();
    let write = |mut writer: Connection| -> Result<u32> {
        let mut commits = 0;
        while started.elapsed() < COMMITTING {
            writer.batch_execute(statement)?;
            commits += 1;
        }
        Ok(commits)
    };
    let commits = std::thread::scope(|scope| {
        let threads: Vec<_> = writers.into_iter().map(|writer| scope.spawn(move || write(writer))).collect();
        // A writer that panicked has committed nothing that counts.
        threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(0))).sum::<Result<u32>>()
    })?;
    Ok(f64::from(commits) / started.elapsed().as_secs_f64())
}
