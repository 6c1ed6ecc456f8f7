//! The page, in a real browser.

use std::path::Path;

use serde_json::{Value, json};

use super::Serving;
use crate::harness::browser::Browser;
use crate::harness::proxy::{Cut, Proxy};
use crate::harness::{Database, Signal};
use crate::listen::{notify, notify_with};

/// Payloads that would be markup, a script, another direction of text, or the end of something.
const HOSTILE: [&str; 13] = [
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "</li></ol><style>*{display:none}</style>",
    "javascript:alert(1)",
    "\u{1b}]0;x\u{7}\u{1b}[2J",
    "a\r\n\ndata: forged",
    "\u{202e}gnp.exe",
    "\r{\"fake\":1}",
    "=cmd|' /C calc'!A0",
    "${7*7} {{7*7}} $(id) `id`",
    "{\"__proto__\":{\"polluted\":true},\"constructor\":1}",
    "{\"op\":\"x\",\"new\":null,\"key\":7}",
    "[1e400, 9007199254740993, \"\\ud800\"]",
];

/// Opens the page of a server, and waits until it is live.
#[track_caller]
fn open(browser: &Browser, serving: &Serving) {
    browser.open(&serving.url("/"));
    browser.wait("document.getElementById('state').textContent === 'Live'");
}

/// The events that are seen, the newest first: what is written in each.
#[track_caller]
fn events(browser: &Browser) -> Vec<String> {
    let script = "return [...document.querySelectorAll('#events > li:not([hidden])')].map(row => \
                  (row.querySelector('.op')?.textContent ?? '') + ' ' + (row.querySelector('.what') ?? row).textContent)";
    let rows = browser.run(script);
    let text = |row: &Value| row.as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    rows.as_array().unwrap().iter().map(text).collect()
}

#[track_caller]
fn wait_for_events(browser: &Browser, count: usize) {
    browser.wait(&format!("document.querySelectorAll('#events > li:not([hidden])').length === {count}"));
}

fn shop(db: &Database) {
    db.sql("CREATE TABLE orders (id int PRIMARY KEY, status text, total numeric)");
    db.pgfeed(["install-trigger", "orders"]).run().ok();
}

/// One browser for many questions, since it takes a second to start.
#[test]
fn the_page_shows_changes_and_has_its_tools() {
    let db = Database::new();
    shop(&db);
    let serving = Serving::start(db.pgfeed(["serve", "orders"]));
    db.sql("INSERT INTO orders VALUES (1, 'new', 12345678901234567890.10)");
    let browser = Browser::start(1000, 700);
    open(&browser, &serving);
    // What was there before it came, too.
    wait_for_events(&browser, 1);
    db.sql("UPDATE orders SET status = 'paid' WHERE id = 1");
    db.sql("DELETE FROM orders");
    wait_for_events(&browser, 3);
    let expected = [
        "DELETE orders 1 status paid total 12345678901234567890.10",
        "UPDATE orders 1 status new → paid total 12345678901234567890.10",
        "INSERT orders 1 status new total 12345678901234567890.10",
    ];
    assert_eq!(events(&browser), expected);
    assert_eq!(
        browser.run("return document.querySelector('del').textContent + document.querySelector('ins').textContent"),
        "newpaid"
    );
    // The filter, by keyboard; the operations, by mouse.
    browser.press("/PAID");
    wait_for_events(&browser, 2);
    browser.run("document.getElementById('filter').value = ''");
    browser.type_into("#filter", "\u{e007}");
    browser.click("#ops label:nth-of-type(3)");
    browser.run("document.getElementById('filter').dispatchEvent(new Event('input'))");
    assert_eq!(events(&browser), expected[1..]);
    browser.click("#ops label:nth-of-type(3)");
    // The details of an event are the JSON as it was sent.
    browser.click("#events li:last-child summary");
    browser.wait("document.querySelector('#events li:last-child pre')?.textContent.includes('\"total\": 12345678901234567890.10')");
    // A pause holds back, and tells how many.
    browser.click("#pause");
    db.sql("INSERT INTO orders VALUES (2, 'new', 1), (3, 'new', 2)");
    browser.wait("document.getElementById('pause').textContent === 'Resume (2 new)'");
    assert_eq!(events(&browser).len(), 3);
    browser.click("#pause");
    wait_for_events(&browser, 5);
    browser.click("#clear");
    wait_for_events(&browser, 0);
    assert_eq!(browser.complaints(), [] as [&str; 0]);
    // Without publishing there is nothing to send with.
    assert_eq!(browser.run("return document.getElementById('send').checkVisibility()"), false);
}

