//! Appending to a file: whole lines only, on the disk before they are acknowledged, whoever else writes there.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use crate::harness::{Database, Pgfeed, Signal, wait_until};
use crate::tail_queue::{enqueue, held, store, with_queue};

fn append(db: &Database, file: &Path) -> Pgfeed {
    append_with(db, &format!("file:{}", file.display()))
}

fn append_with(db: &Database, url: &str) -> Pgfeed {
    db.pgfeed(["tail-queue", "q", "-e", "--poll", "100ms", "--to", url])
}

/// The ids in a file, in its order; every line of it is whole.
#[track_caller]
fn ids(file: &Path) -> Vec<i64> {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect(line)["id"].as_i64().unwrap();
    text.lines().map(id).collect()
}

#[test]
fn events_are_the_lines_that_json_output_prints() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    store(&db, r#"{"a": 1}"#);
    let printed = db.pgfeed(["tail-queue", "q", "-o", "json", "-n", "1"]).run().ok().stdout;
    // A path is taken as it is, but for the slashes of a URL.
    for url in
        [format!("file:{}/a b@%20c", dir.path().display()), format!("file://{}/other?fsync=no", dir.path().display())]
    {
        append_with(&db, &url).run().ok().stderr_is("");
        store(&db, "next");
    }
    assert_eq!(fs::read_to_string(dir.path().join("a b@%20c")).unwrap(), printed);
    assert_eq!(ids(&dir.path().join("other")), [2]);
}

#[test]
fn a_torn_line_of_ours_is_removed_and_nothing_of_others() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    let file = dir.path().join("file");
    let whole = "{\"type\":\"event\",\"id\":-1}\n";
    for torn in [
        "",
        "{",
        "{\"typ",
        "{\"type\":\"event\",\"queue\":\"q\",\"id",
        &format!("{{\"type\":\"{}", "x".repeat(200_000)),
    ] {
        for before in ["", whole] {
            fs::write(&file, format!("{before}{torn}")).unwrap();
            store(&db, "x");
            append(&db, &file).run().ok();
            assert_eq!(ids(&file).len(), 1 + before.lines().count());
        }
    }
    for foreign in ["not ours", "{\"a\":1}", whole.trim_end().split_at(4).1] {
        fs::write(&file, foreign).unwrap();
        store(&db, "x");
        append(&db, &file).run().code(1).stderr_has("does not end with a line of pgfeed's, nor with a newline");
        assert_eq!(fs::read_to_string(&file).unwrap(), foreign);
    }
}

#[test]
fn what_is_no_file_or_cannot_be_opened_is_told_at_once() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    let fifo = dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [&fifo, dir.path(), Path::new("/dev/null"), Path::new("/dev/stdout")] {
        append(&db, path).run().code(2).stderr_has("it is not a regular file").stderr_has("hint: what else there is");
    }
    let host = db.pgfeed(["tail-queue", "q", "--to", "file://tmp/events"]).run().code(2);
    host.stderr_has("what follows two slashes is a host").stderr_has("hint: write file:PATH, or file:///PATH");
    append(&db, &dir.path().join("no/such")).run().code(1).stderr_has("No such file or directory");
    append_with(&db, "file:").run().code(2).stderr_has("a path is missing");
    append_with(&db, "file:x?fsync=maybe").run().code(2).stderr_has("fsync: it is yes or no");
    append_with(&db, "file:x?sync=no").run().code(2).stderr_has("\"sync\" is no parameter of it");
}

#[test]
fn the_url_can_stand_in_a_file_and_the_kinds_are_listed() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    store(&db, "x");
    let url = dir.path().join("url");
    fs::write(&url, format!("file:{}\r\n", dir.path().join("file").display())).unwrap();
    db.pgfeed(["tail-queue", "q", "-e", "--to-file"]).args([&url]).run().ok();
    assert_eq!(ids(&dir.path().join("file")), [1]);
    db.pgfeed(["tail-queue", "q", "--to-file", "/no/such"])
        .run()
        .code(2)
        .stderr_has("--to-file /no/such: No such file");
    fs::write(&url, "Canary://u:Canary@Canary").unwrap();
    db.pgfeed(["tail-queue", "q", "--to-file"]).args([&url]).run().code(2).lacks("u:Canary");
    let help = Pgfeed::new(["tail-queue", "--to", "help"]).run().ok().stderr_is("");
    for form in ["\nfile:PATH\n", "\npostgres://", "Templates are text with {channel}"] {
        assert!(format!("\n{}", help.stdout).contains(form), "{form}\n{help}");
    }
}

