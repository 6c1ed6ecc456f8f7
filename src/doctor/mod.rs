//! Probes a connection and its server, and says what keeps a feed from working there, and what to do about it.
//!
//! A group of probes is one file and one line in [`GROUPS`]. What it can find wrong is told in [`Problem`]s, so that the README can list
//! them all.

mod connection;
mod leftovers;
mod notifications;
mod queues;
mod rights;
mod settings;
mod triggers;

use serde::Serialize;

use crate::connection::{Connection, Settings};
use crate::error::{Error, Result};
use crate::queue;

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and may hurt.
    Warn,
    /// It does not work, or loses something.
    Fail,
}

/// Something that can be wrong.
#[derive(Debug)]
pub struct Problem {
    /// What was looked at.
    check: &'static str,
    /// What is wrong then, and what comes of it.
    symptom: &'static str,
    verdict: Verdict,
    /// What to do about it.
    remedy: &'static str,
}

/// What a probe has found.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How well it is.
    pub verdict: Verdict,
    /// What was seen.
    pub detail: String,
    /// What that means; none when it is well, or not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
    /// What to do about it; none when it is well.
    pub remedy: Option<String>,
}

/// Some probes that belong together.
struct Group {
    name: &'static str,
    /// What they can find; the test that keeps the README in step reads it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the README"))]
    problems: &'static [&'static Problem],
    examine: fn(&mut Patient) -> Result<Vec<Finding>>,
}

const GROUPS: &[Group] = &[
    connection::GROUP,
    notifications::GROUP,
    rights::GROUP,
    settings::GROUP,
    triggers::GROUP,
    queues::GROUP,
    leftovers::GROUP,
];

/// What is examined.
struct Patient<'a> {
    connection: &'a mut Connection,
    settings: &'a Settings,
    schema: &'a str,
}

impl Problem {
    fn found(&self, detail: impl Into<String>) -> Finding {
        let Self { check, symptom, verdict, remedy } = self;
        Finding {
            check,
            verdict: *verdict,
            detail: detail.into(),
            meaning: Some(symptom),
            remedy: Some((*remedy).to_owned()),
        }
    }
}

/// All is well with something.
fn well(check: &'static str, detail: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Ok, detail: detail.into(), meaning: None, remedy: None }
}

/// Examines everything, and calls `tell` with each finding as soon as it is made.
///
/// # Errors
/// That of `tell`.
pub fn examine(
    connection: &mut Connection,
    settings: &Settings,
    schema: &str,
    tell: &mut dyn FnMut(&Finding) -> Result<()>,
) -> Result<()> {
    let mut patient = Patient { connection, settings, schema };
    for group in GROUPS {
        match (group.examine)(&mut patient) {
            Ok(findings) => findings.iter().try_for_each(&mut *tell)?,
            Err(error) => tell(&unfinished(group.name, &permitted(error, schema)))?,
        }
        if patient.connection.is_closed() {
            return Ok(());
        }
    }
    Ok(())
}

/// That there is no connection at all.
pub fn unreachable(error: &Error) -> Finding {
    Finding {
        remedy: Some(hint(error, connection::UNREACHABLE.remedy)),
        ..connection::UNREACHABLE.found(error.to_string())
    }
}

/// A probe that could not be finished proves that something is wrong, though not what.
fn unfinished(check: &'static str, error: &Error) -> Finding {
    let remedy = hint(error, "run it again; with the same error, look into the server's log");
    let detail = format!("could not be examined: {error}");
    Finding { check, verdict: Verdict::Fail, detail, meaning: None, remedy: Some(remedy) }
}

/// What would permit a probe that was not permitted: all others need no right.
fn permitted(error: Error, schema: &str) -> Error {
    match error.sqlstate() {
        Some("42501") => error.hint(queue::rights_to_look(schema)),
        _ => error,
    }
}

/// The error's own hint where it has one.
fn hint(error: &Error, otherwise: &str) -> String {
    error.notes().find(|(label, _)| *label == "hint").map_or(otherwise, |(_, hint)| hint).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the README that is made of the remedies.
    fn table() -> String {
        let mut table = "| check | | what it says | what to do |\n|---|---|---|---|\n".to_owned();
        for problem in GROUPS.iter().flat_map(|group| group.problems) {
            let verdict = if problem.verdict == Verdict::Fail { "fail" } else { "warn" };
            let Problem { check, symptom, remedy, .. } = problem;
            table.push_str(&format!("| {check} | {verdict} | {symptom} | {remedy} |\n"));
        }
        table
    }

    #[test]
    fn the_readme_has_every_remedy() {
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&table()), "the table of \"Troubleshooting\" in README.md is to be:\n{}", table());
    }

    #[test]
    fn a_problem_is_told_with_what_to_do_about_it() {
        for problem in GROUPS.iter().flat_map(|group| group.problems) {
            let Problem { check, symptom, verdict, remedy } = problem;
            assert_ne!(*verdict, Verdict::Ok, "{check}");
            assert!(!symptom.is_empty() && !remedy.is_empty() && !remedy.contains(['\n', '|']), "{check}");
        }
    }
}
