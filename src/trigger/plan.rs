//! The plan of an installation: one function and its triggers, decided from what was asked and what the table is.

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::filter::Filter;
use super::installed::Installed;
use super::key::KeyColumn;
use super::names::{base_name, trigger_name};
use super::published::Published;
use super::spec::{Destination, Event, Payload, Spec};
use super::table::{Kind, Table};
use super::written::Setting;
use crate::error::{Error, Result};
use crate::queue::{self, Queue};
use crate::sql;

/// Every comment that marks a function as pgfeed's starts so; JSON follows.
const MARKER: &str = "pgfeed ";

/// What an installation consists of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The table, for people.
    pub table: String,
    /// The table, quoted for SQL.
    pub quoted_table: String,
    /// Its oid.
    pub table_oid: u32,
    /// What was asked.
    pub spec: Spec,
    /// The primary key of the table.
    pub key: Vec<KeyColumn>,
    /// The user's condition, as the server has understood it.
    pub condition: Option<String>,
    /// The schema of the function.
    pub schema: String,
    /// The name of the function.
    pub function: String,
    /// The settings that it runs with.
    pub settings: Vec<Setting>,
    /// The role with whose rights it runs; none is the writer's.
    pub definer: Option<String>,
    /// The body of the function.
    pub body: String,
    /// The triggers that call it.
    pub triggers: Vec<Trigger>,
}

/// One trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name, unique for the table.
    pub name: String,
    /// When it fires.
    pub event: Event,
    /// For each row or for each statement.
    pub level: Level,
    /// A condition of our own making, which cannot fail.
    pub when: Option<Filter>,
    /// Whether it fires for replicated changes too.
    pub always: bool,
}

/// For each row or for each statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// FOR EACH ROW.
    Row,
    /// FOR EACH STATEMENT.
    Statement,
}

/// What the comment on the function says: what was asked, and of which table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// What was asked.
    pub spec: Spec,
    /// The primary key of the table then; none where that was not written down yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Vec<KeyColumn>>,
}

impl Marker {
    /// Reads a comment; none when it is not ours, or from a version that is not understood.
    pub fn read(comment: &str) -> Option<Self> {
        serde_json::from_str(comment.strip_prefix(MARKER)?).ok()
    }

    fn comment(&self) -> String {
        format!("{MARKER}{}", serde_json::to_string(self).expect("plain data is always JSON"))
    }
}

impl Plan {
    /// Decides. `condition` is the user's `--when` as the server has understood it; what is `installed` keeps its name.
    ///
    /// # Errors
    /// A usage error when the table lacks a column that was named, or a key that is needed.
    pub fn new(
        table: &Table,
        spec: Spec,
        schema: &str,
        condition: Option<&str>,
        installed: &[Installed],
    ) -> Result<Self> {
        let key = table.key();
        if spec.payload == Payload::Keys && key.is_empty() {
            return Err(Error::usage(format!("{} has no primary key, so there are no keys to tell", table.display()))
                .hint("add a primary key, or choose --payload row"));
        }
        let published = Published::of(table, &spec.columns)?;
        let level = level(table, &spec);
        let update_filter = Filter::of_updates(table, &spec, &published)?;
        let base = base_name(table, &spec.to, schema, installed);
        let mut triggers = Vec::new();
        for &event in &spec.events {
            let level = if event == Event::Truncate { Level::Statement } else { level };
            let when = if event == Event::Update { update_filter.clone() } else { None };
            triggers.push(Trigger {
                name: trigger_name(&base, event.word()),
                event,
                level,
                when,
                always: spec.enable_always,
            });
            if event == Event::Update && level == Level::Statement && !key.is_empty() {
                triggers.push(Trigger {
                    name: trigger_name(&base, "key"),
                    event,
                    level: Level::Row,
                    when: Some(Filter::of_key_changes(&key)),
                    always: spec.enable_always,
                });
            }
        }
        let body = Body { table, spec: &spec, schema, key: &key, published: &published, condition }.at(level);
        let settings = Setting::of_function(&key, &published, spec.payload);
        // Not the installer, who may be a superuser: row_to_json calls casts that the owner of a type can define.
        let definer = matches!(spec.to, Destination::Queue { .. }).then(|| table.owner.clone());
        Ok(Self {
            table: table.display(),
            quoted_table: table.quoted(),
            table_oid: table.oid,
            key: key.into_iter().map(KeyColumn::of).collect(),
            condition: condition.map(str::to_owned),
            schema: schema.to_owned(),
            function: base,
            settings,
            definer,
            body,
            triggers,
            spec,
        })
    }

