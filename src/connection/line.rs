//! A socket that another thread can cut: whoever waits on it, in a query or in the drop of its client, fails at once.
//!
//! The driver waits for ever on a server that accepts and says nothing, in start-up, in queries and when a client is dropped
//! (rust-postgres#725, #755). Only connections over TCP pass through here: the driver lets nothing stand between it and a
//! local socket.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use postgres::Socket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The handle that cuts. Clones cut the same socket.
#[derive(Debug, Clone, Default)]
pub(super) struct Line(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    waiting: Option<Waker>,
}

/// How far a line has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    #[default]
    Unconnected,
    Connected,
    /// The server has agreed to TLS.
    Encrypted,
    Cut,
}

impl Line {
    /// Fails whatever waits on the socket, now and later.
    pub(super) fn cut(&self) {
        self.reach(Stage::Cut);
        if let Some(waker) = self.state().waiting.take() {
            waker.wake();
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.state().stage
    }

    /// Puts the line over a connected socket.
    pub(super) fn over(&self, socket: Socket) -> Wire {
        self.reach(Stage::Connected);
        Wire { socket, line: self.clone() }
    }

    /// Goes on to a later stage: a line that was cut before stays cut.
    fn reach(&self, stage: Stage) {
        let mut state = self.state();
        state.stage = state.stage.max(stage);
    }

    /// Remembers who waits, unless the line is cut.
    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        let mut state = self.state();
        if state.stage == Stage::Cut {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "given up waiting for the server"));
        }
        if !state.waiting.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.waiting = Some(context.waker().clone());
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket on a [`Line`].
pub(super) struct Wire {
    socket: Socket,
    line: Line,
}

impl Wire {
    /// Notes that TLS is spoken from here on.
    pub(super) fn encrypted(self) -> Self {
        self.line.reach(Stage::Encrypted);
        self
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.line.check(cx)?;
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.line.check(cx)?;
        Pin::new(&mut self.socket).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.check(cx)?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.line.check(cx)?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
