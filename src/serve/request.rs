//! What a client asks for in its query: which channels, tables and operations, and from where on.

use std::sync::Arc;

use axum::http::StatusCode;

use super::entry::{Entry, Subject};
use super::refusal::Refusal;
use crate::feed::event::{Control, ControlKind};

const OPERATIONS: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "SNAPSHOT"];

/// What is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Served {
    /// These channels, at least one.
    Channels(Arc<[Arc<str>]>),
    /// A queue, by its name.
    Queue(Arc<str>),
}

/// What a client wants to be sent. Where nothing was asked for, everything passes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Filter {
    channels: Vec<Arc<str>>,
    /// `table` or `schema.table`, spelled as in the events.
    tables: Vec<String>,
    ops: Vec<String>,
}

/// From where on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub enum Begin {
    /// From now.
    #[default]
    Now,
    /// With so many of the last events first.
    Recent(u64),
    /// Behind the event with this id.
    Behind(String),
}

/// A request for a feed.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Request {
    /// What.
    pub filter: Filter,
    /// From where on.
    pub begin: Begin,
}

impl Request {
    /// Reads a query, `pairs` of names and values.
    ///
    /// # Errors
    /// What there is no such thing as: a misspelt filter must not show too much, or nothing.
    pub fn parse(pairs: &[(String, String)], served: &Served) -> Result<Self, Refusal> {
        let mut request = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "channel" => request.filter.channels.push(served.channel(value)?),
                "table" => request.filter.tables.push(value.clone()),
                "op" => request.filter.ops.extend(operations(value)?),
                "recent" => {
                    let count = value.parse().map_err(|_| bad(format!("recent={value} is not a number")))?;
                    request.begin = Begin::Recent(count);
                }
                "last_event_id" => request.begin = Begin::Behind(value.clone()),
                _ => {
                    let known = "there is channel, table, op, recent and last_event_id";
                    return Err(bad(format!("the query has no parameter {name}: {known}")));
                }
            }
        }
        Ok(request)
    }
}

impl Served {
    /// The channel of that name, if it is served: no other one can be reached.
    ///
    /// # Errors
    /// That it is not.
    pub fn channel(&self, name: &str) -> Result<Arc<str>, Refusal> {
        let Self::Channels(channels) = self else {
            return Err(bad("a queue has no channels".to_owned()));
        };
        let found = channels.iter().find(|channel| channel.as_ref() == name);
        found.cloned().ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "this channel is not served here"))
    }

    /// A record of what has just happened to the feed.
    pub fn record(&self, kind: ControlKind, detail: Option<String>) -> Control {
        match self {
            Self::Channels(channels) => Control::now(kind, channels, None, detail),
            Self::Queue(queue) => Control::of_queue(kind, queue, None, detail),
        }
    }
}

impl Filter {
    /// Whether a client that asked for this is to be sent an entry.
    pub fn passes(&self, entry: &Entry) -> bool {
        let Subject::Event { channel, change } = &entry.subject else { return true };
        if !self.channels.is_empty() && !channel.as_ref().is_some_and(|channel| self.channels.contains(channel)) {
            return false;
        }
        let Some(change) = change else { return self.tables.is_empty() && self.ops.is_empty() };
        let is_table = |asked: &String| {
            let in_schema = asked.strip_prefix(&change.schema).and_then(|rest| rest.strip_prefix('.'));
            *asked == change.table || in_schema == Some(&change.table)
        };
        (self.tables.is_empty() || self.tables.iter().any(is_table))
            && (self.ops.is_empty() || self.ops.contains(&change.op))
    }

    /// The one channel that was asked for, where a message of this client goes.
    pub fn only_channel(&self) -> Option<&Arc<str>> {
        match self.channels.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

fn operations(list: &str) -> Result<Vec<String>, Refusal> {
    let known = |word: &str| {
        let op = word.trim().to_ascii_uppercase();
        let refused = || bad(format!("op={word} is none of insert, update, delete, truncate and snapshot"));
        OPERATIONS.contains(&op.as_str()).then_some(op).ok_or_else(refused)
    };
    list.split(',').map(known).collect()
}

fn bad(why: String) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, why)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::feed::event::{Event, Item, Origin};

    fn served() -> Served {
        Served::Channels(Arc::from([Arc::from("orders"), Arc::from("a b")]))
    }

    fn parse(query: &[(&str, &str)]) -> Result<Request, Refusal> {
        let pairs: Vec<_> = query.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Request::parse(&pairs, &served())
    }

    fn event(channel: &str, payload: &str) -> Entry {
        let origin = Origin::Channel { channel: Arc::from(channel), pid: 1 };
        Entry::new(1, "e-1", &Item::Event(Event { origin, at: Timestamp::UNIX_EPOCH, payload: payload.into() }))
    }

    #[test]
    fn filters_are_all_to_be_satisfied() {
        let insert = event("orders", r#"{"op":"INSERT","schema":"a.b","table":"c"}"#);
        let text = event("a b", "INSERT");
        let passes = |query: &[(&str, &str)]| {
            let filter = parse(query).unwrap().filter;
            (filter.passes(&insert), filter.passes(&text))
        };
        assert_eq!(passes(&[]), (true, true));
        assert_eq!(passes(&[("channel", "orders")]), (true, false));
        assert_eq!(passes(&[("channel", "orders"), ("channel", "a b")]), (true, true));
        assert_eq!(passes(&[("table", "c")]), (true, false));
        assert_eq!(passes(&[("table", "a.b.c")]), (true, false));
        assert_eq!(passes(&[("table", "b.c")]), (false, false));
        assert_eq!(passes(&[("table", "x"), ("table", "c")]), (true, false));
        assert_eq!(passes(&[("op", "delete,insert")]), (true, false));
        assert_eq!(passes(&[("op", "update"), ("table", "c")]), (false, false));
        let gap = served().record(ControlKind::Gap, None);
        assert!(parse(&[("op", "update")]).unwrap().filter.passes(&Entry::new(1, "e-1", &Item::Control(gap))));
    }

    #[test]
    fn what_there_is_not_is_refused() {
        for query in [("channel", "Orders"), ("op", "merge"), ("op", ""), ("chanel", "orders"), ("recent", "-1")] {
            assert!(parse(&[query]).is_err(), "{query:?}");
        }
        let queue = Served::Queue(Arc::from("q"));
        assert!(Request::parse(&[("channel".to_owned(), "q".to_owned())], &queue).is_err());
    }

    #[test]
    fn where_to_begin() {
        let begin = |query| parse(query).unwrap().begin;
        assert_eq!(begin(&[]), Begin::Now);
        assert_eq!(begin(&[("recent", "50")]), Begin::Recent(50));
        assert_eq!(begin(&[("last_event_id", "e-1")]), Begin::Behind("e-1".to_owned()));
    }
}
