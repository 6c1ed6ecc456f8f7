//! Comparisons of whole keys, with the operators by which the index of the primary key is sorted.

use postgres::Client;

use super::table::Table;
use crate::connection::ask;
use crate::error::Result;
use crate::sql;

/// The operators of a key.
pub struct Keyset {
    /// One for each column, in the order of the key.
    columns: Vec<Operators>,
}

/// The operators of one column, for SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Operators {
    at_most: String,
    equal: String,
    above: String,
}

impl Keyset {
    /// Finds the operators of a table's primary key.
    ///
    /// # Errors
    /// What the server says.
    pub fn find(client: &mut Client, table: &Table) -> Result<Self> {
        let query = sql::fill(include_str!("../../sql/key_operators.sql"), &[("table", "$1")]);
        let rows = ask::rows(client, &query, &[&table.oid])?;
        let operator = |schema: &str, name: &str| format!("OPERATOR({}.{name})", sql::ident(schema));
        let operators = |row: &postgres::Row| Operators {
            at_most: operator(row.get("schema"), row.get("at_most")),
            equal: operator(row.get("schema"), row.get("equal")),
            above: operator(row.get("schema"), row.get("above")),
        };
        Ok(Self { columns: rows.iter().map(operators).collect() })
    }

    /// Whether both keys are the same.
    pub fn equal(&self, left: &[String], right: &[String]) -> String {
        let terms = self.columns.iter().zip(left.iter().zip(right));
        let terms: Vec<String> = terms.map(|(o, (left, right))| format!("{left} {} {right}", o.equal)).collect();
        terms.join(" AND ")
    }

    /// Whether the left key comes behind the right one.
    pub fn above(&self, left: &[String], right: &[String]) -> String {
        if self.is_uniform() {
            return row(left, &self.columns[0].above, right);
        }
        ordered(&self.columns, left, right, "false")
    }

    /// Whether the left key is the right one or comes before it.
    pub fn at_most(&self, left: &[String], right: &[String]) -> String {
        if self.is_uniform() {
            return row(left, &self.columns[0].at_most, right);
        }
        ordered(&self.columns, right, left, "true")
    }

    /// Whether rows can be compared at once, which an index can do for all of their columns.
    fn is_uniform(&self) -> bool {
        self.columns.windows(2).all(|two| two[0] == two[1])
    }
}

fn row(left: &[String], operator: &str, right: &[String]) -> String {
    format!("ROW({}) {operator} ROW({})", left.join(", "), right.join(", "))
}

/// Whether the left key comes behind the right one, column by column; `same` is said of keys that are equal. What stands in front
/// is what an index can use.
fn ordered(columns: &[Operators], left: &[String], right: &[String], same: &str) -> String {
    let ([column, columns @ ..], [left, lefts @ ..], [right, rights @ ..]) = (columns, left, right) else {
        return same.to_owned();
    };
    let Operators { equal, above, .. } = column;
    let rest = ordered(columns, lefts, rights, same);
    format!("(NOT {right} {above} {left} AND ({left} {above} {right} OR {left} {equal} {right} AND {rest}))")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyset(schemas: &[&str]) -> Keyset {
        let operators = |schema: &&str| Operators {
            at_most: format!("OPERATOR({schema}.<=)"),
            equal: format!("OPERATOR({schema}.=)"),
            above: format!("OPERATOR({schema}.>)"),
        };
        Keyset { columns: schemas.iter().map(operators).collect() }
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rows_at_once_where_the_operators_are_the_same() {
        let (left, right) = (words(&["r.a", "r.b"]), words(&["$1", "$2"]));
        let same = keyset(&["c", "c"]);
        assert_eq!(same.above(&left, &right), "ROW(r.a, r.b) OPERATOR(c.>) ROW($1, $2)");
        assert_eq!(same.equal(&left, &right), "r.a OPERATOR(c.=) $1 AND r.b OPERATOR(c.=) $2");
    }

    #[test]
    fn column_by_column_where_they_are_not() {
        let mixed = keyset(&["c", "p"]);
        let (left, right) = (words(&["a", "b"]), words(&["x", "y"]));
        let above = "(NOT x OPERATOR(c.>) a AND (a OPERATOR(c.>) x OR a OPERATOR(c.=) x AND \
                     (NOT y OPERATOR(p.>) b AND (b OPERATOR(p.>) y OR b OPERATOR(p.=) y AND false))))";
        assert_eq!(mixed.above(&left, &right), above);
        assert!(mixed.at_most(&right, &left).ends_with("AND true))))"));
    }
}
