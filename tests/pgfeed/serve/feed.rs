//! What clients are sent, and what they may ask for.

use serde_json::{Value, json};

use super::{EventStream, Serving, Socket};
use crate::harness::{Database, wait_until};
use crate::listen::{listen, notify, notify_with, timeless};

/// An event without what no test can know.
fn plain(mut event: Value) -> Value {
    for name in ["at", "pid", "event_id"] {
        event.as_object_mut().unwrap().remove(name).unwrap();
    }
    event
}

fn shop(db: &Database) {
    db.sql("CREATE TABLE orders (id int PRIMARY KEY, status text); CREATE TABLE users (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "orders", "users"]).run().ok();
}

#[test]
fn everybody_is_sent_the_json_of_listen() {
    let db = Database::new();
    let listener = listen(&db, ["c", "-o", "json"]);
    let serving = Serving::channel(&db, []);
    let (mut socket, mut stream) = (serving.ws(""), serving.sse(""));
    for payload in [r#"{"a": 12345678901234567890.10}"#, "text\n\n data: x\r\u{2028}", "", "[1]", "\u{1b}]0;x\u{7}"] {
        notify(&db, "c", payload);
        let expected = timeless(&listener.next_line());
        let (text, event) = (socket.text(), stream.next());
        let (json, id) = text.rsplit_once(",\"event_id\":\"").unwrap();
        assert_eq!(timeless(&format!("{json}}}")), expected);
        assert_eq!(event.data.len(), text.len());
        assert_eq!((event.kind.as_str(), format!("{}\"}}", event.id)), ("", id.to_owned()));
    }
}

#[test]
fn one_connection_serves_them_all() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let _clients: Vec<Socket> = (0..20).map(|_| serving.ws("")).collect();
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgfeed serve' AND datname = current_database()";
    assert_eq!(db.value(sessions), "1");
    assert_eq!(serving.metric("clients{transport=\"ws\"}"), 20.0);
}

#[test]
fn clients_choose_what_they_want_to_see() {
    let db = Database::new();
    shop(&db);
    let serving = Serving::start(db.pgfeed(["serve", "orders", "users", "a b&c"]));
    let queries = ["?channel=users", "?table=public.orders&op=update,delete", "?op=insert", "?channel=a%20b%26c"];
    let mut sockets = queries.map(|query| serving.ws(query));
    let mut stream = serving.sse("?table=users");
    db.sql("INSERT INTO orders VALUES (1, 'new'); INSERT INTO users VALUES (2)");
    db.sql("UPDATE orders SET status = 'paid'");
    db.sql("DELETE FROM orders");
    notify(&db, "a b&c", "hello");
    db.sql("INSERT INTO users VALUES (3)");
    let mut ops = |at: usize, count: usize| -> Vec<String> {
        let events: Vec<Value> = (0..count).map(|_| sockets[at].json()["payload"].take()).collect();
        events.iter().map(|event| format!("{} {}", event["op"].as_str().unwrap(), event["key"]["id"])).collect()
    };
    assert_eq!(ops(0, 2), ["INSERT 2", "INSERT 3"]);
    assert_eq!(ops(1, 2), ["UPDATE 1", "DELETE 1"]);
    assert_eq!(ops(2, 3), ["INSERT 1", "INSERT 2", "INSERT 3"]);
    let hello = json!({"type": "notification", "channel": "a b&c", "payload": "hello"});
    assert_eq!(plain(sockets[3].json()), hello);
    assert_eq!(
        (stream.next().json()["payload"]["key"]["id"].take(), stream.next().json()["payload"]["key"]["id"].take()),
        (2.into(), 3.into())
    );
}

#[test]
fn what_is_not_served_cannot_be_reached() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    for path in ["/sse", "/ws"] {
        for (query, status) in [("channel=secret", 404), ("chanel=c", 400), ("op=merge", 400), ("recent=x", 400)] {
            let told = match path {
                "/ws" => Socket::connect(serving.port, &format!("?{query}"), &[]).err(),
                _ => Some(serving.get(&format!("{path}?{query}")).status),
            };
            assert_eq!(told, Some(status), "{path}?{query}");
        }
    }
    let mut socket = serving.ws("");
    notify(&db, "secret", "x");
    notify(&db, "c", "mark");
    assert_eq!(socket.until_mark("mark"), [] as [Value; 0]);
    assert_eq!((serving.get("/nothing").status, serving.get("/ws").status), (404, 400));
}

