//! The registry of scenarios: one file and one line each.

mod commit;
mod fanout;
mod notify;
mod queue;
#[cfg(feature = "serve")]
mod serve;
mod sync;
mod trigger;

use super::Scenario;

/// All of them, in the order in which `all` runs them.
pub const SCENARIOS: &[Scenario] = &[
    notify::SCENARIO,
    fanout::SCENARIO,
    #[cfg(feature = "serve")]
    serve::SCENARIO,
    trigger::SCENARIO,
    commit::SCENARIO,
    queue::SCENARIO,
    sync::SCENARIO,
];
