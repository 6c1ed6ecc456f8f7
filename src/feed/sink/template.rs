//! Text with `{...}` in it that an event fills in: routing keys, subjects, headers.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::value::RawValue;

use crate::feed::change::{Change, columns};
use crate::feed::event::{Event, Origin};

/// A text with places for what an event tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Name(Name),
}

/// What can stand between braces.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Source,
    Id,
    Attempt,
    Op,
    Schema,
    Table,
    /// All columns of the key, with dots between them.
    Key,
    KeyColumn(String),
    New(String),
    Old(String),
}

/// What can stand between braces, for help and messages.
pub const NAMES: &str =
    "{channel} {queue} {id} {attempt} {op} {schema} {table} {key} {key.COLUMN} {new.COLUMN} {old.COLUMN}";

impl Template {
    /// Reads a template; `{{` and `}}` are braces.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = rest
                .split_once('}')
                .filter(|_| brace == "{")
                .ok_or("a brace is not closed, or not opened (write {{ and }} for braces)")?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Name(Name::parse(name)?));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self(parts))
    }

    /// The text, when no event changes it.
    pub fn fixed(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text around the places, which no event changes.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Name(_) => None,
        })
    }

    /// Whether the text is the same for all events of one channel or queue.
    pub fn is_the_same_for_all(&self) -> bool {
        self.0.iter().all(|part| matches!(part, Part::Text(_) | Part::Name(Name::Source)))
    }

    /// Fills in what an event tells; each value goes through `clean`, so that it cannot be more than a value where it is put.
    ///
    /// # Errors
    /// What the event does not tell.
    pub fn fill<'a>(&'a self, event: &Event, clean: impl Fn(&str) -> Cow<'_, str>) -> Result<Cow<'a, str>, String> {
        if let Some(text) = self.fixed() {
            return Ok(Cow::Borrowed(text));
        }
        let change = self.0.iter().any(Part::is_of_a_change).then(|| Change::of(&event.payload)).flatten();
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Name(name) => filled.push_str(&clean(&name.of(event, change.as_ref())?)),
            }
        }
        Ok(Cow::Owned(filled))
    }
}

impl Part {
    fn is_of_a_change(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::Name(Name::Source | Name::Id | Name::Attempt))
    }
}

impl Name {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name.split_once('.') {
            None => match name {
                "channel" | "queue" => Self::Source,
                "id" => Self::Id,
                "attempt" => Self::Attempt,
                "op" => Self::Op,
                "schema" => Self::Schema,
                "table" => Self::Table,
                "key" => Self::Key,
                _ => return Err(format!("there is no {{{name}}}; there are {NAMES}")),
            },
            Some(("key", column)) => Self::KeyColumn(column.to_owned()),
            Some(("new", column)) => Self::New(column.to_owned()),
            Some(("old", column)) => Self::Old(column.to_owned()),
            Some(_) => return Err(format!("there is no {{{name}}}; there are {NAMES}")),
        })
    }

    fn of<'a>(&self, event: &'a Event, change: Option<&'a Change<'a>>) -> Result<Cow<'a, str>, String> {
        match (self, &event.origin) {
            (Self::Source, Origin::Channel { channel: name, .. } | Origin::Queue { queue: name, .. }) => {
                return Ok(Cow::Borrowed(name));
            }
            (Self::Id, Origin::Queue { id, .. }) => return Ok(Cow::Owned(id.to_string())),
            (Self::Attempt, Origin::Queue { attempt, .. }) => return Ok(Cow::Owned(attempt.to_string())),
            (Self::Id | Self::Attempt, Origin::Channel { .. }) => return Err("a notification has no id".to_owned()),
            _ => {}
        }
        let change = change.ok_or("its payload is not a change of a row")?;
        match self {
            Self::Op => Ok(Cow::Borrowed(&change.op)),
            Self::Schema => Ok(Cow::Borrowed(&change.schema)),
            Self::Table => Ok(Cow::Borrowed(&change.table)),
            Self::Key => whole_key(change.key),
            Self::KeyColumn(column) => value(change.key, "key", column),
            Self::New(column) => value(change.new, "new", column),
            Self::Old(column) => value(change.old, "old", column),
            Self::Source | Self::Id | Self::Attempt => unreachable!("answered above"),
        }
    }
}

