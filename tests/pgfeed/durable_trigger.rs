//! Durable triggers: what they store of every kind of change, that they wake only who sleeps, and that writers stay safe.

mod altered;
mod backfill;
mod changes;
pub mod doorbell;
mod installing;
mod lost_key;
mod rights;
mod safety;
mod truncate;
mod warnings;

use crate::harness::{Database, Output};

/// Creates table `t` and stores its changes in queue `q`.
#[track_caller]
pub fn durable(db: &Database, definition: &str, args: &[&str]) {
    db.sql(&format!("CREATE TABLE t ({definition})"));
    install(db, &[&["t"], args].concat());
}

/// Installs into queue `q`.
#[track_caller]
pub fn install(db: &Database, args: &[&str]) -> Output {
    db.pgfeed(["install-trigger", "--queue", "q"]).args(args).run().ok()
}

/// Delivers everything, and gives the payloads without what differs from run to run and what names `public.t`.
#[track_caller]
pub fn delivered(db: &Database, args: &[&str]) -> Vec<String> {
    let output = db.pgfeed(["tail-queue", "q", "--consume", "-e", "-o", "raw"]).args(args).run().ok().stderr_is("");
    output.lines().into_iter().map(essential).collect()
}

/// A payload without txid and time, and without the table if it is `public.t`.
pub fn essential(payload: &str) -> String {
    let (what, _) = payload.rsplit_once(",\"txid\":\"").expect(payload);
    format!("{what}}}").replace(",\"schema\":\"public\",\"table\":\"t\"", "")
}
