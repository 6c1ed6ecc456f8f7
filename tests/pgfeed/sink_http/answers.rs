//! What answers mean for the events.

use std::time::Duration;

use super::{held, ids, post, taken, with_queue};
use crate::harness::http::{Http, Reply};
use crate::tail_queue::{enqueue, store};

#[test]
fn what_is_refused_dies_with_its_status_and_keeps_only_its_key_waiting() {
    let db = with_queue();
    db.sql(&enqueue(3, 2));
    let server = Http::start(|request, _| Reply::status(if request.body.contains("\"2 1\"") { 422 } else { 200 }));
    let output = post(&db, server.port(), "/").args(["--max-attempts", "3"]).run().ok();
    output.stderr_has("event 2 of queue q was refused, attempt 3: 422 Unprocessable Entity");
    assert_eq!(held(&db), "0 0 1");
    let sent = ids(&server.got());
    let place = |id: i64| sent.iter().position(|sent| *sent == id);
    // Three times the one that is refused, and what is behind it in its key only when that is dead.
    assert_eq!(sent.iter().filter(|id| **id == 2).count(), 3, "{sent:?}");
    assert!(place(5) > sent.iter().rposition(|id| *id == 2), "{sent:?}");
    assert_eq!(sent.len(), 8, "{sent:?}");
}

#[test]
fn in_a_batch_the_refused_ones_are_found_and_all_others_taken() {
    let db = with_queue();
    db.sql(&enqueue(50, 2));
    let server = Http::start(|request, _| {
        let is_bad = request.body.contains("\"17 1\"") || request.body.contains("\"33 2\"");
        Reply::status(if is_bad { 400 } else { 200 })
    });
    post(&db, server.port(), "/?pgfeed.batch=100").args(["--on-error", "dead", "--batch", "100"]).run().ok();
    assert_eq!(db.rows("SELECT payload FROM pgfeed.dead_q ORDER BY id"), ["17 1", "33 2"]);
    let answered = server.got();
    let good: Vec<_> = answered
        .into_iter()
        .filter(|request| !request.body.contains("\"17 1\"") && !request.body.contains("\"33 2\""))
        .collect();
    let mut good = ids(&good);
    good.sort_unstable();
    good.dedup();
    assert_eq!((good.len(), held(&db)), (98, "0 0 2".to_owned()));
}

#[test]
fn who_is_busy_is_left_alone_as_long_as_he_asks() {
    let db = with_queue();
    db.sql(&enqueue(4, 1));
    let busy = Reply::Status(429, "Retry-After: 2\r\n".to_owned(), String::new());
    let times = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&times);
    let server = Http::start(move |_, number| {
        noted.lock().unwrap().push(std::time::Instant::now());
        if number == 3 { busy.clone() } else { Reply::status(200) }
    });
    let output = post(&db, server.port(), "/").run().ok();
    output.clone().stderr_has("it answers 429 Too Many Requests; trying again").stderr_has("delivering again");
    // What was acknowledged is not sent again.
    assert_eq!(taken(&server, |number| number != 3), [1, 2, 3, 4]);
    assert_eq!(held(&db), "0 0 0");
    let times = times.lock().unwrap();
    assert!(times[3] - times[2] >= Duration::from_secs(2), "{times:?}");
}

#[test]
fn what_is_no_fault_of_the_event_costs_it_no_attempt() {
    let replies = [
        Reply::status(500),
        Reply::status(401),
        Reply::Status(307, "Location: http://127.0.0.1:1/elsewhere\r\n".to_owned(), String::new()),
        Reply::Status(302, "Location: /elsewhere\r\n".to_owned(), String::new()),
        Reply::Close,
        Reply::Bytes(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
    ];
    for reply in replies {
        let db = with_queue();
        store(&db, "x");
        let first = reply.clone();
        let server = Http::start(move |_, number| if number <= 2 { first.clone() } else { Reply::status(200) });
        let output = post(&db, server.port(), "/").args(["--max-attempts", "1"]).run().ok();
        output.clone().stderr_has("trying again").lacks("elsewhere");
        let got = server.got();
        assert_eq!((got.len(), held(&db)), (3, "0 0 0".to_owned()), "{reply:?}\n{output}");
        assert!(got.iter().all(|request| request.line == "POST / HTTP/1.1" && request.body.contains("\"attempt\":1")));
    }
}

#[test]
fn an_acknowledgement_counts_whatever_is_in_its_body() {
    let db = with_queue();
    db.sql(&enqueue(3, 1));
    let bodies = [
        Reply::Status(200, String::new(), "x".repeat(1 << 20)),
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nless".to_vec()),
        Reply::Bytes(b"HTTP/1.1 202 \xff\r\nTransfer-Encoding: chunked\r\n\r\nnonsense".to_vec()),
    ];
    let server = Http::start(move |_, number| bodies[(number - 1) % 3].clone());
    post(&db, server.port(), "/").run().ok().stderr_is("");
    assert_eq!((ids(&server.got()), held(&db)), (vec![1, 2, 3], "0 0 0".to_owned()));
}
