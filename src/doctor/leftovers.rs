//! A probe for what should be gone.

use super::{Finding, Group, Patient, Problem, Verdict, well};
use crate::bench;
use crate::connection::Pooling;
use crate::error::Result;

pub(super) const GROUP: Group = Group { name: "leftovers", problems: &[&BENCH], examine };

const BENCH: Problem = Problem {
    check: "leftovers",
    symptom: "a bench that was killed has left its schema behind",
    verdict: Verdict::Warn,
    remedy: "DROP SCHEMA the schema CASCADE",
};

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    // What prepares statements does not work there, which is told already.
    if patient.connection.pooling() == Pooling::Transaction {
        return Ok(Vec::new());
    }
    let names = bench::leftovers(patient.connection)?;
    Ok(vec![if names.is_empty() { well("leftovers", "none") } else { BENCH.found(names.join(", ")) }])
}
