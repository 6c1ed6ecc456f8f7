//! What install-trigger and uninstall-trigger do and say: plans, checks, migrations, refusals, concurrency, privileges.

// Several tables and channels, and what is printed.
mod install;
// Who writes or reads does not pay for the locks of several tables.
mod locks;
// --check, after every kind of drift.
mod check;
// --print-sql of both commands, under psql.
mod migration;
// What is refused, and how that is said.
mod refusals;
// What uninstall-trigger removes, and what not.
mod uninstall;
// Many at once, and behind a long writer.
mod concurrency;
// Who may do what, with the least rights.
mod privileges;
// The SQL of a few plans, to be reviewed by diff.
mod snapshots;

use crate::harness::Database;

/// Everything of pgfeed's in a database: `trigger on table -> function`, and functions that no trigger calls.
fn installed(db: &Database) -> Vec<String> {
    db.rows(
        "SELECT coalesce(tgname || ' on ' || tgrelid::regclass || ' -> ', '') || pronamespace::regnamespace || '.' || proname
         FROM pg_proc p LEFT JOIN pg_trigger t ON tgfoid = p.oid AND tgparentid = 0
         WHERE prosrc LIKE '%pg_notify%' AND prorettype = 'trigger'::regtype ORDER BY 1",
    )
}
