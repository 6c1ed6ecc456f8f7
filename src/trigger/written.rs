//! The settings of a session that decide how values are written. A trigger fixes those that its columns depend on: what is told, and
//! by which number events of one row are kept in order, must not depend on who writes.

use super::published::Published;
use super::spec::Payload;
use super::table::Column;

/// A setting, and the value that it is fixed at: the exact one, or the one that every session has unless told otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    name: &'static str,
    /// As in SQL: without quotes it would be folded to lower case.
    value: &'static str,
}

/// Nothing in a function may depend on the writer's search_path. pg_temp is named, and last: else it would come first.
const SEARCH_PATH: Setting = Setting { name: "search_path", value: "pg_catalog, pg_temp" };

/// Those that only some columns depend on (`sql/columns.sql` says which), since each costs a little at every call. Spelled as the
/// catalogue has them.
const OF_COLUMNS: [Setting; 5] = [
    Setting { name: "extra_float_digits", value: "1" },
    Setting { name: "bytea_output", value: "hex" },
    Setting { name: "IntervalStyle", value: "postgres" },
    Setting { name: "DateStyle", value: "'ISO'" },
    Setting { name: "TimeZone", value: "'UTC'" },
];

impl Setting {
    /// All that a function needs which tells these columns.
    pub fn of_function(key: &[&Column], published: &Published, payload: Payload) -> Vec<Self> {
        std::iter::once(SEARCH_PATH).chain(Self::of_told(key, published, payload)).collect()
    }

    /// Those that the columns told depend on.
    pub fn of_told(key: &[&Column], published: &Published, payload: Payload) -> Vec<Self> {
        let rest: &[&Column] = match published {
            Published::Whole(columns) | Published::Listed(columns) if payload != Payload::Keys => columns,
            Published::Whole(_) | Published::Listed(_) => &[],
        };
        let is_told = |setting: &Self| key.iter().chain(rest).any(|column| column.is_written_by(setting.name));
        OF_COLUMNS.into_iter().filter(is_told).collect()
    }

    /// As it stands in CREATE FUNCTION.
    pub fn set(self) -> String {
        format!("SET {} = {}", self.name, self.value)
    }

    /// As a statement for one transaction.
    pub fn set_local(self) -> String {
        format!("SET LOCAL {} = {};", self.name, self.value)
    }

    /// As it stands in `pg_proc.proconfig`.
    pub fn in_catalogue(self) -> String {
        format!("{}={}", self.name, self.value.trim_matches('\''))
    }
}
