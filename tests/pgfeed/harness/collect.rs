//! Collects what a process prints, on a thread, so that the process never waits for us, and we can wait for it.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

/// What one stream of a process has printed so far.
#[derive(Debug, Clone, Default)]
pub struct Collected(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    /// Up to where waits have looked already.
    seen: usize,
    ended: bool,
}

/// When to stop reading a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At its end.
    End,
    /// After that many lines; the process then finds its reader gone, as with `head`.
    Lines(usize),
}

impl Collected {
    /// Reads a stream in the background.
    pub fn read(&self, mut stream: impl Read + Send + 'static, until: Until) {
        let collected = self.clone();
        thread::spawn(move || {
            let mut chunk = [0; 64 * 1024];
            while !collected.has_enough(until) {
                match stream.read(&mut chunk) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => collected.change(|state| state.bytes.extend_from_slice(&chunk[..length])),
                }
            }
            drop(stream);
            collected.change(|state| state.ended = true);
        });
    }

    /// Says that there is nothing to be read.
    pub fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// Everything so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.0.lock().unwrap().bytes.clone()
    }

    /// Everything so far, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    /// Waits until what comes after the part already seen satisfies `find`, which tells what it found and how many bytes
    /// are thereby seen. Nothing when the stream ends, or the time is over, before.
    pub fn wait<T>(&self, deadline: Instant, mut find: impl FnMut(&[u8]) -> Option<(T, usize)>) -> Option<T> {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        loop {
            if let Some((found, length)) = find(&state.bytes[state.seen..]) {
                state.seen += length;
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            if state.ended {
                return None;
            }
            state = changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits for the end of the stream.
    pub fn wait_end(&self, deadline: Instant) {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        while let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|_| !state.ended) {
            state = changed.wait_timeout(state, left).unwrap().0;
        }
    }

    fn has_enough(&self, until: Until) -> bool {
        let lines = || self.0.0.lock().unwrap().bytes.iter().filter(|&&byte| byte == b'\n').count();
        matches!(until, Until::Lines(enough) if lines() >= enough)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }
}
