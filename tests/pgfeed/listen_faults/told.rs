//! What is told, and how often.

use super::{described, named, received, send, stop, through, wait_for, wait_number};
use crate::harness::Database;
use crate::harness::proxy::Cut;
use crate::listen::listening;

#[test]
fn a_long_outage_tells_only_what_changes() {
    let database = Database::new();
    let proxy = database.proxy();
    let run = through(&proxy, &database);
    proxy.refuse();
    proxy.cut(Cut::Reset);
    run.wait_stderr("; trying again");
    // Several more tries are refused.
    std::thread::sleep(std::time::Duration::from_secs(3));
    proxy.accept();
    wait_for(&run, "gap");
    let output = stop(run);
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{output}");
    assert_eq!(lines[0], "pgfeed: listening on c");
    assert!(lines[1].starts_with("pgfeed: warning: connection lost: "), "{output}");
    let place = named(&proxy, &database);
    assert_eq!(lines[2], format!("pgfeed: warning: connecting to {place}: connection refused; trying again"));
    assert!(lines[3].starts_with("pgfeed: warning: listening again, after a gap of "), "{output}");
    assert!(lines[3].ends_with(": what was sent in between is not known"), "{output}");
}

#[test]
fn a_quiet_run_still_tells_its_end() {
    let database = Database::new();
    let run = described(&database.url()).args(["-q", "--reconnect", "never"]).spawn();
    wait_for(&run, "ready");
    super::terminate(&database);
    run.finish().code(3).stderr_is(
        "pgfeed: error: connection lost: terminating connection due to administrator command\n  sqlstate: 57P01\n",
    );
}

#[test]
fn a_payload_that_is_no_text_is_told_and_survived_without_a_storm() {
    let admin = Database::new();
    let name = format!("{}_ascii", &admin.name()[..20]);
    let encoding = "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0";
    admin.sql(&format!("CREATE DATABASE {name} {encoding}"));
    let url = admin.server().cluster().socket_url(&name);
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    let run = listening(described(&url));
    let started = std::time::Instant::now();
    for n in 1..=4 {
        client.batch_execute(r"SELECT pg_notify('c', E'\xff')").unwrap();
        let lost = wait_for(&run, "lost");
        assert_eq!(lost["detail"], "invalid byte sequence for encoding \"UTF8\": 0xff");
        wait_for(&run, "gap");
        send(&mut client, n..=n);
        wait_number(&run, n);
    }
    // Each wait is drawn at random below twice the one before; none is nothing.
    assert!(started.elapsed() > std::time::Duration::from_millis(80), "{:?}", started.elapsed());
    let output = stop(run);
    assert_eq!(received(&output), [1, 2, 3, 4]);
    assert_eq!(output.stderr.lines().count(), 1 + 4 * 2, "{output}");
    admin.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
}
