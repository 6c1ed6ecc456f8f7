//! Drives the real binary against a real, private server. One module per command; `harness` is what they share.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test that fails should say so, on stderr")]

// What the modules below are written with: servers, databases, runs of the binary, a proxy that breaks connections.
#[allow(dead_code, unused_imports, reason = "which of it is used depends on the features")]
mod harness;
// That the harness itself does what the other modules rely on.
mod selftest;

// The throwaway server as a library: starting, templates, TCP, keeping, and that nothing survives us.
mod cluster;

// Each command gets a module here, in the order of its help. What belongs in it is what a user can observe: exact
// stdout and stderr, exit codes, and what is in the database afterwards.

// Installing: plans, checks, migrations, refusals, concurrency, privileges.
mod install_trigger;
// What installed triggers tell of every kind of change, and that no write ever fails for it.
mod live_trigger;
// What durable triggers store, whom they wake, and that writers stay safe; backfills.
mod durable_trigger;
// Listening: output, limits, signals, slow readers.
mod listen;
// Listening while things break: lost, stalled and silent servers.
mod listen_faults;
// Delivering to a command: what it gets, what its end means, and what happens when it misbehaves.
mod exec;
mod notify;
// Delivering to engines.
#[cfg(feature = "nats")]
mod sink_nats;
#[cfg(feature = "redis")]
mod sink_redis;
// Looking at queues and delivering from them: order, slots, failures, faults, rights.
mod tail_queue;
// Delivering to brokers.
#[cfg(feature = "amqp")]
mod amqp;
// Appending to a file.
mod sink_file;
// Posting to an HTTP endpoint: what is sent, what its answers mean, and when it is away.
#[cfg(feature = "http")]
mod sink_http;
// Keeping a table in step.
mod sink_table;
// Where the connection goes: conninfo, environment, files, TLS, deadlines; and that no secret is shown.
mod connection;
// What stands between us and the server: PgBouncer in each of its modes.
mod pooler;
// A primary that dies, and a standby that takes its place.
mod failover;
// A link that one side takes for open.
mod half_open;
// A notification queue that is full.
mod notification_queue;
// That a queue loses nothing and keeps its order, whatever kills its consumers, and at whatever moment.
// (The points at which they can be told to die are in debug builds only.)
#[cfg(debug_assertions)]
mod crash;
// Measuring: every scenario on small numbers, reports, faults that must show, and that nothing is left.
mod bench;
// Serving: WebSockets, event streams, the page, and clients that mean no good.
mod demo;
#[cfg(feature = "serve")]
mod serve;
// What is installed, how full the queues are, and what is in the way.
mod status;
// Everything that can be wrong is made so, and must be found.
mod doctor;
// The doorbell of durable queues: nobody sleeps past an event.
mod doorbell;
// Help, completions, manual pages, and the rules of the whole command line.
mod command_line;
// `make demo`, and what installs what it needs.
mod make;
// What the README tells people to type.
mod readme;
// The files of sql/ run under psql as they stand.
mod sql_files;
// A password that is easy to find, through every command.
mod canary;
// The map of faults and tests.
mod faults;
