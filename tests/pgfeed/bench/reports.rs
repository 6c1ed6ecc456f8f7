//! The forms of a report, comparisons and checks.

use serde_json::Value;

use super::{bench, report, schemas};
use crate::harness::Database;

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[test]
fn json_has_its_documented_fields() {
    let db = Database::new();
    let report = report(&db, &["notify", "-n", "20", "-s", "64", "-R", "500"]);
    let expected = ["about", "at", "complete", "findings", "plan", "rows", "scenario", "server", "type", "version"];
    assert_eq!(names(&report), expected);
    let server = ["cores", "flush_delay_us", "flush_us", "fsync", "synchronous_commit", "transport", "version"];
    assert_eq!(names(&report["server"]), server);
    assert_eq!(report["server"]["transport"], "local socket");
    assert_eq!((&report["server"]["fsync"], &report["server"]["synchronous_commit"]), (&false.into(), &"off".into()));
    let version = db.value("SELECT split_part(current_setting('server_version'), ' ', 1)");
    assert_eq!(report["server"]["version"], version);
    let plan = serde_json::json!({"size": 64, "count": 20, "seconds": null, "rate": 500, "warmup": 0.0, "runs": 1});
    assert_eq!(report["plan"], plan);
    let row = &report["rows"][0];
    let fields = [
        "baseline",
        "case",
        "clients",
        "compared",
        "count",
        "duplicated",
        "histogram",
        "latency",
        "listeners",
        "lost",
        "published",
        "rate",
        "ratio",
        "received",
        "received_rate",
        "reordered",
        "runs",
        "seconds",
        "unit",
    ];
    assert_eq!(names(row), fields);
    assert_eq!(names(&row["rate"]), ["max", "median", "min"]);
    assert_eq!(names(&row["latency"]), ["max", "mean", "min", "p50", "p90", "p99", "p999", "samples"]);
    // Ten samples lie beyond the median of twenty, and two beyond their 90th percentile.
    assert!(row["latency"]["p50"].is_number() && row["latency"]["p90"].is_null(), "{row}");
}

#[test]
fn a_pace_is_kept_and_not_exceeded() {
    let db = Database::new();
    let report = report(&db, &["notify", "-n", "50", "-R", "100", "-c", "2"]);
    let seconds = report["rows"][0]["seconds"].as_f64().unwrap();
    assert!(seconds >= 0.5, "50 at 100 a second took {seconds} s");
}

#[test]
fn text_fits_a_screen_and_says_what_matters() {
    let db = Database::new();
    let output =
        db.pgfeed(["bench", "commit", "-n", "20", "-c", "1,2", "--warmup", "0", "--runs", "2", "-q"]).run().ok();
    output.clone().stderr_is("").stdout_has("commit: transactions of one INSERT as writers grow\nPostgreSQL ");
    output.clone().stdout_has("medians of 2 runs").stdout_has("fsync off: nothing is safe from a crash");
    output.clone().stdout_has("clients   no trigger   NOTIFY in the trigger   durable, with a consumer\n");
    output.clone().stdout_has("* with 2 writers, the durable trigger lets ").stdout_has("all 80 messages arrived");
    assert!(output.lines().len() <= 40, "{output}");
}

