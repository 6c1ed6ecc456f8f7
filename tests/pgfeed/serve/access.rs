//! Who may come in.

use std::os::unix::fs::PermissionsExt as _;

use super::client::Headers;
use super::{Serving, Socket, request};
use crate::harness::{Database, Pgfeed};

const TOKEN: &str = "S3cr3t-Canary-Token-0123456789";

/// A token file that nobody else may read.
fn token_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[test]
fn other_names_and_other_pages_are_turned_away() {
    let db = Database::new();
    let serving = Serving::channel(&db, ["--publish", "--origin", "https://app.example.com"]);
    let refused: [Headers; 5] = [
        &[("host", "evil.example")],
        &[("host", "evil.example"), ("origin", "http://evil.example")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")],
    ];
    for headers in refused {
        for (method, path) in
            [("GET", "/sse"), ("GET", "/feed.json"), ("GET", "/metrics"), ("POST", "/publish"), ("GET", "/")]
        {
            let answer = request(serving.port, method, path, headers, "x");
            assert_eq!(answer.status, 403, "{path} {headers:?}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        assert_eq!(Socket::connect(serving.port, "", headers).err(), Some(403), "{headers:?}");
    }
    let own = format!("http://127.0.0.1:{}", serving.port);
    let allowed: [Headers; 3] =
        [&[("origin", &own)], &[("origin", "https://app.example.com")], &[("host", "app.example.com")]];
    for headers in allowed {
        assert!(Socket::connect(serving.port, "", headers).is_ok(), "{headers:?}");
        assert_eq!(request(serving.port, "GET", "/feed.json", headers, "").status, 200, "{headers:?}");
    }
    let asks = request(serving.port, "OPTIONS", "/publish", &[("origin", "https://app.example.com")], "");
    assert_eq!(asks.header("access-control-allow-origin"), Some("https://app.example.com"));
    assert_eq!(asks.status, 204);
    // A probe knows us by an address that we do not.
    assert_eq!(request(serving.port, "GET", "/healthz", &[("host", "feed.svc")], "").status, 200);
}

#[test]
fn with_a_token_only_those_who_know_it_see_anything() {
    let db = Database::new();
    let file = token_file(&format!("{TOKEN}\n"));
    let serving = Serving::channel(&db, ["--publish", "--token-file", file.path().to_str().unwrap()]);
    let (right, wrong) = (format!("Bearer {TOKEN}"), format!("Bearer {TOKEN}x"));
    for (method, path) in
        [("GET", "/sse"), ("GET", "/feed.json"), ("GET", "/metrics"), ("POST", "/publish"), ("GET", "/x")]
    {
        for headers in [&[][..], &[("authorization", wrong.as_str())]] {
            let answer = request(serving.port, method, path, headers, "x");
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{path}");
        }
        // Not in the address, where it would end up in logs.
        assert_eq!(request(serving.port, method, &format!("{path}?token={TOKEN}"), &[], "x").status, 401);
    }
    assert_eq!(request(serving.port, "POST", "/publish", &[("authorization", &right)], "x").status, 204);
    assert_eq!(Socket::connect(serving.port, "", &[]).err(), Some(401));
    assert!(Socket::connect(serving.port, "", &[("authorization", &right)]).is_ok());
    assert!(Socket::connect(serving.port, "", &[("sec-websocket-protocol", &format!("pgfeed, {TOKEN}"))]).is_ok());
    // The page asks for it, and can do nothing without.
    for path in ["/", "/page.js", "/rows.js", "/page.css", "/icon.svg", "/healthz"] {
        assert_eq!(serving.get(path).status, 200, "{path}");
    }
    assert!(!serving.run.stderr().contains(TOKEN) && !serving.get("/page.js").body.contains(TOKEN));
}

#[test]
fn an_address_for_others_needs_a_token() {
    let unreachable = "postgresql://127.0.0.1:1/x";
    let run = |args: &[&str]| Pgfeed::new(["serve", "c"]).args(args).env("DATABASE_URL", unreachable).run();
    for bind in ["0.0.0.0:0", "[::]:0"] {
        run(&["--bind", bind]).code(2).stderr_has("needs --token-file");
    }
    let file = token_file("short");
    run(&["--token-file", file.path().to_str().unwrap()])
        .code(2)
        .stderr_has("the token has 5 characters")
        .lacks("short");
    let file = token_file("S3cr3t Canary with spaces");
    run(&["--token-file", file.path().to_str().unwrap()]).code(2).lacks("S3cr3t");
    run(&["--token-file", "/nowhere"]).code(2).stderr_has("reading the token in /nowhere: ");
    run(&["--bind", "nonsense"]).code(2).stderr_has("--bind nonsense: ");
    run(&["--origin", "*"]).code(2).stderr_has("'*' is not an origin");
    run(&["--publish-to", "messages"]).code(2).stderr_has("'messages' is not a table and its column");
    run(&["--queue", "q"]).code(2).stderr_has("cannot be used with");
    Pgfeed::new(["serve"]).run().code(2);
    // With everything right it goes on to the database, which is not there.
    let file = token_file(TOKEN);
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = run(&["--bind", "0.0.0.0:0", "--token-file", file.path().to_str().unwrap()]).code(3).lacks(TOKEN);
    told.stderr_has("warning: others may read the token");
}

#[test]
fn an_address_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let told = Pgfeed::new(["serve", "c", "--bind", &bind]).env("DATABASE_URL", "postgresql://127.0.0.1:1/x").run();
    told.code(1).stdout_is("").stderr_has(&format!("listening on {bind}: "));
}
