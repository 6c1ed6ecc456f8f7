//! SQL expressions over the columns of a row, as generated functions contain them. All of them are qualified, and written so
//! that no operator or function of another schema fits better.

use super::table::{Column, Table};
use crate::digest::digest;
use crate::sql;

/// A number that counts within the transaction, as a member of the event: the server folds notifications that are equal. Kept in
/// a setting of the transaction, since every role may write one, and a sequence would need a grant.
pub const SEQ: &str = "',\"seq\":' || pg_catalog.set_config('pgfeed.seq', \
    (COALESCE(NULLIF(pg_catalog.current_setting('pgfeed.seq', true), ''), '0')::pg_catalog.int8 + 1)::pg_catalog.text, true)";

/// Whether a warning is the first of its kind in the transaction, for a table and where it is told to; from then on it is not. Kept in
/// a setting of the transaction as well, which outlives the function: `SET` at the function takes back only the settings that it names.
/// To be asked by [`ask`].
pub fn is_first(kind: &str, table: &Table, destination: &str) -> String {
    let told = "COALESCE(pg_catalog.current_setting('pgfeed.warned', true), '')";
    let mark = sql::literal(&format!("{kind} {:x};", digest(&format!("{:x} {destination}", digest_of(table)))));
    format!(
        "CASE WHEN pg_catalog.strpos({told}, {mark}) > 0 THEN false \
         ELSE pg_catalog.set_config('pgfeed.warned', {told} || {mark}, true) IS NOT NULL END"
    )
}

/// The statement that asks whether a warning is the first, and leaves the answer in `is_first`.
pub fn ask(is_first: &str) -> String {
    format!(
        "-- Not again and again. Where that cannot be kept (set_config may be revoked) it is said each time, and fails no write either.
      BEGIN
        is_first := {is_first};
      EXCEPTION WHEN OTHERS THEN
        is_first := true;
      END;"
    )
}

/// Joins text expressions with `||`, in groups, so that a table of 1600 columns does not nest 1600 levels deep.
fn concat(terms: &[String]) -> String {
    const GROUP: usize = 40;
    if terms.len() <= GROUP {
        return terms.join(" || ");
    }
    let groups: Vec<String> = terms.chunks(GROUP).map(|group| format!("({})", group.join(" || "))).collect();
    concat(&groups)
}

/// A JSON string as an SQL literal, with more JSON around it.
fn json_label(before: &str, name: &str, after: &str) -> String {
    sql::literal(&format!("{before}{}{after}", json_string(name)))
}

/// A JSON string.
pub fn json_string(text: &str) -> String {
    serde_json::to_string(text).expect("a string is always JSON")
}

/// The JSON of one column of a row variable, as text: whole numbers as they are, the rest as row_to_json would write it.
fn value(row: &str, column: &Column) -> String {
    let name = sql::ident(&column.name);
    let json = if column.is_whole_number() {
        format!("{row}.{name}::pg_catalog.text")
    } else {
        format!("pg_catalog.to_json({row}.{name})::pg_catalog.text")
    };
    format!("COALESCE({json}, 'null')")
}

/// The same, refused by the server (as an undefined function) where the column is no whole number any more: what is one to JSON
/// without quotes may be none with them.
fn checked_value(row: &str, column: &Column) -> String {
    if !column.is_whole_number() {
        return value(row, column);
    }
    format!("COALESCE({}::pg_catalog.text, 'null')", checked_field(row, column))
}

/// No other type becomes an int8 by itself.
fn checked_field(row: &str, column: &Column) -> String {
    let field = format!("{row}.{}", sql::ident(&column.name));
    if column.is_whole_number() { format!("pg_catalog.int8out({field})") } else { field }
}

/// Some columns of a row variable as a list, which the server refuses where [`object`] could not tell them.
pub fn checked_fields(row: &str, columns: &[&Column]) -> String {
    columns.iter().map(|column| checked_field(row, column)).collect::<Vec<_>>().join(", ")
}

