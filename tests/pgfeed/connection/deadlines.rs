//! A connect never takes longer than it may, whatever is at the other end; and a server can be waited for, for so long.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use pgfeed::cluster::{Shutdown, Signal, Tcp};

use super::servers::{BlackHole, closed_port, notify, timed};
use crate::harness::proxy::Mode;
use crate::harness::{Database, Output, Pgfeed, own_server, own_server_with};

/// What a run may take longer than its connect timeout.
const SLACK: Duration = Duration::from_secs(1);

/// Runs it, and checks that it has found nobody within this time and the slack, and not much sooner.
#[track_caller]
fn gives_up(run: Pgfeed, within: Duration) -> Output {
    let (output, took) = timed(run);
    let output = output.code(3);
    assert!(took >= within && took < within + SLACK, "it took {took:?}\n{output}");
    output
}

/// Talks once with each who connects, on a thread of its own, and tells how many there were.
fn fake(talk: impl Fn(TcpStream) + Send + 'static) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            counted.fetch_add(1, Ordering::SeqCst);
            talk(stream);
        }
    });
    (port, count)
}

/// What a server says that is starting up, whatever it is asked.
fn starting_up(mut stream: TcpStream) {
    let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let _ = stream.read(&mut [0; 1024]);
    let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
    let _ = stream.write_all(&[b"E", &length[..], fields].concat());
}

#[test]
fn a_server_that_says_nothing_is_given_up_by_every_command() {
    let hole = BlackHole::new();
    let conninfo = format!("host=127.0.0.1 port={} user=u dbname=d connect_timeout=0.3", hole.port());
    for command in [&["notify", "x"][..], &["install-trigger", "t"], &["uninstall-trigger", "t"], &["listen", "x"]] {
        let output = gives_up(Pgfeed::new(command).args(["-d", &conninfo]), Duration::from_millis(300));
        output.stderr_is(&format!(
            "pgfeed: error: connecting to database \"d\" on 127.0.0.1:{} as \"u\": the server took the connection but did \
             not answer within 300ms\n  hint: it may be overloaded or stopped, or what listens there is not PostgreSQL\n",
            hole.port()
        ));
    }
}

#[test]
fn the_timeout_comes_from_a_string_a_flag_or_a_variable() {
    let hole = BlackHole::new();
    let conninfo = format!("host=127.0.0.1 port={}", hole.port());
    let flag = notify(&conninfo).args(["--connect-timeout", "200ms"]).env("PGCONNECT_TIMEOUT", "30");
    gives_up(flag, Duration::from_millis(200));
    let string = notify(&format!("{conninfo} connect_timeout=0.2")).args(["--connect-timeout", "30s"]);
    gives_up(string, Duration::from_millis(200));
    let uri = format!("postgres://127.0.0.1:{}/d?connect_timeout=0.2", hole.port());
    gives_up(Pgfeed::new(["notify", "x"]).env("DATABASE_URL", uri), Duration::from_millis(200));
    gives_up(notify(&conninfo).env("PGCONNECT_TIMEOUT", "1"), Duration::from_secs(1));
}

#[test]
fn a_server_that_falls_silent_during_tls_is_given_up() {
    let (port, _) = fake(|mut stream| {
        let _ = stream.read(&mut [0; 8]);
        let _ = stream.write_all(b"S");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let run = notify(&format!("host=127.0.0.1 port={port} connect_timeout=0.3"));
    gives_up(run, Duration::from_millis(300)).stderr_has("but did not answer within 300ms");
}

#[test]
fn a_server_that_answers_too_slowly_is_given_up() {
    let database = Database::new();
    let proxy = database.proxy();
    proxy.set(Mode::Slow(100));
    let run = notify(&proxy.url(database.name())).args(["--connect-timeout", "400ms"]);
    gives_up(run, Duration::from_millis(400)).stderr_has("but did not answer within 400ms");
}

#[test]
#[cfg(target_os = "linux")]
fn packets_that_nobody_answers_are_told_as_such() {
    // Once its queue is full, the kernel drops what asks for a connection, as a firewall does.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(50)) {
        queue.push(stream);
    }
    let run = notify(&format!("host=127.0.0.1 port={} connect_timeout=0.3", address.port()));
    let output = gives_up(run, Duration::from_millis(300));
    output.stderr_has("no answer within 300ms\n  hint: is the host right, and does a firewall let the port through?");
}

#[test]
fn a_stopped_server_is_given_up_over_tcp_and_over_the_socket() {
    let server = own_server_with(|builder| builder.tcp(Tcp::AnyFree));
    let cluster = server.cluster();
    cluster.signal_postmaster(Signal::Stop).unwrap();
    for place in [format!("host={}", cluster.socket_dir().display()), "host=127.0.0.1".to_owned()] {
        let run = notify(&format!("{place} port={} user=postgres connect_timeout=0.3", cluster.port()));
        gives_up(run, Duration::from_millis(300)).stderr_has("did not answer within 300ms");
    }
    cluster.signal_postmaster(Signal::Cont).unwrap();
}

#[test]
fn a_host_that_is_stuck_does_not_keep_from_the_next() {
    let database = Database::new();
    let (hole, proxy) = (BlackHole::new(), database.proxy());
    let string = format!("host=127.0.0.1,127.0.0.1 port={},{} connect_timeout=0.3", hole.port(), proxy.port());
    let (output, took) = timed(notify(&format!("{string} user=postgres dbname={}", database.name())));
    output.ok();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_millis(300) + SLACK, "{took:?}");
    // Each has its own time; together they have the sum.
    let string = format!("host=127.0.0.1,127.0.0.1 port={} connect_timeout=0.3", hole.port());
    gives_up(notify(&string), Duration::from_millis(600));
}

