//! Who may do what: a life cycle in which nobody is a superuser and everybody has the least rights.

use super::installed;
use crate::harness::{Database, Output};
use crate::live_trigger::feed::{Feed, Writer};

/// A table with an owner, one who may install, one who writes, one who listens.
struct Roles {
    db: Database,
    owner: String,
    installer: String,
    writer: String,
    listener: String,
}

impl Roles {
    fn new() -> Self {
        let db = Database::new();
        let [owner, installer, writer, listener] =
            ["owner", "installer", "writer", "listener"].map(|name| db.role(name));
        db.sql(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, a int); ALTER TABLE t OWNER TO {owner};
             GRANT SELECT, INSERT, UPDATE, DELETE ON t TO {writer}; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        ));
        Self { db, owner, installer, writer, listener }
    }

    fn run(&self, role: &str, args: &[&str]) -> Output {
        self.db.pgfeed(args).env("DATABASE_URL", self.db.url_as(role)).run()
    }
}

#[test]
fn a_life_cycle_with_the_least_rights() {
    let roles = Roles::new();
    let Roles { db, owner, installer, writer, listener } = &roles;
    db.sql(&format!(
        "CREATE SCHEMA pgfeed; GRANT USAGE, CREATE ON SCHEMA pgfeed TO {installer}; GRANT TRIGGER ON t TO {installer}"
    ));
    let condition = ["--events", "insert,update", "--when", "NEW.a > 0"];
    roles.run(installer, &["install-trigger", "t"]).ok().stderr_is("");
    roles.run(installer, &[&["install-trigger", "t", "--channel", "some"], &condition[..]].concat()).ok().stderr_is("");
    roles.run(installer, &["install-trigger", "t", "--exclude", "a"]).ok().stdout_has("replaced");
    roles.run(writer, &["install-trigger", "t", "--exclude", "a", "--check"]).ok();

    let ready = tempfile::tempdir().unwrap();
    let ready = ready.path().join("ready").display().to_string();
    let listen = ["listen", "t", "some", "-n", "3", "-o", "raw", "--ready-file", &ready];
    let listening = db.pgfeed(listen).env("DATABASE_URL", db.url_as(listener)).spawn();
    crate::harness::wait_until("the listener is ready", || std::path::Path::new(&ready).exists());
    let warnings = Writer::at(&db.url_as(writer)).sql("INSERT INTO t VALUES (1, 1); UPDATE t SET a = 0");
    assert_eq!(warnings, [""; 0]);
    assert_eq!(listening.finish().ok().lines().len(), 3);

    let refused = roles.run(installer, &["uninstall-trigger", "t"]).code(1).stdout_is("");
    refused
        .stderr_has("pgfeed: error: uninstalling from public.t: must be owner of relation t\n  sqlstate: 42501")
        .stderr_has("hint: only the table's owner can remove a trigger, and only the function's owner its function");
    assert_eq!(installed(db).len(), 6);
    let refused = roles.run(owner, &["uninstall-trigger", "t"]).code(1);
    refused.stderr_has("permission denied for schema pgfeed\n  sqlstate: 42501").stderr_has("the function's owner");
    db.sql(&format!("GRANT {installer} TO {owner}"));
    roles.run(owner, &["uninstall-trigger", "--all"]).ok();
    assert_eq!(installed(db), [""; 0]);
}

#[test]
fn a_migration_needs_no_more_than_an_install() {
    let roles = Roles::new();
    let Roles { db, installer, .. } = &roles;
    db.sql(&format!(
        "CREATE SCHEMA pgfeed; GRANT USAGE, CREATE ON SCHEMA pgfeed TO {installer}; GRANT TRIGGER ON t TO {installer}"
    ));
    let up = roles.run(installer, &["install-trigger", "t", "--print-sql"]).ok().stdout;
    for _ in ["once", "twice"] {
        db.client_as(installer).batch_execute(&up).unwrap();
        roles.run(installer, &["install-trigger", "t", "--check"]).ok();
    }
}