/// `{"a":1,"b":"x"}` of some columns of a row variable.
pub fn object(row: &str, columns: &[&Column]) -> String {
    object_of("", columns, &|column| checked_value(row, column))
}

/// The same of a key, behind some JSON, in one literal with it: each term is a copy of all in front of it.
pub fn key_behind(before: &str, row: &str, key: &[&Column]) -> String {
    object_of(before, key, &|column| value(row, column))
}

fn object_of(before: &str, columns: &[&Column], value: &dyn Fn(&Column) -> String) -> String {
    let mut terms = Vec::new();
    for (n, column) in columns.iter().enumerate() {
        let before = if n == 0 { format!("{before}{{") } else { ",".to_owned() };
        terms.push(json_label(&before, &column.name, ":"));
        terms.push(value(column));
    }
    terms.push(if columns.is_empty() { sql::literal(&format!("{before}{{}}")) } else { sql::literal("}") });
    concat(&terms)
}

/// `{"b":"x"}` of those of some columns whose old value differs from the new, with their old values.
pub fn changed_object(columns: &[&Column]) -> String {
    let terms: Vec<String> = columns
        .iter()
        .map(|column| {
            let label = json_label(",", &column.name, ":");
            let differs = differ(&[column]);
            format!("CASE WHEN {differs} THEN {label} || {} ELSE '' END", checked_value("OLD", column))
        })
        .collect();
    if terms.is_empty() {
        return sql::literal("{}");
    }
    format!("'{{' || pg_catalog.substr({}, 2) || '}}'", concat(&terms))
}

/// The same as [`object`], behind a label, of those columns that the row still has. Slower, and right whatever has become of
/// the table.
pub fn object_of_the_rest(label: &str, row: &str, columns: &[&Column]) -> String {
    let members = format!("pg_catalog.json_each({}) e(name, value)", inert_json(row));
    format!("{label} || {}", members_of_the_rest(&members, &is_named(Some(columns))))
}

/// The same as [`changed_object`], likewise; of all columns that the table has now where none are named.
pub fn changed_object_of_the_rest(label: &str, columns: Option<&[&Column]>) -> String {
    let [old, new] = ["OLD", "NEW"].map(inert_json);
    // Both versions have the same columns in the same order.
    let members =
        format!("ROWS FROM (pg_catalog.json_each({old}), pg_catalog.json_each({new})) e(name, value, again, becomes)");
    let differs = format!("e.value::pg_catalog.text <> e.becomes::pg_catalog.text AND {}", is_named(columns));
    format!("{label} || {}", members_of_the_rest(&members, &differs))
}

/// An object of some members of inert JSON, which are rows `e` with a name and a value.
fn members_of_the_rest(members: &str, which: &str) -> String {
    let member = "pg_catalog.to_json(e.name)::pg_catalog.text || ':' || e.value::pg_catalog.text";
    let inert = format!("pg_catalog.string_agg({member}, ',')");
    let object = INERT.iter().rev().fold(inert, |json, (real, inert)| replace(&json, inert, real));
    format!("(SELECT '{{' || COALESCE({object}, '') || '}}' FROM {members} WHERE {which})")
}

/// Whether a member `e` of inert JSON is one of some columns.
fn is_named(columns: Option<&[&Column]>) -> String {
    let Some(columns) = columns else { return "true".to_owned() };
    let names: Vec<String> = columns.iter().map(|column| sql::literal(&inert_name(&column.name))).collect();
    format!("e.name = ANY (ARRAY[{}]::pg_catalog.text[])", names.join(", "))
}

/// What makes JSON inert, in this order. The server refuses to take JSON apart that has the code of a zero, half a pair, or a character
/// that its encoding lacks; but a row may hold such JSON. So each `\u` becomes a backslash and a `u`, and where these two stand
/// already they are kept apart by a `-`. That is undone in the other order: two backslashes in inert JSON are followed by one of both.
const INERT: [(&str, &str); 2] = [(r"\\", r"\\-"), (r"\u", r"\\u")];

