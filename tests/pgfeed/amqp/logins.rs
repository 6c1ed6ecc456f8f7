//! Who is let in by RabbitMQ, over TLS and without; and that no password is shown when somebody is not.

use super::{deliver, drain, with_queues};
use crate::connection::certificates::{authority, stranger};
use crate::harness::broker::rabbitmq::{CERTIFIED, PASSWORD, READER, USER, shared};
use crate::harness::proxy::{Cut, Proxy};
use crate::tail_queue::{held, store};

const CANARY: &str = "Canary%40%2F1";

#[test]
fn passwords_are_decoded_and_virtual_hosts_found() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    store(&db, "one");
    let url = broker.url().replace("//", &format!("//{USER}:{PASSWORD}@"));
    drain(&db, &format!("{url}/%2F?key={}", db.name())).ok().stderr_is("");
    assert_eq!(client.all(db.name()).len(), 1);
}

#[test]
fn tls_verifies_the_broker_and_shows_a_certificate() {
    let broker = shared();
    let (db, client) = with_queues(broker);
    let ca = authority().root();
    let parameters = format!("key={}&ca={}", db.name(), ca.display());
    store(&db, "one");
    drain(&db, &format!("{}?{parameters}", broker.tls_url(""))).ok().stderr_is("");
    // The system's certificates, which a variable puts elsewhere.
    store(&db, "two");
    let url = format!("{}?key={}", broker.tls_url(""), db.name());
    deliver(&db, &url, &["-e"]).env("SSL_CERT_FILE", ca).run().ok().stderr_is("");
    store(&db, "three");
    let certificate = authority().client(CERTIFIED);
    let (cert, key) = (certificate.certificate.display(), certificate.key.display());
    drain(&db, &format!("{}?{parameters}&auth=external&cert={cert}&cert_key={key}", broker.tls_url("")))
        .ok()
        .stderr_is("");
    assert_eq!(client.all(db.name()).len(), 3);
}

#[test]
fn whoever_is_not_let_in_is_told_why_and_keeps_everything() {
    let broker = shared();
    let (db, _client) = with_queues(broker);
    store(&db, "one");
    let login = format!("pgfeed:{CANARY}@");
    let plain = broker.url().replace("//", &format!("//{login}"));
    let ca = format!("ca={}", authority().root().display());
    let refused = |url: &str, said: &str| {
        let output = drain(&db, url).code(3).stderr_has("connecting to amqp").stderr_has(said).stderr_has("hint:");
        output.lacks("Canary").lacks("%40");
    };
    refused(&plain, "ACCESS_REFUSED - Login was refused");
    refused(&format!("{}/nix", broker.url()), "NOT_ALLOWED - ");
    refused(&format!("{}?ca={}", broker.tls_url(&login), stranger().root().display()), "invalid peer certificate: ");
    refused(
        &format!("{}?{ca}", broker.tls_url(&login).replace("localhost", "127.0.0.1")),
        "certificate not valid for name",
    );
    refused(&format!("{}?{ca}", broker.tls_url(&login)), "ACCESS_REFUSED - Login was refused");
    assert_eq!(held(&db), "1 0 0");
}

#[test]
fn no_trouble_shows_a_password() {
    let broker = shared();
    let (db, _client) = with_queues(broker);
    store(&db, "one");
    let proxy = Proxy::in_front_of_port(broker.port());
    for (url, said) in [
        (format!("amqp://pgfeed:{CANARY}@127.0.0.1:1"), "Connection refused"),
        (format!("amqp://{USER}:{PASSWORD}@127.0.0.1:{}?exchange=nix", proxy.port()), "there is no exchange \"nix\""),
        (format!("amqp://{READER}:{PASSWORD}@127.0.0.1:{}", proxy.port()), "refused for user 'reader'"),
        (format!("amqps://pgfeed:{CANARY}@127.0.0.1:{}", broker.port()), ": it does not speak TLS there\n"),
    ] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("{url}\n")).unwrap();
        let delivering = db.pgfeed(["tail-queue", "q", "-vv", "--to-file"]).args([file.path()]).spawn();
        delivering.wait_stderr(said);
        if proxy.connections() > 0 {
            proxy.cut(Cut::Reset);
        }
        let output = delivering.kill();
        output.lacks("Canary").lacks("%40").lacks(PASSWORD);
    }
    assert_eq!(held(&db), "1 0 0");
}
