//! What the README tells people to type, typed as it is printed there.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::harness::{Database, Pgfeed};

/// The first block of code behind a heading of the README.
pub fn code_behind(heading: &str) -> &'static str {
    let readme = include_str!("../../README.md");
    let (_, behind) = readme.split_once(&format!("{heading}\n")).expect(heading);
    let code = behind.split("```").nth(1).expect(heading);
    // What stands on the first line names the language.
    code.split_once('\n').expect(heading).1
}

/// A shell that runs a script on a database, with pgfeed and the server's clients on its PATH, behind what is in `first`.
pub fn shell(db: &Database, script: &str, first: &[&Path]) -> Pgfeed {
    let mut command = Command::new("/bin/sh");
    command.args(["-ec", script]);
    Pgfeed::command(command).env("DATABASE_URL", db.url()).env("PATH", path(db, first))
}

fn path(db: &Database, first: &[&Path]) -> OsString {
    let pgfeed = Path::new(env!("CARGO_BIN_EXE_pgfeed")).parent().unwrap();
    let ours = first.iter().copied().chain([pgfeed, db.server().bin_dir()]).map(Path::to_owned);
    std::env::join_paths(ours.chain(std::env::split_paths(&std::env::var_os("PATH").unwrap()))).unwrap()
}

#[test]
fn the_five_commands_give_a_feed() {
    let commands: Vec<&str> =
        code_behind("## Use it: five commands").lines().filter(|line| line.starts_with("pgfeed ")).collect();
    let [install, watch, with_jq, notify, uninstall] = commands[..] else { panic!("{commands:?}") };
    let db = Database::new();
    db.sql("CREATE TABLE orders (id int PRIMARY KEY, status text)");
    shell(&db, install, &[]).run().ok().stdout_has("created   public.orders");
    // They go on for ever, but not here.
    let listen = |command: &str| {
        let running = shell(&db, &command.replace("listen orders", "listen orders -n 2"), &[]).spawn();
        running.wait_stderr("listening on orders");
        running
    };
    let (watching, using) = (listen(watch), listen(with_jq));
    shell(&db, notify, &[]).run().ok();
    db.sql("INSERT INTO orders VALUES (7, 'new')");
    let events = watching.finish().ok().json();
    assert_eq!((&events[0]["payload"]["hello"], &events[1]["payload"]["key"]["id"]), (&1.into(), &7.into()));
    using.finish().ok().stdout_is("null\n7\n");
    shell(&db, uninstall, &[]).run().ok().stdout_has("removed   public.orders");
}

#[test]
#[cfg(feature = "redis")]
fn the_recipe_for_a_cache_forgets_what_changed_and_all_when_something_was_missed() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use crate::harness::broker::redis::Redis;
    use crate::harness::wait_until;

    let (db, redis) = (Database::new(), Redis::start());
    db.sql("CREATE TABLE products (id int PRIMARY KEY, price numeric); INSERT INTO products VALUES (1, 2), (2, 3)");
    // The recipe's own client, which shall find our server.
    let bin = tempfile::tempdir().unwrap();
    let client = bin.path().join("redis-cli");
    let port = redis.url("").split([':', '?']).nth(2).unwrap().to_owned();
    let script = format!("#!/bin/sh\nPATH=${{PATH#*:}} exec redis-cli -p {port} \"$@\"\n");
    fs::write(&client, script).unwrap();
    fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
    let keys = || -> i64 { redis.ask("EXISTS product:1 product:2 other") };
    let fill = || {
        let _: String = redis.ask("MSET product:1 a product:2 b other c");
    };
    fill();
    // It goes on for ever, but not here.
    let recipe = code_behind("## Recipe: cache invalidation").replace("listen products", "listen products -n 2");
    let running = shell(&db, &recipe, &[bin.path()]).spawn();
    wait_until("all is forgotten once it is live", || keys() == 0);
    fill();
    db.sql("UPDATE products SET price = 4 WHERE id = 1");
    wait_until("the row that changed is forgotten", || keys() == 2);
    assert_eq!(redis.ask::<i64>("EXISTS product:2 other"), 2);
    db.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pgfeed listen' AND datname = current_database()");
    wait_until("all is forgotten after a gap", || keys() == 0);
    running.wait_stderr("listening again");
    // Behind what the gap's own record may still do.
    wait_until("what follows the gap is heard", || {
        fill();
        keys() == 3
    });
    db.sql("TRUNCATE products");
    wait_until("all is forgotten with all rows", || keys() == 0);
    running.finish().ok();
}

#[test]
fn an_installer_with_the_least_rights_fills_a_queue_of_its_own() {
    let db = Database::new();
    let [app, inst] = ["app", "inst"].map(|name| db.role(name));
    db.sql(&format!("GRANT CREATE ON DATABASE \"{}\" TO {app}", db.name()));
    let first = db.pgfeed(["notify", "--queue", "events", "--create", "x"]);
    first.env("DATABASE_URL", db.url_as(&app)).run().ok();
    db.sql(&format!("CREATE TABLE inst_table (id int PRIMARY KEY); ALTER TABLE inst_table OWNER TO {inst}"));
    // Roles are those of all databases of a server.
    let script = code_behind("## Least privilege")
        .replace("TO inst'", &format!("TO {inst}'"))
        .replace("-U inst ", &format!("-U {inst} "));
    shell(&db, &script, &[]).run().ok().stdout_has("created   public.inst_table -> queue \"iq\"").stderr_is("");
    db.client_as(&inst).batch_execute("INSERT INTO inst_table VALUES (1)").unwrap();
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_iq"), "1");
}

#[test]
fn everything_can_be_removed() {
    let db = Database::new();
    db.sql("CREATE TABLE orders (id int PRIMARY KEY)");
    db.pgfeed(["install-trigger", "orders", "--channel", "orders", "--queue", "events"]).run().ok();
    db.sql("INSERT INTO orders VALUES (1)");
    shell(&db, code_behind("## Remove everything"), &[]).run().ok();
    let left = "SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) + (SELECT count(*) FROM pg_namespace WHERE nspname = 'pgfeed')";
    assert_eq!(db.value(left), "0");
}
