//! Events of a row come in the order of its changes.

use super::feed::{Feed, install};
use crate::harness::Database;

/// A trigger that changes the same row once more: every insert of 1 is followed by an update to 2.
const TOUCH: &str = "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE t SET a = NEW.a + 1 WHERE id = NEW.id; RETURN NULL; END';
    CREATE TRIGGER \"0_touch\" AFTER INSERT OR UPDATE ON t FOR EACH ROW WHEN (NEW.a = 1) EXECUTE FUNCTION touch()";

fn a_of(feed: &mut Feed) -> Vec<String> {
    feed.events().iter().map(|event| format!("{} {}", event["op"].as_str().unwrap(), event["new"]["a"])).collect()
}

#[test]
fn another_row_trigger_that_changes_the_row_again_comes_later() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a int)");
    db.sql(TOUCH);
    install(&db, ["t"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (1, 1); UPDATE t SET a = 1");
    assert_eq!(a_of(&mut feed), ["INSERT 1", "UPDATE 2", "UPDATE 1", "UPDATE 2"]);
}

#[test]
fn a_row_trigger_added_later_is_seen_by_check_and_mended_by_an_install() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int", &[]);
    db.sql(TOUCH);
    db.pgfeed(["install-trigger", "t", "--check"]).run().code(4).stdout_has("replace   public.t");
    db.sql("INSERT INTO t VALUES (1, 1)");
    assert_eq!(a_of(&mut feed), ["UPDATE 2", "INSERT 1"], "this is what the check is for");
    install(&db, ["t"]).stdout_has("replaced  public.t");
    db.sql("INSERT INTO t VALUES (2, 1)");
    assert_eq!(a_of(&mut feed), ["INSERT 1", "UPDATE 2"]);
    db.sql("DROP TRIGGER \"0_touch\" ON t");
    install(&db, ["t"]).stdout_has("replaced  public.t");
    db.pgfeed(["install-trigger", "t", "--check"]).run().ok();
}

#[test]
fn a_second_installation_is_no_reason_for_row_level() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY)");
    install(&db, ["t", "--channel", "row", "--payload", "full"]);
    install(&db, ["t", "--channel", "statement"]);
    let triggers = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass AND tgnewtable = 'changes'";
    assert_eq!(db.value(triggers), "2");
}

#[test]
fn actions_of_a_table_upon_itself_come_behind_their_cause() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t ON DELETE CASCADE ON UPDATE CASCADE)");
    install(&db, ["t", "--payload", "keys"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql(
        "INSERT INTO t VALUES (1, NULL), (2, 1), (3, 2); UPDATE t SET id = 9 WHERE id = 1; DELETE FROM t WHERE id = 9",
    );
    let expected = [
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":9}}"#,
        r#"{"op":"UPDATE","key":{"id":9}}"#,
        r#"{"op":"UPDATE","key":{"id":2}}"#,
        r#"{"op":"DELETE","key":{"id":9}}"#,
        r#"{"op":"DELETE","key":{"id":2}}"#,
        r#"{"op":"DELETE","key":{"id":3}}"#,
    ];
    assert_eq!(feed.told()[3..], expected);
}

#[test]
fn a_row_that_refers_to_itself_tells_its_own_cascade_last() {
    let db = Database::new();
    db.sql("CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t ON UPDATE CASCADE)");
    install(&db, ["t"]);
    let mut feed = Feed::of(&db, ["t"]);
    db.sql("INSERT INTO t VALUES (1, 1); UPDATE t SET id = 2");
    let expected = [
        r#"{"op":"DELETE","key":{"id":1},"moved_to":{"id":2}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"up":1}}"#,
        r#"{"op":"UPDATE","key":{"id":2},"new":{"id":2,"up":2}}"#,
    ];
    assert_eq!(feed.told()[1..], expected);
}

#[test]
fn events_of_a_row_come_in_the_order_of_the_commits() {
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "id int PRIMARY KEY, a int", &["--events", "update"]);
    db.sql("INSERT INTO t VALUES (1, 0)");
    let writers: Vec<_> = (0..4).map(|_| db.client()).collect();
    std::thread::scope(|scope| {
        for mut writer in writers {
            scope.spawn(move || (0..50).for_each(|_| writer.batch_execute("UPDATE t SET a = a + 1").unwrap()));
        }
    });
    let expected: Vec<_> = (1..=200).map(|a| format!("UPDATE {a}")).collect();
    assert_eq!(a_of(&mut feed), expected);
}
