//! The condition of a trigger itself, of our own making: it cannot fail, and the server's picture of it can be recognised.

use super::expression::differ;
use super::published::{Published, find};
use super::spec::Spec;
use super::table::{Column, Table};
use crate::error::Result;

/// `pg_catalog.record_image_ne(record, record)`; the numbers of built-in functions stay.
const RECORD_IMAGE_NE: u32 = 3182;

/// Lets updates pass whose old and new row differ in each of these parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<Part>);

/// What has to differ.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Row,
    /// Any of these columns.
    Columns(Vec<Column>),
}

impl Filter {
    /// For the updates that shall be told. A change of the key passes always: whoever follows a row must learn where it went.
    ///
    /// # Errors
    /// A usage error when the table lacks a column that was named.
    pub fn of_updates(table: &Table, spec: &Spec, published: &Published) -> Result<Option<Self>> {
        let with_key = |columns: &[&Column]| {
            let mut watched = columns.to_vec();
            watched.extend(table.key().into_iter().filter(|key| !columns.iter().any(|column| column.name == key.name)));
            Part::columns(&watched)
        };
        let mut parts = Vec::new();
        if !spec.update_of.is_empty() {
            parts.push(with_key(&find(table, &spec.update_of)?));
        }
        if spec.skip_unchanged {
            parts.push(match published {
                Published::Whole(_) => Part::Row,
                Published::Listed(columns) => with_key(columns),
            });
        }
        Ok((!parts.is_empty()).then_some(Self(parts)))
    }

    /// For the updates that change the key.
    pub fn of_key_changes(key: &[&Column]) -> Self {
        Self(vec![Part::columns(key)])
    }

    /// As SQL.
    pub fn sql(&self) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Row => "pg_catalog.record_image_ne(OLD, NEW)".to_owned(),
            Part::Columns(columns) => differ(&columns.iter().collect::<Vec<_>>()),
        });
        parts.collect::<Vec<_>>().join(" AND ")
    }

    /// Whether `pg_trigger.tgqual` says the same.
    pub fn is(&self, tree: &str) -> bool {
        shape_of(tree).eq(self.shape().split_ascii_whitespace())
    }

    /// What the server makes of it, as far as it says something.
    fn shape(&self) -> String {
        let all = if self.0.len() > 1 { "BOOLEXPR and" } else { "" };
        let parts = self.0.iter().map(|part| {
            // OLD and NEW are 1 and 2 (PRS2_OLD_VARNO, PRS2_NEW_VARNO); the column 0 is the whole row.
            let version = |row: u8| match part {
                Part::Row => format!(" VAR {row} 0"),
                Part::Columns(columns) => {
                    let fields = columns.iter().map(|column| format!(" VAR {row} {}", column.number));
                    format!(" ROW{}", fields.collect::<String>())
                }
            };
            format!(" FUNCEXPR {RECORD_IMAGE_NE}{}{}", version(1), version(2))
        });
        format!("{all}{}", parts.collect::<String>())
    }
}

impl Part {
    fn columns(columns: &[&Column]) -> Self {
        Self::Columns(columns.iter().copied().cloned().collect())
    }
}

/// The kinds of the nodes in a tree (`{FUNCEXPR :funcid 3182 ... :args ({VAR :varno 1 ...`), and which function, connective and
/// column they mean; all else follows from that, or differs between versions of the server.
fn shape_of(tree: &str) -> impl Iterator<Item = &str> {
    let mut says_more = false;
    tree.split_ascii_whitespace().filter_map(move |word| {
        let was_asked =
            std::mem::replace(&mut says_more, matches!(word, ":funcid" | ":opno" | ":boolop" | ":varno" | ":varattno"));
        match word.trim_start_matches('(').strip_prefix('{') {
            // As it is called since PostgreSQL 15.
            Some("ROWEXPR") => Some("ROW"),
            Some(kind) => Some(kind),
            None => was_asked.then_some(word),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server made of `record_image_ne(ROW(OLD.id, OLD.b), ROW(NEW.id, NEW.b)) AND record_image_ne(OLD, NEW)`.
    const TREE: &str = r#"{BOOLEXPR :boolop and :args ({FUNCEXPR :funcid 3182 :funcresulttype 16 :args ({ROWEXPR :args
        ({VAR :varno 1 :varattno 1 :vartype 23 :varnosyn 1 :varattnosyn 1 :location 85} {VAR :varno 1 :varattno 2 :vartype 25})
        :row_typeid 2249 :row_format 2 :colnames ("f1" "f2") :location 81} {ROWEXPR :args ({VAR :varno 2 :varattno 1 :vartype 23}
        {VAR :varno 2 :varattno 2 :vartype 25}) :row_typeid 2249}) :location 54} {FUNCEXPR :funcid 3182 :args
        ({VAR :varno 1 :varattno 0 :vartype 16435} {VAR :varno 2 :varattno 0 :vartype 16435}) :location 139}) :location 135}"#;

    fn column(name: &str, number: i16) -> Column {
        Column { number, ..Column::sample(name, 23) }
    }

    #[test]
    fn what_the_server_makes_of_a_filter_is_recognised() {
        let columns = Part::Columns(vec![column("id", 1), column("b", 2)]);
        assert!(Filter(vec![columns.clone(), Part::Row]).is(TREE));
        assert!(Filter(vec![columns.clone(), Part::Row]).is(&TREE.replace("ROWEXPR", "ROW")));
        for other in [vec![Part::Row], vec![columns.clone()], vec![Part::Row, columns]] {
            assert!(!Filter(other).is(TREE));
        }
        assert!(!Filter(vec![Part::Columns(vec![column("id", 1)]), Part::Row]).is(TREE));
        assert!(!Filter(vec![Part::Row]).is("{CONST :consttype 16 :constvalue 1 [ 0 0 0 0 0 0 0 0 ]}"));
        assert!(!Filter(vec![Part::Row]).is(&TREE.replace(":boolop and", ":boolop or")));
    }
}
