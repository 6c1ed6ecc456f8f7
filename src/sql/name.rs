//! Table names as people write them in SQL: `orders`, `shop.orders`, `"We ird"."Co""l"`.

use std::fmt;

use crate::error::{Error, Result};
use crate::sql;

/// A table's name as written: the schema may be left to the search_path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// The schema, if it was written.
    pub schema: Option<String>,
    /// The name.
    pub name: String,
}

impl TableName {
    /// Parses a name: unquoted parts fold to lower case, quoted ones are exact.
    ///
    /// # Errors
    /// A usage error that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = |why: &str| {
            Error::usage(format!("'{text}' is not a table's name: {why}"))
                .hint("write it as in SQL: orders, shop.orders, \"Orders\" (with the double quotes)")
        };
        let mut parts = Vec::new();
        let mut rest = text.trim_ascii();
        loop {
            let (part, after) = part(rest).map_err(&refused)?;
            sql::check_name("the table's name", &part)?;
            parts.push(part);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => break,
                None => return Err(refused("it goes on behind its end")),
            }
        }
        let name = parts.pop().expect("the loop has pushed one");
        match (parts.pop(), parts.is_empty()) {
            (schema, true) => Ok(Self { schema, name }),
            _ => Err(refused("it has more parts than schema and name")),
        }
    }

    /// The name quoted for SQL.
    pub fn quoted(&self) -> String {
        match &self.schema {
            Some(schema) => sql::qualified(schema, &self.name),
            None => sql::ident(&self.name),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

fn part(text: &str) -> Result<(String, &str), &'static str> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find('.').unwrap_or(text.len());
        let word = &text[..end];
        return match word.chars().next() {
            None => Err("a part of it is empty"),
            // As the server's lexer: whatever is not ASCII may stand in a name.
            Some(c) if c.is_ascii() && !c.is_ascii_alphabetic() && c != '_' => Err("such a name needs double quotes"),
            _ if word.contains(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' && c != '$') => {
                Err("such a name needs double quotes")
            }
            // The server folds ASCII letters only, in databases with a multibyte encoding.
            _ => Ok((word.to_ascii_lowercase(), &text[end..])),
        };
    };
    quoted_part(quoted)
}

/// What stands behind an opening double quote: the name, and what follows the closing one.
fn quoted_part(text: &str) -> Result<(String, &str), &'static str> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('"') else { return Err("a double quote is not closed") };
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(doubled) = rest.strip_prefix('"') else { return Ok((name, rest)) };
        name.push('"');
        rest = doubled;
    }
}

/// Parses a list of columns: `status, We ird, "a,b"`. Unlike tables they are spelled exactly without quotes too; in double quotes
/// stands what holds a comma, or begins with a quote or a space.
///
/// # Errors
/// A usage error that says what is wrong with it.
pub fn columns(text: &str) -> Result<Vec<String>> {
    let refused = |why: &str| {
        Error::usage(format!("'{text}' is not a list of columns: {why}"))
            .hint("write it like status,total; a name with a comma in it in double quotes, as in SQL")
    };
    let mut names = Vec::new();
    let mut rest = text.trim_ascii();
    loop {
        let (name, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_part(quoted).map_err(refused)?,
            None => {
                let (name, after) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                (name.trim_ascii().to_owned(), after)
            }
        };
        if name.is_empty() {
            return Err(refused("a name in it is empty"));
        }
        names.push(name);
        let after = after.trim_ascii_start();
        match after.strip_prefix(',') {
            Some(next) => rest = next.trim_ascii_start(),
            None if after.is_empty() => return Ok(names),
            None => return Err(refused("a name goes on behind its end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> (Option<String>, String) {
        let TableName { schema, name } = TableName::parse(text).unwrap();
        (schema, name)
    }

    #[test]
    fn folds_and_unquotes() {
        assert_eq!(parsed("Orders"), (None, "orders".to_owned()));
        assert_eq!(parsed("Shop.\"Or.de\"\"rs\""), (Some("shop".to_owned()), "Or.de\"rs".to_owned()));
        assert_eq!(parsed("ÄB$1"), (None, "Äb$1".to_owned()));
        assert_eq!(parsed("e\u{301}😀"), (None, "e\u{301}😀".to_owned()));
    }

    #[test]
    fn refuses_what_is_no_name() {
        for wrong in ["", ".", "a.", ".a", "a.b.c", "1a", "a b", "a;b", "\"a", "\"\"", "\"a\"b", "a\0", "o'rder"] {
            assert!(TableName::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(TableName::parse(&"é".repeat(32)).is_err());
        assert!(TableName::parse(&"é".repeat(31)).is_ok());
    }

    #[test]
    fn lists_of_columns() {
        let list = |text: &str| columns(text).unwrap();
        assert_eq!(list("a"), ["a"]);
        assert_eq!(list(" a, We ird ,B"), ["a", "We ird", "B"]);
        assert_eq!(list("\"a,b\" , \" c\"\"d \",e\"f"), ["a,b", " c\"d ", "e\"f"]);
        for wrong in ["", " ", "a,", ",a", "a,,b", "\"a", "\"a\"b", "\"\""] {
            assert!(columns(wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn a_list_of_quoted_columns_reads_back(names in prop::collection::vec("[^\0]{1,15}", 1..5)) {
            let list = names.iter().map(|name| sql::ident(name)).collect::<Vec<_>>().join(",");
            prop_assert_eq!(columns(&list).unwrap(), names);
        }

        #[test]
        fn what_is_quoted_reads_back(schema in "[^\0]{1,15}", name in "[^\0]{1,15}") {
            let written = TableName { schema: Some(schema), name };
            prop_assert_eq!(TableName::parse(&written.quoted()).unwrap(), written);
        }
    }
}
