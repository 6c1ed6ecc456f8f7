//! Whoever hears what happens to the connection, and the thread on which it hears it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::Overflow;
use crate::error::Error;
use crate::feed::event::Control;

/// How long the end of the feed waits until everything is told.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whoever wants to know at once what happens to the connection, even while the sink is stuck.
pub trait Observer: Send {
    /// A control record was made; the sink will see it too, in its turn.
    fn control(&mut self, control: &Control);
    /// A connect failed and will be tried again. Told once for each different error.
    fn retrying(&mut self, error: &Error);
    /// The sink is too slow and the buffer is full, and this is what happens now.
    fn full(&mut self, then: Overflow);
}

/// Tells an observer from a thread of its own: an observer may write to a stderr that nobody reads, and neither the reader
/// thread nor the pump may wait for that. Clones tell the same observer.
#[derive(Clone)]
pub(super) struct Teller(Sender<News>);

type News = Box<dyn FnOnce(&mut dyn Observer) + Send>;

impl Teller {
    pub(super) fn new(mut observer: Box<dyn Observer>) -> Self {
        let (sender, news): (_, Receiver<News>) = channel();
        std::thread::spawn(move || news.iter().for_each(|tell| tell(observer.as_mut())));
        Self(sender)
    }

    pub(super) fn tell(&self, news: impl FnOnce(&mut dyn Observer) + Send + 'static) {
        let _ = self.0.send(Box::new(news));
    }

    /// Waits until what was told so far was heard, but not for ever.
    pub(super) fn wait(&self) {
        let (heard, wait) = channel::<()>();
        self.tell(move |_| drop(heard));
        let _ = wait.recv_timeout(PATIENCE);
    }
}
