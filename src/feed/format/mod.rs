//! The forms of events on stdout. Formats append to a buffer and know nothing of terminals or files.

mod json;
mod pretty;

pub use json::{Json, append_control, append_payload};
pub use pretty::Pretty;

use super::event::Item;

/// Turns items into bytes.
pub trait Format {
    /// Appends what this form makes of an item, without the end of line; returns whether that is anything at all.
    fn append(&mut self, out: &mut Vec<u8>, item: &Item) -> bool;
}

/// The payload alone, byte for byte.
#[derive(Debug, Clone, Copy)]
pub struct Raw;

impl Format for Raw {
    fn append(&mut self, out: &mut Vec<u8>, item: &Item) -> bool {
        let Item::Event(event) = item else { return false };
        out.extend_from_slice(event.payload.as_bytes());
        true
    }
}
