//! Delivering to NATS: a real server, with and without JetStream.

// Who may, and over what: credentials, certificates, and that no secret is shown.
mod access;
// Kills at any moment.
#[cfg(debug_assertions)]
mod crashes;
// What arrives, and under which subject.
mod delivered;
// One destination that takes nothing, among others that do.
mod neighbours;
// Servers that are down, killed, frozen, full, or without the stream.
mod outage;