#[test]
fn a_client_that_comes_back_is_sent_what_it_missed() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let mut client = db.client();
    let mut send = |numbers: std::ops::Range<i32>| numbers.for_each(|n| notify_with(&mut client, "c", &n.to_string()));
    let (mut socket, mut stream) = (serving.ws(""), serving.sse(""));
    send(0..5);
    let (first, event) = (socket.json(), stream.next());
    drop((socket, stream));
    send(5..7);
    // The event stream says by itself where it was; a WebSocket asks for it.
    let mut stream = EventStream::open(serving.port, "", &[("last-event-id", &event.id)]);
    assert_eq!(stream.next().kind, "ready");
    let replayed: Vec<Value> = (1..7).map(|_| stream.next().json()["payload"].take()).collect();
    assert_eq!(replayed, ["1", "2", "3", "4", "5", "6"]);
    let mut socket = serving.ws(&format!("?last_event_id={}", first["event_id"].as_str().unwrap()));
    assert_eq!(socket.json()["payload"], "1");
    let mut recent = serving.ws("?recent=2");
    assert_eq!((recent.json()["payload"].take(), recent.json()["payload"].take()), ("5".into(), "6".into()));
}

#[test]
fn what_cannot_be_sent_again_is_a_gap() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    for id in ["0000000000000000-1", "nonsense", ""] {
        let mut stream = EventStream::open(serving.port, "", &[("last-event-id", id)]);
        assert_eq!((stream.next().kind, stream.next().kind), ("ready".to_owned(), "gap".to_owned()), "{id}");
        assert_eq!(serving.ws(&format!("?last_event_id={id}")).json()["event"], "gap", "{id}");
    }
    // Where a client stood that has seen no event yet is told as well.
    let ready = EventStream::open(serving.port, "", &[]).next();
    notify(&db, "c", "x");
    let mut stream = EventStream::open(serving.port, "", &[("last-event-id", &ready.id)]);
    assert_eq!((stream.next().kind.as_str(), stream.next().json()["payload"].as_str()), ("ready", Some("x")));
}

#[test]
fn a_queue_is_shown_and_nothing_is_taken() {
    let db = Database::new();
    db.sql("CREATE TABLE orders (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "orders", "--queue", "events"]).run().ok();
    db.sql("INSERT INTO orders VALUES (1)");
    let serving = Serving::start(db.pgfeed(["serve", "--queue", "events"]));
    wait_until("the first event is there", || serving.metric("events_total") == 1.0);
    let (mut socket, mut stream) = (serving.ws("?recent=10"), serving.sse("?op=delete"));
    let first = loop {
        let event = socket.json();
        if event["type"] == "event" {
            break event;
        }
    };
    assert_eq!((first["queue"].as_str(), first["attempt"].as_i64()), (Some("events"), Some(1)));
    assert_eq!(first["payload"]["key"], json!({"id": 1}));
    db.sql("INSERT INTO orders VALUES (2)");
    db.sql("DELETE FROM orders WHERE id = 1");
    assert_eq!(socket.json()["payload"]["key"], json!({"id": 2}));
    assert_eq!(stream.next().json()["payload"]["op"], "DELETE");
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_events"), "3");
    assert_eq!(serving.get("/sse?channel=events").status, 400);
    db.pgfeed(["serve", "--queue", "none"]).run().code(2).stderr_has("there is no queue \"none\"");
}

#[test]
fn an_event_that_is_too_long_for_browsers_is_shown_without_its_values() {
    let db = Database::new();
    db.sql("CREATE TABLE docs (id int PRIMARY KEY, text text)");
    db.pgfeed(["install-trigger", "docs", "--queue", "events"]).run().ok();
    let serving = Serving::start(db.pgfeed(["serve", "--queue", "events"]));
    let mut socket = serving.ws("");
    db.sql("INSERT INTO docs SELECT 7, repeat('x', 3000000)");
    let event = socket.json();
    assert_eq!(
        (event["payload"]["key"].clone(), event["payload"]["truncated"].clone()),
        (json!({"id": 7}), true.into())
    );
    assert!(event["payload"].get("new").is_none());
}

#[test]
fn health_and_metrics() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let health = serving.get("/healthz");
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let (_socket, _stream) = (serving.ws(""), serving.sse(""));
    notify(&db, "c", "x");
    wait_until("it is counted", || serving.metric("events_total") == 1.0);
    let metrics = serving.get("/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "database_up 1",
        "reconnects_total 0",
        "dropped_total 0",
        "clients{transport=\"ws\"} 1",
        "clients{transport=\"sse\"} 1",
    ] {
        assert!(metrics.body.contains(&format!("\npgfeed_{line}\n")), "{line}\n{}", metrics.body);
    }
}
