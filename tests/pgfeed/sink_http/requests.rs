//! What is sent: bodies, headers, signatures, and the address as it was written.

use std::fs;

use super::{held, ids, post, with_queue};
use crate::connection::certificates::{authority, stranger};
use crate::harness::http::{Http, Reply};
use crate::tail_queue::{enqueue, store};

fn taking() -> Http {
    Http::start(|_, _| Reply::status(204))
}

#[test]
fn an_event_is_a_request_of_its_own_on_one_connection() {
    let (db, server) = (with_queue(), taking());
    db.sql(&enqueue(3, 2));
    post(&db, server.port(), "/in?token=a%2Fb&a=1&a=%20+2").run().ok().stderr_is("");
    let got = server.got();
    assert_eq!((ids(&got), held(&db)), ((1..=6).collect(), "0 0 0".to_owned()));
    assert!(got.iter().all(|request| request.connection == 1), "{got:?}");
    let first = &got[0];
    assert_eq!(first.line, "POST /in?token=a%2Fb&a=1&a=%20+2 HTTP/1.1");
    assert_eq!(first.header("content-type"), "application/json");
    assert_eq!(first.header("host"), format!("127.0.0.1:{}", server.port()));
    let (start, end) = first.body.split_once(",\"at\":\"").unwrap();
    assert_eq!(start, r#"{"type":"event","queue":"q","id":1,"attempt":1"#);
    let at = end.strip_suffix(r#"","payload":"1 1"}"#).unwrap_or_else(|| panic!("{end}"));
    let microseconds = at.parse::<jiff::Timestamp>().unwrap().as_microsecond();
    assert_eq!(first.header("idempotency-key"), format!("q:1:{microseconds}"));
}

#[test]
fn a_batch_is_a_request_of_lines() {
    let (db, server) = (with_queue(), taking());
    db.sql(&enqueue(100, 1));
    post(&db, server.port(), "/?pgfeed.batch=40").args(["--batch", "100"]).run().ok();
    let got = server.got();
    assert_eq!(ids(&got), (1..=100).collect::<Vec<_>>());
    assert!(got.len() < 10 && got.iter().all(|request| request.body.lines().count() <= 40), "{}", got.len());
    assert_eq!(got[0].header("content-type"), "application/x-ndjson");
    assert!(!got[0].has("idempotency-key"));
}

#[test]
fn the_payload_alone_and_what_it_is() {
    let (db, server) = (with_queue(), taking());
    for payload in [r#"{"a": 1}"#, "plain\ntext", "[1]"] {
        store(&db, payload);
    }
    post(&db, server.port(), "/?pgfeed.body=payload").run().ok();
    let got: Vec<_> =
        server.got().iter().map(|one| (one.header("content-type").to_owned(), one.body.clone())).collect();
    let expected = [
        ("application/json", r#"{"a": 1}"#),
        ("text/plain; charset=utf-8", "plain\ntext"),
        ("application/json", "[1]"),
    ];
    assert_eq!(got, expected.map(|(kind, body)| (kind.to_owned(), body.to_owned())));
    store(&db, "two\nlines");
    store(&db, "{\"a\":\n1}");
    let server = taking();
    post(&db, server.port(), "/?pgfeed.body=payload&pgfeed.batch=9").run().ok();
    assert_eq!(server.got()[0].body, "\"two\\nlines\"\n{\"a\": 1}\n");
}

#[test]
fn a_value_cannot_be_more_than_a_value_of_a_header() {
    let (db, server) = (with_queue(), taking());
    let change = |title: &str| {
        let change = serde_json::json!({"op": "INSERT", "schema": "public", "table": "t", "key": {"id": 1}, "new": {"title": title}});
        store(&db, &change.to_string().replace('\'', "''"));
    };
    change("a\r\nX-Evil: 1\r\n\r\nGET / é%");
    change(&"x".repeat(5000));
    store(&db, "no change");
    let rest =
        "/?pgfeed.header.X-Title=%7Bop%7D%20%7Bnew.title%7D&pgfeed.header.X-Fixed=a%20b&pgfeed.header.Content-Type=a/b";
    let output = post(&db, server.port(), rest).args(["--max-attempts", "1"]).run().ok();
    output.clone().stderr_has("the header x-title would be 5007 bytes long");
    output.stderr_has("its payload is not a change of a row");
    let got = server.got();
    assert_eq!((got.len(), held(&db)), (1, "0 0 2".to_owned()));
    assert_eq!(got[0].header("x-title"), "INSERT a%0D%0AX-Evil: 1%0D%0A%0D%0AGET / %C3%A9%25");
    assert_eq!((got[0].header("x-fixed"), got[0].header("content-type")), ("a b", "a/b"));
    assert!(!got[0].has("x-evil"));
}

#[test]
fn a_signature_that_openssl_agrees_with_and_credentials() {
    let (db, server) = (with_queue(), taking());
    store(&db, "signed");
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, "pâss word\n").unwrap();
    let url = format!("http://us%40er:p%3Ass@127.0.0.1:{}/?pgfeed.secret-file={}", server.port(), secret.display());
    db.pgfeed(["tail-queue", "q", "-e", "--to", &url]).run().ok();
    let request = server.got().remove(0);
    assert_eq!(request.header("authorization"), "Basic dXNAZXI6cDpzcw==");
    let signature = request.header("pgfeed-signature");
    let (seconds, signature) = signature.strip_prefix("t=").and_then(|it| it.split_once(",v1=")).unwrap();
    let signed = dir.path().join("signed");
    fs::write(&signed, format!("{seconds}.{}", request.body)).unwrap();
    let output = std::process::Command::new("openssl")
        .args(["dgst", "-sha256", "-r", "-hmac", "pâss word"])
        .arg(&signed)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).split(' ').next(), Some(signature));
}

