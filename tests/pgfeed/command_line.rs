//! The command line as a whole.

use std::path::Path;

use crate::harness::{Database, Pgfeed, Stdout};

const COMMANDS: [&str; 12] = [
    "install-trigger",
    "uninstall-trigger",
    "listen",
    "notify",
    "tail-queue",
    "bench",
    "serve",
    "status",
    "doctor",
    "demo",
    "completions",
    "man",
];

fn help(command: &[&str]) -> String {
    Pgfeed::new(command.iter().chain(&["--help"])).run().ok().stderr_is("").stdout
}

#[test]
fn the_help_of_every_command_is_as_reviewed() {
    insta::assert_snapshot!("pgfeed", help(&[]));
    for command in COMMANDS {
        insta::assert_snapshot!(command, help(&[command]));
    }
}

#[test]
fn h_is_help_unless_a_host_follows() {
    let expected = help(&["listen"]);
    for words in [&["listen", "-h"][..], &["listen", "-?"], &["listen", "-h", "-q"], &["-h", "-q", "listen"]] {
        let told = Pgfeed::new(words).run().ok();
        assert!(told.stdout == expected || told.stdout == help(&[]), "{words:?}");
    }
    let told = Pgfeed::new(["listen", "-h", "no-such-host.invalid", "x"]).run().code(3);
    told.stdout_is("").stderr_has("no-such-host.invalid");
}

#[test]
fn global_flags_stand_before_and_after_the_command() {
    let db = Database::new();
    db.pgfeed(["-d", &db.url(), "notify", "x"]).env_remove("DATABASE_URL").run().ok();
    db.pgfeed(["notify", "x", "-d", &db.url()]).env_remove("DATABASE_URL").run().ok();
}

#[test]
fn a_wrong_command_line_is_told_in_one_style() {
    let told = Pgfeed::new(["listen"]).run().code(2).stdout_is("");
    assert!(told.stderr.starts_with("pgfeed: error: "), "{}", told.stderr);
    Pgfeed::new(["bogus"]).run().code(2).stdout_is("").stderr_has("pgfeed: error: unrecognized subcommand 'bogus'");
    Pgfeed::new(["listen", "x", "-t", "soon"]).run().code(2).stderr_has("'soon' is not a duration");
    Pgfeed::new([""; 0]).run().code(2).stdout_is("").stderr_has("Usage: pgfeed");
}

#[test]
fn names_are_checked_before_connecting() {
    for words in [
        &["listen", ""][..],
        &["listen", &"é".repeat(32)],
        &["notify", &"x".repeat(64)],
        &["install-trigger", "a b"],
        &["install-trigger"],
        &["install-trigger", "t", "--channel", &"x".repeat(64)],
        &["install-trigger", "t", "--when", "OLD.a = 1"],
        &["uninstall-trigger"],
        &["serve", &"x".repeat(64)],
        &["serve", "--queue", ""],
        &["demo", "--rate", "0"],
        &["tail-queue", "q", "--poll", "0"],
        &["tail-queue", "q", "--unordered"],
        &["tail-queue", "q", "--dead", "--unordered"],
        &["install-trigger", "t", "--lock-timeout", "1000h"],
        &["install-trigger", "t", "--columns", "\"a"],
        &["install-trigger", "t", "--exclude", "a,,b"],
        &["install-trigger", "t", "--update-of", ""],
        &["listen", "x", "--heartbeat", "1us"],
    ] {
        // Nobody listens there: exit 3 would mean that it had tried to connect.
        Pgfeed::new(words).env("DATABASE_URL", "postgresql://127.0.0.1:1/x").run().code(2).stdout_is("");
    }
}

#[test]
fn a_reader_of_the_help_may_go_away() {
    Pgfeed::new(["completions", "bash"]).stdout(Stdout::Head(1)).run().ok().stderr_is("");
}

#[test]
fn a_full_disk_is_told() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    Pgfeed::new(["completions", "zsh"]).stdout(Stdout::To(full)).run().code(1).stderr_has("writing to stdout");
}

#[test]
fn the_committed_completions_are_current() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in [
        ("bash", "pgfeed.bash"),
        ("zsh", "_pgfeed"),
        ("fish", "pgfeed.fish"),
        ("powershell", "_pgfeed.ps1"),
        ("elvish", "pgfeed.elv"),
    ] {
        let current = Pgfeed::new(["completions", shell]).run().ok().stderr_is("").stdout;
        let committed = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        assert!(committed == current, "completions/{file} is stale: run `make completions`");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    for command in COMMANDS {
        let page = Pgfeed::new(["man", command]).run().ok().stderr_is("");
        assert!(page.stdout.contains(&format!("pgfeed\\-{}", command.replace('-', "\\-"))), "{}", page.stdout);
    }
    Pgfeed::new(["man"]).run().ok().stdout_has("install\\-trigger");
    Pgfeed::new(["man", "bogus"]).run().code(2).stdout_is("").stderr_has("there is no command bogus");
}

#[test]
fn all_manual_pages_can_be_written_to_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    Pgfeed::new(["man", "--dir", dir.path().to_str().unwrap()]).run().ok().stdout_is("");
    let pages = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(pages, COMMANDS.len() + 1);
    assert!(dir.path().join("pgfeed-listen.1").exists());
}

/// In a lean build: the command is known, and says why it does nothing.
#[test]
#[cfg(not(feature = "serve"))]
fn a_build_without_serve_says_so() {
    Pgfeed::new(["serve", "c"]).run().code(2).stdout_is("").stderr_has("this build of pgfeed has no serve");
}
