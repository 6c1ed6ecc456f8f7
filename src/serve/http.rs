//! The HTTP server: accepts connections within limits, and reads each request's head within limits of time and size.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use super::clients::Line;
use super::closing::Closing;

/// How long a client may take to send the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(5);
/// The longest head, in bytes: what is longer is answered with 431.
const HEAD_BYTES: usize = 16 * 1024;
/// How much the system holds for one client that does not read, in bytes (Linux doubles it).
const SEND_BUFFER: u32 = 256 * 1024;
/// How long to leave the system alone when it has no descriptor for another connection.
const EXHAUSTED: Duration = Duration::from_millis(100);
/// What a connection is told for which there is no place.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Listens at an address. Must be called where there is a runtime.
///
/// # Errors
/// What the system says.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that is started again must not wait for what its connections have left behind.
    socket.set_reuseaddr(true)?;
    // Connections inherit it.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(1024)
}

/// Accepts connections, at most so many at a time, until it is to end.
pub async fn serve(listener: TcpListener, routes: Router, connections: usize, mut closing: Closing) {
    let places = Arc::new(Semaphore::new(connections));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.wait() => return,
        };
        match accepted {
            Ok((stream, _)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => drop(tokio::spawn(converse(stream, routes.clone(), Line::new(place), closing.clone()))),
                // Never waits: a few bytes fit into the buffer of a new connection.
                Err(_) => drop(stream.try_write(NO_PLACE)),
            },
            // Whoever left again is nobody's trouble; without descriptors (EMFILE) another accept would fail at once.
            Err(error) if is_the_clients(&error) => {}
            Err(_) => tokio::time::sleep(EXHAUSTED).await,
        }
    }
}

fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Answers the request of one connection.
async fn converse(stream: TcpStream, routes: Router, line: Line, mut closing: Closing) {
    let line = Arc::new(line);
    // An event is sent when it comes, not when a packet is full.
    let _ = stream.set_nodelay(true);
    let routes = TowerToHyperService::new(routes);
    let service = {
        let line = Arc::clone(&line);
        service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Arc::clone(&line));
            routes.call(request)
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(2 * HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        // What went wrong is the client's affair, and was answered where it could be.
        _ = connection.as_mut() => {}
        () = line.cut() => {}
        () = closing.wait() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
