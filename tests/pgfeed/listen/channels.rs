//! What names may look like, and that only good ones reach the server.

use super::{listen, listening, notify, notify_with, timeless};
use crate::harness::{Database, Pgfeed};

#[test]
fn odd_names_mean_themselves() {
    let names = [
        "Upper",
        "we\"ird",
        "\"",
        "\"\"",
        "o'rder",
        "tab le",
        " ",
        "*",
        ";",
        "x; drop table s; --",
        "a.b",
        "$$x$$",
        "%s",
        "%I",
        "a\\b",
        "new\nline",
        "tab\t",
        "日本",
        "emoji😀",
        "\u{202e}",
        "user",
        "select",
        "1st",
        "\u{e9}",
        "e\u{301}",
        &"é".repeat(31),
        &"a".repeat(63),
    ];
    let database = Database::new();
    let run = listening(database.pgfeed(["listen", "-n", &names.len().to_string()]).args(names));
    let mut client = database.client();
    names.iter().for_each(|name| notify_with(&mut client, name, "x"));
    let events = run.finish().ok().json();
    assert_eq!(events.iter().map(|event| event["channel"].as_str().unwrap()).collect::<Vec<_>>(), names);
}

#[test]
fn a_name_is_no_pattern_and_its_case_counts() {
    let database = Database::new();
    let run = listen(&database, ["*", "Upper", "-n", "1", "-o", "raw"]);
    for other in ["a", "upper", "UPPER"] {
        notify(&database, other, "wrong");
    }
    notify(&database, "Upper", "right");
    run.finish().ok().stdout_is("right\n");
}

#[test]
fn names_that_differ_in_form_only_are_different() {
    let database = Database::new();
    let run = listen(&database, ["caf\u{e9}", "-n", "1", "-o", "raw"]);
    notify(&database, "cafe\u{301}", "decomposed");
    notify(&database, "caf\u{e9}", "composed");
    run.finish().ok().stdout_is("composed\n");
}

#[test]
fn several_channels_come_in_the_order_of_their_commits() {
    let database = Database::new();
    let run = listen(&database, ["a", "b", "-n", "4"]);
    let mut client = database.client();
    for (channel, payload) in [("b", "1"), ("a", "2"), ("other", "x"), ("b", "3"), ("a", "4")] {
        notify_with(&mut client, channel, payload);
    }
    let events = run.finish().ok().json();
    let seen: Vec<_> =
        events.iter().map(|e| (e["channel"].as_str().unwrap(), e["payload"].as_str().unwrap())).collect();
    assert_eq!(seen, [("b", "1"), ("a", "2"), ("b", "3"), ("a", "4")]);
}

#[test]
fn a_channel_named_twice_is_heard_once() {
    let database = Database::new();
    let run = listen(&database, ["c", "d", "c", "--control", "-n", "2"]);
    assert_eq!(timeless(&run.next_line()), r#"{"type":"control","event":"ready","at":T,"channels":["c","d"]}"#);
    notify(&database, "c", "1");
    notify(&database, "c", "2");
    let payloads = |run: &crate::harness::Running| run.wait_stdout_line(|line| line.contains("notification"));
    assert!(payloads(&run).contains(r#""payload":"1""#) && payloads(&run).contains(r#""payload":"2""#));
    run.finish().ok();
}

#[test]
fn equal_notifications_of_different_transactions_both_come() {
    let database = Database::new();
    let run = listen(&database, ["c", "-n", "4", "-o", "raw"]);
    let mut client = database.client();
    notify_with(&mut client, "c", "same");
    notify_with(&mut client, "c", "same");
    // The server folds those of one transaction.
    client.batch_execute("BEGIN; NOTIFY c, 'one'; NOTIFY c, 'one'; COMMIT; NOTIFY c, 'end'").unwrap();
    run.finish().ok().stdout_is("same\nsame\none\nend\n");
}

#[test]
fn what_was_rolled_back_never_comes() {
    let database = Database::new();
    let run = listen(&database, ["c", "-n", "1", "-o", "raw"]);
    database.client().batch_execute("BEGIN; NOTIFY c, 'no'; ROLLBACK").unwrap();
    notify(&database, "c", "yes");
    run.finish().ok().stdout_is("yes\n");
}

#[test]
fn a_name_that_cannot_be_is_refused_before_anything_is_sent() {
    let database = Database::new();
    let proxy = database.proxy();
    let long = [("a", 64), ("é", 32)];
    for name in long.map(|(text, times)| text.repeat(times)) {
        let refused = Pgfeed::new(["listen", "good", &name]).env("DATABASE_URL", proxy.url(database.name())).run();
        refused.code(2).stdout_is("").stderr_is(&format!(
            "pgfeed: error: the channel's name \"{name}\" is 64 bytes long\n  \
             hint: PostgreSQL cuts names at 63 bytes, so that it would be another name\n"
        ));
    }
    let empty = Pgfeed::new(["listen", ""]).env("DATABASE_URL", proxy.url(database.name())).run();
    empty.code(2).stdout_is("").stderr_is("pgfeed: error: the channel's name is empty\n");
    Pgfeed::new(["listen"]).env("DATABASE_URL", proxy.url(database.name())).run().code(2).stderr_has("<CHANNEL>");
    assert_eq!(proxy.accepted(), 0);
}

#[test]
fn a_usage_error_leaves_the_ready_file_of_another_run_alone() {
    let database = Database::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    database.pgfeed(["listen", "", "--ready-file", path]).run().code(2);
    database.pgfeed(["listen", "c", "--gap-fd", "2", "--ready-file", path]).run().code(2);
    assert!(file.path().exists());
}
