//! PostgreSQL by postgres alone: upserts of a thousand rows in one statement, into a table like the sink's.

use postgres::types::{ToSql, Type};
use serde_json::Value;

use super::sample::{Sample, nth};
use super::{BATCH, Bare, Kind, Run};
use crate::connection::Connection;
use crate::error::Result;
use crate::feed::change::{Change, columns};
use crate::feed::sink::table::layout::{Layout, Mapped, find_table};
use crate::feed::sink::table::{self as sink, place};
use crate::feed::sink::target::Target;
use crate::sql;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: sink::KIND.schemes,
    name: "postgres alone",
    how: "INSERT of 1000 rows from arrays, ON CONFLICT DO UPDATE as the sink, each a transaction, into a table LIKE the sink's",
    open,
};

struct Upserts {
    connection: Connection,
    table: String,
    insert: String,
    columns: Vec<Column>,
}

/// What is written into a column.
enum Column {
    /// The number of the row: the events' table is identified by it.
    Number,
    /// What the events tell, one after the other.
    Values(Vec<Option<String>>),
}

/// The column of the events that identifies their rows.
const ID: &str = "id";

fn open(target: Target, sample: &Sample) -> Result<Box<dyn Bare>> {
    let place = place(target)?;
    let mut connection = Connection::open(&place.settings)?;
    connection.batch_execute("BEGIN")?;
    let layout = Layout::find(&mut connection, &place.wish)?;
    let (oid, like) = find_table(&mut connection, &place.wish.table)?;
    let schema = "SELECT relnamespace::pg_catalog.regnamespace::text FROM pg_catalog.pg_class WHERE oid = $1";
    let schema: String = connection.query_one(schema, &[&oid])?.get(0);
    let table = format!("{schema}.{}", sql::ident(&sample.place));
    connection.batch_execute(&format!("CREATE TABLE {table} (LIKE {like} INCLUDING ALL); COMMIT"))?;
    let insert = insert(&table, &layout);
    let column = |column: &Mapped| match column.source.as_str() {
        ID => Ok(Column::Number),
        name => Ok(Column::Values(sample.map(|_, event| Ok(value(&event.payload, name)))?)),
    };
    let columns = layout.columns.iter().map(column).collect::<Result<_>>()?;
    Ok(Box::new(Upserts { connection, table, insert, columns }))
}

fn insert(table: &str, layout: &Layout) -> String {
    let list = |columns: &mut dyn Iterator<Item = String>| columns.collect::<Vec<_>>().join(", ");
    let names = list(&mut layout.columns.iter().map(|column| sql::ident(&column.target)));
    let key = list(&mut layout.key.iter().map(|column| sql::ident(&column.target)));
    let arrays = (1..).zip(&layout.columns).map(|(n, column)| format!("${n}::text[]::{}[]", column.type_name));
    let arrays = list(&mut arrays.into_iter());
    let others = layout.columns.iter().filter(|column| !layout.key.contains(column));
    let set =
        list(&mut others.map(|column| sql::ident(&column.target)).map(|name| format!("{name} = EXCLUDED.{name}")));
    let update = if set.is_empty() { "NOTHING".to_owned() } else { format!("UPDATE SET {set}") };
    // Several arrays side by side are the grammar's own, which knows no schema.
    format!(
        "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest({arrays}) ON CONFLICT ({key}) DO {update}"
    )
}

/// What an event tells of a column, as text.
fn value(payload: &str, column: &str) -> Option<String> {
    let change = Change::of(payload)?;
    let told = *columns(change.new, "new").ok()?.get(column)?;
    match serde_json::from_str(told.get()).ok()? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

impl Bare for Upserts {
    fn publish(&mut self, count: u64, run: &Run) -> Result<()> {
        let mut first = 0;
        while first < count {
            let rows = first..count.min(first + BATCH);
            let written = |column: &Column| -> Vec<Option<String>> {
                rows.clone()
                    .map(|number| match column {
                        Column::Number => Some(number.to_string()),
                        Column::Values(values) => nth(values, number).clone(),
                    })
                    .collect()
            };
            let arrays: Vec<_> = self.columns.iter().map(written).collect();
            let values: Vec<_> = arrays.iter().map(|array| (array as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
            self.connection.execute_typed(&self.insert, &values)?;
            if !run.count(rows.end - rows.start) {
                break;
            }
            first = rows.end;
        }
        Ok(())
    }
}

impl Drop for Upserts {
    fn drop(&mut self) {
        // With a server that is gone it stays: it has the name of the schema.
        let _ = self.connection.batch_execute(&format!("DROP TABLE {}", self.table));
    }
}
