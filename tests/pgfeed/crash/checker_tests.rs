//! Tests the checker with made-up histories, each of which has one thing wrong.

use serde_json::json;

use super::checker::{Printed, Tally, Writers, check};
use super::producers::{Outcome, Transaction, Write, data_of};

fn write(id: &str, version: i64) -> Write {
    Write { id: id.to_owned(), key: 7, version }
}

fn transaction(writes: &[(&str, i64)], outcome: Outcome) -> Transaction {
    let writes = writes.iter().map(|(id, version)| write(id, *version)).collect();
    Transaction { writes, undone: vec![write("undone", 1)], outcome }
}

fn committed() -> Vec<Transaction> {
    vec![transaction(&[("a", 1), ("b", 2)], Outcome::Committed)]
}

fn line(event: i64, id: &str, version: i64) -> String {
    let new = json!({"key": 7, "v": version, "id": id, "data": data_of(id)});
    let payload = json!({"key": {"key": 7}, "new": new});
    format!("{{\"type\":\"event\",\"id\":{event},\"payload\":{payload}}}\n")
}

fn printed(lines: &[&str], writers: Writers) -> Printed {
    Printed { bytes: lines.concat().into_bytes(), writers }
}

/// What the checker says of one process that was not killed.
fn verdict(transactions: &[Transaction], lines: &[&str]) -> Tally {
    check(transactions, &[printed(lines, Writers::One { killed: false })], 0)
}

#[test]
fn a_clean_history_is_clean() {
    let tally = verdict(&committed(), &[&line(1, "a", 1), &line(2, "b", 2)]);
    assert_eq!(*tally.is_clean(), Tally { committed: 2, rolled_back: 1, ..Tally::default() });
}

#[test]
fn each_thing_that_is_wrong_is_counted() {
    let (a, b) = (line(1, "a", 1), line(2, "b", 2));
    let (a, b) = (a.as_str(), b.as_str());
    let known = committed();
    let all = |more: &str| [a, b, more].concat();
    assert_eq!(verdict(&known, &[a]).lost, 1);
    assert_eq!(verdict(&known, &[&all(&line(3, "undone", 3))]).phantom, 1);
    assert_eq!(verdict(&known, &[&all(&line(3, "z", 3))]).invented, 1);
    assert_eq!(verdict(&known, &[&all(b)]).duplicates, 1);
    assert_eq!(verdict(&known, &[&all(&line(3, "b", 2))]).altered, 1);
    assert_eq!(verdict(&known, &[a, &line(2, "b", 3)]).altered, 1);
    assert_eq!(verdict(&known, &[b, a]).reordered, 1);
    assert_eq!(verdict(&known, &[&line(2, "a", 1), &line(1, "b", 2)]).reordered, 2);
    assert_eq!(verdict(&known, &[&all("{\"id\":3")]).torn, 1);
    let rolled_back = [transaction(&[("a", 1)], Outcome::RolledBack)];
    assert_eq!(verdict(&rolled_back, &[a]).phantom, 1);
    let unknown = [transaction(&[("a", 1), ("b", 2)], Outcome::Unknown)];
    assert_eq!(verdict(&unknown, &[a]).split, 1);
    verdict(&unknown, &[]).is_clean();
    verdict(&unknown, &[a, b]).is_clean();
}

#[test]
fn a_kill_explains_one_torn_line_at_the_end_of_its_file() {
    let (a, b) = (line(1, "a", 1), line(2, "b", 2));
    let (a, b) = (a.as_str(), b.as_str());
    let torn = &b[..20];
    let rest = printed(&[b], Writers::One { killed: false });
    let killed = |lines: &[&str]| printed(lines, Writers::One { killed: true });
    check(&committed(), &[killed(&[a, torn]), rest.clone()], 0).is_clean();
    assert_eq!(check(&committed(), &[killed(&[&format!("{torn}\n"), a]), rest], 0).torn, 1);
    let shared = |killed| printed(&[a, torn, b], Writers::Many { killed });
    check(&committed(), &[shared(1)], 0).is_clean();
    assert_eq!(check(&committed(), &[shared(0)], 0).torn, 1);
}
