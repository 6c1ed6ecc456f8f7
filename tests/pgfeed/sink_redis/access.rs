//! Who may, and over what: credentials, databases, certificates, and that no secret is shown.

use crate::connection::certificates::{authority, stranger};
use crate::harness::broker::redis::{Redis, ask};
use crate::harness::broker::{database, deliver, follow, free_port, held, shows_no_secret};
use crate::harness::proxy::Proxy;
use crate::harness::{Pgfeed, Signal, wait_until};

const CANARY: &str = "S3cr3t-Canary";

/// The server's URL with something in front of the host.
fn with_credentials(redis: &Redis, credentials: &str, parameters: &str) -> String {
    redis.url(parameters).replacen("://", &format!("://{credentials}@"), 1)
}

#[test]
fn a_user_with_just_the_rights_that_it_needs() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let redis = Redis::start();
    let rights = "resetkeys ~s +xadd +multi +exec +select";
    redis.ask::<()>(&format!("ACL SETUSER us:er on >{CANARY}@/ {rights}"));
    redis.ask::<()>(&format!("ACL SETUSER poor on >{CANARY} ~s +xadd"));
    let url = |credentials: &str| with_credentials(&redis, credentials, "stream=s");
    let wrong = deliver(&db, &url(&format!("us%3Aer:wrong-{CANARY}"))).run().code(3).lacks(CANARY);
    wrong.stderr_has("WRONGPASS invalid username-password pair").stderr_has("hint:");
    let poor = deliver(&db, &url(&format!("poor:{CANARY}"))).run().code(3).lacks(CANARY);
    poor.stderr_has("NOPERM").stderr_has("MULTI");
    assert_eq!((held(&db).as_str(), redis.ask::<usize>("XLEN s")), ("1 0 0", 0));
    deliver(&db, &url(&format!("us%3Aer:{CANARY}%40%2F"))).run().ok().lacks(CANARY);
    assert_eq!((held(&db).as_str(), redis.ask::<usize>("XLEN s")), ("0 0 0", 1));
}

#[test]
fn what_a_user_may_not_write_to_is_named_and_waited_for() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let redis = Redis::start();
    redis.ask::<()>("ACL SETUSER us on >pw ~a +xadd +multi +exec");
    let following =
        follow(&db, &with_credentials(&redis, "us:pw", "stream={new.v}")).args(["--max-attempts", "1"]).spawn();
    following.wait_stderr(": stream \"b\": NOPERM ");
    following.wait_stderr("; trying again");
    redis.ask::<()>("ACL SETUSER us ~b");
    wait_until("all is delivered", || held(&db) == "0 0 0");
    assert_eq!((redis.ask::<usize>("XLEN a"), redis.ask::<usize>("XLEN b")), (1, 1));
}

#[test]
fn a_worker_that_connects_late_waits_as_the_others_do() {
    let db = database();
    db.sql("INSERT INTO t VALUES (0)");
    let redis = Redis::start();
    redis.ask::<()>("ACL SETUSER us on >old ~s +xadd +multi +exec");
    let following = follow(&db, &with_credentials(&redis, "us:old", "stream=s")).args(["-j", "2"]).spawn();
    wait_until("a worker has connected", || held(&db) == "0 0 0");
    // Whoever is connected stays so, and the other worker is not let in. Which events it gets is a matter of their keys.
    redis.ask::<()>("ACL SETUSER us resetpass >new");
    let mut id = 0;
    wait_until("the other one has tried", || {
        id += 1;
        db.sql(&format!("INSERT INTO t VALUES ({id})"));
        following.stderr().contains("WRONGPASS")
    });
    redis.ask::<()>("ACL SETUSER us >old");
    wait_until("all is delivered", || held(&db) == "0 0 0");
    following.signal(Signal::Term);
    following.finish().code(130);
    assert_eq!(redis.entries("s").len(), id + 1);
}

