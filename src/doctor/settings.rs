//! Probes of settings that hurt a feed: what a session of this role begins with, and whether ours could change it.

use super::{Finding, Group, Patient, Problem, Verdict, well};
use crate::connection::{Pooling, ask};
use crate::error::Result;
use crate::trigger::{self, Destination, Spec};

pub(super) const GROUP: Group =
    Group { name: "settings", problems: &[&REPLICA, &NO_AUTOVACUUM, &LOSES_COMMITS, &PREPARED, &REFUSED], examine };

const REPLICA: Problem = Problem {
    check: "triggers fire",
    symptom: "session_replication_role is replica for this role: what it writes fires no trigger",
    verdict: Verdict::Fail,
    remedy: "ALTER ROLE the role RESET session_replication_role, or install with --enable-always",
};
const NO_AUTOVACUUM: Problem = Problem {
    check: "autovacuum",
    symptom: "autovacuum is off: a queue that is emptied all day grows, and gets slower and slower",
    verdict: Verdict::Warn,
    remedy: "ALTER SYSTEM SET autovacuum = on, then SELECT pg_reload_conf()",
};
const LOSES_COMMITS: Problem = Problem {
    check: "commits last",
    symptom: "synchronous_commit is off: a crash of the server can take back the last commits, rows and their events alike",
    verdict: Verdict::Warn,
    remedy: "ALTER ROLE the role SET synchronous_commit = on, where an event must not be taken back",
};
const PREPARED: Problem = Problem {
    check: "two-phase commit",
    symptom: "max_prepared_transactions is set: PREPARE TRANSACTION fails after a NOTIFY, so a live trigger makes it fail",
    verdict: Verdict::Warn,
    remedy: "feed tables that are written in prepared transactions with install-trigger --queue NAME --doorbell never",
};
const REFUSED: Problem = Problem {
    check: "our settings",
    symptom: "the server did not let pgfeed change a setting for its own session: sessions may end, or wait, before their time",
    verdict: Verdict::Warn,
    remedy: "take the setting away from the role and the database: ALTER ROLE the role RESET the setting",
};

/// What our session must have, whatever the role has as defaults.
const OURS: [(&str, &str); 6] = [
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("idle_session_timeout", "0"),
    ("row_security", "off"),
    ("search_path", "pg_catalog"),
    ("statement_timeout", "0"),
];

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    let installed = trigger::survey(&mut patient.connection.begin()?)?;
    let is_live = |spec: &Spec| matches!(spec.to, Destination::Channel(_));
    let has_live = installed.iter().any(|one| one.spec.as_ref().is_some_and(is_live));
    let is_ours = patient.connection.pooling() == Pooling::None;
    let rows = ask::rows(&mut **patient.connection, include_str!("../../sql/doctor_settings.sql"), &[])?;
    let find = |name: &str| rows.iter().find(|row| row.get::<_, &str>("name") == name);
    let default = |name: &str| find(name).map_or("", |row| row.get("default_value"));
    let mut findings = vec![
        match default("session_replication_role") {
            "replica" => REPLICA.found("session_replication_role is replica"),
            _ => well("triggers fire", "for what this role writes"),
        },
        match default("autovacuum") {
            "off" => NO_AUTOVACUUM.found("autovacuum is off"),
            _ => well("autovacuum", "on"),
        },
        match default("synchronous_commit") {
            "off" => LOSES_COMMITS.found("synchronous_commit is off"),
            other => well("commits last", format!("synchronous_commit is {other}")),
        },
        match default("max_prepared_transactions") {
            "0" | "" => well("two-phase commit", "not used on this server"),
            most if !has_live => well("two-phase commit", format!("{most} at a time, and no live trigger in the way")),
            most => PREPARED.found(format!("max_prepared_transactions is {most}")),
        },
    ];
    // Behind a transaction pooler each transaction has them of its own.
    if is_ours {
        let refused: Vec<String> = OURS
            .iter()
            .filter_map(|(name, wanted)| find(name).map(|row| (name, wanted, row.get::<_, &str>("our_value"))))
            .filter(|(_, wanted, value)| *wanted != value)
            .map(|(name, _, value)| format!("{name} is {value}"))
            .collect();
        findings.push(if refused.is_empty() {
            well("our settings", "defaults of the role that would hurt are overruled")
        } else {
            REFUSED.found(refused.join(", "))
        });
    }
    Ok(findings)
}
