//! SIGINT, SIGTERM and SIGHUP: the first asks everybody to stop, the second ends the process at once.

use std::time::Duration;

use crate::exit::Exit;
use crate::stop::{Stop, StopReason};
use crate::sys;

/// How long after the first signal a process may take that has nothing but its own writes in hand.
pub const GRACE: Duration = Duration::from_secs(1);

/// Lets signals raise `stop`; a process that has not ended `grace` later is ended, whatever it is stuck in (a full pipe, a
/// server that does not answer): the server rolls an open transaction back by itself.
pub fn watch(stop: &Stop, grace: Duration) {
    let nohup = sys::hangup_is_ignored();
    let stop = stop.clone();
    let handler = move || {
        if !stop.request(StopReason::Signal) {
            std::process::exit(i32::from(Exit::Signal.code()));
        }
        std::thread::spawn(move || {
            std::thread::sleep(grace);
            std::process::exit(i32::from(Exit::Signal.code()));
        });
    };
    // Fails only when a handler is set already: a second run in one process keeps the first one's.
    let _ = ctrlc::set_handler(handler);
    if nohup {
        sys::ignore_hangup();
    }
}
