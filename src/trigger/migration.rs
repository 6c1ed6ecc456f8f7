//! `--print-sql`: what an install would do, as statements that do it on any database with such tables, also for the second time.

use std::time::Duration;

use super::apply::Installation;
use super::installed::drop_trigger;
use super::names::trigger_names;
use super::table::Kind;
use super::waits::Waits;
use crate::{queue, sql};

/// SQL that installs, also over what an earlier migration has installed: the up of a migration.
pub fn up(installations: &[Installation], lock_timeout: Duration) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let mut waits = Waits::new(lock_timeout);
    for installation @ Installation { plan, table, .. } in installations {
        // As far as is known here: what has relatives may have partitions.
        waits.before(Some(plan.table_oid), table.kind == Kind::Related, &mut statements);
        let schema = ensure_schema(&plan.schema);
        if !statements.contains(&schema) {
            statements.push(schema);
        }
        statements.extend(up_of(installation));
    }
    waits.around(statements)
}

fn up_of(Installation { plan, in_the_way, trust, .. }: &Installation) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    if let Some(queue) = plan.queue() {
        statements.extend(queue::create_statements(&queue, trust));
    }
    statements.extend_from_slice(in_the_way);
    statements.extend(plan.create_function());
    let unwanted = trigger_names(&plan.function).filter(|name| !plan.triggers.iter().any(|t| t.name == *name));
    let unwanted = unwanted.map(|name| drop_trigger(&name, &plan.quoted_table));
    statements.extend(unwanted.filter(|drop| !in_the_way.contains(drop)));
    statements.extend(plan.triggers.iter().map(|trigger| plan.create_trigger(trigger)));
    statements
}

/// SQL that creates the schema of pgfeed's own objects where there is none.
pub fn ensure_schema(schema: &str) -> String {
    let places = [("name", sql::literal(schema)), ("schema", sql::ident(schema))];
    format!("DO {}", sql::dollar(&sql::fill_body(include_str!("../../sql/schema.sql"), &places)))
}
