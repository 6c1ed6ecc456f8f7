//! Clients for measuring: so many WebSockets, all read by one thread.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use futures_util::StreamExt as _;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::error::{Error, Result};

/// What one of the clients hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A message.
    Message(usize, &'a str),
    /// The end of its connection.
    End(usize),
}

/// Connected clients. Dropped, they leave.
pub struct Audience {
    leave: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Audience {
    /// Connects `listening` clients, whose messages go to `hear`, and `stalled` ones that never read.
    ///
    /// # Errors
    /// That they cannot connect.
    pub fn gather(
        server: SocketAddr,
        listening: usize,
        stalled: usize,
        hear: impl FnMut(Heard) + Send + 'static,
    ) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let runtime = runtime.map_err(|error| failed(&error.to_string()))?;
        let (connected, wait) = mpsc::channel();
        let (leave, left) = oneshot::channel::<()>();
        let gather = async move {
            let sockets = connect(server, listening).await;
            // Held until the end, and never read.
            let (sockets, _stalled) = match (sockets, connect(server, stalled).await) {
                (Ok(sockets), Ok(stalled)) => (sockets, stalled),
                (Err(error), _) | (_, Err(error)) => return drop(connected.send(Err(error))),
            };
            let hear = Arc::new(Mutex::new(hear));
            for (client, socket) in sockets.into_iter().enumerate() {
                tokio::spawn(listen(client, socket, Arc::clone(&hear)));
            }
            let _ = connected.send(Ok(()));
            let _ = left.await;
        };
        let thread = std::thread::spawn(move || runtime.block_on(gather));
        let audience = Self { leave: Some(leave), thread: Some(thread) };
        wait.recv().unwrap_or_else(|_| Err(failed("the thread has ended")))?;
        Ok(audience)
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        drop(self.leave.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn connect(server: SocketAddr, count: usize) -> Result<Vec<WebSocketStream<TcpStream>>> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        let stream = TcpStream::connect(server).await.map_err(|error: io::Error| failed(&error.to_string()))?;
        let shaken = client_async(format!("ws://{server}/ws"), stream).await;
        sockets.push(shaken.map_err(|error| failed(&error.to_string()))?.0);
    }
    Ok(sockets)
}

async fn listen(client: usize, mut socket: WebSocketStream<TcpStream>, hear: Arc<Mutex<impl FnMut(Heard)>>) {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            (hear.lock().expect("hearing does not panic"))(Heard::Message(client, &text));
        }
    }
    (hear.lock().expect("hearing does not panic"))(Heard::End(client));
}

fn failed(why: &str) -> Error {
    Error::failed(why).doing("connecting clients to measure with")
}
