//! Where events go.

pub mod exec;
mod stdout;

pub use exec::Exec;
pub use stdout::Stdout;