    /// The comment on the function.
    pub fn marker(&self) -> String {
        Marker { spec: self.spec.clone(), key: Some(self.key.clone()) }.comment()
    }

    /// Whether a comment says the same; what was installed before the key was a part of it is as good.
    pub fn is_marked_by(&self, comment: &str) -> bool {
        comment == self.marker() || comment == (Marker { spec: self.spec.clone(), key: None }).comment()
    }

    /// SQL that creates the function, or replaces it.
    pub fn create_function(&self) -> Vec<String> {
        let function = sql::qualified(&self.schema, &self.function);
        let mut statements = vec![
            format!(
                "CREATE OR REPLACE FUNCTION {function}() RETURNS pg_catalog.trigger LANGUAGE plpgsql {} AS {}",
                self.function_options(),
                sql::dollar(&self.body)
            ),
            format!("REVOKE ALL ON FUNCTION {function}() FROM PUBLIC"),
            format!("COMMENT ON FUNCTION {function}() IS {}", sql::literal(&self.marker())),
        ];
        if let (Some(owner), Some(queue)) = (&self.definer, self.queue()) {
            statements.push(queue::may_fill(&queue, owner));
            statements.push(format!("ALTER FUNCTION {function}() OWNER TO {}", sql::ident(owner)));
        }
        statements
    }

    /// The queue that it feeds.
    pub fn queue(&self) -> Option<Queue> {
        match &self.spec.to {
            Destination::Channel(_) => None,
            Destination::Queue { name, .. } => Some(Queue::named(&self.schema, name)),
        }
    }

    fn function_options(&self) -> String {
        let settings = self.settings.iter().map(|setting| setting.set());
        let definer = self.definer.as_ref().map(|_| "SECURITY DEFINER".to_owned());
        definer.into_iter().chain(settings).collect::<Vec<_>>().join(" ")
    }

    /// SQL that creates a trigger, or replaces it.
    pub fn create_trigger(&self, trigger: &Trigger) -> String {
        let word = trigger.event.word().to_uppercase();
        let (name, table) = (sql::ident(&trigger.name), &self.quoted_table);
        let rows = match (trigger.level, trigger.rows(), trigger.event) {
            (Level::Row, ..) => "FOR EACH ROW".to_owned(),
            (Level::Statement, None, _) => "FOR EACH STATEMENT".to_owned(),
            (Level::Statement, Some(rows), Event::Delete) => {
                format!("REFERENCING OLD TABLE AS {rows} FOR EACH STATEMENT")
            }
            (Level::Statement, Some(rows), _) => format!("REFERENCING NEW TABLE AS {rows} FOR EACH STATEMENT"),
        };
        let when = trigger.when.as_ref().map_or_else(String::new, |when| format!(" WHEN ({})", when.sql()));
        let function = sql::qualified(&self.schema, &self.function);
        let mut text = format!(
            "CREATE OR REPLACE TRIGGER {name} AFTER {word} ON {table} {rows}{when} EXECUTE FUNCTION {function}()"
        );
        if trigger.always {
            text.push_str(&format!(";\nALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"));
        }
        text
    }

    /// The events as a list for people.
    pub fn events(&self) -> String {
        self.spec.events.iter().map(|event| event.word()).collect::<Vec<_>>().join(", ")
    }
}

impl Trigger {
    /// The bits of `pg_trigger.tgtype` (catalog/pg_trigger.h).
    pub fn type_bits(&self) -> i16 {
        let level = if self.level == Level::Row { 1 } else { 0 };
        level
            | match self.event {
                Event::Insert => 4,
                Event::Delete => 8,
                Event::Update => 16,
                Event::Truncate => 32,
            }
    }

    /// The name of its transition table, where it has one.
    pub fn rows(&self) -> Option<&'static str> {
        (self.level == Level::Statement && self.event != Event::Truncate).then_some("changes")
    }
}

fn level(table: &Table, spec: &Spec) -> Level {
    let needs_both_versions = matches!(spec.payload, Payload::Full | Payload::Diff)
        || !spec.update_of.is_empty()
        || spec.skip_unchanged
        || spec.when.is_some();
    // The worker that applies replicated changes fires row triggers only.
    if needs_both_versions || spec.enable_always || table.kind != Kind::Plain || table.row_order {
        Level::Row
    } else {
        Level::Statement
    }
}
