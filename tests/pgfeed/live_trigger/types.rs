//! What the values of every type look like: valid JSON, exact numbers, nothing that fails.

use super::feed::{Feed, Writer, install};
use crate::harness::Database;

/// What an insert of one row tells as `new`. With the whole row, with listed columns and at row level it must be the same text.
#[track_caller]
fn new_of(before: &str, definition: &str, values: &str) -> String {
    let db = Database::new();
    db.sql(before);
    db.sql(&format!("CREATE TABLE t ({definition})"));
    let columns = "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0";
    let columns = db.value(columns);
    install(&db, ["t", "--channel", "whole"]);
    install(&db, ["t", "--channel", "listed", "--columns", &columns]);
    install(&db, ["t", "--channel", "row", "--payload", "diff"]);
    let mut feeds = ["whole", "listed", "row"].map(|channel| Feed::of(&db, [channel]));
    assert_eq!(Writer::of(&db).sql(&format!("SET timezone = 'UTC'; INSERT INTO t VALUES ({values})")), [""; 0]);
    let [whole, listed, row] = feeds.each_mut().map(|feed| {
        let payload = feed.payloads().remove(0);
        serde_json::from_str::<serde_json::Value>(&payload).expect(&payload);
        let (_, new) = payload.split_once("\"new\":").unwrap();
        new.split_once(",\"txid\":").unwrap().0.to_owned()
    });
    assert_eq!((&whole, &whole), (&listed, &row));
    whole
}

#[test]
fn numbers_stay_exact() {
    let definition = "a int2, b int8, c numeric, d float8, e float4, f oid, none int";
    let values =
        "-32768, 9223372036854775807, 123456789012345678901234567890.000000000010, 0.1, 1e-30, 4294967295, NULL";
    let expected = concat!(
        r#"{"a":-32768,"b":9223372036854775807,"c":123456789012345678901234567890.000000000010,"#,
        r#""d":0.1,"e":1e-30,"f":"4294967295","none":null}"#
    );
    assert_eq!(new_of("", definition, values), expected);
}

/// Settings that a driver, a role or a database may have.
const UNUSUAL: &str = "SET extra_float_digits = 0; SET bytea_output = escape; SET IntervalStyle = sql_standard; \
                       SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu';";

