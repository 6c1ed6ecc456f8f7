//! What installed live triggers tell of every kind of change.

// How these tests hear and write.
pub mod feed;

// What an event says: the payload kinds.
mod payload;
// --columns, --exclude, --update-of, --skip-unchanged.
mod columns;
// --when.
mod condition;
// INSERT, UPDATE, DELETE, TRUNCATE and their relatives: MERGE, COPY, ON CONFLICT, cascades, savepoints.
mod statements;
// Changes of the key: where a row went.
mod keys;
// Events of a row come in the order of its changes, whatever other triggers do.
mod order;
// Partitions, inheritance, and what else is not an ordinary table.
mod tables;
// What the values of every type look like.
mod types;
// Names of every kind, as schema, table, column and channel.
mod names;
// Up to 7999 bytes, and beyond: what is cut, and that the write always succeeds.
mod sizes;
// Code of others that runs inside our triggers, and changes made behind our back.
mod hostile;
// A load of many writers.
mod pgbench;
