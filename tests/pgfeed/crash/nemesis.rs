//! The nemesis: breaks what consumes and what serves, as a seed plans it, while everything goes on.

use std::thread;
use std::time::Duration;

use pgfeed::cluster::Shutdown;
use postgres::{Client, NoTls};

use super::consumers::Consumers;
use super::producers::PRODUCER;
use super::random::Random;
use crate::harness::{Database, Signal, wait_until};

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A process is killed.
    Kill,
    /// A process stands still for a while.
    Stand,
    /// A process dies at a named point of a delivery, `POINT:N`.
    Die(&'static str),
    /// A process is asked to end.
    Term,
    /// The server ends sessions of consumers.
    EndConsumers,
    /// The server ends a session of a producer.
    EndProducer,
    /// The server crashes.
    Restart,
}

/// One in flight at each point: what dies between two of them is found by the kills.
pub const POINTS: [&str; 6] =
    ["after_flush:3", "after_take:2", "before_commit:4", "after_write:7", "before_flush:5", "after_commit:6"];

/// So many kills, half as many of everything else, and half as many deaths at named points, in an order that the seed decides.
pub fn plan(random: &mut Random, kills: usize, restarts: usize) -> Vec<Fault> {
    let others = [Fault::Stand, Fault::Term, Fault::EndConsumers, Fault::EndProducer];
    let mut plan = vec![Fault::Kill; kills];
    plan.extend((0..kills / 2).map(|n| others[n % others.len()]));
    plan.extend((0..kills / 2).map(|n| Fault::Die(POINTS[n % POINTS.len()])));
    plan.extend(vec![Fault::Restart; restarts]);
    for last in (1..plan.len()).rev() {
        plan.swap(last, random.index(last + 1));
    }
    plan
}

/// Commits one fault once the last one is overcome; returns how many events may be repeated for it.
pub fn strike(fault: Fault, db: &Database, consumers: &mut Consumers, random: &mut Random) -> usize {
    let before = consumers.progress();
    wait_until("events are delivered again", || consumers.progress() > before);
    thread::sleep(Duration::from_millis(random.below(100)));
    let which = consumers.victim(random);
    match fault {
        Fault::Kill => {
            consumers.kill(which);
            consumers.in_flight()
        }
        Fault::Die(point) => {
            consumers.die(which, point);
            consumers.in_flight()
        }
        Fault::Stand => {
            consumers.signal(which, Signal::Stop);
            thread::sleep(Duration::from_millis(200 + random.below(800)));
            consumers.signal(which, Signal::Cont);
            0
        }
        Fault::Term => {
            consumers.terminate(which);
            0
        }
        Fault::EndConsumers => {
            consumers.wait_until_ready();
            // Every session of a worker that ends costs the batch of that worker at most.
            end_sessions(db, "application_name LIKE 'pgfeed%'", 3);
            3 * consumers.batch()
        }
        Fault::EndProducer => {
            end_sessions(db, &format!("application_name = '{PRODUCER}'"), 1);
            0
        }
        Fault::Restart => {
            consumers.wait_until_ready();
            db.server().cluster().restart(Shutdown::Immediate).unwrap();
            consumers.len() * consumers.in_flight()
        }
    }
}

/// Ends sessions of this database.
fn end_sessions(db: &Database, which: &str, most: i64) {
    let mut client = Client::connect(&db.url(), NoTls).unwrap();
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity \
         WHERE datname = current_database() AND {which} ORDER BY random() LIMIT $1) AS of_those"
    );
    client.query(&end, &[&most]).unwrap();
}
