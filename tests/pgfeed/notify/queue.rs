//! `notify --queue`: payloads stored as events of a durable queue.

use std::time::Duration;

use crate::harness::{Database, Output, Pgfeed};
use crate::listen::peak_kib;
use crate::tail_queue::with_queue;

fn notify(db: &Database, args: &[&str]) -> Pgfeed {
    db.pgfeed(["notify", "--queue", "q"]).args(args)
}

/// Stores what stdin has, and gives the summary.
fn summary(db: &Database, args: &[&str], stdin: &str) -> String {
    notify(db, args).args(["-o", "json"]).stdin(stdin).run().ok().stdout
}

/// Everything in the queue, as it is delivered.
fn delivered(db: &Database) -> Output {
    db.pgfeed(["tail-queue", "q", "--consume", "-e", "-0", "-o", "raw"]).run().ok()
}

/// How many events each transaction has stored.
fn transactions(db: &Database) -> Vec<String> {
    db.rows("SELECT count(*) FROM pgfeed.queue_q GROUP BY xid ORDER BY min(id)")
}

#[test]
fn one_payload_is_one_event() {
    let db = with_queue();
    let payloads = ["x", "", "two\nlines\n", "it's \"new\"", "$1 \\ ;--", "日本 é\u{202e}", "{\"job\": [1e400]}"];
    for payload in payloads {
        notify(&db, &[payload]).run().ok().stdout_is("").stderr_is("");
    }
    notify(&db, &["--", "-5"]).run().ok();
    assert_eq!(summary(&db, &["-"], "all\nof stdin\n\n"), "{\"queue\":\"q\",\"sent\":1,\"transactions\":1}\n");
    let all: String = payloads.iter().chain(&["-5", "all\nof stdin\n"]).map(|one| format!("{one}\0")).collect();
    delivered(&db).stdout_is(&all);
}

#[test]
fn every_line_or_record_is_an_event_and_equal_ones_stay_together() {
    let db = with_queue();
    let told = notify(&db, &["-l"]).stdin("a\na\n\nb\r\n  c\na").run().ok().stdout_is("");
    told.stderr_has("pgfeed: sent 6 events to queue \"q\" in ");
    delivered(&db).stdout_is("a\0a\0\0b\r\0  c\0a\0");
    assert_eq!(summary(&db, &["-0"], "two\nlines\0\0x\0x\0"), "{\"queue\":\"q\",\"sent\":4,\"transactions\":1}\n");
    delivered(&db).stdout_is("two\nlines\0\0x\0x\0");
    assert_eq!(summary(&db, &["-l"], ""), "{\"queue\":\"q\",\"sent\":0,\"transactions\":0}\n");
}

#[test]
fn a_batch_is_a_transaction() {
    let db = with_queue();
    let lines: String = (1..=10).map(|n| format!("{n}\n")).collect();
    for (args, counts) in [(&[][..], &["10"][..]), (&["--batch", "3"], &["3", "3", "3", "1"])] {
        let expected = format!("{{\"queue\":\"q\",\"sent\":10,\"transactions\":{}}}\n", counts.len());
        assert_eq!(summary(&db, &[&["-l"], args].concat(), &lines), expected);
        assert_eq!(transactions(&db), counts);
        delivered(&db).stdout_is(&lines.replace('\n', "\0"));
    }
}

#[test]
fn a_bad_line_is_told_by_its_number_before_its_batch_is_sent() {
    let db = with_queue();
    let bad: [(&[&str], &[u8], &str); 3] = [
        (&["-l"], b"a\0b", "line 4: it contains a NUL character, which PostgreSQL cannot store\n"),
        (&["-l"], b"ab\xff", "line 4: byte 3 is not valid UTF-8\n"),
        (&["-l", "--json"], b"{", "line 4: it is not valid JSON: "),
    ];
    for (args, line, told) in bad {
        let stdin = [b"1\n2\n3\n", line, b"\n5\n"].concat();
        let run = notify(&db, args).args(["--batch", "2", "-o", "json"]).stdin(stdin).run().code(1);
        run.stdout_is("{\"queue\":\"q\",\"sent\":2,\"transactions\":1}\n")
            .stderr_has(&format!("pgfeed: error: {told}"))
            .stderr_has("\n  detail: already sent: 2 events\n");
        delivered(&db).stdout_is("1\x002\x00");
    }
}

