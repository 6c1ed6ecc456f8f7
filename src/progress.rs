//! Progress of long work: a moving line on a terminal, a line at intervals elsewhere, nothing when quiet.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::term::{Term, Verbosity};

/// How often a line is written where nothing can be redrawn, unless told otherwise.
const INTERVAL: Duration = Duration::from_secs(10);

/// Shows how far some work has come.
pub struct Progress {
    term: Term,
    bar: ProgressBar,
    what: String,
    interval: Duration,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    /// Starts; `what` is what the number counts, as in "sent".
    pub fn new(term: Term, what: impl Into<String>) -> Self {
        let what = what.into();
        let draws = term.stderr_is_terminal && term.says(Verbosity::Normal);
        let target = if draws { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        let style = ProgressStyle::with_template("{spinner} {pos} {msg}, {per_sec}").expect("a template of our own");
        let bar = ProgressBar::with_draw_target(None, target).with_style(style).with_message(what.clone());
        let now = Instant::now();
        Self { term, bar, what, interval: INTERVAL, started: now, last_line: now }
    }

    /// Writes a line this often where nothing can be redrawn.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Shows a new position.
    pub fn at(&mut self, position: u64) {
        self.bar.set_position(position);
        if self.bar.is_hidden() && self.last_line.elapsed() >= self.interval {
            self.last_line = Instant::now();
            let rate = position as f64 / self.started.elapsed().as_secs_f64();
            self.term.note(format!("{position} {}, {rate:.0}/s", self.what));
        }
    }

    /// Takes the line away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}
