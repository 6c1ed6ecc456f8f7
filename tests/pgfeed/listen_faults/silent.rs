//! Servers and networks that say nothing, or little.

use std::time::{Duration, Instant};

use pgfeed::cluster::Signal as ServerSignal;

use super::{NOTICED, described, received, send, sessions, stop, through, wait_for, wait_number, with_heartbeat};
use crate::harness::proxy::{Cut, Mode};
use crate::harness::{Database, Running, Signal, own_server};
use crate::listen::{listening, send_numbers};

const SILENT: &str = "the server did not answer within 1.5s";

/// Waits until the silence is noticed, which has a limit.
#[track_caller]
fn notices(run: &Running, since: Instant) {
    let lost = wait_for(run, "lost");
    assert!(since.elapsed() < NOTICED, "{:?}", since.elapsed());
    assert_eq!(lost["detail"], SILENT);
}

#[test]
fn a_network_that_swallows_everything_is_noticed() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = database.client();
    for mode in [Mode::Blackhole, Mode::Stall] {
        proxy.set(Mode::Pass);
        let run = through(&proxy, &database);
        send(&mut client, 1..=5);
        wait_number(&run, 5);
        proxy.set(mode.clone());
        let since = Instant::now();
        notices(&run, since);
        run.wait_stderr("pgfeed: warning: connecting to ");
        run.wait_stderr("; trying again");
        // What the proxy holds of the old connection would come out now.
        proxy.cut(Cut::Reset);
        proxy.set(Mode::Pass);
        let gap = wait_for(&run, "gap");
        // It began with the silence, not when that was noticed.
        assert!(gap["down_ms"].as_u64().unwrap() >= 2500, "{gap}");
        send(&mut client, 6..=10);
        wait_number(&run, 10);
        let output = stop(run);
        assert_eq!(received(&output), (1..=10).collect::<Vec<_>>(), "{mode:?}");
        output.stderr_has(&format!("pgfeed: warning: connection lost: {SILENT}\n"));
    }
}

#[test]
fn a_server_process_that_stops_is_noticed_and_left() {
    // Of its own, since the process keeps everybody's notifications from being forgotten.
    let server = own_server();
    let database = server.database();
    let mut client = database.client();
    let run = listening(described(&database.url()));
    let pid = database.value(&sessions("pid")).parse().unwrap();
    crate::harness::send(Signal::Stop, pid);
    let since = Instant::now();
    send(&mut client, 1..=5);
    notices(&run, since);
    wait_for(&run, "gap");
    send(&mut client, 6..=10);
    wait_number(&run, 10);
    // The old session has 1 to 5 still to send: to nobody.
    crate::harness::send(Signal::Cont, pid);
    database.wait_for(&format!("SELECT count(*) = 1 FROM ({}) AS s", sessions("1")));
    send(&mut client, 11..=12);
    wait_number(&run, 12);
    assert_eq!(received(&stop(run)), (6..=12).collect::<Vec<_>>());
}

#[test]
fn a_whole_server_that_stops_is_noticed_and_found_again() {
    let server = own_server();
    let database = server.database();
    let run = listening(described(&database.url()));
    server.cluster().signal_postmaster(ServerSignal::Stop).unwrap();
    server.cluster().signal_backends(ServerSignal::Stop).unwrap();
    let since = Instant::now();
    notices(&run, since);
    run.wait_stderr("; trying again");
    // The other way round, so that none of them is gone before it gets its signal.
    server.cluster().signal_backends(ServerSignal::Cont).unwrap();
    server.cluster().signal_postmaster(ServerSignal::Cont).unwrap();
    wait_for(&run, "gap");
    send(&mut database.client(), 1..=3);
    wait_number(&run, 3);
    assert_eq!(received(&stop(run)), [1, 2, 3]);
}

#[test]
fn a_signal_ends_it_while_a_heartbeat_is_unanswered() {
    let database = Database::new();
    let proxy = database.proxy();
    let run = listening(with_heartbeat(&proxy.url(database.name()), "10ms"));
    proxy.set(Mode::Stall);
    let since = Instant::now();
    stop(run);
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[test]
fn without_a_heartbeat_silence_is_just_silence() {
    let database = Database::new();
    let proxy = database.proxy();
    let run = listening(with_heartbeat(&proxy.url(database.name()), "0").args(["-n", "1"]));
    proxy.set(Mode::Stall);
    send(&mut database.client(), 1..=1);
    std::thread::sleep(Duration::from_secs(2));
    proxy.set(Mode::Pass);
    run.finish().ok().stderr_is("pgfeed: listening on c\n");
}

#[test]
fn a_link_with_a_long_way_is_no_false_alarm() {
    let database = Database::new();
    let proxy = database.proxy();
    let run = listening(with_heartbeat(&proxy.url(database.name()), "100ms").args(["-t", "3s"]));
    proxy.set(Mode::Delay(Duration::from_millis(400)));
    run.finish().ok().stderr_is("pgfeed: listening on c\n");
}

#[test]
fn an_answer_behind_many_notifications_on_a_slow_line_is_no_false_alarm() {
    let database = Database::new();
    let proxy = database.proxy();
    let run = listening(with_heartbeat(&proxy.url(database.name()), "300ms").args(["-n", "4"]));
    // Each takes about a second, so that the heartbeat in front of the first is answered behind the last.
    proxy.set(Mode::Slow(4000));
    send_numbers(&mut database.client(), 1, 4, 4000);
    let output = run.finish().ok();
    assert_eq!(received(&output), [1, 2, 3, 4]);
    output.stderr_is("pgfeed: listening on c\n");
}

#[test]
fn heartbeats_go_on_quietly_for_a_healthy_server() {
    let database = Database::new();
    let proxy = database.proxy();
    let run = listening(with_heartbeat(&proxy.url(database.name()), "20ms").args(["-t", "1s"]));
    run.finish().ok().stderr_is("pgfeed: listening on c\n");
    assert_eq!(proxy.accepted(), 1);
}
