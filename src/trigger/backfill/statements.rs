//! The statements of a backfill, for one table.

use crate::connection::Connection;
use crate::connection::ask::Question;
use crate::error::Result;
use crate::queue::Queue;
use crate::sql;
use crate::trigger::body::Body;
use crate::trigger::expression::hash;
use crate::trigger::keyset::Keyset;
use crate::trigger::plan::Plan;
use crate::trigger::published::Published;
use crate::trigger::spec::{Payload, Spec};
use crate::trigger::table::{Column, Table};
use crate::trigger::written::Setting;

/// Prepared for one table.
pub struct Statements {
    /// The settings of a transaction in which values are written as the trigger writes them.
    pub settings: String,
    /// Creates the function by which each row is judged by itself; none where there is no condition.
    pub judge: Option<String>,
    /// The first chunk.
    pub first: Statement,
    /// The chunk behind a key.
    pub next: Statement,
    /// One row, which is waited for.
    pub one: Statement,
}

/// One that stores rows.
pub struct Statement {
    /// It fails when the condition fails for one of them.
    pub together: Question,
    /// It needs the function, and so it cannot be prepared before.
    pub apart: String,
}

/// Removes the function.
pub const NO_JUDGE: &str = "DROP FUNCTION pg_temp.pgfeed_fate";
/// Calls it.
const JUDGED: &str = "pg_temp.pgfeed_fate(new.*)";

impl Statements {
    /// Gets them ready.
    ///
    /// # Errors
    /// What the server says.
    pub fn prepare(
        connection: &mut Connection,
        table: &Table,
        plan: &Plan,
        queue: &Queue,
        key: &[&Column],
    ) -> Result<Self> {
        let keyset = Keyset::find(connection, table)?;
        let columns = |separator: &str, of: &dyn Fn(usize, &str, &str) -> String| {
            let parts = key.iter().enumerate().map(|(n, column)| of(n, &sql::ident(&column.name), &column.type_name));
            parts.collect::<Vec<_>>().join(separator)
        };
        let names = columns(", ", &|_, name, _| format!("r.{name}"));
        let new_names = columns(", ", &|_, name, _| format!("new.{name}"));
        let descending = columns(", ", &|_, name, _| format!("r.{name} DESC"));
        let texts = columns(", ", &|_, name, _| format!("r.{name}::pg_catalog.text"));
        let of =
            |row: &str| -> Vec<String> { key.iter().map(|one| format!("{row}.{}", sql::ident(&one.name))).collect() };
        let value = |(n, column): (usize, &&Column)| format!("${}::pg_catalog.text::{}", n + 2, column.type_name);
        let values: Vec<String> = key.iter().enumerate().map(value).collect();
        let furthest: Vec<String> = of("f").iter().map(|name| format!("(SELECT {name} FROM furthest f)")).collect();
        let (same, up_to) = (keyset.equal(&of("c"), &of("r")), keyset.at_most(&of("new"), &furthest));
        let whole = table.columns.iter().map(|column| sql::ident(&column.name)).collect::<Vec<_>>().join(", ");
        // NEW and OLD are as in the trigger, and a row that is there has no OLD: that was looked at before.
        let when = plan.condition.as_deref().unwrap_or("true");
        let together = format!("CASE WHEN {when} THEN 'stored' ELSE 'unwanted' END");
        let Plan { spec, .. } = plan;
        let published = Published::of(table, &spec.columns)?;
        // The key alone tells nothing that a store could be kept in step with, but it is what was asked for.
        let payload = if spec.payload == Payload::Keys { Payload::Keys } else { Payload::Row };
        let spec = Spec { payload, ..spec.clone() };
        let body = Body { table, spec: &spec, schema: &queue.schema, key, published: &published, condition: None };
        let statement = |behind: &dyn Fn(&str) -> String, skip: &str, fate: &str| {
            let (table_name, queue_table) = (table.quoted(), queue.table());
            let (hash, about) = (hash(table, key, "r"), body.about());
            let (behind, new_behind) = (behind("r"), behind("new"));
            let (identity, row) = (body.identity("r"), body.labelled("',\"new\":'", "r"));
            let places = [
                ("table", table_name.as_str()),
                ("behind", &behind),
                ("new_behind", &new_behind),
                ("names", &names),
                ("new_names", &new_names),
                ("fate", fate),
                ("columns", &whole),
                ("descending", &descending),
                ("rows", "$1"),
                ("skip", skip),
                ("queue", &queue_table),
                ("hash", &hash),
                ("about", &about),
                ("identity", &identity),
                ("body", &row),
                ("same", &same),
                ("up_to", &up_to),
                ("texts", &texts),
            ];
            sql::fill(include_str!("../../../sql/backfill.sql"), &places)
        };
        let mut prepare = |behind: &dyn Fn(&str) -> String, skip: &str| -> Result<Statement> {
            let together = connection.question(&statement(behind, skip, &together))?;
            Ok(Statement { together, apart: statement(behind, skip, JUDGED) })
        };
        let settings = Setting::of_told(key, &published, payload).into_iter().map(Setting::set_local);
        Ok(Self {
            settings: settings.collect(),
            judge: plan.condition.as_deref().map(|condition| judge(table, condition)),
            first: prepare(&|_| "true".to_owned(), "SKIP LOCKED")?,
            next: prepare(&|row| keyset.above(&of(row), &values), "SKIP LOCKED")?,
            one: prepare(&|row| keyset.equal(&of(row), &values), "")?,
        })
    }
}

/// Creates the function that judges a row by itself.
fn judge(table: &Table, condition: &str) -> String {
    let file = include_str!("../../../sql/backfill_fate.sql");
    let body = sql::dollar(&sql::fill_body(file, &[("when", condition.to_owned())]));
    let row = table.quoted();
    format!("CREATE FUNCTION pg_temp.pgfeed_fate(new {row}) RETURNS pg_catalog.text LANGUAGE plpgsql AS {body}")
}