#[test]
fn a_stream_of_control_records_has_no_place_in_it() {
    let (db, dir) = (Database::new(), tempfile::tempdir().unwrap());
    let file = dir.path().join("file");
    let running = db.spawn(["listen", "c", "-n", "1", "--to", &format!("file:{}", file.display())]);
    running.wait_stderr("listening on c");
    db.sql("NOTIFY c, 'x'");
    running.finish().ok();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(
        (text.lines().count(), text.starts_with("{\"type\":\"notification\",\"channel\":\"c\"")),
        (1, true),
        "{text}"
    );
}

#[test]
fn several_processes_and_workers_write_whole_lines_of_one_file() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    let file = dir.path().join("file");
    db.sql(&enqueue(500, 4));
    let running: Vec<_> = (0..3).map(|_| append(&db, &file).args(["-j", "2", "--batch", "25"]).spawn()).collect();
    running.into_iter().for_each(|one| drop(one.finish().ok().stderr_is("")));
    let mut ids = ids(&file);
    let place = |id: i64| ids.iter().position(|one| *one == id);
    // Key 7, in the order of its changes.
    assert!(place(7) < place(507) && place(507) < place(1007) && place(1007) < place(1507));
    ids.sort_unstable();
    assert_eq!((ids, held(&db)), ((1..=2000).collect(), "0 0 0".to_owned()));
}

#[test]
fn a_file_that_is_rotated_or_removed_is_made_anew() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    let file = dir.path().join("file");
    let running = db.spawn(["tail-queue", "q", "--to", &format!("file:{}", file.display())]);
    let delivered = |id: i64, payload: &str| {
        store(&db, payload);
        wait_until("it is in the file", || file.exists() && ids(&file).last() == Some(&id));
    };
    delivered(1, "x");
    let first = fs::metadata(&file).unwrap().ino();
    fs::rename(&file, dir.path().join("file.1")).unwrap();
    delivered(2, "x");
    assert_ne!(fs::metadata(&file).unwrap().ino(), first);
    fs::remove_file(&file).unwrap();
    delivered(3, "x");
    // As `copytruncate` does it.
    fs::write(&file, "").unwrap();
    delivered(4, "x");
    assert_eq!((ids(&dir.path().join("file.1")), ids(&file)), (vec![1], vec![4]));
    running.signal(Signal::Term);
    running.finish().code(130);
}

#[test]
fn a_folder_that_goes_while_it_runs_is_told_once_and_waited_for() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    let (folder, away) = (dir.path().join("folder"), dir.path().join("away"));
    fs::create_dir(&folder).unwrap();
    let file = folder.join("file");
    let running = db.spawn(["tail-queue", "q", "--max-attempts", "1", "--to", &format!("file:{}", file.display())]);
    store(&db, "x");
    wait_until("it is in the file", || held(&db) == "0 0 0");
    fs::rename(&folder, &away).unwrap();
    store(&db, "x");
    running.wait_stderr("file: No such file or directory (os error 2); trying again\n");
    fs::rename(&away, &folder).unwrap();
    running.wait_stderr("delivering again\n");
    wait_until("it is in the file", || held(&db) == "0 0 0");
    assert_eq!((ids(&file), running.stderr().lines().count()), (vec![1, 2], 2), "{}", running.stderr());
}

#[test]
fn a_full_disk_is_waited_for_and_leaves_no_half_lines() {
    let (db, dir) = (with_queue(), tempfile::tempdir().unwrap());
    let file = dir.path().join("file");
    db.sql(&enqueue(100, 1));
    // A limit of the process stands for the disk: beyond it a write takes a part, and then fails.
    let url = format!("file:{}", file.display());
    let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
    let mut command = Command::new("/bin/sh");
    let args = ["tail-queue", "q", "-e", "--batch", "10", "--max-attempts", "1", "--to", &url];
    command.args(["-c", script, env!("CARGO_BIN_EXE_pgfeed")]).args(args);
    let running = Pgfeed::command(command).env("DATABASE_URL", db.url()).spawn();
    let mut all = Vec::new();
    for part in 1.. {
        wait_until("it is full, or done", || {
            // With fewer events at once more fits in: it may have been full twice by the time that it is moved.
            let is_full = running.stderr().matches("trying again").count() >= part && file.exists();
            held(&db) == "0 0 0" || is_full
        });
        if held(&db) == "0 0 0" {
            break;
        }
        let full = dir.path().join(format!("full.{part}"));
        // It tries again and again, and must not be read in the middle of that.
        let locked = fs::File::open(&file).unwrap();
        locked.lock().unwrap();
        fs::rename(&file, &full).unwrap();
        all.extend(ids(&full));
    }
    running.finish().ok().stderr_has(": File too large").stderr_has("delivering again");
    all.extend(ids(&file));
    assert_eq!(all, (1..=100).collect::<Vec<_>>());
}
