//! Publishes what clients send: as a notification, as an event of a queue, or as a row. To SQL a message is a parameter only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use postgres::{Client, Statement};

use crate::commands::notify::batch::{Checker, Counted, Sender, Target};
use crate::connection::{Connection, Settings, is_transient};
use crate::error::{Error, Result};
use crate::queue::Queue;
use crate::serve::{Publish, Unpublished};
use crate::sql;
use crate::term::Term;
use crate::trigger::{ColumnName, Table};

/// How long the database may take for one message: a row may have to wait for a lock (5 s at most).
const LIMIT: Duration = Duration::from_secs(10);
/// A connection that was not used for this long may be dead: it is asked first, since a message must not be sent twice.
const MAY_BE_DEAD: Duration = Duration::from_secs(1);
/// How long it may take to answer then.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// An INSERT of one column.
#[derive(Debug, Clone)]
pub struct Insert {
    /// The table, for people.
    pub table: String,
    /// With the message assigned to the column, as text.
    assigned: String,
    /// With the message converted to the column's type: text is not assigned to json, for one.
    converted: String,
}

impl Insert {
    /// Finds table and column.
    ///
    /// # Errors
    /// A usage error when there is no such table or column, or no text can become its value.
    pub fn find(connection: &mut Connection, name: &ColumnName) -> Result<Self> {
        let mut transaction = connection.transaction()?;
        let table = Table::find(&mut transaction, &name.table)?;
        transaction.rollback()?;
        let Some(column) = table.columns.iter().find(|column| column.name == name.column) else {
            let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
            return Err(Error::usage(format!("table {} has no column {}", table.display(), name.column))
                .hint(format!("its columns are {}", names.join(", "))));
        };
        let insert = format!("INSERT INTO {} ({}) VALUES", table.quoted(), sql::ident(&name.column));
        let insert = Self {
            table: table.name.clone(),
            assigned: format!("{insert} ($1::pg_catalog.text)"),
            converted: format!("{insert} ($1::pg_catalog.text::{})", column.type_name),
        };
        insert
            .prepare(connection)
            .map_err(|error| error.doing(format!("preparing to insert into {}", insert.table)))?;
        Ok(insert)
    }

    fn prepare(&self, client: &mut Client) -> Result<Statement> {
        match client.prepare(&self.assigned) {
            Err(error) if error.code().is_some_and(|code| code.code() == "42804") => {
                Ok(client.prepare(&self.converted)?)
            }
            prepared => Ok(prepared?),
        }
    }
}

/// What a message becomes.
#[derive(Clone)]
enum Becomes {
    Notification,
    Event(Queue),
    Row(Insert),
}

/// Publishes over one connection, which is made when it is first needed.
pub struct Writer {
    settings: Settings,
    becomes: Becomes,
    link: Option<Link>,
    term: Term,
    /// What was told last: a message that fails often is told once.
    told: String,
}

struct Link {
    connection: Connection,
    insert: Option<Statement>,
    used: Instant,
}

impl Writer {
    /// Notifies the channel that goes with a message.
    pub fn notifies(settings: &Settings, term: Term) -> Self {
        Self::new(settings, Becomes::Notification, term)
    }

    /// Stores events in a queue.
    pub fn enqueues(settings: &Settings, queue: Queue, term: Term) -> Self {
        Self::new(settings, Becomes::Event(queue), term)
    }

    /// Inserts rows.
    pub fn inserts(settings: &Settings, insert: Insert, term: Term) -> Self {
        Self::new(settings, Becomes::Row(insert), term)
    }

    fn new(settings: &Settings, becomes: Becomes, term: Term) -> Self {
        Self { settings: settings.clone(), becomes, link: None, term, told: String::new() }
    }

    /// A connection that is alive.
    fn link(&mut self) -> Result<Link> {
        if let Some(mut link) = self.link.take()
            && (link.used.elapsed() < MAY_BE_DEAD || link.connection.alive(SIGN_OF_LIFE).is_ok())
        {
            return Ok(link);
        }
        let mut connection = Connection::open(&self.settings)?;
        let insert = match &self.becomes {
            Becomes::Row(insert) => {
                // Triggers and defaults of the table run as they do for the application: by the names and rights of the role.
                connection.batch_execute("SET search_path TO DEFAULT; SET row_security TO DEFAULT")?;
                Some(insert.prepare(&mut connection)?)
            }
            _ => None,
        };
        Ok(Link { connection, insert, used: Instant::now() })
    }

    fn send(&mut self, channel: Option<&Arc<str>>, message: String) -> Result<()> {
        let Link { connection, insert, .. } = self.link()?;
        let target = match &self.becomes {
            Becomes::Notification => Some(Target::Channel(channel.map(ToString::to_string).unwrap_or_default())),
            Becomes::Event(queue) => Some(Target::Queue(queue.clone())),
            Becomes::Row(_) => None,
        };
        let (statement, pooling) = (insert.clone(), connection.pooling());
        let work = move |client: &mut Client| {
            Ok(match (target, statement) {
                (Some(target), _) => Sender::new(client, pooling, &target).send(&[message]),
                (None, Some(statement)) => client.execute(&statement, &[&message]).map(drop).map_err(Error::from),
                (None, None) => Ok(()),
            })
        };
        let (connection, done) = connection.within(LIMIT, work)?;
        if !done.as_ref().is_err_and(is_transient) {
            self.link = Some(Link { connection, insert, used: Instant::now() });
        }
        done
    }

    /// What the client hears of an error. The server's words are for the owner of the database, unless they are about the
    /// message: a value that does not fit, a constraint, or an error that a trigger raises.
    fn explain(&mut self, error: &Error) -> Unpublished {
        if matches!(error.sqlstate().and_then(|code| code.get(..2)), Some("22" | "23" | "P0")) {
            return Unpublished::Refused(error.to_string());
        }
        let told = error.to_string();
        if self.told != told {
            self.term.warn(format!("a client's message was not published: {told}"));
            self.told = told;
        }
        if is_transient(error) {
            Unpublished::Unavailable(
                "the database is away, and it is not known whether the message was stored".to_owned(),
            )
        } else {
            Unpublished::Refused("the database refuses the message".to_owned())
        }
    }
}

impl Publish for Writer {
    fn publish(&mut self, channel: Option<&Arc<str>>, message: String) -> Result<(), Unpublished> {
        let counted = match &self.becomes {
            Becomes::Notification => Counted::Characters,
            Becomes::Event(_) | Becomes::Row(_) => Counted::Not,
        };
        let checked = Checker { json: false, counted }.check(message.into_bytes(), "the message");
        let message = checked.map_err(|error| Unpublished::Refused(error.to_string()))?;
        self.send(channel, message).map_err(|error| self.explain(&error))?;
        self.told.clear();
        Ok(())
    }
}
