//! Probes of the connection itself: where it leads, what stands in between, how old the server is, and what time it has.

use std::time::Duration;

use jiff::Timestamp;
use postgres::Row;

use super::{Finding, Group, Patient, Problem, Verdict, well};
use crate::connection::{Pooling, ask};
use crate::error::Result;
use crate::units::show_duration;

pub(super) const GROUP: Group = Group {
    name: "connection",
    problems: &[&UNREACHABLE, &UNENCRYPTED, &STANDBY, &POOLER, &OLD_MINOR, &NO_FSYNC, &INVALID_BYTES, &CLOCK],
    examine,
};

pub(super) const UNREACHABLE: Problem = Problem {
    check: "connection",
    symptom: "there is no connection",
    verdict: Verdict::Fail,
    remedy: "check host, port, user and password with psql; --wait-server waits for a server that is starting",
};
const UNENCRYPTED: Problem = Problem {
    check: "connection",
    symptom: "another machine is spoken to without encryption",
    verdict: Verdict::Warn,
    remedy: "add sslmode=verify-full, and sslrootcert with the certificate of the server's authority",
};
const STANDBY: Problem = Problem {
    check: "primary",
    symptom: "the server is a standby: LISTEN, NOTIFY and queues work on a primary only",
    verdict: Verdict::Fail,
    remedy: "name all hosts and add target_session_attrs=read-write, so that the primary is found, also after a failover",
};
const POOLER: Problem = Problem {
    check: "pooler",
    symptom: "a transaction pooler stands in between: through it no notification ever comes",
    verdict: Verdict::Fail,
    remedy: "let listen and serve connect to the server itself, or to a pool in session mode; tail-queue works by looking every second",
};
const OLD_MINOR: Problem = Problem {
    check: "version",
    symptom: "this minor release has a bug that ends listeners with \"could not access status of transaction\"",
    verdict: Verdict::Warn,
    remedy: "update the server to its latest minor release; until then, VACUUM FREEZE only while nothing waits in the notification queue",
};
const NO_FSYNC: Problem = Problem {
    check: "durability",
    symptom: "fsync is off: a crash of the machine can destroy the database, queues included",
    verdict: Verdict::Warn,
    remedy: "ALTER SYSTEM SET fsync = on, then SELECT pg_reload_conf()",
};
const INVALID_BYTES: Problem = Problem {
    check: "encoding",
    symptom: "the database is SQL_ASCII: any role can end every listener with a payload that is not valid UTF-8",
    verdict: Verdict::Warn,
    remedy: "move to a database with ENCODING 'UTF8'",
};
const CLOCK: Problem = Problem {
    check: "clock",
    symptom: "the server's clock and this machine's differ by more than a second: times in events mislead",
    verdict: Verdict::Warn,
    remedy: "let both follow a time server (timedatectl status, chronyc tracking)",
};

/// The first minor release of each major that has commit 8eeb4a0f7c, of November 2025.
const FIXED: [(i32, i32); 5] = [(14, 21), (15, 16), (16, 12), (17, 8), (18, 2)];
/// How far clocks may be apart.
const SKEW: Duration = Duration::from_secs(1);

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    let place = patient.connection.endpoint().to_string();
    let pooling = patient.connection.pooling();
    let row = ask::row(&mut **patient.connection, include_str!("../../sql/doctor_server.sql"), &[])?;
    let mut findings = vec![encryption(&row, &place)];
    findings.push(if row.get("is_standby") {
        STANDBY.found("the server is in recovery")
    } else {
        well("primary", "the server takes writes")
    });
    findings.push(match pooling {
        Pooling::Transaction => {
            POOLER.found(format!("what answers at {place} lends the server's sessions by the transaction"))
        }
        Pooling::None => well("pooler", "the session is ours alone"),
    });
    findings.push(version(&row));
    findings.push(if row.get::<_, &str>("fsync") == "off" {
        NO_FSYNC.found("fsync is off")
    } else {
        well("durability", "a commit waits for the disk")
    });
    findings.push(match row.get("encoding") {
        "SQL_ASCII" => INVALID_BYTES.found("the encoding is SQL_ASCII"),
        encoding => well("encoding", encoding),
    });
    findings.push(clock(patient)?);
    Ok(findings)
}

fn encryption(row: &Row, place: &str) -> Finding {
    let encryption: &str = row.get("encryption");
    let reached = format!("PostgreSQL {} at {place}", row.get::<_, &str>("version"));
    if !encryption.is_empty() {
        return well("connection", format!("{reached}, with {encryption}"));
    }
    if row.get("is_local") || row.get("is_same_machine") {
        return well("connection", format!("{reached}, on this machine"));
    }
    UNENCRYPTED.found(format!("{reached}, without encryption"))
}

fn version(row: &Row) -> Finding {
    let (number, version): (i32, &str) = (row.get("version_num"), row.get("version"));
    let (major, minor) = (number / 10_000, number % 10_000);
    match FIXED.iter().find(|(affected, _)| *affected == major) {
        Some((_, fixed)) if minor < *fixed => OLD_MINOR.found(format!("{version}; {major}.{fixed} has the fix")),
        _ => well("version", version),
    }
}

/// The server's time was read at some moment between both of ours.
fn clock(patient: &mut Patient) -> Result<Finding> {
    let before = Timestamp::now();
    let row = ask::row(&mut **patient.connection, "SELECT pg_catalog.clock_timestamp()", &[])?;
    let (server, after): (Timestamp, Timestamp) = (row.get(0), Timestamp::now());
    let skew = before.duration_since(server).max(server.duration_since(after));
    let skew = Duration::try_from(skew).unwrap_or_default();
    if skew > SKEW {
        return Ok(CLOCK.found(format!("the clocks are {} apart", show_duration(skew))));
    }
    Ok(well("clock", "the clocks agree"))
}
