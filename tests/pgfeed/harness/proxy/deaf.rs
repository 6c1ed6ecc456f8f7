//! Takes notifications out of what a server says, as something in between might that does not know of them.

use std::sync::Mutex;

/// What has come of a message that is not complete yet. It must see a connection from its beginning, and without TLS.
#[derive(Debug, Default)]
pub struct Deaf(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    begun: bool,
    rest: Vec<u8>,
}

impl Deaf {
    /// What is left of these bytes and those before.
    pub fn without_notifications(&self, bytes: &[u8]) -> Vec<u8> {
        let mut state = self.0.lock().unwrap();
        state.rest.extend_from_slice(bytes);
        let mut left = Vec::new();
        if !state.begun && state.rest.first() == Some(&b'N') {
            // The refusal of TLS is a single byte.
            left.push(state.rest.remove(0));
        }
        state.begun |= !state.rest.is_empty();
        while let Some(length) = message_length(&state.rest) {
            let message: Vec<u8> = state.rest.drain(..length).collect();
            if message[0] != b'A' {
                left.extend(message);
            }
        }
        left
    }
}

/// The length of the first message, its type included, when all of it is there.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(bytes.get(1..5)?.try_into().unwrap()) as usize + 1;
    (bytes.len() >= length).then_some(length)
}
