//! The end of the server, asked for once and seen by every task.

use tokio::sync::watch;

/// Tells when the server is to end.
#[derive(Clone)]
pub struct Closing(watch::Receiver<bool>);

impl Closing {
    /// A switch, and what sees it.
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (switch, seen) = watch::channel(false);
        (switch, Self(seen))
    }

    /// Waits for the end.
    pub async fn wait(&mut self) {
        // Without its switch the server has ended too.
        let _ = self.0.wait_for(|closing| *closing).await;
    }
}
