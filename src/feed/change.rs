//! A change of a row, as pgfeed's triggers tell it in a payload: read as far as sinks need it, numbers untouched.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a change can be: TG_OP, and what a backfill writes.
const OPS: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "SNAPSHOT"];
/// Longer is no name, in bytes.
const LONGEST_NAME: usize = 255;

/// What a payload tells of a change. Its rows are left as they are written.
#[derive(Debug, Deserialize)]
pub struct Change<'a> {
    /// TG_OP, or SNAPSHOT.
    #[serde(borrow)]
    pub op: Cow<'a, str>,
    /// The table's schema.
    #[serde(borrow)]
    pub schema: Cow<'a, str>,
    /// The table.
    #[serde(borrow)]
    pub table: Cow<'a, str>,
    /// The primary key, as an object; none without one.
    #[serde(borrow, default)]
    pub key: Option<&'a RawValue>,
    /// The new row, as an object.
    #[serde(borrow, default)]
    pub new: Option<&'a RawValue>,
    /// The old row, as an object.
    #[serde(borrow, default)]
    pub old: Option<&'a RawValue>,
    /// Of a DELETE: the key that the row has now, as an object.
    #[serde(borrow, default)]
    pub moved_to: Option<&'a RawValue>,
    #[serde(borrow, default)]
    txid: Option<&'a RawValue>,
}

impl<'a> Change<'a> {
    /// Reads a payload. Anybody may send what only looks like a change, so its names must be possible ones.
    pub fn of(payload: &'a str) -> Option<Self> {
        // To serde an array would do as well.
        let is_object = payload.trim_ascii_start().starts_with('{');
        let change: Self = is_object.then(|| serde_json::from_str(payload).ok())??;
        let is_name = |name: &str| (1..=LONGEST_NAME).contains(&name.len()) && !name.contains('\0');
        (OPS.contains(&&*change.op) && is_name(&change.schema) && is_name(&change.table)).then_some(change)
    }
}

impl Change<'_> {
    /// The number of the transaction that has made it.
    pub fn transaction(&self) -> Option<u64> {
        self.txid?.get().trim_matches('"').parse().ok()
    }
}

/// The columns of a row or a key, which `what` names, with their values as written.
///
/// # Errors
/// That the change does not tell it.
pub fn columns<'a>(row: Option<&'a RawValue>, what: &str) -> Result<BTreeMap<Cow<'a, str>, &'a RawValue>, String> {
    let row = row.ok_or_else(|| format!("the change tells no \"{what}\""))?;
    serde_json::from_str(row.get()).map_err(|_| format!("\"{what}\" is not an object"))
}
