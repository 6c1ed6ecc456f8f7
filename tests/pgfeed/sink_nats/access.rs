//! Who may, and over what: credentials, certificates, and that no secret is shown.

use async_nats::ConnectOptions;

use crate::connection::certificates::{authority, stranger};
use crate::harness::broker::nats::Nats;
use crate::harness::broker::{database, deliver, follow, held, shows_no_secret};
use crate::harness::proxy::Proxy;
use crate::harness::{Pgfeed, wait_until};

const CANARY: &str = "S3cr3t-Canary";

/// A user who may publish to all subjects but one.
const NOT_TO_BAD: &str =
    "authorization { users = [ { user: u, password: p, permissions: { publish: { deny: shop.bad } } } ] }";

/// The server's URL with something in front of the host.
fn with_credentials(nats: &Nats, credentials: &str, parameters: &str) -> String {
    nats.url(parameters).replacen("://", &format!("://{credentials}@"), 1)
}

#[test]
fn user_and_password() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::configured(&format!("authorization {{ user: \"us:er\", password: \"{CANARY}@/\" }}"));
    let url = |password: &str| with_credentials(&nats, &format!("us%3Aer:{password}"), "stream=S&create=s&subject=s");
    let refused = deliver(&db, &url(&format!("wrong-{CANARY}"))).run().code(3);
    refused.stderr_has("the server does not accept the credentials").stderr_has("hint:").lacks(CANARY);
    deliver(&db, &nats.url("subject=s")).run().code(3).stderr_has("the server does not accept the credentials");
    assert_eq!(held(&db), "1 0 0");
    deliver(&db, &url(&format!("{CANARY}%40%2F"))).run().ok().lacks(CANARY);
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn a_token_from_a_file() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::configured(&format!("authorization {{ token: \"{CANARY}\" }}"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), with_credentials(&nats, CANARY, "stream=S&create=s&subject=s") + "\n").unwrap();
    let deliver = db.pgfeed(["-v", "tail-queue", "q", "-e", "--to-file"]).args([file.path()]);
    deliver.run().ok().lacks(CANARY);
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn an_nkey() {
    // Of the bytes 1 to 32, and good for nothing else.
    const SEED: &str = "SUAACAQDAQCQMBYIBEFAWDANBYHRAEISCMKBKFQXDAMRUGY4DUPB6IC5CQ";
    const PUBLIC: &str = "UB43KVROR7TFJ6KAPCYRF2FJROTZAH4FHLTJLPWX4DRZCC5NASLGJBFE";
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::configured(&format!("authorization {{ users = [ {{ nkey: {PUBLIC} }} ] }}"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = nats.url(&format!("stream=S&create=s&subject=s&nkey={}", file.path().display()));
    deliver(&db, &url).run().code(3).stderr_has("the server does not accept the credentials");
    std::fs::write(file.path(), format!("{SEED}\n")).unwrap();
    deliver(&db, &url).run().ok().lacks(SEED);
    assert_eq!(held(&db), "0 0 0");
}

#[test]
fn a_jwt_from_a_file() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::configured(include_str!("accounts.conf"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = nats.url(&format!("stream=S&create=s&subject=s&creds={}", file.path().display()));
    deliver(&db, &nats.url("subject=s")).run().code(3).stderr_has("the server does not accept the credentials");
    let creds = include_str!("user.creds");
    let secrets = || creds.lines().filter(|line| line.len() > 50 && !line.contains(' '));
    std::fs::write(file.path(), creds.replace("-----BEGIN USER", "")).unwrap();
    let broken = follow(&db, &url).args(["-vv"]).spawn();
    broken.wait_stderr("it holds no JWT with its seed; trying again");
    std::fs::write(file.path(), creds).unwrap();
    wait_until("it is delivered", || held(&db) == "0 0 0");
    let output = broken.kill();
    assert_eq!(secrets().count(), 2);
    secrets().fold(output, |output, secret| output.lacks(secret));
}

#[test]
fn no_trouble_shows_a_secret() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::configured(&format!(
        "authorization {{ users = [ {{ user: u, password: {CANARY}, permissions: {{ publish: {{ deny: s }} }} }} ] }}"
    ));
    let proxy = Proxy::in_front_of_port(nats.port());
    let login = |login: &str, port: u16, parameters: &str| format!("nats://{login}@127.0.0.1:{port}?{parameters}");
    for (url, said) in [
        (login(&format!("u:{CANARY}"), 1, "subject=s"), "Connection refused"),
        (login(CANARY, 1, "subject=s"), "Connection refused"),
        (login(&format!("u:{CANARY}"), proxy.port(), "subject=s"), "Permissions Violation for Publish to \"s\""),
        (login(&format!("u:{CANARY}"), proxy.port(), "subject=x"), "no stream takes the subject \"x\""),
        (
            login(&format!("u:{CANARY}"), proxy.port(), "subject=x").replace("nats:", "tls:"),
            ": it does not speak TLS there; trying again",
        ),
    ] {
        shows_no_secret(&db, &proxy, &url, said, CANARY);
    }
    assert_eq!(held(&db), "1 0 0");
}

#[test]
fn what_a_user_may_not_publish_waits_until_it_may() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let nats = Nats::configured(
        "authorization { users = [ { user: u, password: p, permissions: { publish: { deny: s }, subscribe: \"mine.>\" } } ] }",
    );
    let url = |inbox: &str| with_credentials(&nats, "u:p", &format!("subject=s&timeout=10s&inbox={inbox}"));
    let publishing = follow(&db, &url("mine")).spawn();
    publishing
        .wait_stderr("Permissions Violation for Publish to \"s\" (allow it in the user's permissions); trying again");
    drop(publishing);
    let hearing = follow(&db, &url("theirs")).spawn();
    hearing.wait_stderr("Permissions Violation for Subscription to \"theirs.");
    drop(hearing);
    assert_eq!(held(&db), "1 0 0");
}

#[test]
fn a_subject_that_a_user_may_not_publish_to_is_the_fault_of_its_events_once_others_arrive() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'bad')");
    let nats = Nats::configured(NOT_TO_BAD);
    let url = with_credentials(&nats, "u:p", "stream=S&create=shop.>&subject=shop.{new.v}");
    let following = follow(&db, &url).args(["--max-attempts", "2"]).spawn();
    // Alone, it may be an outage.
    following.wait_stderr(
        "Permissions Violation for Publish to \"shop.bad\" (allow it in the user's permissions); trying again",
    );
    wait_until("it waits", || held(&db) == "0 1 0");
    db.sql("INSERT INTO t SELECT n, CASE n % 3 WHEN 0 THEN 'bad' ELSE 'good' END FROM generate_series(2, 600) n");
    wait_until("the others arrive, and these die", || held(&db) == "0 0 201");
    drop(following);
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.dead_q WHERE error LIKE 'Permissions Violation %'"), "201");
    let user = ConnectOptions::with_user_and_password("u".into(), "p".into());
    let stored = nats.with_options(user, async |client| {
        async_nats::jetstream::new(client).get_stream("S").await.unwrap().info().await.unwrap().state.messages
    });
    assert_eq!(stored, 399);
}

