//! Kills consumers of a queue at every moment, and holds what was committed against what was delivered.

// What a seed decides.
mod random;
// Transactions that write, and what became of each.
mod producers;
// Processes that consume, each into a file.
pub mod consumers;
// What is done to the processes and to the server, and when.
mod nemesis;
// What must be true of everything that was written and delivered.
mod checker;
// That the checker sees what is wrong.
mod checker_tests;
// One run of all of these, and the runs of the suite.
pub mod runs;
// The same with what refuses events.
#[cfg(feature = "http")]
mod refusals;
// The same for a long time, with an eye on what grows.
mod soak;
// One death at each point of a delivery, and what exactly it repeats.
mod failpoints;
