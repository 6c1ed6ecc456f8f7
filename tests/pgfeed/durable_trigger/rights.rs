//! What an installer needs who is no superuser, in a schema that another role has made: what the README lists, and no more.

use super::delivered;
use crate::harness::{Database, Output};

/// A database in which role `app` has made the schema and queue `events`, and another role owns table `t`, with a row.
struct Roles {
    db: Database,
    app: String,
    owner: String,
}

impl Roles {
    fn new() -> Self {
        let db = Database::new();
        let [app, owner] = ["app", "inst"].map(|name| db.role(name));
        db.sql(&format!(
            "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO {owner};
             GRANT CREATE ON DATABASE \"{}\" TO {app}",
            db.name()
        ));
        let roles = Self { db, app, owner };
        roles.run(&roles.app, &["notify", "--queue", "events", "--create", "-l"]).ok();
        roles
    }

    fn run(&self, role: &str, args: &[&str]) -> Output {
        self.db.pgfeed(args).env("DATABASE_URL", self.db.url_as(role)).stdin("").run()
    }

    fn install(&self, role: &str, args: &[&str]) -> Output {
        self.run(role, &[&["install-trigger", "t", "--queue"], args].concat())
    }

    fn grant(&self, what: &str, role: &str) {
        self.db.sql(&format!("GRANT {what} TO {role}"));
    }
}

#[test]
fn a_new_queue_of_ones_own_in_anothers_schema() {
    let roles = Roles::new();
    let Roles { db, app, owner } = &roles;
    let rights = "hint: a durable trigger runs with the rights of the table's owner";
    roles.grant("USAGE, CREATE ON SCHEMA pgfeed", owner);
    roles.install(owner, &["q"]).code(1).stderr_has("permission denied for table queue\n").stderr_has(rights);
    roles.grant("SELECT, INSERT ON pgfeed.queue", owner);
    let refused = roles.install(owner, &["q"]).code(1);
    let belongs = format!("creating queue \"q\": schema pgfeed belongs to {app}, who could run code");
    refused.stderr_has(&belongs).stderr_has("accept it with --force");
    roles.install(owner, &["q", "--force", "--backfill"]).ok().stderr_has("stored 1 rows").lacks("warning");
    db.client_as(owner).batch_execute("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(delivered(db, &[]).len(), 2);
    // As it is now, it is not made.
    let refused = roles.install(owner, &["q", "--exclude", "id"]).code(1);
    refused.stderr_has(&belongs.replace("creating", "looking at"));
    let removed = roles.run(owner, &["uninstall-trigger", "--queue", "q"]);
    removed.code(1).stderr_has("permission denied for table queue");
    roles.grant("DELETE ON pgfeed.queue", owner);
    roles.run(owner, &["uninstall-trigger", "--queue", "q"]).ok();
}

#[test]
fn a_queue_that_another_role_has_made() {
    let roles = Roles::new();
    let Roles { db, owner, .. } = &roles;
    roles.grant("USAGE, CREATE ON SCHEMA pgfeed", owner);
    roles.grant("SELECT ON pgfeed.queue", owner);
    let refused = roles.install(owner, &["events", "--force"]).code(1);
    refused.stderr_has("permission denied").stderr_has("INSERT on the queue's own table");
    roles.grant("INSERT ON pgfeed.queue_events", owner);
    roles.install(owner, &["events"]).code(1).stderr_has("looking at queue \"events\": ");
    roles.install(owner, &["events", "--force", "--backfill"]).ok().lacks("warning");
    db.client_as(owner).batch_execute("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_events"), "2");
}

#[test]
fn a_member_of_the_tables_owner_installs() {
    let roles = Roles::new();
    let Roles { db, owner, .. } = &roles;
    let member = db.role("member");
    db.sql(&format!("GRANT {owner} TO {member}; GRANT USAGE, CREATE ON SCHEMA pgfeed TO {member}"));
    roles.grant("SELECT ON pgfeed.queue", &member);
    roles.grant("INSERT ON pgfeed.queue_events", &member);
    roles.install(&member, &["events", "--force"]).code(1).stderr_has("permission denied to let the owner");
    db.sql(&format!("GRANT INSERT ON pgfeed.queue_events TO {member} WITH GRANT OPTION"));
    roles.install(&member, &["events", "--force"]).code(1).stderr_has("permission denied to let the owner");
    db.sql(&format!("GRANT USAGE, CREATE ON SCHEMA pgfeed TO {owner}"));
    roles.install(&member, &["events", "--force"]).ok().stderr_is("");
    db.client_as(owner).batch_execute("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(db.value("SELECT count(*) FROM pgfeed.queue_events"), "1");
}
