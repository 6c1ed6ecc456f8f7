//! The exit codes of the program, decided in one place.

/// How a run ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done: count reached, end of queue, time over without a count, or our reader went away.
    Done,
    /// Failed while running: an SQL error, a sink that failed, a payload that is too long.
    Failed,
    /// A usage error, an invalid name or value.
    Usage,
    /// Could not connect, or the connection was lost and is not to be retried.
    Connection,
    /// A check was not satisfied.
    Check,
    /// The time ran out before `--count` events.
    TimedOut,
    /// Stopped by a signal.
    Signal,
    /// What the command that was run ended with.
    Command(u8),
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Connection => 3,
            Self::Check => 4,
            Self::TimedOut => 124,
            Self::Signal => 130,
            Self::Command(code) => code,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
