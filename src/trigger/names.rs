//! The names of functions and triggers: one stem for each installation, that is, for each table and destination.

use super::installed::Installed;
use super::spec::Destination;
use super::table::Table;
use crate::digest::digest;
use crate::sql::DEFAULT_SCHEMA;

/// What keeps a function or trigger name short enough for what is put around it, in bytes.
const NAME_PART_BYTES: usize = 29;

/// The name of the function of an installation, and the stem of its triggers' names. What is installed keeps its name; a table's
/// triggers that feed queues of one name in several schemas need different ones.
pub fn base_name(table: &Table, to: &Destination, schema: &str, installed: &[Installed]) -> String {
    let plain = stem(table, to, None);
    if matches!(to, Destination::Channel(_)) {
        return plain;
    }
    let with_schema = stem(table, to, Some(schema));
    let has = |name: &str, is_here: bool| {
        installed.iter().any(|one| one.is_on(table.oid) && one.function == name && (one.schema == schema) == is_here)
    };
    // Until it was part of them, the names of all schemas were plain.
    let is_plain = has(&plain, true) || (schema == DEFAULT_SCHEMA && !has(&plain, false));
    if is_plain && !has(&with_schema, true) { plain } else { with_schema }
}

fn stem(table: &Table, to: &Destination, schema_of_queue: Option<&str>) -> String {
    let Table { schema, name, .. } = table;
    let mut identity = format!("{schema}\0{name}\0{}\0{}", to.kind(), to.name());
    if let Some(schema) = schema_of_queue {
        identity.push_str(&format!("\0{schema}"));
    }
    let kind = match to {
        Destination::Channel(_) => "live",
        Destination::Queue { .. } => "queue",
    };
    format!("{}_{kind}_{:08x}", prefix_of(name, NAME_PART_BYTES), digest(&identity) as u32)
}

/// Every name that a trigger of this installation may have.
pub fn trigger_names(base: &str) -> impl Iterator<Item = String> {
    ["insert", "update", "key", "delete", "truncate"].into_iter().map(move |part| trigger_name(base, part))
}

/// Triggers fire in the order of their names, and `!` sorts before whatever people call theirs: an event must be told before
/// another trigger changes the row again.
pub fn trigger_name(base: &str, part: &str) -> String {
    format!("!pgfeed_{base}_{part}")
}

/// Cuts between characters.
fn prefix_of(name: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    &name[..end.expect("0 is a boundary")]
}
