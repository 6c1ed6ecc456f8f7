//! Hears the process number that whoever answers a connect announces as its own (BackendKeyData, in the protocol's start-up).
//!
//! A server announces the number that pg_backend_pid() gives. A pooler invents one, since its clients have no process of
//! their own; a proxy that only forwards bytes leaves it as it is.

use std::sync::{Arc, OnceLock};

/// The number, once it was heard. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Announced(Arc<OnceLock<i32>>);

impl Announced {
    pub(super) fn pid(&self) -> Option<i32> {
        self.0.get().copied()
    }

    /// Begins to hear the messages of one connection.
    pub(super) fn ears(&self) -> Ears {
        Ears { announced: self.clone(), state: State::Head(Vec::new()) }
    }
}

/// Follows the messages of a server until the number has come.
#[derive(Debug)]
pub(super) struct Ears {
    announced: Announced,
    state: State,
}

#[derive(Debug)]
enum State {
    /// In a message's type and length, of which this was read.
    Head(Vec<u8>),
    /// In a message's body, of which that many bytes are left.
    Body(usize),
    /// In the body that has the number, of which this was read.
    Key(Vec<u8>),
    Done,
}

impl Ears {
    /// Hears what was read next.
    pub(super) fn hear(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Done => return,
                State::Body(left) => {
                    let skipped = bytes.len().min(*left);
                    bytes = &bytes[skipped..];
                    *left -= skipped;
                    if *left == 0 {
                        self.state = State::Head(Vec::new());
                    }
                }
                State::Head(head) => {
                    head.push(bytes[0]);
                    bytes = &bytes[1..];
                    if let [kind, length @ ..] = head.as_slice()
                        && let Ok(length) = length.try_into()
                    {
                        self.state = after_head(*kind, i32::from_be_bytes(length));
                    }
                }
                State::Key(key) => {
                    key.push(bytes[0]);
                    bytes = &bytes[1..];
                    if let Ok(pid) = key.as_slice().try_into() {
                        let _ = self.announced.0.set(i32::from_be_bytes(pid));
                        self.state = State::Done;
                    }
                }
            }
        }
    }
}

/// The length counts itself.
fn after_head(kind: u8, length: i32) -> State {
    match (kind, usize::try_from(length)) {
        (b'K', Ok(_)) => State::Key(Vec::new()),
        // The server is ready, or refuses: there will be no number any more. Nor is there one in what is not the protocol.
        (b'Z' | b'E', _) | (_, Err(_) | Ok(..4)) => State::Done,
        (_, Ok(4)) => State::Head(Vec::new()),
        (_, Ok(length)) => State::Body(length - 4),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START_UP: &[u8] =
        b"R\x00\x00\x00\x08\x00\x00\x00\x00S\x00\x00\x00\x08a\x00b\x00K\x00\x00\x00\x0c\x00\x00\x12\x67\xde\xad\xbe\xefZ\x00\x00\x00\x05I";

    fn heard<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Option<i32> {
        let announced = Announced::default();
        let mut ears = announced.ears();
        pieces.into_iter().for_each(|piece| ears.hear(piece));
        announced.pid()
    }

    #[test]
    fn the_number_is_heard_however_the_bytes_come() {
        assert_eq!(heard([START_UP]), Some(4711));
        assert_eq!(heard(START_UP.chunks(1)), Some(4711));
        assert_eq!(heard(START_UP.chunks(7)), Some(4711));
    }

    #[test]
    fn who_announces_none_is_not_waited_for() {
        assert_eq!(
            heard([b"R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05IK\x00\x00\x00\x0c\x00\x00\x12\x67".as_slice()]),
            None
        );
    }

    proptest! {
        #[test]
        fn anything_can_be_heard(bytes: Vec<u8>) {
            let _ = heard([bytes.as_slice()]);
        }
    }
}
