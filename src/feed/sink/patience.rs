//! How long to wait for an engine: for so long in all, and for less once a stop is asked for.

use std::time::{Duration, Instant};

use super::target::Target;
use super::{ACKNOWLEDGE_AT_STOP, ACKNOWLEDGE_WITHIN};
use crate::error::Result;
use crate::stop::Stop;
use crate::units::{self, show_duration};

/// The parameter that shortens the wait, for `--to help`.
pub const PARAMETER: (&str, &str) =
    ("timeout", "longest wait for a connection or an acknowledgement, at most 30s [30s]");

/// A wait that goes on must look this often whether it is over.
pub const LOOK: Duration = Duration::from_millis(50);

/// Takes the parameter out.
///
/// # Errors
/// A usage error when it is no duration, zero, or longer than the feed waits at all.
pub fn take(target: &mut Target) -> Result<Duration> {
    Ok(target.take_as("timeout", read)?.unwrap_or(ACKNOWLEDGE_WITHIN))
}

/// Reads the parameter's value.
///
/// # Errors
/// That it is none.
pub fn read(value: &str) -> Result<Duration, String> {
    match units::duration(value)? {
        timeout if timeout.is_zero() || timeout > ACKNOWLEDGE_WITHIN => {
            Err(format!("it is more than 0 and at most {}", show_duration(ACKNOWLEDGE_WITHIN)))
        }
        timeout => Ok(timeout),
    }
}

/// One wait, which may have many steps.
#[derive(Clone)]
pub struct Patience {
    stop: Stop,
    until: Instant,
    /// What was granted, for messages.
    within: Duration,
    is_stopping: bool,
}

impl Patience {
    /// Begins now.
    pub fn new(stop: &Stop, within: Duration) -> Self {
        Self { stop: stop.clone(), until: Instant::now() + within, within, is_stopping: false }
    }

    /// How long the next step may wait before it asks again; none when it is over.
    pub fn step(&mut self) -> Option<Duration> {
        let now = Instant::now();
        if !self.is_stopping && self.stop.requested().is_some() {
            self.is_stopping = true;
            self.until = self.until.min(now + ACKNOWLEDGE_AT_STOP);
        }
        let left = self.until.saturating_duration_since(now);
        (!left.is_zero()).then(|| left.min(LOOK))
    }

    /// One that is over after this time, if not before.
    #[cfg(feature = "redis")]
    pub fn at_most(&self, within: Duration) -> Self {
        let until = Instant::now() + within;
        if until < self.until { Self { until, within, ..self.clone() } } else { self.clone() }
    }

    /// What to say when it is over.
    pub fn over(&self) -> String {
        if self.is_stopping {
            return "it has not answered before the stop".to_owned();
        }
        format!("it has not answered within {}", show_duration(self.within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::StopReason;

    #[test]
    fn a_stop_shortens_it() {
        let stop = Stop::default();
        let mut patience = Patience::new(&stop, Duration::from_secs(3600));
        assert_eq!(patience.step(), Some(LOOK));
        assert!(patience.until > Instant::now() + ACKNOWLEDGE_AT_STOP);
        stop.request(StopReason::Signal);
        assert_eq!(patience.step(), Some(LOOK));
        assert!(patience.until <= Instant::now() + ACKNOWLEDGE_AT_STOP);
        let mut over = Patience::new(&Stop::default(), Duration::ZERO);
        assert_eq!(over.step(), None);
    }

    #[test]
    fn it_cannot_be_longer_than_the_feed_waits() {
        let taken = |url: &str| take(&mut Target::parse(url).unwrap());
        assert_eq!(taken("x:y").unwrap(), ACKNOWLEDGE_WITHIN);
        assert_eq!(taken("x:y?timeout=250ms").unwrap(), Duration::from_millis(250));
        for wrong in ["0", "31s", "x"] {
            assert!(taken(&format!("x:y?timeout={wrong}")).is_err(), "{wrong}");
        }
    }
}
