//! Whoever hears what happens to the connection, and the thread on which it hears it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::Overflow;
use crate::error::Error;
use crate::feed::event::Control;

/// How long the end of the feed waits until everything is told.
const PATIENCE: Duration = Duration::from_millis(500);

/// Whoever wants to know at once what happens to the connection, even while the sink is stuck.
pub trait Observer: Send {
    /// There is a connection; this says to what.
    fn connected(&mut self, _to: &str) {}
    /// A control record was made; the sink will see it too, in its turn.
    fn control(&mut self, control: &Control);
    /// A connect failed and will be tried again. Told once for each different error.
    fn retrying(&mut self, error: &Error);
    /// The sink is too slow and the buffer is full, and this is what happens now.
    fn full(&mut self, then: Overflow);
}

/// Tells observers, each from a thread of its own: one may write to a stderr that nobody reads, and neither the reader thread nor the
/// pump nor another observer may wait for that. Clones tell the same observers.
#[derive(Clone)]
pub(super) struct Teller(Vec<Sender<News>>);

type News = Arc<dyn Fn(&mut dyn Observer) + Send + Sync>;

impl Teller {
    pub(super) fn new(observers: Vec<Box<dyn Observer>>) -> Self {
        let thread = |mut observer: Box<dyn Observer>| {
            let (sender, news): (_, Receiver<News>) = channel();
            std::thread::spawn(move || news.iter().for_each(|tell| tell(observer.as_mut())));
            sender
        };
        Self(observers.into_iter().map(thread).collect())
    }

    pub(super) fn tell(&self, news: impl Fn(&mut dyn Observer) + Send + Sync + 'static) {
        let news: News = Arc::new(news);
        for observer in &self.0 {
            let _ = observer.send(Arc::clone(&news));
        }
    }

    /// Waits until what was told so far was heard, but not for ever.
    pub(super) fn wait(&self) {
        let (heard, wait) = channel::<()>();
        // Gone when the last of them has let go of it.
        self.tell(move |_| drop(heard.clone()));
        let _ = wait.recv_timeout(PATIENCE);
    }
}
