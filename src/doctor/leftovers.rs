//! A probe for what should be gone.

use super::{Finding, Group, Patient, Problem, Verdict, well};
use crate::connection::ask;
use crate::error::Result;

pub(super) const GROUP: Group = Group { name: "leftovers", problems: &[&BENCH], examine };

const BENCH: Problem = Problem {
    check: "leftovers",
    symptom: "a bench that was killed has left its schema behind",
    verdict: Verdict::Warn,
    remedy: "DROP SCHEMA the schema CASCADE",
};

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    let rows = ask::rows(&mut patient.connection.begin()?, include_str!("../../sql/doctor_leftovers.sql"), &[])?;
    let names: Vec<&str> = rows.iter().map(|row| row.get("name")).collect();
    Ok(vec![if names.is_empty() { well("leftovers", "none") } else { BENCH.found(names.join(", ")) }])
}
