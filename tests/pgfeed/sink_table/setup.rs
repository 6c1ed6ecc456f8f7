//! What is said when a table cannot be kept in step, before anything is lost.

use super::{MOVIES, deliver, held, url, watched};
use crate::harness::{Database, Pgfeed};

#[test]
fn what_the_url_lacks_is_said_before_anything_is_connected() {
    for (parameters, said) in [
        ("", "table=NAME is missing"),
        ("table=a.b.c", "it has more parts than schema and name"),
        ("table=a&map=x", "map: it is source:target,source:target ..."),
        ("table=a&map=x:y,z:y", "map: \"y\" is there twice"),
        ("table=a&key=x,,y", "key: a name is empty"),
        ("table=a&truncate=si", "truncate: it is yes or no"),
        ("table=a&table=b", "\"table\" is given twice"),
        ("table=a&nix=b", "--to: unknown key \"nix\""),
        ("table=a&sslmode=Canary", "sslmode in --to is not one of"),
    ] {
        let url = format!("postgres://u:Canary@127.0.0.1:1/d?{parameters}");
        let output = Pgfeed::new(["tail-queue", "q", "--to", &url]).run().code(2).lacks("Canary");
        assert!(output.stderr.contains(said), "{parameters}\n{output}");
    }
}

#[test]
fn what_the_table_lacks_is_said_at_the_start_and_events_stay() {
    let db =
        watched(MOVIES, "CREATE TABLE copy (id int, title text, up text GENERATED ALWAYS AS (upper(title)) STORED)");
    db.sql("CREATE VIEW look AS SELECT 1; CREATE TABLE part (id int); CREATE UNIQUE INDEX ON part (id) WHERE id > 0");
    deliver(&db, &db, "table=nix")
        .run()
        .code(2)
        .stderr_has("keeping nix in step, in ")
        .stderr_has("there is no table nix");
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    for (parameters, said) in [
        ("table=nix", "there is no table nix"),
        ("table=look", "look is not a table"),
        ("table=copy", "copy has no primary key or unique index over columns that are kept in step"),
        ("table=part&map=movie_id:id", "part has no primary key or unique index over columns"),
        ("table=copy&map=movie_id:id,title:name", "copy has no column \"name\""),
        ("table=copy&map=movie_id:id,title:up", "column \"up\" of copy is generated"),
        ("table=copy&key=id", "copy has no primary key or unique index over just (id)"),
        ("table=copy&map=title:title&key=id", "key: \"id\" is not among the columns that are kept in step"),
    ] {
        let output = deliver(&db, &db, parameters).run().code(2);
        assert!(output.stderr.contains(said), "{parameters}\n{output}");
    }
    assert_eq!(held(&db), "1 0 0");
    db.sql("CREATE UNIQUE INDEX ON copy (id)");
    deliver(&db, &db, "table=copy&map=movie_id:id,title:title&key=id").run().ok();
    assert_eq!(db.rows("SELECT * FROM copy"), ["1|one|ONE"]);
}

#[test]
fn who_may_not_or_cannot_get_in_is_told_at_once() {
    let db = watched(MOVIES, "CREATE TABLE copy (movie_id int PRIMARY KEY, title text, note text)");
    db.sql("INSERT INTO movies VALUES (1, 'one')");
    let role = db.role("reader");
    db.sql(&format!("GRANT SELECT ON copy TO {role}"));
    let with = |url: &str| db.pgfeed(["tail-queue", "q", "-e", "--to", url]).run();
    let as_reader = url(&db, "table=copy").replace("postgres@", &format!("{role}@"));
    with(&as_reader)
        .code(1)
        .stderr_has("keeping copy in step, in database \"")
        .stderr_has("permission denied for table copy")
        .stderr_has(&format!(
            "hint: \"{role}\" needs USAGE on the schema of copy, and SELECT, INSERT, UPDATE and DELETE on copy"
        ))
        .lacks("pgfeed's schema");
    let nowhere = url(&db, "table=copy").replace(db.name(), "no_such_database");
    with(&nowhere)
        .code(3)
        .stderr_has("\"no_such_database\" does not exist")
        .stderr_has("hint: --to names the database (now \"no_such_database\")\n");
    let away = "postgres://reader:Canary@127.0.0.1:1/d?table=copy";
    let running = db.spawn(["tail-queue", "q", "-vv", "--to", away]);
    running.wait_stderr("trying again");
    running.kill().stderr_has("connecting to database \"d\" on 127.0.0.1:1 as \"reader\"").lacks("Canary");
    assert_eq!(held(&db), "1 0 0");
    deliver(&db, &db, "table=copy")
        .args(["--unordered"])
        .run()
        .code(2)
        .stderr_has("needs the changes of a row in their order");
}

#[test]
fn the_table_is_found_by_the_search_path_of_its_database() {
    let db = watched(
        MOVIES,
        "CREATE SCHEMA \"We ird\"; CREATE TABLE \"We ird\".\"Copy\" (movie_id int PRIMARY KEY, \"ti\"\"tle\" text)",
    );
    db.sql(&format!("ALTER DATABASE {} SET search_path = \"We ird\"", db.name()));
    db.sql("INSERT INTO public.movies VALUES (1, 'one')");
    let map = "map=movie_id:movie_id,title:ti%22tle&from=public.movies";
    deliver(&db, &db, &format!("table=%22Copy%22&{map}")).run().ok();
    assert_eq!(db.rows("SELECT * FROM \"We ird\".\"Copy\""), ["1|one"]);
    db.sql("INSERT INTO public.movies VALUES (2, 'two')");
    deliver(&db, &db, &format!("table=%22We%20ird%22.%22Copy%22&{map}")).run().ok();
    let other = Database::new();
    other.sql("CREATE TABLE \"Copy\" (movie_id int PRIMARY KEY)");
    db.sql("INSERT INTO public.movies VALUES (3, 'three')");
    deliver(&db, &other, "table=copy").run().code(2).stderr_has("there is no table copy");
}
