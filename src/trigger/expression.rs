//! SQL expressions over the columns of a row, as generated functions contain them. All of them are qualified, and written so
//! that no operator or function of another schema fits better.

use super::table::{Column, Table};
use crate::digest::digest;
use crate::sql;

/// A number that counts within the transaction, as a member of the event: the server folds notifications that are equal. Kept in
/// a setting of the transaction, since every role may write one, and a sequence would need a grant.
pub const SEQ: &str = "',\"seq\":' || pg_catalog.set_config('pgfeed.seq', \
    (COALESCE(NULLIF(pg_catalog.current_setting('pgfeed.seq', true), ''), '0')::pg_catalog.int8 + 1)::pg_catalog.text, true)";

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
    let json = if is_whole_number(column) {
        format!("{row}.{name}::pg_catalog.text")
    } else {
        format!("pg_catalog.to_json({row}.{name})::pg_catalog.text")
    };
    format!("COALESCE({json}, 'null')")
}

/// `{"a":1,"b":"x"}` of some columns of a row variable.
pub fn object(row: &str, columns: &[&Column]) -> String {
    object_behind("", row, columns)
}

/// The same behind some JSON, in one literal with it: each term is a copy of all in front of it.
pub fn object_behind(before: &str, row: &str, columns: &[&Column]) -> String {
    let mut terms = Vec::new();
    for (n, column) in columns.iter().enumerate() {
        let before = if n == 0 { format!("{before}{{") } else { ",".to_owned() };
        terms.push(json_label(&before, &column.name, ":"));
        terms.push(value(row, column));
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
            format!("CASE WHEN {differs} THEN {label} || {} ELSE '' END", value("OLD", column))
        })
        .collect();
    if terms.is_empty() {
        return sql::literal("{}");
    }
    format!("'{{' || pg_catalog.substr({}, 2) || '}}'", concat(&terms))
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
        [column] if is_whole_number(column) => {
            format!("pg_catalog.hashint8({row}.{}::pg_catalog.int8)", sql::ident(&column.name))
        }
        key => format!("pg_catalog.hashtext({})", object(row, key)),
    };
    // In the middle of the table's range: the hashes of its keys have 32 bits and a sign.
    let middle = digest_of(table) & !0xffff_ffff | 0x8000_0000;
    format!("'{}'::pg_catalog.int8 + {hash}", middle.cast_signed())
}

fn digest_of(table: &Table) -> u64 {
    digest(&format!("{}\0{}", table.told_schema, table.told_name))
}

/// int8, int2, int4
fn is_whole_number(column: &Column) -> bool {
    matches!(column.type_oid, 20 | 21 | 23)
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
        assert_eq!(object("r", &[&id]), r#"'{"id":' || COALESCE(r."id"::pg_catalog.text, 'null') || '}'"#);
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
