//! Finds tables that tell the same rows to the same place: a partition, and what it is a partition of.

use super::apply::Installation;
use super::installed::Installed;
use super::spec::Destination;

/// A table with a destination.
struct Teller<'a> {
    oid: u32,
    name: String,
    ancestors: &'a [u32],
    to: &'a Destination,
    schema: &'a str,
}

/// What to say of an installation that tells rows which another, in the same transaction or from earlier, tells as well.
pub fn told_twice(one: &Installation, others: &[Installation], installed: &[Installed]) -> Option<String> {
    let this = Teller::of(one);
    let installed = installed.iter().filter_map(Teller::installed);
    let other = others.iter().map(Teller::of).chain(installed).find(|other| this.shares_rows_with(other))?;
    let (part, whole) = if other.ancestors.contains(&this.oid) { (&other, &this) } else { (&this, &other) };
    Some(format!(
        "{} is a partition of {}, and both tell {}: a change of its rows is told twice",
        part.name, whole.name, this.to
    ))
}

impl<'a> Teller<'a> {
    fn of(one: &'a Installation) -> Self {
        let Installation { table, plan, .. } = one;
        Self {
            oid: table.oid,
            name: table.display(),
            ancestors: &table.ancestors,
            to: &plan.spec.to,
            schema: &plan.schema,
        }
    }

    fn installed(one: &'a Installed) -> Option<Self> {
        let (table, to) = (one.table.as_ref()?, one.destination()?);
        let name = format!("{}.{}", table.schema, table.name);
        Some(Self { oid: table.oid, name, ancestors: &table.ancestors, to, schema: &one.schema })
    }

    fn shares_rows_with(&self, other: &Self) -> bool {
        let related = self.ancestors.contains(&other.oid) || other.ancestors.contains(&self.oid);
        let same_place = matches!(self.to, Destination::Channel(_)) || self.schema == other.schema;
        self.oid != other.oid && related && same_place && self.to.is(other.to)
    }
}