#[test]
fn each_host_is_told_with_its_own_reason() {
    let (hole, closed) = (BlackHole::new(), closed_port());
    let ports = format!("{},{closed},1", hole.port());
    let run = notify(&format!("host=127.0.0.1,127.0.0.1,/nonexistent port={ports} connect_timeout=0.2"));
    let told = format!(
        "127.0.0.1:{}: the server took the connection but did not answer within 200ms; 127.0.0.1:{closed}: connection refused; \
         socket /nonexistent/.s.PGSQL.1: there is no such socket\n",
        hole.port()
    );
    run.run().code(3).stderr_has(&told);
}

#[test]
fn a_name_that_nobody_knows_is_told_at_once() {
    let run = notify("host=no.such.host.invalid").run().code(3);
    run.stderr_has("on no.such.host.invalid:5432 as").stderr_has("the host's name cannot be resolved: ");
}

#[test]
fn a_server_that_starts_later_is_waited_for() {
    let server = own_server();
    let (cluster, url) = (server.cluster(), server.cluster().socket_url("postgres"));
    cluster.halt(Shutdown::Fast).unwrap();
    let (one_shot, feed) = (
        notify(&url).args(["--wait-server", "30s"]).spawn(),
        Pgfeed::new(["listen", "x", "-d", &url, "--wait-server", "30s"]).spawn(),
    );
    one_shot.wait_stderr("there is no such socket; waiting for it\n");
    feed.wait_stderr("there is no such socket; trying again\n");
    cluster.launch().unwrap();
    // It is told once, however often it was tried.
    let output = one_shot.finish().ok();
    assert_eq!(output.stderr.lines().count(), 1, "{output}");
    feed.wait_stderr("listening on x");
}

#[test]
fn a_server_that_does_not_come_is_not_waited_for_longer_than_asked() {
    let run = notify(&format!("host=127.0.0.1 port={}", closed_port())).args(["--wait-server", "600ms"]);
    let output = gives_up(run, Duration::from_millis(600));
    output.stderr_has("connection refused; waiting for it\n").stderr_has("pgfeed: error: connecting to ");
    let hole = BlackHole::new();
    let run = notify(&format!("host=127.0.0.1 port={} connect_timeout=0.3", hole.port()));
    gives_up(run.args(["--wait-server", "400ms"]), Duration::from_millis(400));
}

#[test]
fn without_being_asked_to_nobody_waits() {
    let (output, took) = timed(notify(&format!("host=127.0.0.1 port={}", closed_port())));
    assert!(took < SLACK, "{took:?}");
    output.code(3).stderr_has("connection refused\n  hint: is the server running there").lacks("waiting");
}

#[test]
fn a_server_that_is_starting_up_is_passed_over_and_waited_for() {
    let database = Database::new();
    let (port, asked) = fake(starting_up);
    let proxy = database.proxy();
    let string = format!("host=127.0.0.1,127.0.0.1 port={port},{} sslmode=disable", proxy.port());
    notify(&format!("{string} user=postgres dbname={}", database.name())).run().ok();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let alone = notify(&format!("host=127.0.0.1 port={port} sslmode=disable")).args(["--wait-server", "600ms"]);
    gives_up(alone, Duration::from_millis(600)).stderr_has("starting up\n  sqlstate: 57P03\n");
    assert!(asked.load(Ordering::SeqCst) > 2);
}
