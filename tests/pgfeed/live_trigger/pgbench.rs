//! A load of many writers: every change is told once, as valid JSON, and in the order of its row.

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::feed::install;
use crate::harness::{Database, Pgfeed, wait_until};

const TABLES: [&str; 4] = ["pgbench_accounts", "pgbench_branches", "pgbench_tellers", "pgbench_history"];
const CLIENTS: usize = 8;
const TRANSACTIONS: usize = 20_000;
/// How long nothing more may come at the end; longer than the writers, or the machine, pause in between.
const IDLE: &str = "5s";

fn pgbench(db: &Database, args: &[&str]) {
    let mut command = Command::new(db.server().program("pgbench"));
    command.args(args).arg(db.url());
    Pgfeed::command(command).deadline(Duration::from_secs(180)).run().ok();
}

#[test]
fn twenty_thousand_transactions_of_eight_clients_are_told_exactly() {
    let db = Database::new();
    pgbench(&db, &["-i", "-q", "-s", "8"]);
    install(&db, TABLES);
    let ready = tempfile::tempdir().unwrap();
    let ready = ready.path().join("ready");
    // One more than there are, so that it is seen whether there is one.
    let count = (TRANSACTIONS * TABLES.len() + 1).to_string();
    let listen = ["listen", "-n", &count, "--idle-timeout", IDLE, "-o", "json", "--ready-file"];
    let listen = db.pgfeed(listen).args([&ready]).args(TABLES);
    let listening = listen.deadline(Duration::from_secs(180)).spawn();
    wait_until("the feed is live", || ready.exists());
    let (clients, each) = (CLIENTS.to_string(), (TRANSACTIONS / CLIENTS).to_string());
    pgbench(&db, &["-n", "-c", &clients, "-t", &each]);
    let lines = listening.finish().code(124).json();
    assert_eq!(lines.len(), TRANSACTIONS * TABLES.len());

    // What each transaction has added, by its number.
    let payloads: Vec<&Value> = lines.iter().map(|line| &line["payload"]).collect();
    let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    let history = payloads.iter().filter(|event| event["table"] == "pgbench_history");
    let added: HashMap<String, i64> =
        history.map(|event| (text(event, "txid"), event["new"]["delta"].as_i64().unwrap())).collect();
    assert_eq!(added.len(), TRANSACTIONS);

    // Every balance is the one before it and what its transaction added.
    let mut balances: HashMap<String, i64> = HashMap::new();
    for event in payloads.iter().filter(|event| event["table"] != "pgbench_history") {
        let table = text(event, "table");
        let balance = event["new"][format!("{}balance", &table["pgbench_".len()..][..1])].as_i64().unwrap();
        let before = balances.insert(format!("{table} {}", event["key"]), balance).unwrap_or(0);
        assert_eq!(balance, before + added[&text(event, "txid")], "{event}");
    }
    let told: i64 =
        balances.iter().filter(|(key, _)| key.starts_with("pgbench_accounts")).map(|(_, balance)| balance).sum();
    assert_eq!(db.value("SELECT sum(abalance) FROM pgbench_accounts"), told.to_string());
}
