//! Delivering to Redis: a real server, streams and channels.

// What arrives, and where.
mod delivered;
