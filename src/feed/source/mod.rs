//! Where events come from.

pub mod listen;
pub mod peek;
pub mod queue;
pub mod records;