#[test]
fn tls_trusts_the_authority_that_it_was_told_of_and_no_other() {
    let db = with_queue();
    store(&db, "secret");
    let certificate = authority().server("IP:127.0.0.1,DNS:localhost");
    let server = Http::start_tls(&certificate.certificate, &certificate.key, |_, _| Reply::status(200));
    let url = |host: &str, ca: String| format!("https://{host}:{}/?pgfeed.ca={ca}", server.port());
    let post = |url: &str| db.pgfeed(["tail-queue", "q", "-e", "--to", url]);
    let untrusted = post(&url("127.0.0.1", stranger().root().display().to_string())).spawn();
    untrusted.wait_stderr(": invalid peer certificate: ");
    drop(untrusted);
    let of_the_system = post(&format!("https://127.0.0.1:{}/", server.port())).spawn();
    of_the_system.wait_stderr("invalid peer certificate: UnknownIssuer");
    drop(of_the_system);
    assert_eq!(server.got(), []);
    post(&url("localhost", authority().root().display().to_string())).run().ok();
    assert_eq!(ids(&server.got()), [1]);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_connected() {
    let run = |rest: &str| {
        crate::harness::Pgfeed::new(["tail-queue", "q", "--to", &format!("http://u:Canary@127.0.0.1:1/{rest}")])
            .run()
            .code(2)
            .lacks("Canary")
            .stderr
    };
    for (rest, said) in [
        ("?pgfeed.nix=1", "\"pgfeed.nix\" is no parameter of it"),
        ("?pgfeed.batch=0", "pgfeed.batch: it is a number of events, from 1"),
        ("?pgfeed.batch=1&pgfeed.batch=2", "\"pgfeed.batch\" is given twice"),
        ("?pgfeed.body=x", "pgfeed.body: it is event or payload"),
        ("?pgfeed.timeout=31s", "it is more than 0 and at most 30"),
        ("?pgfeed.secret-file=/nowhere/at/all", "pgfeed.secret-file: /nowhere/at/all: No such file"),
        ("?pgfeed.secret-file=/dev/null", "pgfeed.secret-file: /dev/null is empty"),
        ("?pgfeed.ca=/dev/null", "holds no certificate"),
        ("?pgfeed.header.a%20b=c", "that is no name of a header"),
        ("?pgfeed.header.host=c", "that header is not to be set"),
        ("?pgfeed.header.x=%7Bnix%7D", "there is no {nix}"),
        ("?pgfeed.header.x=a%0Ab", "would hold what no header can"),
        ("?pgfeed.header.x=%7Bop%7D&pgfeed.batch=2", "a header cannot tell of many events"),
        ("a b", "must be percent-encoded"),
        ("#x", "a # is written as %23"),
    ] {
        let stderr = run(rest);
        assert!(stderr.contains(said), "{rest}: {stderr}");
    }
}

#[test]
fn a_plain_port_is_told_from_a_bad_certificate() {
    use std::io::{Read as _, Write as _};
    let db = with_queue();
    store(&db, "x");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // As servers answer what is no request.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let posting = db.pgfeed(["tail-queue", "q", "-e", "--to", &format!("https://127.0.0.1:{port}/")]).spawn();
    posting.wait_stderr(&format!("https://127.0.0.1:{port}: it does not speak TLS there; trying again"));
}