#[test]
fn payloads_are_text_and_nothing_else() {
    let db = Database::new();
    let serving = Serving::channel(&db, []);
    let browser = Browser::start(1000, 700);
    open(&browser, &serving);
    let mut client = db.client();
    HOSTILE.iter().for_each(|payload| notify_with(&mut client, "c", payload));
    let deep = "[".repeat(3000) + &"]".repeat(3000);
    notify_with(&mut client, "c", &deep);
    wait_for_events(&browser, HOSTILE.len() + 1);
    let shown = events(&browser);
    let at = |n: usize| &shown[HOSTILE.len() - n];
    for n in [0, 1, 2, 3, 8, 9] {
        let words = HOSTILE[n].split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(*at(n), format!("NOTIFY c {words}"));
    }
    assert_eq!(at(4), "NOTIFY c \\u{001b}]0;x\\u{0007}\\u{001b}[2J");
    assert_eq!(at(5), "NOTIFY c a\\u{000d}\\u{000a}\\u{000a}data: forged");
    assert_eq!(at(6), "NOTIFY c \\u{202e}gnp.exe");
    assert_eq!(at(10), "NOTIFY c {__proto__: {polluted: true}, constructor: 1}");
    assert_eq!(at(11), "NOTIFY c {op: \"x\", new: null, key: 7}");
    assert!(at(12).starts_with("NOTIFY c [1e400, 9007199254740993, "), "{}", at(12));
    browser.run("document.querySelectorAll('#events summary').forEach(summary => summary.click())");
    browser.wait("document.querySelectorAll('pre').length > 10");
    assert_eq!(browser.run("return document.title"), "c · pgfeed");
    assert_eq!(browser.run("return document.querySelectorAll('main script, main style, main img').length"), 0);
    assert_eq!(browser.run("return {}.polluted ?? null"), Value::Null);
    // The policy would have stopped it, and was not asked.
    assert_eq!(browser.complaints(), [] as [&str; 0]);
    let refused = "try { document.body.innerHTML = '<b>x</b>'; return 'allowed' } catch { return 'refused' }";
    assert_eq!(browser.run(refused), "refused");
}

#[test]
fn a_click_in_one_page_appears_in_another_of_another_instance() {
    let db = Database::new();
    db.sql("CREATE TABLE messages (id serial PRIMARY KEY, body text)");
    db.pgfeed(["install-trigger", "messages"]).run().ok();
    let one = Serving::start(db.pgfeed(["serve", "messages", "--publish-to", "messages(body)"]));
    let other = Serving::start(db.pgfeed(["serve", "messages", "--publish"]));
    let browser = Browser::start(1000, 700);
    open(&browser, &other);
    let first = browser.tab();
    let second = browser.new_tab();
    browser.switch(&second);
    open(&browser, &one);
    browser.type_into("#message", "<b>hello</b>'; DROP TABLE messages; --");
    browser.click("#send button");
    wait_for_events(&browser, 1);
    browser.wait("document.getElementById('message').value === ''");
    browser.switch(&first);
    wait_for_events(&browser, 1);
    assert_eq!(events(&browser), ["INSERT messages 1 body <b>hello</b>'; DROP TABLE messages; --"]);
    // And back, by keyboard.
    browser.type_into("#message", "hello\u{e007}");
    browser.switch(&second);
    wait_for_events(&browser, 2);
    assert_eq!(events(&browser)[0], "NOTIFY messages hello");
    assert_eq!(db.value("SELECT body FROM messages"), "<b>hello</b>'; DROP TABLE messages; --");
    // What cannot be sent is told.
    browser.switch(&first);
    browser.run("document.getElementById('message').value = 'x'.repeat(8000)");
    browser.click("#send button");
    browser.wait("document.getElementById('sent').textContent.includes('the longest is 7999')");
}

