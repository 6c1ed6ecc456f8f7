//! Clients of a server: plain requests byte by byte, an event stream, and a WebSocket. Every wait has a deadline.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::handshake::HandshakeError;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::{Message, WebSocket};

use crate::harness::DEADLINE;

/// Headers of a request.
pub type Headers<'a> = &'a [(&'static str, &'a str)];

/// Connects to a port of this machine.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// A header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (its_name, value) = line.split_once(": ")?;
            its_name.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Makes a request of its own connection. Host is ours unless it is given.
#[track_caller]
pub fn request(port: u16, method: &str, path: &str, headers: Headers, body: &str) -> Answer {
    let mut stream = connect(port);
    stream.write_all(head(port, method, path, headers, body.len()).as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    answer(stream)
}

/// Reads an answer up to the end of its connection.
#[track_caller]
pub fn answer(mut stream: TcpStream) -> Answer {
    let mut answer = Vec::new();
    // A server that answers before it has read everything may reset the connection behind its answer.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn head(port: u16, method: &str, path: &str, headers: Headers, length: usize) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if method == "POST" {
        head += &format!("content-length: {length}\r\n");
    }
    if !headers.iter().any(|(name, _)| *name == "host") {
        head += &format!("host: 127.0.0.1:{port}\r\n");
    }
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head + "\r\n"
}

/// A message of an event stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its type; empty for those that `onmessage` gets.
    pub kind: String,
    pub id: String,
    pub data: String,
}

impl Event {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.data).unwrap()
    }
}

/// An event stream, read as a browser reads it.
pub struct EventStream(BufReader<Box<dyn std::io::Read>>);

impl EventStream {
    #[track_caller]
    pub fn open(port: u16, query: &str, headers: Headers) -> Self {
        let agent: ureq::Agent = ureq::Agent::config_builder().timeout_per_read(Some(DEADLINE)).build().into();
        let mut request = agent.get(format!("http://127.0.0.1:{port}/sse{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.call().unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        Self(BufReader::new(Box::new(response.into_body().into_reader())))
    }

    /// The next message; none at the end.
    #[track_caller]
    pub fn next_or_end(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("event", kind)) => kind.clone_into(&mut event.kind),
                Some(("id", id)) => id.clone_into(&mut event.id),
                Some(("data", data)) => event.data += data,
                Some(("" | "retry", _)) => {}
                None if !event.data.is_empty() => return Some(event),
                None if line == "\n" => {}
                _ => panic!("not a line of an event stream: {line:?}"),
            }
        }
    }

    /// The next message.
    #[track_caller]
    pub fn next(&mut self) -> Event {
        self.next_or_end().expect("the stream goes on")
    }
}

/// A WebSocket.
pub struct Socket(pub WebSocket<TcpStream>);

impl Socket {
    /// Connects; the status when that is refused.
    pub fn connect(port: u16, query: &str, headers: Headers) -> Result<Self, u16> {
        let mut request = format!("ws://127.0.0.1:{port}/ws{query}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        match tungstenite::client(request, connect(port)) {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(HandshakeError::Failure(tungstenite::Error::Http(response))) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// The next message that is text.
    #[track_caller]
    pub fn text(&mut self) -> String {
        loop {
            match self.0.read().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("not text: {other:?}"),
            }
        }
    }

    /// The same, parsed.
    #[track_caller]
    pub fn json(&mut self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// Sends text.
    #[track_caller]
    pub fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).unwrap();
    }

    /// Sends a mark through a channel, and returns all events in front of it.
    #[track_caller]
    pub fn until_mark(&mut self, mark: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self.json();
            if event["payload"] == mark {
                return events;
            }
            events.push(event);
        }
    }

    /// The code with which the server closes, behind whatever else it still sends.
    #[track_caller]
    pub fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.0.read() {
                Ok(Message::Close(frame)) => return frame.map(|frame| frame.code.into()),
                Ok(_) => {}
                Err(tungstenite::Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("it was not closed")
                }
                Err(_) => return None,
            }
        }
    }
}
