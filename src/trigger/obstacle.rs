//! What stands where an installation wants to be, and is not part of it.

use postgres::Transaction;

use super::installed::{Installed, drop_function, drop_trigger};
use super::names::trigger_names;
use super::plan::Plan;
use crate::connection::ask;
use crate::error::{Error, Result};
use crate::sql;

/// Something that has a name which an installation needs.
#[derive(Debug)]
pub enum Obstacle {
    /// Somebody's trigger.
    Trigger(String),
    /// Somebody's function.
    Function(String),
    /// A function of pgfeed's whose table is gone. Replaced it would keep its owner, who could be anybody.
    Leftover(String),
    /// A function of pgfeed's that serves another table, which had this table's name before.
    Used { function: String, by: String },
}

impl Obstacle {
    /// Looks for them.
    ///
    /// # Errors
    /// What the server says.
    pub fn read(transaction: &mut Transaction, plan: &Plan) -> Result<Vec<Self>> {
        let places = [
            ("table", "$1::pg_catalog.oid"),
            ("triggers", "$2::pg_catalog.text[]"),
            ("schema", "$3::pg_catalog.text"),
            ("function", "$4::pg_catalog.text"),
        ];
        let query = sql::fill(include_str!("../../sql/obstacles.sql"), &places);
        // Also those that this plan leaves out: another has them, and calls the function that may have to go.
        let names: Vec<String> = trigger_names(&plan.function).collect();
        let rows = ask::rows(transaction, &query, &[&plan.table_oid, &names, &plan.schema, &plan.function])?;
        let obstacle = |row: &postgres::Row| {
            let name = row.get("name");
            match row.get("kind") {
                "trigger" => Self::Trigger(name),
                "function" => Self::Function(name),
                "leftover" => Self::Leftover(name),
                _ => Self::Used { function: name, by: row.get("used_by") },
            }
        };
        Ok(rows.iter().map(obstacle).collect())
    }

    /// Refuses what may not be removed.
    ///
    /// # Errors
    /// That it is in the way.
    pub fn refuse(&self, plan: &Plan, force: bool) -> Result<()> {
        let schema = &plan.schema;
        let not_ours = |what: String| {
            Err(Error::failed(format!("{what} is in the way, and is not pgfeed's"))
                .hint("--force replaces it; --schema puts pgfeed's objects elsewhere"))
        };
        match self {
            Self::Trigger(name) if !force => not_ours(format!("trigger {name} on {}", plan.table)),
            Self::Function(name) if !force => not_ours(format!("function {schema}.{name}")),
            Self::Used { function, by } => {
                Err(Error::failed(format!("function {schema}.{function} tells the changes of {by}"))
                    .hint(format!("if {by} was renamed, install on it again first, which renames the function")))
            }
            _ => Ok(()),
        }
    }

    /// SQL that removes it.
    pub fn drop_statement(&self, plan: &Plan) -> String {
        match self {
            Self::Trigger(name) => drop_trigger(name, &plan.quoted_table),
            Self::Function(name) | Self::Leftover(name) | Self::Used { function: name, .. } => {
                drop_function(&plan.schema, name)
            }
        }
    }
}

/// What has to go first, and may.
///
/// # Errors
/// That something may not; what the server says.
pub fn in_the_way(
    transaction: &mut Transaction,
    plan: &Plan,
    installed: &[Installed],
    force: bool,
) -> Result<Vec<String>> {
    let obstacles = Obstacle::read(transaction, plan)?;
    obstacles.iter().try_for_each(|obstacle| obstacle.refuse(plan, force))?;
    Ok(make_way(plan, installed, &obstacles))
}

/// SQL for that. What locks the table most, that is: a lock that grows while held is how deadlocks are made.
pub fn make_way(plan: &Plan, installed: &[Installed], obstacles: &[Obstacle]) -> Vec<String> {
    let (same, others): (Vec<&Installed>, Vec<&Installed>) =
        installed.iter().filter(|one| one.is(plan)).partition(|one| one.has_function_of(plan));
    let mut statements: Vec<String> = others.iter().flat_map(|other| other.drop_statements()).collect();
    statements.extend(obstacles.iter().map(|obstacle| obstacle.drop_statement(plan)));
    let leftover =
        same.iter().flat_map(|one| &one.triggers).filter(|t| !plan.triggers.iter().any(|p| p.name == t.name));
    statements.extend(leftover.map(|trigger| drop_trigger(&trigger.name, &plan.quoted_table)));
    statements
}
