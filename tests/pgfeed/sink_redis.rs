//! Delivering to Redis: a real server, streams and channels.

// Who may, and over what: credentials, databases, certificates, and that no secret is shown.
mod access;
// Kills at any moment.
#[cfg(debug_assertions)]
mod crashes;
// What arrives, and where.
mod delivered;
// Servers that are down, killed, frozen, full, loading, or read-only.
mod outage;