#[test]
fn values_are_the_same_whoever_writes_them() {
    let db = Database::new();
    db.sql(
        "CREATE TYPE pair AS (f float8, b bytea); CREATE DOMAIN ratio AS float4;
         CREATE TABLE t (at timestamptz, f float8, a int, g float4, b bytea, i interval, r tstzrange, d daterange, p point,
                         fs float8[], c pair, o ratio, m datemultirange, PRIMARY KEY (at, f))",
    );
    install(&db, ["t", "--channel", "whole"]);
    install(&db, ["t", "--channel", "listed", "--exclude", "a"]);
    install(&db, ["t", "--channel", "both", "--payload", "full", "--queue", "q"]);
    let mut feeds = ["whole", "listed", "both"].map(|channel| Feed::of(&db, [channel]));
    let values = "'2026-01-02 03:04:05+00', 0.1::float8 + 0.2, 7, 0.1::float4 + 0.7::float4, '\\xff00'::bytea, make_interval(days => -1, hours => 2), \
                  '[2026-01-02 00:00+00, 2026-03-04 00:00+00)', '[2026-01-02, 2026-03-04)', point(0.1::float8 + 0.2, 1), \
                  ARRAY[0.1::float8 + 0.2], ROW(0.1::float8 + 0.2, '\\xff')::pair, 0.1::float4 + 0.7::float4, \
                  '{[2026-01-02, 2026-03-04)}'";
    let write = format!("INSERT INTO t VALUES ({values}); UPDATE t SET a = 8; DELETE FROM t");
    let mut told = ["", UNUSUAL].map(|settings| {
        assert_eq!(Writer::of(&db).sql(&format!("{settings}{write}")), [""; 0]);
        feeds.each_mut().map(Feed::told)
    });
    let [usual, unusual] = told.each_mut();
    assert_eq!(usual, unusual);
    assert!(
        usual[0][0].contains(r#""f":0.30000000000000004,"#) && usual[0][0].contains(r#""b":"\\xff00""#),
        "{usual:?}"
    );
    // What the queue holds is the same too, and so is the number by which the events of a row stay in order.
    let queued = "SELECT regexp_replace(payload::text, ',\"txid\".*', ''), key FROM pgfeed.queue_q ORDER BY id";
    let queued = db.rows(queued);
    assert_eq!(queued.len(), 6);
    assert_eq!(queued[..3], queued[3..]);
    // And what is stored of the rows that are there.
    db.sql(&format!("ALTER DATABASE \"{}\" SET extra_float_digits = 0", db.name()));
    db.sql(&format!("ALTER DATABASE \"{}\" SET TimeZone = 'Asia/Kathmandu'", db.name()));
    db.sql(&format!("INSERT INTO t VALUES ({values})"));
    install(&db, ["t", "--queue", "q", "--payload", "full", "-q", "--backfill"]);
    let hashes = db.rows("SELECT DISTINCT key FROM pgfeed.queue_q");
    assert_eq!(hashes.len(), 1, "{hashes:?}");
    let snapshot = db.value("SELECT payload FROM pgfeed.queue_q ORDER BY id DESC LIMIT 1");
    assert!(snapshot.contains("SNAPSHOT") && snapshot.contains(r#""f":0.30000000000000004,"#), "{snapshot}");
}

#[test]
fn a_table_pays_only_for_the_settings_that_its_columns_need() {
    let db = Database::new();
    db.sql(
        "CREATE TABLE plain (id int PRIMARY KEY, a text, n numeric, j jsonb, at timestamptz, d date);
         CREATE TABLE floats (id int PRIMARY KEY, f float8[], b bytea);
         CREATE TABLE times (at timestamptz PRIMARY KEY, i interval, r tsrange)",
    );
    let settings = |table: &str, args: &[&str]| {
        install(&db, [&[table], args].concat());
        let of = "SELECT DISTINCT proconfig FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid WHERE tgrelid = ";
        let settings = db.value(&format!("{of}'{table}'::regclass"));
        db.pgfeed(["install-trigger", table, "--check"]).args(args).run().ok();
        settings.replace("\"search_path=pg_catalog, pg_temp\"", "")
    };
    assert_eq!(settings("plain", &[]), "{}");
    assert_eq!(settings("floats", &[]), "{,extra_float_digits=1,bytea_output=hex}");
    assert_eq!(settings("floats", &["--exclude", "f"]), "{,bytea_output=hex}");
    assert_eq!(settings("floats", &["--payload", "keys"]), "{}");
    assert_eq!(settings("times", &[]), "{,IntervalStyle=postgres,DateStyle=ISO,TimeZone=UTC}");
    assert_eq!(settings("times", &["--payload", "keys"]), "{,TimeZone=UTC}");
}

#[test]
fn what_is_no_json_number_is_a_string() {
    let definition = "a numeric, b numeric, c float8, d float4, e money";
    let values = "'NaN', '-Infinity', 'Infinity', 'NaN', 1.5";
    let expected = r#"{"a":"NaN","b":"-Infinity","c":"Infinity","d":"NaN","e":"$1.50"}"#;
    assert_eq!(new_of("", definition, values), expected);
}

#[test]
fn times_are_iso() {
    let definition = "a timestamptz, b timestamp, c date, d time, e interval, f timestamp";
    let values =
        "'2026-11-20 23:28:41.123456+01', '0044-03-15 12:00 BC', '2026-11-20', '23:59:60', '1 day 2 hours', 'infinity'";
    let expected = concat!(
        r#"{"a":"2026-11-20T22:28:41.123456+00:00","b":"0044-03-15T12:00:00 BC","c":"2026-11-20","d":"24:00:00","#,
        r#""e":"1 day 02:00:00","f":"infinity"}"#
    );
    assert_eq!(new_of("", definition, values), expected);
}

#[test]
fn text_with_every_kind_of_character() {
    let values = r#"E'"quotes" \\ back\\slash \t\n\r\x01\x7f 日本 😀 \u2028', '$pgfeed$', 'x''y'"#;
    let expected = concat!(
        r#"{"a":"\"quotes\" \\ back\\slash \t\n\r\u0001"#,
        "\u{7f} 日本 😀 \u{2028}",
        r#"","b":"$pgfeed$","c":"x'y"}"#
    );
    assert_eq!(new_of("", "a text, b varchar(10), c char(3)", values), expected);
}

#[test]
fn containers_keep_their_structure() {
    let before = "CREATE TYPE mood AS ENUM ('so so', 'ok'); CREATE DOMAIN small AS int CHECK (VALUE < 10);
        CREATE TYPE place AS (x int, \"y z\" text)";
    let definition = "a int[], b text[][], c mood, d small, e place, f place[], g jsonb, h hstore_like, i int4range";
    let definition = definition.replace("h hstore_like", "h json");
    let values = r#"'{1,NULL}', '{{a,b},{c,d}}', 'so so', 3, '(1,q)', ARRAY['(2,)'::place], '{"b":  1.50, "a": null}', '{"b":  1.50}', '[1,5)'"#;
    let expected = concat!(
        r#"{"a":[1,null],"b":[["a","b"],["c","d"]],"c":"so so","d":3,"e":{"x":1,"y z":"q"},"f":[{"x":2,"y z":null}],"#,
        r#""g":{"a": null, "b": 1.50},"h":{"b":  1.50},"i":"[1,5)"}"#
    );
    assert_eq!(new_of(before, &definition, values), expected);
}

#[test]
fn json_is_passed_through_as_it_was_written() {
    let values = r#"'{"a":"\u0000","a":1e400}', 'null', NULL, '"x"', NULL"#;
    let expected = r#"{"a":{"a":"\u0000","a":1e400},"b":null,"c":null,"d":"x","e":null}"#;
    let db = Database::new();
    let mut feed = Feed::of_table(&db, "a json, b json, c json, d jsonb, e jsonb", &[]);
    assert_eq!(Writer::of(&db).sql(&format!("INSERT INTO t VALUES ({values})")), [""; 0]);
    assert_eq!(feed.told(), [format!(r#"{{"op":"INSERT","seq":1,"new":{expected}}}"#)]);
}

#[test]
fn bytes_bits_and_addresses_are_strings() {
    let expected =
        r#"{"a":"\\x00ff","b":"101","c":"10.0.0.0/8","d":"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11","e":"(1,2)","f":true}"#;
    let values = r"'\x00ff', '101', '10.0.0.0/8', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '(1,2)', true";
    assert_eq!(new_of("", "a bytea, b bit(3), c cidr, d uuid, e point, f bool", values), expected);
}

#[test]
fn generated_and_identity_columns_are_told() {
    let db = Database::new();
    let definition =
        "id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2) STORED, c serial";
    let mut feed = Feed::of_table(&db, definition, &["--payload", "diff"]);
    db.sql("INSERT INTO t (a) VALUES (2); UPDATE t SET a = 3");
    let expected = [
        r#"{"op":"INSERT","key":{"id":1},"new":{"id":1,"a":2,"b":4,"c":1}}"#,
        r#"{"op":"UPDATE","key":{"id":1},"new":{"id":1,"a":3,"b":6,"c":1},"changed":{"a":2,"b":4}}"#,
    ];
    assert_eq!(feed.told(), expected);
}

#[test]
fn a_table_of_1600_columns_is_told_in_every_payload() {
    let db = Database::new();
    let columns: Vec<_> = (2..=1600).map(|n| format!("c{n} bool")).collect();
    db.sql(&format!("CREATE TABLE t (id int PRIMARY KEY, {})", columns.join(", ")));
    for payload in ["row", "diff", "full"] {
        install(&db, ["t", "--channel", payload, "--payload", payload]);
    }
    install(&db, ["t", "--channel", "listed", "--exclude", "c1600"]);
    install(&db, ["t", "--channel", "skip", "--exclude", "c1600", "--skip-unchanged"]);
    let mut feed = Feed::of(&db, ["row", "diff", "full", "listed", "skip"]);
    assert_eq!(Writer::of(&db).sql("INSERT INTO t VALUES (1); UPDATE t SET c1599 = true"), [""; 0]);
    let mut told = feed.told();
    told.sort();
    told.dedup();
    assert_eq!(
        told,
        [r#"{"op":"INSERT","key":{"id":1},"truncated":true}"#, r#"{"op":"UPDATE","key":{"id":1},"truncated":true}"#]
    );
    install(&db, ["t", "--channel", "few", "--payload", "diff", "--columns", "c2,c1599"]);
    let mut feed = Feed::of(&db, ["few"]);
    db.sql("UPDATE t SET c1599 = false, c3 = true");
    assert_eq!(
        feed.told(),
        [r#"{"op":"UPDATE","key":{"id":1},"new":{"c2":null,"c1599":false},"changed":{"c1599":true}}"#]
    );
}