#[test]
fn long_lines_are_stored_a_few_at_a_time_in_little_memory() {
    const LINES: usize = 40;
    let db = with_queue();
    let mut run = notify(&db, &["-l"]).stdin_open().deadline(Duration::from_secs(120)).spawn();
    for n in 0..LINES {
        // The last ones are longer than a batch is.
        let length = if n < LINES - 4 { 3_000_000 } else { 20_000_000 };
        run.write_stdin(&format!("{}\n", n.to_string().repeat(length / n.to_string().len())));
    }
    db.wait_for(&format!("SELECT count(*) = {LINES} FROM pgfeed.queue_q"));
    let peak = peak_kib(&run);
    run.close_stdin();
    run.finish().ok().stderr_has("sent 40 events to queue \"q\" in ");
    let most = "SELECT bool_and(bytes <= 8388608 OR events = 1)::text
                FROM (SELECT sum(octet_length(payload)) AS bytes, count(*) AS events FROM pgfeed.queue_q GROUP BY xid) t";
    assert_eq!(db.value(most), "true");
    let whole = "SELECT bool_and(payload = repeat((id - 1)::text, length(payload) / length((id - 1)::text)))::text FROM pgfeed.queue_q";
    assert_eq!(db.value(whole), "true");
    assert!(peak < 200 * 1024, "{peak} KiB");
}

#[test]
fn a_queue_that_is_not_there_is_made_only_if_told_so() {
    let db = Database::new();
    for args in [&["x"][..], &["-l"]] {
        notify(&db, args)
            .stdin("x\n")
            .run()
            .code(2)
            .stdout_is("")
            .stderr_is("pgfeed: error: there is no queue \"q\"\n  hint: --create makes it\n");
    }
    assert_eq!(db.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'pgfeed'"), "0");
    for _ in 0..2 {
        notify(&db, &["--create", "x"]).run().ok();
    }
    notify(&db, &["--create", "-l"]).stdin("x\n").run().ok();
    delivered(&db).stdout_is("x\0x\0x\0");
    notify(&db, &["--schema", "elsewhere", "x"]).run().code(2).stderr_has("there is no queue \"q\"");
}

#[test]
fn a_wrong_command_line_is_told_before_connecting() {
    for (args, told) in [
        (&["x", "y"][..], "with --queue there is no channel"),
        (&["x", "-l"], "with --queue there is no channel"),
        (&["-l", "--batch", "0"], "--batch 0 would send nothing"),
    ] {
        let words = [&["notify", "--queue", "q"], args].concat();
        Pgfeed::new(words).env("DATABASE_URL", "postgresql://127.0.0.1:1/x").run().code(2).stderr_has(told);
    }
}

#[test]
fn a_role_needs_no_more_than_the_readme_lists() {
    let db = with_queue();
    let role = db.role("notifier");
    let notify = |args: &[&str]| notify(&db, args).env("DATABASE_URL", db.url_as(&role));
    db.sql(&format!("GRANT USAGE ON SCHEMA pgfeed TO {role}; GRANT SELECT ON pgfeed.queue TO {role}"));
    let hint = "hint: it needs USAGE on pgfeed's schema, SELECT on its table queue, and INSERT on the queue's own\n";
    notify(&["x"]).run().code(1).stderr_has("permission denied for table queue_q").stderr_has(hint);
    db.sql(&format!("GRANT INSERT ON pgfeed.queue_q TO {role}"));
    notify(&["x"]).run().ok().stderr_is("");
    notify(&["--create", "y"]).run().ok().stderr_is("");
    let json = notify(&["-l", "-o", "json"]).stdin("1\n2\n3\n").run().ok();
    assert_eq!(json.stdout, "{\"queue\":\"q\",\"sent\":3,\"transactions\":1}\n");
    delivered(&db).stdout_is("x\0y\x001\x002\x003\0");
}