#[test]
fn a_password_alone_and_a_database() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let redis = Redis::configured(&["--requirepass", CANARY]);
    deliver(&db, &redis.url("stream=s")).run().code(3).stderr_has("NOAUTH Authentication required.").lacks(CANARY);
    let url = |database: &str| {
        with_credentials(&redis, &format!(":{CANARY}"), "stream=s").replacen('?', &format!("/{database}?"), 1)
    };
    deliver(&db, &url("99")).run().code(3).stderr_has("DB index is out of range").lacks(CANARY);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), url("3") + "\n").unwrap();
    db.pgfeed(["-v", "tail-queue", "q", "-e", "--to-file"]).args([file.path()]).run().ok().lacks(CANARY);
    let mut client = redis.client();
    ask::<()>(&mut client, &format!("AUTH {CANARY}"));
    assert_eq!(ask::<usize>(&mut client, "XLEN s"), 0);
    ask::<()>(&mut client, "SELECT 3");
    assert_eq!(ask::<usize>(&mut client, "XLEN s"), 1);
}

#[test]
fn certificates() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let (server, us) = (authority().server("IP:127.0.0.1"), authority().client("pgfeed"));
    let (port, root) = (free_port(), authority().root());
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (certificate, key, ca) = (text(&server.certificate), text(&server.key), text(&root));
    let redis = Redis::configured(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &ca,
    ]);
    let url = |root: &std::path::Path| format!("rediss://127.0.0.1:{port}?stream=s&timeout=10s&ca={}", root.display());
    let identity = format!("&cert={}&cert_key={}", us.certificate.display(), us.key.display());
    let stranger = follow(&db, &(url(&stranger().root()) + &identity)).spawn();
    stranger.wait_stderr("invalid peer certificate: ");
    drop(stranger);
    let nobody = follow(&db, &url(&root)).spawn();
    nobody.wait_stderr("; trying again");
    drop(nobody);
    assert_eq!(held(&db), "1 0 0");
    deliver(&db, &(url(&root) + &identity)).run().ok();
    assert_eq!((held(&db).as_str(), redis.entries("s").len()), ("0 0 0", 1));
}

#[test]
fn no_trouble_shows_a_secret() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let mut redis = Redis::configured(&["--requirepass", CANARY]);
    let proxy = Proxy::in_front_of_port(redis.process().port());
    let mut client = redis.client();
    ask::<()>(&mut client, &format!("AUTH {CANARY}"));
    ask::<()>(&mut client, "SET s 1");
    let url = |port: u16| format!("redis://:{CANARY}@127.0.0.1:{port}?stream=s&timeout=1s");
    for (url, said) in [
        (url(1), "Connection refused"),
        (url(proxy.port()), "WRONGTYPE "),
        (url(proxy.port()).replace("redis:", "rediss:"), ": perhaps it does not speak TLS there; trying again"),
    ] {
        shows_no_secret(&db, &proxy, &url, said, CANARY);
    }
    assert_eq!(held(&db), "1 0 0");
}

#[test]
fn wrong_urls_are_told_before_anything_is_connected_to() {
    for (url, why) in [
        ("redis://h/x", "only the number of a database follows the host"),
        ("redis://u@h", "a user needs a password"),
        ("redis://h?stream=", "stream: it is empty"),
        ("redis://h?stream={nix}", "there is no {nix}"),
        ("redis://h?maxlen=0", "maxlen: it is 0"),
        ("redis://h?channel=c&stream=s", "channel is instead of stream and maxlen"),
        ("redis://h?channel=c&maxlen=1", "channel is instead of stream and maxlen"),
        ("redis://h?nix=1", "\"nix\" is no parameter of it"),
        ("redis://h?ca=/x", "ca, cert and cert_key are of an encrypted connection"),
        ("rediss://h?ca=/nonexistent", "/nonexistent: "),
    ] {
        Pgfeed::new(["listen", "ch", "--to", url]).run().code(2).stderr_has(why);
    }
}

#[test]
fn a_plain_port_is_not_waited_for_as_long_as_a_busy_server() {
    let db = database();
    db.sql("INSERT INTO t VALUES (1)");
    let redis = Redis::configured(&[]);
    let url = redis.url("stream=s").replacen("redis:", "rediss:", 1);
    let following = follow(&db, &url).spawn();
    following.wait_stderr("it has not answered within 5.0s: perhaps it does not speak TLS there; trying again");
}
