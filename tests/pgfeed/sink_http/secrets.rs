//! A password, a token or a secret is nowhere to be seen, whatever happens.

use std::fs;

use super::with_queue;
use crate::connection::certificates::authority;
use crate::harness::http::{Http, Reply};
use crate::harness::{Database, Output, Pgfeed, Signal};
use crate::tail_queue::store;

/// Runs it until it says that it tries again, or ends.
#[track_caller]
fn outage(run: Pgfeed) -> Output {
    let running = run.spawn();
    running.wait_stderr("trying again");
    running.signal(Signal::Term);
    running.finish().lacks("Canary")
}

fn runs(db: &Database, url: &str) -> [Pgfeed; 2] {
    let file = db.pgfeed(["tail-queue", "q", "-vv", "--max-attempts", "9", "--to-file"]);
    let path = file.home().join("url");
    fs::write(&path, format!("{url}\n")).unwrap();
    [file.args([path]), db.pgfeed(["tail-queue", "q", "-vv", "--max-attempts", "9", "--to", url])]
}

#[test]
fn no_way_to_fail_shows_a_secret() {
    let db = with_queue();
    store(&db, "x");
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, "Canary").unwrap();
    let url = |scheme: &str, place: &str| {
        format!(
            "{scheme}://u:Canary%40@{place}/Canary?token=Canary&pgfeed.header.X-Key=Canary&pgfeed.secret-file={}",
            secret.display()
        )
    };
    let certificate = authority().server("DNS:elsewhere");
    let tls = Http::start_tls(&certificate.certificate, &certificate.key, |_, _| Reply::status(200));
    let echo = |request: &crate::harness::http::Request, status| {
        Reply::Status(
            status,
            format!("Location: http://x/{}\r\nX: {request:?}\r\n", request.line),
            format!("{request:?}"),
        )
    };
    let statuses = [301, 401, 500];
    let servers: Vec<Http> =
        statuses.into_iter().map(|status| Http::start(move |request, _| echo(request, status))).collect();
    let nonsense = Http::start(|request, _| Reply::Bytes(request.line.clone().into_bytes()));
    let mut urls = vec![
        url("http", "127.0.0.1:1"),
        url("http", "no-such-host.invalid"),
        url("https", &format!("127.0.0.1:{}", tls.port())),
        url("https", &format!("127.0.0.1:{}", nonsense.port())),
        url("http", &format!("127.0.0.1:{}", nonsense.port())),
    ];
    urls.extend(servers.iter().map(|server| url("http", &format!("127.0.0.1:{}", server.port()))));
    for url in urls {
        runs(&db, &url).into_iter().for_each(|run| drop(outage(run)));
    }
    let refusing = Http::start(move |request, _| echo(request, 400));
    for run in runs(&db, &url("http", &format!("127.0.0.1:{}", refusing.port()))) {
        let running = run.spawn();
        running.wait_stderr("was refused");
        running.signal(Signal::Term);
        running.finish().lacks("Canary");
    }
    for row in db.rows("SELECT error FROM pgfeed.retry_q UNION ALL SELECT error FROM pgfeed.dead_q") {
        assert_eq!(row, "400 Bad Request");
    }
    for url in
        ["http://u:Canary@/", "http://u:Canary@h:x/", "http://u:Canary@h/?pgfeed.nix=Canary", "http://u:Can/ary@h/"]
    {
        runs(&db, url).into_iter().for_each(|run| drop(run.run().code(2).lacks("Canary").lacks("ary@")));
    }
}
