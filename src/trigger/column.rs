//! A table's column as people write it: `messages(body)`, `"We ird"("Co(l")`.

use crate::error::{Error, Result};
use crate::sql::TableName;

/// A table's name and one of its columns, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnName {
    /// The table.
    pub table: TableName,
    /// The column; unquoted it was folded to lower case.
    pub column: String,
}

impl ColumnName {
    /// Parses `TABLE(COLUMN)`, each as in SQL.
    ///
    /// # Errors
    /// A usage error when it is not of that form.
    pub fn parse(text: &str) -> Result<Self> {
        let inside = text.trim_ascii().strip_suffix(')');
        // A parenthesis may stand in a quoted name: then what is on one side of it is no name.
        let found = inside.into_iter().flat_map(|text| text.match_indices('(').map(move |(at, _)| text.split_at(at)));
        let parsed = found.filter_map(|(table, column)| {
            let table = TableName::parse(table).ok()?;
            let column = TableName::parse(&column[1..]).ok().filter(|column| column.schema.is_none())?;
            Some(Self { table, column: column.name })
        });
        parsed.into_iter().next().ok_or_else(|| {
            Error::usage(format!("'{text}' is not a table and its column"))
                .hint("write it as in SQL: messages(body), chat.messages(body), \"Messages\"(\"Body\")")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<String>, String, String) {
        let ColumnName { table, column } = ColumnName::parse(text).unwrap();
        (table.schema, table.name, column)
    }

    #[test]
    fn names_are_read_as_in_sql() {
        let names = |schema: Option<&str>, table: &str, column: &str| {
            (schema.map(str::to_owned), table.to_owned(), column.to_owned())
        };
        assert_eq!(parsed("messages(body)"), names(None, "messages", "body"));
        assert_eq!(parsed(" Chat.Messages ( Body ) "), names(Some("chat"), "messages", "body"));
        assert_eq!(parsed("\"a(b)\"(\"c(d)\"\"e\")"), names(None, "a(b)", "c(d)\"e"));
    }

    #[test]
    fn everything_else_is_refused() {
        for wrong in
            ["", "messages", "messages()", "(body)", "messages(a, b)", "messages(a.b)", "m(body))", "m(b);x(c)"]
        {
            assert!(ColumnName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
