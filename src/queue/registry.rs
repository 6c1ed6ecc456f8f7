//! Which queues there are: creating, finding and dropping them.

use postgres::{GenericClient, Transaction};

use crate::connection::ask;
use crate::digest::digest;
use crate::error::{Error, Result};
use crate::sql;

/// Longest name of a queue, in bytes: its indexes and its doorbell carry it in their names, with up to 16 bytes around it.
const MAX_NAME_BYTES: usize = sql::MAX_NAME_BYTES - 16;

/// The file that a queue is stored in, if there is one ([`Queue::storage`]).
pub type Storage = Option<u32>;

/// A queue, and the names of what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The schema of pgfeed's objects.
    pub schema: String,
    /// The name.
    pub name: String,
    /// A number made of the name, 25 bits: part of the keys of its advisory locks.
    pub id: i32,
}

impl Queue {
    /// Names a queue, whether it exists or not.
    pub fn named(schema: &str, name: &str) -> Self {
        let id = digest(&format!("{schema}\0{name}")) & 0x1ff_ffff;
        Self { schema: schema.to_owned(), name: name.to_owned(), id: i32::try_from(id).expect("25 bits") }
    }

    /// The table of events that wait for delivery, quoted.
    pub fn table(&self) -> String {
        self.object("queue")
    }

    /// The table of events that wait for another attempt, quoted.
    pub fn retry_table(&self) -> String {
        self.object("retry")
    }

    /// The table of events that could not be delivered, quoted.
    pub fn dead_table(&self) -> String {
        self.object("dead")
    }

    /// All of its tables.
    pub fn tables(&self) -> Vec<String> {
        vec![self.table(), self.retry_table(), self.dead_table()]
    }

    /// SQL for the file that the queue is stored in: TRUNCATE, and whoever makes the queue anew, begins another one.
    pub fn storage(&self) -> String {
        format!("pg_catalog.pg_relation_filenode({})", sql::literal(&self.table()))
    }

    /// The sequence of the events' ids, quoted.
    pub fn ids(&self) -> String {
        self.object("ids")
    }

    /// The channel on which writers ring.
    pub fn doorbell(&self) -> String {
        format!("pgfeed:{}", self.name)
    }

    fn object(&self, kind: &str) -> String {
        sql::qualified(&self.schema, &format!("{kind}_{}", self.name))
    }
}

/// Checks a queue's name.
///
/// # Errors
/// A usage error when it is empty, too long, or holds a NUL.
pub fn check_name(name: &str) -> Result<()> {
    sql::check_name("the queue's name", name)?;
    if name.len() > MAX_NAME_BYTES {
        return Err(Error::usage(format!("the queue's name \"{name}\" is {} bytes long", name.len())).hint(format!(
            "a queue's name has at most {MAX_NAME_BYTES} bytes, since its tables and indexes carry it"
        )));
    }
    Ok(())
}

/// Finds a queue.
///
/// # Errors
/// What the server says.
pub fn find(client: &mut impl GenericClient, schema: &str, name: &str) -> Result<Option<Queue>> {
    Ok(list(client, schema)?.into_iter().find(|queue| queue.name == name))
}

/// All queues of a schema, by name.
///
/// # Errors
/// What the server says.
pub fn list(client: &mut impl GenericClient, schema: &str) -> Result<Vec<Queue>> {
    if !registry_exists(client, schema)? {
        return Ok(Vec::new());
    }
    let query = format!("SELECT name FROM {} ORDER BY name", sql::qualified(schema, "queue"));
    let rows = ask::rows(client, &query, &[])?;
    Ok(rows.iter().map(|row| Queue::named(schema, row.get("name"))).collect())
}

/// Those tables of a queue that are not there: the list of queues may be out of step.
///
/// # Errors
/// What the server says.
pub fn missing(client: &mut impl GenericClient, queue: &Queue) -> Result<Vec<String>> {
    let query = "SELECT t FROM pg_catalog.unnest($1::text[]) AS t WHERE pg_catalog.to_regclass(t) IS NULL";
    Ok(ask::rows(client, query, &[&queue.tables()])?.iter().map(|row| row.get(0)).collect())
}

/// Whether a queue is listed, and all of its tables are there.
///
/// # Errors
/// What the server says.
pub fn is_whole(client: &mut impl GenericClient, queue: &Queue) -> Result<bool> {
    Ok(find(client, &queue.schema, &queue.name)?.is_some() && missing(client, queue)?.is_empty())
}

/// Makes sure that a queue exists. The caller holds the lock of installations.
///
/// # Errors
/// What the server says; that the name's number is taken, which happens once in millions of names.
pub fn create(transaction: &mut Transaction, queue: &Queue, trust: &Trust) -> Result<()> {
    let (doing, statements) = match is_whole(transaction, queue)? {
        true => ("looking at", trust.statement(queue).into_iter().collect()),
        false => ("creating", create_statements(queue, trust)),
    };
    for statement in statements {
        transaction.batch_execute(&statement).map_err(|error| {
            let error = Error::from(error).doing(format!("{doing} queue \"{}\"", queue.name));
            if error.sqlstate() == Some("23505") {
                error.hint("another queue has the same number: choose another name")
            } else {
                error
            }
        })?;
    }
    Ok(())
}

