//! A small HTTP server of our own, plain or with TLS, which answers as a test tells it and keeps what it got.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A request as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Method, target and version.
    pub line: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// On which of the server's connections, from 1.
    pub connection: usize,
}

impl Request {
    /// The value of a header that is there once.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let values: Vec<&str> =
            self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect();
        let [value] = values[..] else { panic!("{name} is {values:?} in {self:?}") };
        value
    }

    /// Whether a header is there.
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n == name)
    }
}

/// What to do about a request.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Answer with a status, more header lines (each with its line break), and a body.
    Status(u16, String, String),
    /// Say nothing, until the other side goes away.
    Silence,
    /// Close the connection.
    Close,
    /// Send this, and close.
    Bytes(Vec<u8>),
}

impl Reply {
    /// An answer of just a status.
    pub fn status(status: u16) -> Self {
        Self::Status(status, String::new(), String::new())
    }
}

/// A running server.
#[derive(Debug)]
pub struct Http {
    port: u16,
    got: Arc<Mutex<Vec<Request>>>,
    ended: Arc<AtomicBool>,
}

type Answer = Arc<dyn Fn(&Request, usize) -> Reply + Send + Sync>;

impl Http {
    /// Starts a server. `answer` gets each request and its number, from 1.
    pub fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(None, Arc::new(answer))
    }

    /// The same with TLS, under this certificate and key.
    pub fn start_tls(
        certificate: &Path,
        key: &Path,
        answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(&fs::read(key).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Self::with(Some(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())), Arc::new(answer))
    }

    fn with(tls: Option<Arc<ServerConfig>>, answer: Answer) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (got, ended): (Arc<Mutex<Vec<Request>>>, _) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let server = Self { port, got: Arc::clone(&got), ended: Arc::clone(&ended) };
        let connections = AtomicUsize::new(0);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let number = connections.fetch_add(1, SeqCst) + 1;
                let (got, answer, tls) = (Arc::clone(&got), Arc::clone(&answer), tls.clone());
                thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    match tls {
                        None => serve(stream, number, &got, &answer),
                        Some(config) => {
                            let connection = ServerConnection::new(config).unwrap();
                            serve(StreamOwned::new(connection, stream), number, &got, &answer);
                        }
                    }
                });
            }
        });
        server
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// All requests so far, in the order of their arrival.
    pub fn got(&self) -> Vec<Request> {
        self.got.lock().unwrap().clone()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        self.ended.store(true, SeqCst);
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
    }
}

fn serve(stream: impl Read + Write, connection: usize, got: &Mutex<Vec<Request>>, answer: &Answer) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = request(&mut stream, connection) {
        let number = {
            let mut got = got.lock().unwrap();
            got.push(request.clone());
            got.len()
        };
        let bytes = match answer(&request, number) {
            Reply::Status(status, headers, body) => {
                format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
            }
            Reply::Silence => {
                // Ends when the other side does, which sends nothing before.
                drop(stream.read(&mut [0]));
                return;
            }
            Reply::Close => return,
            Reply::Bytes(bytes) => {
                drop(stream.get_mut().write_all(&bytes).and_then(|()| stream.get_mut().flush()));
                // Whoever closes with something unread resets the connection.
                thread::sleep(Duration::from_millis(10));
                return;
            }
        };
        if stream.get_mut().write_all(&bytes).and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn request(stream: &mut impl BufRead, connection: usize) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        let length = stream.read_line(&mut line).ok()?;
        (length > 0).then(|| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut headers = Vec::new();
    loop {
        let header = line()?;
        let Some((name, value)) = header.split_once(": ") else { break };
        headers.push((name.to_lowercase(), value.to_owned()));
    }
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { line: first, headers, body: String::from_utf8(body).unwrap(), connection })
}