#[test]
fn what_is_lacking_is_said() {
    let roles = Roles::new();
    let Roles { db, installer, writer, .. } = &roles;
    let hint = "an install needs TRIGGER on the table";
    roles
        .run(installer, &["install-trigger", "t"])
        .code(1)
        .stderr_has("permission denied for database")
        .stderr_has(hint);
    db.sql("CREATE SCHEMA pgfeed");
    roles
        .run(installer, &["install-trigger", "t"])
        .code(1)
        .stderr_has("permission denied for schema pgfeed")
        .stderr_has(hint);
    db.sql(&format!("GRANT USAGE, CREATE ON SCHEMA pgfeed TO {installer}, {writer}"));
    roles
        .run(installer, &["install-trigger", "t"])
        .code(1)
        .stderr_has("permission denied for table t")
        .stderr_has(hint);
    db.sql(&format!("GRANT TRIGGER ON t TO {installer}, {writer}"));
    roles
        .run(installer, &["install-trigger", "t", "--enable-always"])
        .code(1)
        .stderr_has("must be owner of")
        .stderr_has(hint);
    roles.run(installer, &["install-trigger", "t"]).ok();
    db.sql(&format!("REVOKE TEMPORARY ON DATABASE \"{}\" FROM PUBLIC", db.name()));
    let when = ["install-trigger", "t", "--channel", "w", "--events", "insert", "--when", "NEW.a > 0"];
    roles.run(installer, &when).code(1).stderr_has("permission denied to create temporary tables").stderr_has(
        "hint: --when needs TEMPORARY on the database: the server understands it in a temporary function\n",
    );
    roles
        .run(writer, &["install-trigger", "t", "--exclude", "a"])
        .code(1)
        .stderr_has("must be owner of function")
        .stderr_has(hint);
    db.sql("CREATE SCHEMA closed; CREATE TABLE closed.t (id int)");
    roles
        .run(installer, &["install-trigger", "closed.t"])
        .code(1)
        .stderr_has("table closed.t: permission denied for schema closed");
    assert_eq!(installed(db).len(), 4);
}

#[test]
fn the_function_can_be_called_by_nobody_else() {
    let roles = Roles::new();
    let Roles { db, owner, writer, .. } = &roles;
    db.sql(&format!("GRANT CREATE ON DATABASE \"{}\" TO {owner}", db.name()));
    let function = roles.run(owner, &["install-trigger", "t", "-o", "json"]).ok().json()[0]["function"]
        .as_str()
        .unwrap()
        .to_owned();
    let acl = format!("SELECT has_function_privilege('{writer}', '{function}()', 'EXECUTE')");
    assert_eq!(db.value(&acl), "f");
    let invoker = format!("SELECT prosecdef FROM pg_proc WHERE oid = '{function}'::regproc");
    assert_eq!(db.value(&invoker), "f");
}

#[test]
fn a_function_planted_by_another_is_not_adopted() {
    let roles = Roles::new();
    let Roles { db, owner, installer: squatter, .. } = &roles;
    db.sql(&format!("CREATE SCHEMA pgfeed; GRANT USAGE, CREATE ON SCHEMA pgfeed TO {squatter}, {owner}"));
    // It has the name and the marker that ours would have, and waits for somebody to hang it on a table.
    let up = db.pgfeed(["install-trigger", "t", "--print-sql"]).run().ok().stdout;
    let (_, from_function) = up.split_once("END $pgfeed$;\n").unwrap();
    let (planted, _) = from_function.split_once("\nDROP TRIGGER").unwrap();
    db.client_as(squatter).batch_execute(planted).unwrap();
    roles.run(owner, &["install-trigger", "t"]).code(1).stderr_has("must be owner of function");
    db.pgfeed(["install-trigger", "t"]).run().ok();
    let owners = "SELECT string_agg(DISTINCT proowner::regrole::text, ',') FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid WHERE tgrelid = 't'::regclass";
    assert_eq!(db.value(owners), "postgres");
    let mut feed = Feed::of(db, ["t"]);
    db.sql("INSERT INTO t VALUES (1, 1)");
    assert_eq!(feed.told().len(), 1);
}
