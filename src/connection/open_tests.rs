//! Servers that are no servers: they refuse, they say nothing, or they say the wrong thing.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;

use super::*;
use crate::connection::{Environment, Options};

fn settings(conninfo: &str) -> Settings {
    let options = Options { dbname: Some(conninfo.to_owned()), ..Options::default() };
    Settings::resolve(&options, &Environment::of(&[])).unwrap()
}

/// Listens, and hands the first connection to `talk`.
fn listener(talk: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || talk(listener.accept().unwrap().0));
    port
}

/// A port where nobody listens.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn refused(conninfo: &str) -> Error {
    open(&settings(conninfo)).unwrap_err()
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time_and_its_socket_is_closed() {
    let (closed, heard) = mpsc::channel();
    let port = listener(move |mut stream| {
        let mut request = Vec::new();
        stream.read_to_end(&mut request).unwrap();
        closed.send(request.len()).unwrap();
    });
    let started = Instant::now();
    let error = refused(&format!("host=127.0.0.1 port={port} user=u connect_timeout=0.2"));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(
        error.to_string(),
        format!(
            "connecting to database \"u\" on 127.0.0.1:{port} as \"u\": the server took the connection but did not answer within 200ms"
        )
    );
    assert!(is_transient(&error) && error.exit() == Exit::Connection);
    // The eight bytes that ask for TLS, and then the end: nothing is left behind that waits.
    assert_eq!(heard.recv_timeout(Duration::from_secs(5)), Ok(8));
}

#[test]
fn one_reason_for_all_is_told_once() {
    let port = nobody();
    let told = refused(&format!("host=127.0.0.1,127.0.0.1 port={port} user=u")).to_string();
    assert!(told.ends_with("as \"u\": connection refused"), "{told}");
}

#[test]
fn a_server_without_tls_is_not_talked_to_when_tls_is_required() {
    let port = listener(|mut stream| {
        stream.read_exact(&mut [0; 8]).unwrap();
        stream.write_all(b"N").unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    });
    let error = refused(&format!("host=127.0.0.1 port={port} user=u password=p sslmode=require"));
    assert!(error.to_string().ends_with("the server does not offer TLS"), "{error}");
    assert!(!is_transient(&error));
}

#[test]
fn what_is_no_postgresql_is_said_to_be_none() {
    let port =
        listener(|mut stream| stream.write_all(b"SSH-2.0-x\r\n").map(|()| drop(stream.read(&mut [0; 64]))).unwrap());
    // An S is the answer yes, and what follows is no TLS.
    let error = refused(&format!("host=127.0.0.1 port={port} user=u"));
    assert!(error.to_string().contains("TLS: "), "{error}");
    let port =
        listener(|mut stream| stream.write_all(b"HTTP/1.1 400\r\n").map(|()| drop(stream.read(&mut [0; 64]))).unwrap());
    let error = refused(&format!("host=127.0.0.1 port={port} user=u"));
    assert!(error.to_string().ends_with("what answers there is not a PostgreSQL server"), "{error}");
}

#[test]
fn stopping_ends_a_connect_and_a_wait() {
    let port = listener(|mut stream| drop(stream.read_to_end(&mut Vec::new())));
    let place = settings(&format!("host=127.0.0.1 port={port} connect_timeout=0"));
    let error = open_waiting(&place, Duration::ZERO, &|| true, &mut |_| ()).unwrap_err();
    assert_eq!(error.exit(), Exit::Signal);
    let place = settings(&format!("host=127.0.0.1 port={}", nobody()));
    let error = open_waiting(&place, Duration::MAX, &|| true, &mut |_| ()).unwrap_err();
    assert_eq!(error.exit(), Exit::Signal);
    assert!(!is_transient(&error));
}

#[test]
fn servers_are_as_asked_or_say_why_not() {
    let facts = |is_standby, is_read_only_by_default| Facts {
        version_num: 150_000,
        backend_pid: 1,
        is_standby,
        is_read_only_by_default,
        port: 5432,
    };
    let (primary, read_only, standby) = (facts(false, false), facts(false, true), facts(true, false));
    for (wanted, fits) in [
        (Wanted::Any, [true, true, true]),
        (Wanted::ReadWrite, [true, false, false]),
        (Wanted::ReadOnly, [false, true, true]),
        (Wanted::Primary, [true, true, false]),
        (Wanted::Standby, [false, false, true]),
    ] {
        let found = [&primary, &read_only, &standby].map(|facts| unsuitable(facts, wanted).is_none());
        assert_eq!(found, fits, "{wanted:?}");
    }
}
