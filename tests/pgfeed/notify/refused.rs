//! What is refused, and what is sent of the rest.

use std::fs::OpenOptions;

use super::Listener;
use crate::harness::{Database, Pgfeed, Stdout};

const LONG_HINT: &str = "  hint: a notification carries little: store the data, and notify its key\n";
const TEXT_HINT: &str = "  hint: a payload is text: encode other data, as with base64\n";

#[test]
fn a_bad_channel_is_refused_before_connecting() {
    let nowhere =
        |channel: &str| Pgfeed::new(["notify", channel, "x"]).env("DATABASE_URL", "postgresql://127.0.0.1:1/x").run();
    for (text, times) in [("a", 64), ("é", 32)] {
        let channel = text.repeat(times);
        nowhere(&channel).code(2).stdout_is("").stderr_is(&format!(
            "pgfeed: error: the channel's name \"{channel}\" is 64 bytes long\n  \
             hint: PostgreSQL cuts names at 63 bytes, so that it would be another name\n"
        ));
    }
    nowhere("").code(2).stderr_is("pgfeed: error: the channel's name is empty\n");
}

#[test]
fn a_bad_payload_is_refused_before_connecting() {
    let nowhere = |stdin: &[u8]| {
        Pgfeed::new(["notify", "c"]).env("DATABASE_URL", "postgresql://127.0.0.1:1/x").stdin(stdin).run()
    };
    let long = |bytes: &str| {
        format!("pgfeed: error: the payload: it is {bytes} bytes long, and the longest is 7999\n{LONG_HINT}")
    };
    nowhere(&[b'x'; 8000]).code(1).stderr_is(&long("8000"));
    nowhere(&[b'x'; 100_000]).code(1).stderr_is(&long("32000 or more"));
    nowhere(b"a\0b")
        .code(1)
        .stderr_is("pgfeed: error: the payload: it contains a NUL character, which PostgreSQL cannot store\n");
    nowhere(b"ab\xff")
        .code(1)
        .stderr_is(&format!("pgfeed: error: the payload: byte 3 is not valid UTF-8\n{TEXT_HINT}"));
}

#[test]
fn the_longest_payload_is_7999_bytes() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let fits = ["x".repeat(7999), format!("{}x", "é".repeat(3999)), format!("{}日", "é".repeat(3998))];
    for payload in &fits {
        assert_eq!(payload.len(), 7999);
        database.pgfeed(["notify", "c", payload]).run().ok();
        database.pgfeed(["notify", "c", "-l"]).stdin(payload.as_str()).run().ok();
    }
    assert!(listener.rest().chunks(2).zip(&fits).all(|(both, payload)| both[0] == *payload && both[1] == *payload));
    let long = "é".repeat(4000);
    // Without a look at the server's encoding 4000 characters could fit.
    database.pgfeed(["notify", "c", &long]).run().code(1).stderr_is(&format!(
        "pgfeed: error: notifying channel \"c\": payload string too long\n  sqlstate: 22023\n{LONG_HINT}"
    ));
    database
        .pgfeed(["notify", "c", "-l"])
        .stdin(long)
        .run()
        .code(1)
        .stderr_has("pgfeed: error: line 1: it is 8000 bytes long, and the longest is 7999\n");
    assert!(listener.rest().is_empty());
}

#[test]
fn a_server_with_one_byte_for_a_character_takes_more_characters() {
    let admin = Database::new();
    let name = format!("{}_latin1", &admin.name()[..20]);
    admin.sql(&format!("CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"));
    let url = admin.server().cluster().socket_url(&name);
    let run = |args: &[&str], stdin: &str| {
        Pgfeed::new(["notify", "c"]).args(args).env("DATABASE_URL", &url).stdin(stdin).run()
    };
    let listener =
        crate::listen::listening(Pgfeed::new(["listen", "c", "-o", "raw", "-n", "3"]).env("DATABASE_URL", &url));
    run(&["-"], &"é".repeat(4000)).ok();
    run(&["-l"], &"é".repeat(7999)).ok();
    run(&["-l"], &"é".repeat(8000)).code(1).stderr_has("line 1: it is 16000 bytes long");
    let foreign = run(&["-l"], "a\n日\n").code(1);
    foreign.stderr_has(
        "pgfeed: error: notifying channel \"c\": character with byte sequence 0xe6 0x97 0xa5 in encoding \"UTF8\"",
    );
    run(&["end"], "").ok();
    listener.finish().ok().stdout_is(&format!("{}\n{}\nend\n", "é".repeat(4000), "é".repeat(7999)));
    admin.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
}

