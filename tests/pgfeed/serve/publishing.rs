//! What clients send.

use serde_json::{Value, json};

use super::{Serving, Socket, request};
use crate::harness::{Database, wait_until};
use crate::listen::listen;

const HOSTILE: [&str; 4] = ["'); DROP TABLE messages; --", "$1", "\\'\"\u{202e}", "${IFS}$(id)"];

fn post(serving: &Serving, query: &str, body: &str) -> (u16, String) {
    let answer = request(serving.port, "POST", &format!("/publish{query}"), &[], body);
    (answer.status, answer.body)
}

#[test]
fn without_publish_nobody_can_send() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    assert_eq!(post(&serving, "", "x").0, 403);
    let mut socket = serving.ws("");
    socket.send("x");
    assert_eq!(socket.close_code(), Some(1008));
}

#[test]
fn a_message_becomes_a_notification() {
    let db = Database::new();
    let listener = listen(&db, ["c", "d", "-o", "json"]);
    let serving = Serving::start(db.pgfeed(["serve", "c", "d", "--publish"]));
    let (mut one, mut all) = (serving.ws("?channel=d"), serving.ws(""));
    for message in HOSTILE {
        one.send(message);
        let told: Value = serde_json::from_str(&listener.next_line()).unwrap();
        assert_eq!((told["channel"].as_str(), told["payload"].as_str()), (Some("d"), Some(message)));
        assert_eq!((one.json()["payload"].as_str(), all.json()["payload"].as_str()), (Some(message), Some(message)));
    }
    // Where to is not known.
    all.send("x");
    let told = all.json();
    assert_eq!(told["event"], "refused");
    assert!(told["detail"].as_str().unwrap().contains("?channel="), "{told}");
    assert_eq!(post(&serving, "", "x").0, 422);
    assert_eq!(post(&serving, "?channel=secret", "x").0, 404);
    assert_eq!(post(&serving, "?channel=c", "hello"), (204, String::new()));
    assert_eq!(all.json()["payload"], "hello");
}

#[test]
fn a_message_that_cannot_be_is_refused_and_the_client_goes_on() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--publish"]);
    let mut socket = serving.ws("");
    for (message, why) in [("x".repeat(8000), "the longest is 7999"), ("a\0b".to_owned(), "NUL")] {
        socket.send(&message);
        let told = socket.json();
        assert!(told["event"] == "refused" && told["detail"].as_str().unwrap().contains(why), "{told}");
        let (status, body) = post(&serving, "", &message);
        assert!(status == 422 && body.contains(why), "{status} {body}");
    }
    socket.send("fits");
    assert_eq!(socket.json()["payload"], "fits");
    // It may be seen before it is known to be committed.
    wait_until("it is counted", || serving.metric("published_total") == 1.0);
    assert_eq!(serving.metric("refused_total"), 4.0);
}

#[test]
fn with_a_queue_a_message_becomes_an_event() {
    let db = Database::new();
    db.pgfeed(["notify", "--queue", "events", "--create", "first"]).run().ok();
    let serving = Serving::start(db.pgfeed(["serve", "--queue", "events", "--publish"]));
    wait_until("the first event is there", || serving.metric("events_total") == 1.0);
    let mut socket = serving.ws("");
    for message in HOSTILE {
        socket.send(message);
        assert_eq!(socket.json()["payload"].as_str(), Some(message));
    }
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_events"), "5");
}

#[test]
fn a_message_becomes_a_row_whose_trigger_tells_everybody() {
    let db = Database::new();
    // What an application's trigger finds by its search_path is found here as well.
    db.sql(
        "CREATE SCHEMA \"We ird\"; CREATE TABLE \"We ird\".\"Mess\"\"ages\" (id serial PRIMARY KEY, \"Bo(dy\" text CHECK (\"Bo(dy\" <> 'bad'));
         CREATE TABLE seen (n int);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO seen VALUES (NEW.id); RETURN NEW; END';
         CREATE TRIGGER see AFTER INSERT ON \"We ird\".\"Mess\"\"ages\" FOR EACH ROW EXECUTE FUNCTION see()",
    );
    db.pgfeed(["install-trigger", "\"We ird\".\"Mess\"\"ages\"", "--channel", "c"]).run().ok();
    let to = "\"We ird\".\"Mess\"\"ages\"(\"Bo(dy\")";
    let one = Serving::channel(&db, ["--publish-to", to]);
    let other = Serving::channel(&db, []);
    let (mut one, mut other) = (one.ws(""), other.ws(""));
    for (n, message) in (1..).zip(HOSTILE) {
        one.send(message);
        let expected = json!({"id": n, "Bo(dy": message});
        assert_eq!((&one.json()["payload"]["new"], &other.json()["payload"]["new"]), (&expected, &expected));
    }
    assert_eq!(db.value("SELECT count(*) FROM seen"), "4");
    one.send("bad");
    let told = one.json();
    assert_eq!(told["event"], "refused");
    assert!(told["detail"].as_str().unwrap().contains("violates check constraint"), "{told}");
}

#[test]
fn the_column_may_have_another_type_and_must_be_there() {
    let db = Database::new();
    db.sql("CREATE TABLE docs (id serial PRIMARY KEY, doc jsonb, short varchar(3)); CREATE VIEW v AS SELECT 1 AS a");
    db.pgfeed(["install-trigger", "docs", "--channel", "c"]).run().ok();
    // Not a type that somebody has planted in front of it.
    db.sql("CREATE SCHEMA planted; CREATE DOMAIN planted.jsonb AS text");
    db.sql(&format!("ALTER DATABASE {} SET search_path = planted, pg_catalog, public", db.name()));
    let serving = Serving::channel(&db, ["--publish-to", "docs(doc)"]);
    let mut socket = serving.ws("");
    socket.send(r#"{"a": [1]}"#);
    assert_eq!(socket.json()["payload"]["new"]["doc"], json!({"a": [1]}));
    socket.send("not json");
    assert!(socket.json()["detail"].as_str().unwrap().contains("invalid input syntax for type json"));
    let serving = Serving::channel(&db, ["--publish-to", "docs(short)"]);
    assert_eq!(post(&serving, "", "long").0, 422);
    let wrong = |to| db.pgfeed(["serve", "c", "--bind", "127.0.0.1:0", "--publish-to", to]).run().code(2);
    wrong("docs(nothing)").stderr_has("table public.docs has no column nothing").stderr_has("id, doc, short");
    wrong("nothing(doc)").stderr_has("there is no table nothing");
    wrong("v(a)").stderr_has("v is a view");
}

#[test]
fn nothing_is_published_while_the_database_is_away_and_then_it_is_again() {
    let db = Database::new();
    let proxy = db.proxy();
    let serving = Serving::start(db.pgfeed(["serve", "c", "--publish", "-d", &proxy.url(db.name())]));
    assert_eq!(post(&serving, "", "a").0, 204);
    proxy.refuse();
    proxy.cut(crate::harness::proxy::Cut::Reset);
    let (status, body) = post(&serving, "", "b");
    assert!(status == 503 && body.contains("the database is away"), "{status} {body}");
    proxy.accept();
    wait_until("it is back", || post(&serving, "", "c").0 == 204);
}

#[test]
fn one_client_that_floods_does_not_keep_others_from_sending() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--publish"]);
    let mut flood = Socket::connect(serving.port, "", &[]).unwrap();
    (0..2000).for_each(|n| flood.send(&n.to_string()));
    let mut other = serving.ws("");
    other.send("mark");
    other.until_mark("mark");
}