/// The JSON of a row variable, inert.
fn inert_json(row: &str) -> String {
    let json = format!("pg_catalog.row_to_json({})::pg_catalog.text", if row == "r" { "r.*" } else { row });
    let inert = INERT.iter().fold(json, |json, (real, inert)| replace(&json, real, inert));
    format!("{inert}::pg_catalog.json")
}

/// The name that a column has in inert JSON, once that is taken apart: of the characters below a space the server writes all but
/// these five with `\u`.
fn inert_name(name: &str) -> String {
    let inert = |c: char| match c {
        '\\' => r"\-".to_owned(),
        '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => c.to_string(),
        '\0'..' ' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    name.chars().map(inert).collect()
}

fn replace(text: &str, what: &str, with: &str) -> String {
    format!("pg_catalog.replace({text}, {}, {})", sql::literal(what), sql::literal(with))
}

/// Whether any of some columns differs between OLD and NEW, byte for byte: unlike `IS DISTINCT FROM` this needs no equality
/// operator (json has none, and would fail the write), and sees every change that a reader could see.
pub fn differ(columns: &[&Column]) -> String {
    let row = |version: &str| {
        let fields: Vec<String> =
            columns.iter().map(|column| format!("{version}.{}", sql::ident(&column.name))).collect();
        format!("ROW({})", fields.join(", "))
    };
    format!("pg_catalog.record_image_ne({}, {})", row("OLD"), row("NEW"))
}

/// A number for a table, which its events without a key share. Its upper 32 bits stand in the numbers of all its rows: so a TRUNCATE
/// knows what it must wait for.
pub fn table_hash(table: &Table) -> String {
    format!("'{}'::pg_catalog.int8", digest_of(table).cast_signed())
}

/// A number for the row: events that share it are delivered in their order.
pub fn hash(table: &Table, key: &[&Column], row: &str) -> String {
    let hash = match key {
        [] => return table_hash(table),
        [column] if column.is_whole_number() => {
            format!("pg_catalog.hashint8({row}.{}::pg_catalog.int8)", sql::ident(&column.name))
        }
        key => format!("pg_catalog.hashtext({})", key_behind("", row, key)),
    };
    // In the middle of the table's range: the hashes of its keys have 32 bits and a sign.
    let middle = digest_of(table) & !0xffff_ffff | 0x8000_0000;
    format!("'{}'::pg_catalog.int8 + {hash}", middle.cast_signed())
}

fn digest_of(table: &Table) -> u64 {
    digest(&format!("{}\0{}", table.told_schema, table.told_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, type_oid: u32) -> Column {
        Column::sample(name, type_oid)
    }

    #[test]
    fn names_are_quoted_for_json_inside_sql() {
        let (id, odd) = (column("id", 23), column("o'\"\\d", 25));
        assert_eq!(
            object("r", &[&id]),
            r#"'{"id":' || COALESCE(pg_catalog.int8out(r."id")::pg_catalog.text, 'null') || '}'"#
        );
        let expected =
            r#" E'{"o''\\"\\\\d":' || COALESCE(pg_catalog.to_json(r."o'""\d")::pg_catalog.text, 'null') || '}'"#;
        assert_eq!(object("r", &[&odd]), expected);
    }

    #[test]
    fn many_columns_do_not_nest_deeply() {
        let columns: Vec<Column> = (0..1600).map(|n| column(&format!("c{n}"), 23)).collect();
        let text = object("r", &columns.iter().collect::<Vec<_>>());
        let deepest = text.chars().scan(0, |depth, c| {
            *depth += i32::from(c == '(') - i32::from(c == ')');
            Some(*depth)
        });
        assert!(deepest.max() < Some(6));
        assert!(text.split(['(', ')']).all(|part| part.matches("||").count() <= 160));
    }

    #[test]
    fn no_columns_are_an_empty_object() {
        assert_eq!((object("r", &[]), changed_object(&[])), ("'{}'".to_owned(), "'{}'".to_owned()));
    }
}