#[test]
fn core_nats_too_tells_where_a_user_may_not_publish_to() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'bad'), (2, 'good'), (3, 'bad')");
    let nats = Nats::configured(NOT_TO_BAD);
    let url = with_credentials(&nats, "u:p", "mode=core&subject=shop.{new.v}");
    deliver(&db, &url)
        .args(["--at-most-once"])
        .run()
        .ok()
        .stderr_has("Permissions Violation for Publish to \"shop.bad\"");
    assert_eq!(held(&db), "0 0 2");
}

#[test]
fn certificates() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let server = authority().server("IP:127.0.0.1");
    let (certificate, key) = (server.certificate.display(), server.key.display());
    let nats = Nats::configured(&format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" }}"));
    let url = |ca: &std::path::Path| {
        nats.url(&format!("stream=S&create=s&subject=s&ca={}", ca.display())).replacen("nats://", "tls://", 1)
    };
    let stranger = follow(&db, &url(&stranger().root())).spawn();
    stranger.wait_stderr("invalid peer certificate: ");
    drop(stranger);
    deliver(&db, &url(&authority().root())).run().ok();
    assert_eq!(held(&db), "0 0 0");
    let options = ConnectOptions::new().add_root_certificates(authority().root()).require_tls(true);
    assert!(nats.with_options(options, async |client| client.server_info().tls_required));
}

#[test]
fn wrong_urls_are_told_before_anything_is_connected_to() {
    for (url, why) in [
        ("nats://h/path", "nothing follows the host"),
        ("nats://h?mode=core&stream=S", "mode=core is not"),
        ("nats://h?create=s", "create needs the stream's name"),
        ("nats://h?subject=a%20b", "subject: a subject to publish to has no spaces"),
        ("nats://h?subject={nix}", "there is no {nix}"),
        ("nats://h?stream=a.b", "stream: it is a name"),
        ("nats://h?nix=1", "\"nix\" is no parameter of it"),
        ("nats://h?ca=/x", "ca, cert and cert_key are of an encrypted connection"),
        ("tls://h?ca=/nonexistent", "/nonexistent: "),
        ("tls://h?cert=/x", "cert and cert_key belong together"),
        ("nats://h?nkey=/nonexistent", "nkey: /nonexistent: "),
        ("nats://u:p@h?creds=/dev/null", "is enough"),
        ("nats://:p@h", "a password needs a user"),
        ("nats://h?timeout=1h", "timeout: it is more than 0 and at most 30.0s"),
        ("nats://h?body=x", "body: it is event or payload"),
    ] {
        let output = Pgfeed::new(["listen", "ch", "--to", url]).run().code(2);
        output.stderr_has(why).lacks(":p@");
    }
}
