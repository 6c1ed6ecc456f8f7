//! A notification queue that is full, because a listener sits in a transaction. PostgreSQL 17 and later can make it small.

use crate::harness::own_server_with;

#[test]
fn a_full_queue_is_told_with_who_holds_it() {
    if crate::harness::server_major() < 17 {
        eprintln!("skipped: this server's notification queue holds 8 GB");
        return;
    }
    let server = own_server_with(|builder| builder.setting("max_notify_queue_pages", "64"));
    let db = server.database();
    let mut holder = db.client();
    holder.batch_execute("SET application_name = 'the holder'; LISTEN x").unwrap();
    holder.batch_execute("BEGIN; SELECT 1").unwrap();
    let lines: String = (0..200).map(|n| format!("{n} {}\n", "x".repeat(7000))).collect();
    let told = db.pgfeed(["notify", "c", "-l", "--batch", "10"]).stdin(lines).run().code(1);
    told.stderr_has("too many notifications in the NOTIFY queue")
        .stderr_has("sqlstate: 54000")
        .stderr_has("already sent: ");

    let output = db.pgfeed(["doctor"]).run().code(4);
    output.stdout_has("fail  notification queue  ").stdout_has("pg_terminate_backend");
    // A listener is named when it has sat in its transaction for ten seconds.
    db.wait_for("SELECT xact_start < clock_timestamp() - interval '10 seconds' FROM pg_stat_activity WHERE application_name = 'the holder'");
    let pid: i32 = db.value("SELECT pid FROM pg_stat_activity WHERE application_name = 'the holder'").parse().unwrap();
    let status = db.pgfeed(["status"]).run().ok();
    status.stdout_has(&format!("perhaps held by process {pid} (the holder), which is in a transaction"));
}
