//! Waiting for work on a broker that may never answer.

use std::time::{Duration, Instant};

use super::link::Blocking;
use super::trouble::Trouble;
use crate::feed::sink::patience::Patience;

/// How long a broker that blocks publishers is waited for, before the events go back to their queue.
const BLOCKED_WITHIN: Duration = Duration::from_secs(3);

/// Waits for work for as long as there is patience, and shorter once the broker has blocked us.
pub async fn wait<T>(
    mut patience: Patience,
    mut blocking: Option<&mut Blocking>,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let mut work = std::pin::pin!(work);
    let mut blocked_at = None;
    while let Some(step) = patience.step() {
        if let Ok(done) = tokio::time::timeout(step, &mut work).await {
            return done;
        }
        let Some(reason) = blocking.as_mut().and_then(|blocking| blocking.reason()) else { continue };
        if blocked_at.get_or_insert_with(Instant::now).elapsed() >= BLOCKED_WITHIN {
            return Err(blocked(reason));
        }
    }
    match blocking.and_then(Blocking::reason) {
        Some(reason) => Err(blocked(reason)),
        None => Err(Trouble::Passing(patience.over())),
    }
}

/// What is told of a broker that blocks publishers.
pub fn blocked(reason: &str) -> Trouble {
    Trouble::Blocked(format!("it blocks publishers: {reason}"))
}