#[test]
fn the_page_comes_back_after_the_database_and_after_the_server() {
    let db = Database::new();
    shop(&db);
    let proxy = db.proxy();
    let serving = Serving::start(db.pgfeed(["serve", "c", "orders", "-d", &proxy.url(db.name())]));
    // It has an address of its own, which stays when the server is another.
    let front = Proxy::in_front_of_port(serving.port);
    let browser = Browser::start(400, 700);
    browser.open(&format!("http://127.0.0.1:{}/", front.port()));
    browser.wait("document.getElementById('state').textContent === 'Live'");
    db.sql("INSERT INTO orders VALUES (1, 'new', 1)");
    wait_for_events(&browser, 1);
    proxy.refuse();
    proxy.cut(Cut::Reset);
    browser.wait("document.getElementById('state').textContent === 'The database is away'");
    db.sql("UPDATE orders SET status = 'paid'");
    proxy.accept();
    browser.wait("document.getElementById('state').textContent === 'Live'");
    wait_for_events(&browser, 2);
    assert_eq!(events(&browser)[0], "A gap: what was sent in between is not known");
    // What this one has changed cannot be told: nobody saw the last one.
    db.sql("UPDATE orders SET total = 2");
    wait_for_events(&browser, 3);
    assert_eq!(events(&browser)[0], "UPDATE orders 1 status paid total 2");
    serving.run.signal(Signal::Term);
    serving.run.finish().code(130);
    browser.wait("document.getElementById('state').textContent === 'Disconnected, trying again'");
    let again = Serving::start(db.pgfeed(["serve", "c"]));
    front.lead_to_port(again.port);
    browser.wait("document.getElementById('state').textContent === 'Live'");
    notify(&db, "c", "hello");
    wait_for_events(&browser, 5);
    assert_eq!(events(&browser)[0], "NOTIFY c hello");
    // On a phone nothing is wider than the screen.
    assert_eq!(browser.run("return document.documentElement.scrollWidth <= innerWidth"), true);
}

#[test]
fn the_page_asks_for_the_token() {
    let db = Database::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "0123456789abcdef").unwrap();
    let serving = Serving::channel(&db, ["--publish", "--token-file", file.path().to_str().unwrap()]);
    let browser = Browser::start(1000, 700);
    browser.open(&serving.url("/"));
    browser.wait("document.getElementById('door').open");
    browser.type_into("#token", "wrong\u{e007}");
    browser.wait("document.getElementById('wrong').textContent === 'That was not it.'");
    // No header can hold this one.
    browser.run("document.getElementById('wrong').textContent = ''");
    browser.type_into("#token", "\u{142}\u{105}ka\u{e007}");
    browser.wait("document.getElementById('wrong').textContent === 'That was not it.'");
    assert_eq!(browser.run("return sessionStorage.getItem('pgfeed-token')"), Value::Null);
    browser.type_into("#token", "0123456789abcdef\u{e007}");
    browser.wait("document.getElementById('state').textContent === 'Live'");
    browser.type_into("#message", "hello\u{e007}");
    wait_for_events(&browser, 1);
}

/// Not a test: makes the pictures of the README. `make screenshot`
#[test]
#[ignore = "writes into the working tree"]
fn screenshot() {
    let db = Database::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    db.sql(&std::fs::read_to_string(folder.join("sql/shop.sql")).unwrap());
    db.pgfeed(["install-trigger", "orders", "products", "customers", "--payload", "diff", "--channel", "shop"])
        .run()
        .ok();
    let serving = Serving::start(db.pgfeed(["serve", "shop", "--publish"]));
    let changes = std::fs::read_to_string(folder.join("sql/shop_changes.sql")).unwrap();
    db.sql(&format!("SELECT setseed(0.3); {}", changes.repeat(2)));
    notify(&db, "shop", "closing at six today");
    let browser = Browser::start(1000, 800);
    let size = json!({"width": 920, "height": 560, "deviceScaleFactor": 1, "mobile": false});
    browser.devtools("Emulation.setDeviceMetricsOverride", &size);
    let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": "light"}]});
    browser.devtools("Emulation.setEmulatedMedia", &scheme);
    open(&browser, &serving);
    browser.wait("document.querySelectorAll('#events > li').length > 10");
    browser.wait("document.getAnimations().every(animation => animation.playState === 'finished')");
    browser.screenshot(&folder.join("docs/serve.png"));
}
