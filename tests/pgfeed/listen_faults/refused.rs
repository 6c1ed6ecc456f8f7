//! Errors that trying again cannot help, and servers that are not there yet.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pgfeed::cluster::Shutdown;

use super::{described, named, received, send, stop, wait_for, wait_number};
use crate::harness::proxy::Cut;
use crate::harness::{Database, Pgfeed, own_server, server};
use crate::listen::listening;

#[test]
fn a_wrong_password_ends_it_after_one_attempt() {
    let server = own_server();
    let database = server.database();
    let role = database.role("reader");
    database.sql(&format!("ALTER ROLE {role} PASSWORD 'right'"));
    server.hba(&format!("local all {role} scram-sha-256"));
    let proxy = database.proxy();
    let url = proxy.url(database.name()).replace("postgres@", &format!("{role}@"));
    let run = described(&url).env("PGPASSWORD", "wrong").args(["--wait-server", "10s"]).run().code(3);
    run.stdout_has("stopped")
        .stderr_has(&format!("password authentication failed for user \"{role}\""))
        .stderr_has("28P01");
    assert_eq!(proxy.accepted(), 1);
    assert_eq!(server.cluster().log_text().matches("password authentication failed").count(), 1);
    // So the test would have connected, were the password right.
    listening(described(&url).env("PGPASSWORD", "right"));
}

#[test]
fn a_database_that_was_dropped_ends_it() {
    let database = server().database();
    let admin = Database::new();
    let proxy = database.proxy();
    let run = listening(described(&proxy.url(database.name())));
    proxy.refuse();
    proxy.cut(Cut::Close);
    wait_for(&run, "lost");
    admin.sql(&format!("DROP DATABASE {} WITH (FORCE)", pgfeed::sql::ident(database.name())));
    proxy.accept();
    let output = run.finish().code(3);
    let (name, place) = (database.name(), named(&proxy, &database));
    output.stderr_has(&format!(
        "pgfeed: error: reconnecting: connecting to {place}: database \"{name}\" does not exist\n  sqlstate: 3D000\n"
    ));
}

#[test]
fn a_role_that_was_locked_ends_it() {
    let database = Database::new();
    let role = database.role("reader");
    let run = listening(described(&database.url_as(&role)));
    database.sql(&format!("ALTER ROLE {role} NOLOGIN"));
    super::terminate(&database);
    wait_for(&run, "lost");
    let output = run.finish().code(3);
    output.stderr_has(&format!("role \"{role}\" is not permitted to log in\n  sqlstate: 28000\n"));
}

#[test]
fn a_server_that_is_not_there_is_exit_3_at_once() {
    let database = Database::new();
    let proxy = database.proxy();
    proxy.refuse();
    let started = Instant::now();
    let output = described(&proxy.url(database.name())).run().code(3);
    assert!(started.elapsed() < Duration::from_secs(3));
    let place = named(&proxy, &database);
    output.stderr_has(&format!("pgfeed: error: connecting to {place}: connection refused\n"));
}

#[test]
fn a_server_that_comes_later_is_waited_for() {
    let server = own_server();
    let database = server.database();
    server.cluster().halt(Shutdown::Fast).unwrap();
    let run = described(&database.url()).args(["--wait-server", "30s"]).spawn();
    run.wait_stderr("; trying again");
    server.cluster().launch().unwrap();
    run.wait_stderr("listening on c");
    send(&mut database.client(), 1..=2);
    wait_number(&run, 2);
    let output = stop(run);
    assert_eq!(received(&output), [1, 2]);
    // Waiting for a beginning is no gap.
    assert!(!output.stdout.contains("\"gap\"") && !output.stdout.contains("\"lost\""), "{output}");
}

#[test]
fn waiting_for_a_server_has_its_limit() {
    let database = Database::new();
    let proxy = database.proxy();
    proxy.refuse();
    let started = Instant::now();
    let output = described(&proxy.url(database.name())).args(["--wait-server", "700ms"]).run().code(3);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(700) && took < Duration::from_millis(2500), "{took:?}");
    assert_eq!(output.stderr.matches("trying again").count(), 1, "{output}");
    output.stderr_has(&format!("pgfeed: error: connecting to {}: connection refused\n", named(&proxy, &database)));
}

#[test]
fn a_server_that_is_starting_up_is_waited_for_and_told_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let port = starting_up(Arc::clone(&asked));
    let url = format!("postgresql://postgres@127.0.0.1:{port}/x");
    let output = described(&url).args(["--wait-server", "2s"]).run().code(3);
    output.clone().stderr_has("the database system is starting up; trying again\n").stderr_has("57P03");
    assert_eq!(output.stderr.matches("trying again").count(), 1, "{output}");
    assert!(asked.load(Ordering::SeqCst) >= 3, "it tries again: {output}");
    Pgfeed::new(["listen", "c"]).env("DATABASE_URL", url).run().code(3).stderr_has("57P03");
}

/// A server that is always starting up. (A real one is, for a few milliseconds.)
fn starting_up(asked: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            asked.fetch_add(1, Ordering::SeqCst);
            // The client may have gone.
            drop(refuse_to_start(stream.unwrap()));
        }
    });
    port
}

fn refuse_to_start(mut stream: TcpStream) -> std::io::Result<()> {
    const NO_TLS: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
    let mut chunk = [0; 1000];
    let mut length = stream.read(&mut chunk)?;
    if &chunk[..length] == NO_TLS {
        stream.write_all(b"N")?;
        length = stream.read(&mut chunk)?;
    }
    assert!(length > 8);
    let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let mut message = vec![b'E'];
    message.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
    message.extend_from_slice(fields);
    stream.write_all(&message)
}
