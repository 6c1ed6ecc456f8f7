//! What an installation was asked besides where to tell what: in the words of install-trigger's flags, each only where it was given.

use serde::Serialize;

use crate::sql;
use crate::trigger::{Columns, Destination, Doorbell, Spec};

/// The flags, and what was given with them.
#[derive(Debug, Default, Serialize)]
pub struct Options {
    /// Only these columns are in the payload.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// These columns are not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Only updates that change one of these columns, or the key, are told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub update_of: Vec<String>,
    /// Updates that change nothing that is told are not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub skip_unchanged: bool,
    /// The condition, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// It fires for replicated changes too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enable_always: bool,
    /// `always` or `never`: how consumers of the queue are woken, where that is not adaptive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doorbell: Option<Doorbell>,
}

impl Options {
    /// Those of a specification.
    pub fn of(spec: Spec) -> Self {
        let Spec { to, columns, update_of, skip_unchanged, when, enable_always, .. } = spec;
        let (columns, exclude) = match columns {
            Columns::All => (Vec::new(), Vec::new()),
            Columns::Only(names) => (names, Vec::new()),
            Columns::Except(names) => (Vec::new(), names),
        };
        let doorbell = match to {
            Destination::Queue { doorbell, .. } => Some(doorbell).filter(|doorbell| *doorbell != Doorbell::Adaptive),
            Destination::Channel(_) => None,
        };
        Self { columns, exclude, update_of, skip_unchanged, when, enable_always, doorbell }
    }

    /// As they would be typed; empty where there are none.
    pub fn flags(&self) -> String {
        let mut flags = Vec::new();
        let lists = [("--columns", &self.columns), ("--exclude", &self.exclude), ("--update-of", &self.update_of)];
        flags.extend(lists.iter().filter(|(_, names)| !names.is_empty()).map(|(flag, names)| list(flag, names)));
        if self.skip_unchanged {
            flags.push("--skip-unchanged".to_owned());
        }
        if let Some(condition) = &self.when {
            flags.push(format!("--when {condition:?}"));
        }
        if self.enable_always {
            flags.push("--enable-always".to_owned());
        }
        if let Some(doorbell) = self.doorbell {
            flags.push(format!("--doorbell {}", doorbell.word()));
        }
        flags.join(" ")
    }
}

fn list(flag: &str, names: &[String]) -> String {
    let is_odd = |c: char| c.is_whitespace() || c == ',' || c == '"';
    let name = |name: &String| if name.contains(is_odd) { sql::ident(name) } else { name.clone() };
    format!("{flag} {}", names.iter().map(name).collect::<Vec<_>>().join(","))
}
