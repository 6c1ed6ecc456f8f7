//! An endpoint that is away, silent, or that comes and goes; and a pgfeed that is killed.

use super::{held, ids, post, taken, with_queue};
use crate::harness::http::{Http, Reply};
use crate::harness::proxy::{Cut, Proxy};
use crate::harness::{Signal, wait_until};
use crate::tail_queue::{enqueue, store};

#[test]
fn an_endpoint_that_is_not_there_is_waited_for_and_nothing_dies() {
    let db = with_queue();
    db.sql(&enqueue(5, 1));
    let server = Http::start(|_, _| Reply::status(200));
    let proxy = Proxy::in_front_of_port(server.port());
    proxy.refuse();
    let running = post(&db, proxy.port(), "/").args(["--max-attempts", "1"]).spawn();
    running.wait_stderr(&format!("http://127.0.0.1:{}: Connection refused", proxy.port()));
    proxy.accept();
    let output = running.finish().ok();
    output.clone().stderr_has("delivering again");
    assert_eq!(output.stderr.matches("trying again").count(), 1, "{output}");
    assert_eq!((ids(&server.got()), held(&db)), ((1..=5).collect(), "0 0 0".to_owned()));
}

#[test]
fn connections_that_are_cut_repeat_the_request_in_flight_under_its_id() {
    let db = with_queue();
    db.sql(&enqueue(200, 2));
    let server = Http::start(|_, _| Reply::status(200));
    let proxy = Proxy::in_front_of_port(server.port());
    let running = post(&db, proxy.port(), "/").spawn();
    for so_many in [40, 140, 240] {
        wait_until("more has arrived", || server.got().len() >= so_many);
        proxy.cut(Cut::Reset);
    }
    running.finish().ok();
    let mut arrived = ids(&server.got());
    assert!(arrived.len() <= 400 + 3, "{} requests", arrived.len());
    arrived.sort_unstable();
    arrived.dedup();
    assert_eq!((arrived, held(&db)), ((1..=400).collect(), "0 0 0".to_owned()));
}

#[test]
fn who_is_silent_is_given_up_in_time() {
    let db = with_queue();
    store(&db, "x");
    let server = Http::start(|_, number| if number == 1 { Reply::Silence } else { Reply::status(200) });
    let output = post(&db, server.port(), "/?pgfeed.timeout=300ms").run().ok();
    output.stderr_has("it did not answer within 300ms; trying again");
    assert_eq!((ids(&server.got()), held(&db)), (vec![1, 1], "0 0 0".to_owned()));
}

#[test]
fn a_stop_ends_the_waiting_and_gives_everything_back() {
    let db = with_queue();
    db.sql(&enqueue(4, 1));
    let server = Http::start(|_, _| Reply::Status(503, "Retry-After: 3000\r\n".to_owned(), String::new()));
    let running = post(&db, server.port(), "/").spawn();
    running.wait_stderr("trying again");
    running.signal(Signal::Term);
    running.finish().code(130);
    assert_eq!((server.got().len(), held(&db)), (1, "4 0 0".to_owned()));
    // Nor is a limit forgotten meanwhile.
    post(&db, server.port(), "/").args(["--timeout", "1s"]).run().ok();
}

#[test]
fn a_kill_repeats_the_batch_in_flight_and_nothing_else() {
    let db = with_queue();
    db.sql(&enqueue(100, 2));
    let server = Http::start(|_, _| Reply::status(200));
    for so_many in [30, 90, 150] {
        let running = post(&db, server.port(), "/").args(["--batch", "20"]).spawn();
        wait_until("more has arrived", || server.got().len() >= so_many);
        running.kill();
    }
    post(&db, server.port(), "/").run().ok();
    let mut arrived = taken(&server, |_| true);
    assert!(arrived.len() <= 200 + 3 * 20, "{} requests", arrived.len());
    // An event that comes again comes under its id; the events of a row come in order for the first time.
    let mut seen = std::collections::HashSet::new();
    arrived.retain(|id| seen.insert(*id));
    for pair in [(1, 101), (50, 150), (100, 200)] {
        let place = |id: i64| arrived.iter().position(|one| *one == id);
        assert!(place(pair.0) < place(pair.1), "{arrived:?}");
    }
    arrived.sort_unstable();
    assert_eq!((arrived, held(&db)), ((1..=200).collect(), "0 0 0".to_owned()));
}