fn whole_key(key: Option<&RawValue>) -> Result<Cow<'_, str>, String> {
    let mut whole = String::new();
    for (place, (column, value)) in columns(key, "key")?.into_iter().enumerate() {
        let dot = if place > 0 { "." } else { "" };
        write!(whole, "{dot}{}", scalar(value, "key", &column)?).expect("a String accepts all writes");
    }
    Ok(Cow::Owned(whole))
}

fn value<'a>(row: Option<&'a RawValue>, what: &str, column: &str) -> Result<Cow<'a, str>, String> {
    let columns = columns(row, what)?;
    let value = columns.get(column).ok_or_else(|| format!("\"{what}\" has no \"{column}\""))?;
    scalar(value, what, column)
}

/// A string as its characters, a number and a truth value as written.
fn scalar<'a>(value: &'a RawValue, what: &str, column: &str) -> Result<Cow<'a, str>, String> {
    match value.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(value.get()).map(Cow::Owned).map_err(|error| error.to_string()),
        Some(b'{' | b'[' | b'n') => Err(format!("\"{column}\" of \"{what}\" is null, an object or an array")),
        _ => Ok(Cow::Borrowed(value.get())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;

    use super::*;

    const CHANGE: &str = r#"{"op":"UPDATE","schema":"public","table":"or.ders","key":{"id":7,"b":"x y"},"new":{"id":7,"status":"pa\"id","n":12345678901234567890.10,"z":null}}"#;

    fn dotless(value: &str) -> Cow<'_, str> {
        Cow::Owned(value.replace('.', "_"))
    }

    fn filled(template: &str, payload: &str) -> Result<String, String> {
        let origin = Origin::Queue { queue: Arc::from("q"), id: 9, attempt: 2, key: 1, barrier: false };
        let event = Event { origin, at: Timestamp::UNIX_EPOCH, payload: payload.into() };
        let template = Template::parse(template)?;
        template.fill(&event, dotless).map(Cow::into_owned)
    }

    #[test]
    fn what_an_event_tells_is_filled_in_and_cleaned() {
        for (template, expected) in [
            ("", ""),
            ("plain.text", "plain.text"),
            ("{{{op}}}", "{UPDATE}"),
            ("{queue}.{id}.{attempt}", "q.9.2"),
            ("{schema}.{table}.{op}", "public.or_ders.UPDATE"),
            ("{key}", "x y_7"),
            ("{key.id}-{new.status}-{new.n}", "7-pa\"id-12345678901234567890_10"),
        ] {
            assert_eq!(filled(template, CHANGE).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn some_are_the_same_for_all_events_of_a_queue() {
        for (template, expected) in [("", true), ("a.{queue}", true), ("{id}", false), ("a.{op}", false)] {
            assert_eq!(Template::parse(template).unwrap().is_the_same_for_all(), expected, "{template}");
        }
    }

    #[test]
    fn what_an_event_does_not_tell_is_said() {
        assert_eq!(filled("{table}", "text").unwrap_err(), "its payload is not a change of a row");
        assert_eq!(filled("{new.nix}", CHANGE).unwrap_err(), "\"new\" has no \"nix\"");
        assert_eq!(filled("{old.id}", CHANGE).unwrap_err(), "the change tells no \"old\"");
        assert_eq!(filled("{new.z}", CHANGE).unwrap_err(), "\"z\" of \"new\" is null, an object or an array");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for template in ["{", "}", "{op", "op}", "{nix}", "{nix.x}", "{}", "{op}}"] {
            assert!(Template::parse(template).is_err(), "{template}");
        }
    }
}
