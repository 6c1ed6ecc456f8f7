//! SQL text: the one place where identifiers and literals are quoted, and where the files of `sql/` are filled in.

mod name;

use crate::error::{Error, Result};

pub use name::{TableName, columns};

/// The schema of pgfeed's own objects where none is named. Names of triggers depend on it: those of its queues are plain.
pub const DEFAULT_SCHEMA: &str = "pgfeed";

/// The longest identifier the server keeps, in bytes (`NAMEDATALEN` less one); it cuts longer ones silently.
pub const MAX_NAME_BYTES: usize = 63;

/// Quotes an identifier: `we"ird` becomes `"we""ird"`.
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes `schema.name`.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", ident(schema), ident(name))
}

/// Quotes a string literal so that it means the same whatever `standard_conforming_strings` is.
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// Quotes a function body with a dollar tag that does not occur in it.
pub fn dollar(body: &str) -> String {
    let tag = (0..)
        .map(|n| if n == 0 { "$pgfeed$".to_owned() } else { format!("$pgfeed{n}$") })
        .find(|tag| !body.contains(tag.trim_end_matches('$')))
        .expect("a finite body cannot hold infinitely many tags");
    format!("{tag}{body}{tag}")
}

/// Checks what every name must satisfy before it is sent: not empty, no NUL, at most 63 bytes.
///
/// # Errors
/// A usage error that names `what` and the name.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::usage(format!("{what} is empty")));
    }
    if name.contains('\0') {
        return Err(Error::usage(format!("{what} contains a NUL character, which PostgreSQL cannot store")));
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(Error::usage(format!("{what} \"{name}\" is {} bytes long", name.len()))
            .hint(format!("PostgreSQL cuts names at {MAX_NAME_BYTES} bytes, so that it would be another name")));
    }
    Ok(())
}

/// Fills the marked places of a file from `sql/`.
///
/// A place is `/*{name}*/sample/*{}*/`: the sample makes the file run under psql as it stands, and is replaced here. A place
/// may not hold another.
///
/// # Panics
/// When a place has no value or a value has no place: both are mistakes in this program, and every template is filled by a test.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut used = vec![false; values.len()];
    let mut rest = template;
    while let Some(open) = rest.find("/*{") {
        filled.push_str(&rest[..open]);
        rest = &rest[open + 3..];
        let (name, after) = rest.split_once("}*/").expect("a place has a name");
        let (_sample, after) = after.split_once("/*{}*/").expect("a place has an end");
        let value =
            values.iter().position(|(key, _)| *key == name).unwrap_or_else(|| panic!("no value for the place {name}"));
        used[value] = true;
        filled.push_str(values[value].1);
        rest = after;
    }
    if let Some(unused) = used.iter().position(|used| !used) {
        panic!("no place for the value {}", values[unused].0);
    }
    filled.push_str(rest);
    filled
}

/// Fills a file from `sql/` that is one statement, as a value in others: in parentheses.
///
/// # Panics
/// As [`fill`].
pub fn part(file: &str, places: &[(&str, &str)]) -> String {
    format!("({})", fill(file, places).trim_end().trim_end_matches(';'))
}

/// Takes the body out of a file that quotes one with `$pgfeed$`, and fills it: what is filled in may hold that tag, so the whole
/// is to be quoted anew ([`dollar`]).
///
/// # Panics
/// As [`fill`].
pub fn fill_body(file: &str, places: &[(&str, String)]) -> String {
    let body = file.split("$pgfeed$").nth(1).expect("the file quotes a body with $pgfeed$");
    let places: Vec<(&str, &str)> = places.iter().map(|(name, value)| (*name, value.as_str())).collect();
    fill(body, &places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_identifiers_and_literals() {
        assert_eq!(ident("we\"ird"), "\"we\"\"ird\"");
        assert_eq!(qualified("public", "Orders"), "\"public\".\"Orders\"");
        assert_eq!(literal("o'rder"), "'o''rder'");
        assert_eq!(literal("a\\b"), " E'a\\\\b'");
    }

    #[test]
    fn the_dollar_tag_does_not_occur_in_the_body() {
        assert_eq!(dollar("x"), "$pgfeed$x$pgfeed$");
        assert_eq!(dollar("$pgfeed$"), "$pgfeed1$$pgfeed$$pgfeed1$");
        // A body that ends in the tag's start would complete it early.
        assert_eq!(dollar("$pgfeed"), "$pgfeed1$$pgfeed$pgfeed1$");
    }

    #[test]
    fn names_are_counted_in_bytes() {
        assert!(check_name("channel", &"é".repeat(31)).is_ok());
        assert!(check_name("channel", &"é".repeat(32)).is_err());
        assert!(check_name("channel", &"a".repeat(63)).is_ok());
        assert!(check_name("channel", &"a".repeat(64)).is_err());
        assert!(check_name("channel", "").is_err());
        assert!(check_name("channel", "a\0b").is_err());
    }

    #[test]
    fn fills_places() {
        let template = "SELECT /*{what}*/1/*{}*/ FROM /*{table}*/t/*{}*/;";
        assert_eq!(fill(template, &[("what", "2"), ("table", "\"x\"")]), "SELECT 2 FROM \"x\";");
    }
}
