//! Clients that do not read: each is dropped, and nobody else notices.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::client::connect;
use super::{EventStream, Serving, Socket};
use crate::harness::{Database, wait_until};
use crate::listen::{notify, numbers, peak_kib, send_numbers};

/// More than the log holds, and the system's buffers with it: 44 MB.
const EVENTS: i32 = 6000;
const BYTES: i32 = 7000;

fn flood(db: &Database) {
    let mut client = db.client();
    (1..=EVENTS).step_by(100).for_each(|first| send_numbers(&mut client, first, first + 99, BYTES));
}

#[test]
fn clients_that_do_not_read_are_dropped_and_the_others_get_everything() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let mut stalled = serving.ws("");
    let mut stream = connect(serving.port);
    stream.write_all(b"GET /sse HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut reader = serving.ws("");
    wait_until("all are there", || serving.metric("clients{transport=\"sse\"}") == 1.0);
    let reads = std::thread::spawn(move || (0..EVENTS).map(|_| reader.json()["payload"].take()).collect::<Vec<_>>());
    flood(&db);
    let received = reads.join().unwrap();
    assert_eq!(numbers(received.iter().map(|payload| payload.as_str().unwrap())), (1..=EVENTS).collect::<Vec<_>>());
    wait_until("both are dropped", || serving.metric("dropped_total") == 2.0);
    wait_until("nobody waits", || serving.metric("lag_seconds") == 0.0);
    // What had been sent is still there for them to read, and then it is over.
    assert!(matches!(stalled.close_code(), None | Some(1013)));
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < 44_000_000);
    // Whoever comes back is told what it has missed.
    let mut back = EventStream::open(serving.port, "", &[("last-event-id", &first_id(&rest))]);
    assert_eq!((back.next().kind, back.next().kind), ("ready".to_owned(), "gap".to_owned()));
}

/// The id that the first record of an event stream has.
fn first_id(stream: &[u8]) -> String {
    let text = String::from_utf8_lossy(&stream[..4000]).into_owned();
    text.split_once("\nid: ").unwrap().1.lines().next().unwrap().to_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded_however_many_do_not_read() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let _stalled: Vec<Socket> = (0..50).map(|_| serving.ws("")).collect();
    flood(&db);
    wait_until("all are dropped", || serving.metric("dropped_total") == 50.0);
    let peak = peak_kib(&serving.run);
    // What is held for clients, what may wait in front of that, and the process itself; each client alone would need 40 MB.
    assert!(peak <= (32 + 64 + 48) * 1024, "{peak} KiB");
}

#[test]
fn events_flow_while_others_stall() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let _stalled: Vec<Socket> = (0..5).map(|_| serving.ws("")).collect();
    let mut reader = serving.ws("");
    static DONE: AtomicBool = AtomicBool::new(false);
    let url = db.url();
    let sends = std::thread::spawn(move || {
        let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
        let mut sent = 0;
        while !DONE.load(Ordering::Relaxed) {
            send_numbers(&mut client, sent + 1, sent + 10, BYTES);
            sent += 10;
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    for n in 1..=500 {
        assert!(reader.json()["payload"].as_str().unwrap().starts_with(&format!("{n} ")));
    }
    DONE.store(true, Ordering::Relaxed);
    sends.join().unwrap();
    notify(&db, "c", "mark");
    reader.until_mark("mark");
}

/// Nothing of a client is kept when it is gone without a word.
#[test]
fn a_client_that_left_gives_its_seat_back() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let (socket, stream) = (serving.ws(""), serving.sse(""));
    let streams: Vec<TcpStream> = vec![socket.0.get_ref().try_clone().unwrap()];
    drop((socket, stream));
    streams.iter().for_each(|stream| drop(stream.shutdown(std::net::Shutdown::Both)));
    wait_until("both are gone", || {
        serving.metric("clients{transport=\"ws\"}") + serving.metric("clients{transport=\"sse\"}") == 0.0
    });
}
