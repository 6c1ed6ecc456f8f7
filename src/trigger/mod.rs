//! Triggers that feed a table's changes: what was asked (a [`Spec`]) and a table make a [`Plan`], which is rendered to SQL,
//! compared with the catalogue, and applied.

mod apply;
mod backfill;
mod body;
#[cfg(feature = "serve")]
mod column;
mod condition;
mod expression;
mod filter;
mod installed;
mod key;
mod keyset;
mod locks;
mod migration;
mod names;
mod obstacle;
mod plan;
mod published;
mod spec;
mod survey;
mod table;
mod twice;
mod understood;
mod uninstall;
mod waits;
mod written;

pub use crate::sql::TableName;
pub use apply::{Action, Installation, Mode, Settings, install, make_queue};
pub use backfill::{Backfilled, backfill, refuse_backfill};
#[cfg(feature = "serve")]
pub use column::ColumnName;
pub use migration::up;
pub use spec::{Columns, Destination, Doorbell, Event, Payload, Spec};
pub use survey::{State, Surveyed, survey};
pub use table::Table;
pub use uninstall::{Events, Removal, Scope, down, uninstall};
