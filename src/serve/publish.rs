//! What clients send: handed from the runtime to one thread, which talks to the database.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

/// Most messages that wait for the database; a client whose message finds no room is told to come back.
const WAITING: usize = 256;

/// Whoever publishes the messages of clients.
pub trait Publish: Send {
    /// Publishes one message, to a channel where channels are served.
    ///
    /// # Errors
    /// Why it was not published.
    fn publish(&mut self, channel: Option<&Arc<str>>, message: String) -> Result<(), Unpublished>;
}

/// Why a message was not published, in a sentence for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpublished {
    /// It cannot be.
    Refused(String),
    /// Not now.
    Unavailable(String),
}

struct Job {
    channel: Option<Arc<str>>,
    message: String,
    answer: oneshot::Sender<Result<(), Unpublished>>,
}

/// The runtime's end.
#[derive(Clone)]
pub struct Publisher(mpsc::Sender<Job>);

impl Publisher {
    /// Starts the thread.
    pub fn start(mut publish: Box<dyn Publish>) -> Self {
        let (sender, mut jobs) = mpsc::channel::<Job>(WAITING);
        std::thread::spawn(move || {
            while let Some(Job { channel, message, answer }) = jobs.blocking_recv() {
                // A client that has gone may have sent again elsewhere.
                if answer.is_closed() {
                    continue;
                }
                let _ = answer.send(publish.publish(channel.as_ref(), message));
            }
        });
        Self(sender)
    }

    /// Publishes a message, and waits until it is.
    ///
    /// # Errors
    /// Why it was not.
    pub async fn publish(&self, channel: Option<Arc<str>>, message: String) -> Result<(), Unpublished> {
        let (answer, answered) = oneshot::channel();
        let full = |_| Unpublished::Unavailable("too many messages wait for the database: try again later".to_owned());
        self.0.try_send(Job { channel, message, answer }).map_err(full)?;
        answered.await.unwrap_or_else(|_| Err(Unpublished::Unavailable("the server is ending".to_owned())))
    }
}
