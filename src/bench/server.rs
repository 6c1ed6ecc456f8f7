//! What the figures of a report depend on: the server, the way to it, the machine, and how long a flush takes.

use std::time::{Duration, Instant};

use postgres::Client;
use serde::{Deserialize, Serialize};

use super::place::{Place, Transport};
use super::plan::Plan;
use crate::error::{Error, Result};

/// How many commits of each kind the flush time is made of.
const COMMITS: usize = 31;
/// How long they may take: over a long way there are fewer.
const ENOUGH: Duration = Duration::from_millis(300);

/// The head of a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    /// Such as 15.18.
    pub version: String,
    /// Local socket, TCP, or TCP with TLS.
    pub transport: String,
    /// Processors that this program may use; the server's own are not known, unless it is on this machine.
    pub cores: usize,
    /// The setting.
    pub synchronous_commit: String,
    /// The setting: off means that nothing waits for the disk.
    pub fsync: bool,
    /// How much longer a commit takes that waits for the disk, in microseconds; with the simulated delay.
    pub flush_us: f64,
    /// The simulated part of that.
    pub flush_delay_us: f64,
}

impl Server {
    /// Asks the server, and measures a flush.
    ///
    /// # Errors
    /// What the server says; that a flush cannot be delayed, because there is none.
    pub fn ask(place: &Place, plan: &Plan) -> Result<Self> {
        let table = place.name("flush");
        let transport = place.transport();
        place.with(|client| {
            let row = client.query_one(include_str!("../../sql/bench_server.sql"), &[])?;
            let fsync: bool = row.get("fsync");
            if !plan.flush_delay.is_zero() && !fsync {
                let error = Error::failed("--flush-delay has no effect: with fsync off nothing is flushed");
                return Err(error.hint("measure with --throwaway, whose server flushes"));
            }
            let flush = flush(client, &table).map_err(|error| error.doing("measuring a flush"))?;
            Ok(Self {
                version: row.get("version"),
                transport: told(transport, row.get("is_encrypted")).to_owned(),
                cores: std::thread::available_parallelism().map_or(1, usize::from),
                synchronous_commit: row.get("synchronous_commit"),
                fsync,
                flush_us: (flush.as_secs_f64() * 1e6).round(),
                flush_delay_us: plan.flush_delay.as_secs_f64() * 1e6,
            })
        })
    }
}

fn told(transport: Transport, is_encrypted: bool) -> &'static str {
    match (transport, is_encrypted) {
        (Transport::Socket, _) => "local socket",
        (Transport::Tcp, true) => "TCP with TLS",
        (Transport::Tcp, false) => "TCP",
    }
}

/// How much longer a commit takes when it waits for the disk.
fn flush(client: &mut Client, table: &str) -> Result<Duration> {
    client.batch_execute(&format!("CREATE TABLE {table} (n int)"))?;
    let insert = client.prepare(&format!("INSERT INTO {table} VALUES (1)"))?;
    let mut commit = |how: &str| -> Result<Duration> {
        client.batch_execute(&format!("SET synchronous_commit = {how}"))?;
        let mut took = Vec::with_capacity(COMMITS);
        let until = Instant::now() + ENOUGH;
        while took.is_empty() || took.len() < COMMITS && Instant::now() < until {
            let started = Instant::now();
            client.execute(&insert, &[])?;
            took.push(started.elapsed());
        }
        took.sort_unstable();
        Ok(took[took.len() / 2])
    };
    let waits_not = commit("off")?;
    let waits = commit("local")?;
    client.batch_execute(&format!("RESET synchronous_commit; DROP TABLE {table}"))?;
    Ok(waits.saturating_sub(waits_not))
}