/// Whose queue may be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// One of a superuser, of the role that creates it, or of this one.
    In(Option<String>),
    /// Anybody's.
    Anybody,
}

impl Trust {
    /// SQL that refuses a queue of others.
    fn statement(&self, queue: &Queue) -> Option<String> {
        let Self::In(owner) = self else { return None };
        let names = ["queue", "retry", "dead"].map(|kind| sql::literal(&format!("{kind}_{}", queue.name))).join(", ");
        let owner = owner.as_deref().map_or_else(|| "CURRENT_USER".to_owned(), sql::literal);
        let places = [("schema", sql::literal(&queue.schema)), ("names", names), ("table_owner", owner)];
        Some(run_body(include_str!("../../sql/queue_owners.sql"), &places))
    }
}

/// SQL that creates a queue where there is none.
pub fn create_statements(queue: &Queue, trust: &Trust) -> Vec<String> {
    let Queue { schema, name, id } = queue;
    let registry = sql::qualified(schema, "queue");
    let named = |what: &str| sql::ident(&format!("{what}_{name}"));
    let found = |what: &str| sql::literal(&queue.object(what));
    let places = [
        ("queue", queue.table()),
        ("retry", queue.retry_table()),
        ("dead", queue.dead_table()),
        ("ids", queue.ids()),
        ("queue_key", named("qkey")),
        ("retry_key", named("rkey")),
        ("dead_key", named("dkey")),
        ("barriers", named("barriers")),
        ("barriers_name", found("barriers")),
        ("retry_barriers", named("rbarriers")),
        ("retry_barriers_name", found("rbarriers")),
        ("due", named("due")),
        ("due_name", found("due")),
        ("keys", named("keys")),
        ("keys_name", found("keys")),
    ];
    let name = sql::literal(name);
    let mut statements = vec![sql::fill(include_str!("../../sql/queue_registry.sql"), &[("registry", &registry)])];
    // What is there already may be a trap: looked at before anything is written to it.
    statements.extend(trust.statement(queue));
    statements.push(run_body(include_str!("../../sql/queue.sql"), &places));
    statements.push(format!("INSERT INTO {registry} (id, name) VALUES ({id}, {name}) ON CONFLICT (name) DO NOTHING"));
    statements
}

/// SQL that lets a role fill a queue, and fails when it may not.
pub fn may_fill(queue: &Queue, role: &str) -> String {
    let places = [
        ("schema", sql::ident(&queue.schema)),
        ("schema_name", sql::literal(&queue.schema)),
        ("queue", queue.table()),
        ("queue_name", sql::literal(&queue.table())),
        ("owner", sql::ident(role)),
        ("owner_name", sql::literal(role)),
    ];
    run_body(include_str!("../../sql/may_fill.sql"), &places)
}

/// SQL that drops a queue and all its events. Nothing may feed it any more.
pub fn drop_statements(queue: &Queue) -> Vec<String> {
    let (table, retry, dead) = (queue.table(), queue.retry_table(), queue.dead_table());
    let registry = sql::qualified(&queue.schema, "queue");
    vec![
        format!("DROP TABLE IF EXISTS {table}, {retry}, {dead}"),
        format!("DELETE FROM {registry} WHERE id = {}", queue.id),
    ]
}

/// SQL that drops a queue, and fails when it holds events. Nothing may feed it any more.
pub fn drop_empty_statements(queue: &Queue) -> Vec<String> {
    let places = [
        ("queue", queue.table()),
        ("retry", queue.retry_table()),
        ("dead", queue.dead_table()),
        ("name", sql::literal(&queue.name)),
        ("registry", sql::qualified(&queue.schema, "queue")),
        ("id", queue.id.to_string()),
    ];
    vec![run_body(include_str!("../../sql/drop_empty_queue.sql"), &places)]
}

/// SQL that runs the body in a file.
fn run_body(file: &str, places: &[(&str, String)]) -> String {
    format!("DO {}", sql::dollar(&sql::fill_body(file, places)))
}

/// What a role needs to know which queues there are, in words.
pub fn rights_to_look(schema: &str) -> String {
    let schema = sql::ident(schema);
    format!(
        "GRANT USAGE ON SCHEMA {schema} TO the role, and GRANT SELECT ON {schema}.\"queue\" TO the role (the README lists the rest \
         under \"Least privilege\")"
    )
}

fn registry_exists(client: &mut impl GenericClient, schema: &str) -> Result<bool> {
    let query = "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1::pg_catalog.text AND c.relname = 'queue' AND c.relkind = 'r')";
    Ok(ask::row(client, query, &[&schema])?.get(0))
}
