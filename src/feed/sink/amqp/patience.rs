//! How long a broker is waited for.

use std::time::{Duration, Instant};

use super::link::Blocking;
use super::trouble::Trouble;
use crate::feed::sink::{ACKNOWLEDGE_AT_STOP, ACKNOWLEDGE_WITHIN};
use crate::stop::Stop;

/// How long a broker that blocks publishers is waited for, before the events go back to their queue.
const BLOCKED_WITHIN: Duration = Duration::from_secs(3);
/// How often it is looked whether to wait on.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Waits for work on a broker that may never answer: at most [`ACKNOWLEDGE_WITHIN`], and shorter once it has blocked us, or a stop
/// is asked for.
pub async fn within<T>(
    stop: &Stop,
    mut blocking: Option<&mut Blocking>,
    work: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    let mut work = std::pin::pin!(work);
    let mut until = Instant::now() + ACKNOWLEDGE_WITHIN;
    loop {
        if let Ok(done) = tokio::time::timeout(LOOK_EVERY, &mut work).await {
            return done;
        }
        let reason = blocking.as_mut().and_then(|blocking| blocking.reason());
        if reason.is_some() {
            until = until.min(Instant::now() + BLOCKED_WITHIN);
        }
        if stop.requested().is_some() {
            until = until.min(Instant::now() + ACKNOWLEDGE_AT_STOP);
        }
        if Instant::now() >= until {
            return Err(reason.map_or_else(|| Trouble::Passing("it does not answer".to_owned()), blocked));
        }
    }
}

/// What is told of a broker that blocks publishers.
pub fn blocked(reason: &str) -> Trouble {
    Trouble::Blocked(format!("it blocks publishers: {reason}"))
}