#[test]
fn files_are_written_in_the_form_of_their_ending() {
    let db = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let [json, csv, markdown, text] = ["a.json", "a.csv", "a.md", "a.txt"].map(path);
    let words = [
        "fanout",
        "-n",
        "20",
        "--listeners",
        "1,2",
        "--export",
        &json,
        "--export",
        &csv,
        "--export",
        &markdown,
        "--export",
        &text,
    ];
    let shown = bench(&db, &words).run().ok().stdout;
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&json), shown);
    let lines: Vec<String> = read(&csv).lines().map(str::to_owned).collect();
    assert!(
        lines[0].starts_with("scenario,complete,case,clients,listeners,unit,runs,count,seconds,rate,"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("fanout,true,fan-out,1,1,notifications,1,20,"), "{lines:?}");
    assert!(lines[2].starts_with("fanout,true,fan-out,1,2,notifications,1,20,"), "{lines:?}");
    assert!(lines.iter().all(|line| line.matches(',').count() == lines[0].matches(',').count()), "{lines:?}");
    assert!(read(&markdown).contains("| fan-out | 2 | "), "{}", read(&markdown));
    assert!(read(&text).starts_with("fanout: "), "{}", read(&text));

    // The same again, beside what was before.
    let compared = report(&db, &["fanout", "-n", "20", "--listeners", "1,2,3", "--compare", &json]);
    let rows = compared["rows"].as_array().unwrap();
    let ratio = |row: &Value| row["compared"]["rate"].as_f64();
    assert!(ratio(&rows[0]).is_some() && ratio(&rows[1]).is_some() && rows[2]["compared"].is_null(), "{compared}");
    let told = |words: &[&str]| {
        report(&db, &[words, &["--listeners", "1", "--compare", &json]].concat())["findings"].to_string()
    };
    assert!(!compared["findings"].to_string().contains("compared with"), "{compared}");
    assert!(told(&["fanout", "-n", "10", "-s", "99"]).contains("compared with a report of another --size, --count\""));
}

#[test]
fn an_earlier_file_stays_until_there_is_a_report() {
    let db = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.json");
    std::fs::write(&file, "precious").unwrap();
    let words =
        |size: &'static str| ["notify", "-n", "1", "-s", size, "--export", file.to_str().unwrap()].map(str::to_owned);
    let measure = |size| bench(&db, &words(size).each_ref().map(String::as_str)).run();
    // Refused only once there is a server.
    measure("8000").code(2);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    let shown = measure("100").ok().stdout;
    assert_eq!(std::fs::read_to_string(&file).unwrap(), shown);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_must_not_be_is_exit_4() {
    let db = Database::new();
    let words = |check: &'static str| ["notify", "-n", "20", "--fail-if", check];
    let failed = bench(&db, &words("rate>0")).run().code(4);
    failed.stderr_has("pgfeed: error: rate>0 holds for notify, NOTIFY, with 1 clients: it is ");
    bench(&db, &words("lost>0")).run().ok();
    // Nothing can be said about what was not measured.
    bench(&db, &words("p99>1h")).run().code(4).stderr_has("p99>1h: no row has that figure");
    assert_eq!(schemas(&db), [""; 0]);
}

#[test]
fn what_cannot_be_is_told_before_anything_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = dir.path().join("wrong.json");
    std::fs::write(&wrong, "{}").unwrap();
    let wrong = wrong.to_str().unwrap();
    for (words, told) in [
        (&["bogus"][..], "there is no scenario 'bogus'"),
        (&["notify", "-s", "10"], "--size 10 is too small"),
        (&["notify", "-n", "0"], "there is nothing to measure"),
        (&["notify", "--flush-delay", "1s"], "--flush-delay is at most 100ms"),
        (&["notify", "--fail-if", "p98>1ms"], "'p98' is not measured"),
        (&["notify", "--export", "x.pdf"], "its ending tells no form"),
        (&["notify", "--compare", "/nowhere.json"], "reading /nowhere.json"),
        (&["notify", "--compare", wrong], "it is no report"),
        (&["notify", "-c", "0"], "0 is not in 1..=1000"),
        (&["notify", "-n", "1", "-T", "1s"], "cannot be used with"),
        (&["trigger", "--listeners", "2"], "trigger makes no use of --listeners"),
        (&["sync", "-c", "2"], "sync makes no use of --clients"),
        (&["notify", "--to", "file:/x"], "notify makes no use of --to"),
        (&["sync", "--to", "file:/x"], "sync delivers through RabbitMQ only"),
        (&["queue", "--to", "bogus://Canary"], "nothing can write to \"bogus:\""),
    ] {
        // Nobody listens there: exit 3 would mean that it had tried to connect.
        let run = crate::harness::Pgfeed::new(["bench"]).args(words);
        run.env("DATABASE_URL", "postgresql://127.0.0.1:1/x").run().code(2).stdout_is("").stderr_has(told);
    }
    let db = Database::new();
    bench(&db, &["notify", "-s", "8000"])
        .run()
        .code(2)
        .stdout_is("")
        .stderr_has("a payload of 8000 bytes does not fit");
    assert_eq!(schemas(&db), [""; 0]);
}