#[test]
fn a_bad_line_is_told_by_its_number_and_what_was_sent_stays_sent() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let long = "x".repeat(8000);
    let (longer, cut) = ("x".repeat(40_000), "日".repeat(20_000));
    let bad: [(&[u8], String); 6] = [
        (long.as_bytes(), format!("it is 8000 bytes long, and the longest is 7999\n  detail: $\n{LONG_HINT}")),
        (
            longer.as_bytes(),
            format!("it is 32000 or more bytes long, and the longest is 7999\n  detail: $\n{LONG_HINT}"),
        ),
        (cut.as_bytes(), format!("it is 32000 or more bytes long, and the longest is 7999\n  detail: $\n{LONG_HINT}")),
        (b"a\0b", "it contains a NUL character, which PostgreSQL cannot store\n  detail: $\n".to_owned()),
        (b"ab\xff", format!("byte 3 is not valid UTF-8\n  detail: $\n{TEXT_HINT}")),
        (b"\xc3", format!("byte 1 is not valid UTF-8\n  detail: $\n{TEXT_HINT}")),
    ];
    for (line, told) in bad {
        let stdin = [b"1\n2\n3\n", line, b"\n5\n"].concat();
        let run = database.pgfeed(["notify", "c", "-l", "--batch", "3", "-o", "json"]).stdin(stdin).run().code(1);
        let told = told.replace('$', "already sent: 3 notifications");
        run.stdout_is("{\"channel\":\"c\",\"sent\":3,\"transactions\":1}\n")
            .stderr_is(&format!("pgfeed: error: line 4: {told}"));
        assert_eq!(listener.rest(), ["1", "2", "3"]);
    }
}

#[test]
fn nothing_of_the_batch_of_a_bad_line_is_sent() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let run = database.pgfeed(["notify", "c", "-l", "--batch", "2"]).stdin(&b"1\n2\n3\n\xff\n"[..]).run().code(1);
    run.stderr_has("error: line 4: ").stderr_has("already sent: 2 notifications");
    assert_eq!(listener.rest(), ["1", "2"]);
}

#[test]
fn a_bad_record_is_called_a_record() {
    let database = Database::new();
    database.pgfeed(["notify", "c", "-0"]).stdin(&b"a\0\xff\0"[..]).run().code(1).stderr_is(&format!(
        "pgfeed: sent 0 notifications to channel \"c\" in 0 transactions\n\
         pgfeed: error: record 2: byte 1 is not valid UTF-8\n  detail: already sent: 0 notifications\n{TEXT_HINT}"
    ));
}

#[test]
fn a_line_that_is_no_json_is_refused() {
    let database = Database::new();
    let mut listener = Listener::new(&database, "c");
    let run = database.pgfeed(["notify", "c", "-l", "--json", "--batch", "1"]).stdin("{}\n\n").run().code(1);
    run.stderr_has("pgfeed: error: line 2: it is not valid JSON: EOF while parsing");
    assert_eq!(listener.rest(), ["{}"]);
}

#[test]
fn the_error_is_told_though_the_summary_cannot_be_written() {
    let database = Database::new();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = database.pgfeed(["notify", "c", "-l", "-o", "json"]).stdin("a\0b\n").stdout(Stdout::To(full)).run();
    run.code(1).stderr_has("pgfeed: error: line 1: it contains a NUL character");
}

#[test]
fn a_role_that_may_not_notify_learns_why() {
    let database = Database::new();
    let role = database.role("writer");
    database.sql("REVOKE EXECUTE ON FUNCTION pg_notify(text, text) FROM PUBLIC");
    let run = database.pgfeed(["notify", "c", "x"]).env("DATABASE_URL", database.url_as(&role)).run().code(1);
    run.stderr_is(
        "pgfeed: error: notifying channel \"c\": permission denied for function pg_notify\n  sqlstate: 42501\n  \
         hint: EXECUTE on pg_notify(text, text) has been revoked from this role\n",
    );
}
