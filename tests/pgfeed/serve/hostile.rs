//! Clients that mean no good: each is told so or cut off, and those beside it notice nothing.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;

use tungstenite::Message;

use super::client::{answer, connect};
use super::{Serving, Socket};
use crate::harness::Database;
use crate::listen::notify;

/// The frame of a WebSocket with this first byte and length, masked with zeros.
fn frame(first: u8, length: u64, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | 127];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Sends these bytes on a WebSocket, and returns the code with which the server closes.
fn close_code_for(serving: &Serving, bytes: &[u8]) -> Option<u16> {
    let mut socket = serving.ws("");
    socket.0.get_mut().write_all(bytes).unwrap();
    socket.close_code()
}

/// Checks that somebody else is still served.
#[track_caller]
fn check_others(db: &Database, other: &mut Socket) {
    notify(db, "c", "mark");
    other.until_mark("mark");
}

/// Whether a new connection is given a place, and told that all is well.
fn is_healthy(serving: &Serving) -> bool {
    let mut stream = connect(serving.port);
    let sent = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    let mut told = String::new();
    sent.is_ok() && stream.read_to_string(&mut told).is_ok() && told.ends_with("ok\n")
}

#[test]
fn frames_that_are_none_are_told_with_their_code() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--publish"]);
    let mut other = serving.ws("");
    for (what, bytes, code) in [
        ("a length of 2^63", frame(0x81, 1 << 63, b""), 1009),
        ("more than the longest message", frame(0x81, 70_000, b""), 1009),
        ("not UTF-8", frame(0x81, 2, b"\xc3\x28"), 1007),
        ("not masked", vec![0x81, 1, b'x'], 1002),
        ("reserved bits, as of a compressed message", frame(0xc1, 1, b"x"), 1002),
        ("an unknown kind", frame(0x83, 1, b"x"), 1002),
        ("binary", frame(0x82, 1, b"x"), 1003),
    ] {
        assert_eq!(close_code_for(&serving, &bytes), Some(code), "{what}");
    }
    check_others(&db, &mut other);
}

#[test]
fn fragments_that_never_end_are_bounded() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--publish"]);
    let mut bytes = frame(0x01, 30_000, &[b'x'; 30_000]);
    for _ in 0..3 {
        bytes.extend(frame(0x00, 30_000, &[b'x'; 30_000]));
    }
    assert_eq!(close_code_for(&serving, &bytes), Some(1009));
}

#[test]
fn half_a_frame_and_then_silence_is_not_waited_for() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--heartbeat", "1s"]);
    let mut socket = serving.ws("");
    socket.0.get_mut().write_all(&frame(0x81, 100, b"half")).unwrap();
    assert_eq!(socket.close_code(), None);
    // Who answers pings stays: reading answers them.
    let mut other = serving.ws("");
    let mut pings = 0;
    while pings < 3 {
        pings += usize::from(matches!(other.0.read().unwrap(), Message::Ping(_)));
    }
}

#[test]
fn slow_heads_end_after_five_seconds_and_long_ones_at_once() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let mut slow = connect(serving.port);
    slow.write_all(b"GET /sse HTTP/1.1\r\nhost: loc").unwrap();
    let mut idle = connect(serving.port);
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    let mut stream = connect(serving.port);
    // It may be refused before all of it is sent.
    let _ = stream.write_all(long.as_bytes());
    assert_eq!(answer(stream).status, 431);
    let many = "x: y\r\n".repeat(500);
    let mut stream = connect(serving.port);
    stream.write_all(format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes()).unwrap();
    assert_eq!(answer(stream).status, 431);
    for stream in [&mut slow, &mut idle] {
        // Whether it says why or not, it is over long before the deadline of a read.
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(
            ended.as_ref().is_ok() || ended.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset),
            "{ended:?}"
        );
    }
}

#[test]
fn a_body_is_bounded() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--publish"]);
    let answer = super::request(serving.port, "POST", "/publish", &[], &"x".repeat(70_000));
    assert_eq!(answer.status, 413);
}

#[test]
fn there_are_seats_for_so_many_and_health_is_still_answered() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--clients", "2"]);
    let (first, _second) = (serving.ws(""), serving.sse(""));
    assert_eq!(Socket::connect(serving.port, "", &[]).err(), Some(503));
    let refused = serving.get("/sse");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(serving.get("/healthz").status, 200);
    drop(first);
    crate::harness::wait_until("a seat is free", || Socket::connect(serving.port, "", &[]).is_ok());
    assert!(serving.metric("turned_away_total") >= 2.0);
}

#[test]
fn a_flood_of_connections_is_turned_away_and_passes() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--clients", "1"]);
    let mut client = serving.ws("");
    // Connections that say nothing take all places; those behind them are told. (How many are there to be told depends on how
    // soon the first are given up, after five seconds.)
    let flood: Vec<TcpStream> = (0..200).map(|_| connect(serving.port)).collect();
    let turned_away = flood[64..].iter().filter(|stream| {
        let mut begin = [0; 12];
        (&**stream).read_exact(&mut begin).is_ok() && &begin == b"HTTP/1.1 503"
    });
    assert!(turned_away.count() > 50);
    check_others(&db, &mut client);
    drop(flood);
    crate::harness::wait_until("there is room again", || is_healthy(&serving));
}

#[test]
fn those_who_ask_again_and_again_and_read_nothing_keep_no_place() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--clients", "1"]);
    let requests = "GET /page.js HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(2000);
    // They take all places, if they can.
    let flood: Vec<TcpStream> = (0..65).map(|_| connect(serving.port)).collect();
    for mut stream in &flood {
        stream.set_nonblocking(true).unwrap();
        // What does not fit is not needed, and after its answer the server may reset the connection.
        let _ = stream.write(requests.as_bytes());
    }
    crate::harness::wait_until("there is room", || is_healthy(&serving));
    drop(flood);
}

#[test]
fn a_flood_of_pings_harms_nobody() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let (mut flood, mut other) = (serving.ws(""), serving.ws(""));
    let pings = [0x89, 0x80, 0, 0, 0, 0].repeat(50_000);
    flood.0.get_mut().write_all(&pings).unwrap();
    check_others(&db, &mut other);
    check_others(&db, &mut flood);
}
