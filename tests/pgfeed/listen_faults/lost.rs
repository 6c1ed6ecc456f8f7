//! Sessions that are ended, servers that restart, connections that are cut.

use std::time::Duration;

use pgfeed::cluster::Shutdown;

use super::{
    described, received, send, sessions, stop, story, terminate, through, wait_for, wait_number, with_heartbeat,
};
use crate::harness::proxy::{Cut, Mode};
use crate::harness::{Database, own_server, wait_until};
use crate::listen::{listening, send_numbers, shell, wait_until_the_server_has_sent_it};

#[test]
fn a_session_that_is_ended_comes_back_without_losing_what_was_received() {
    let database = Database::new();
    let mut client = database.client();
    let run = listening(described(&database.url()));
    send(&mut client, 1..=20);
    wait_number(&run, 20);
    terminate(&database);
    let lost = wait_for(&run, "lost");
    assert_eq!(lost["detail"], "terminating connection due to administrator command");
    let gap = wait_for(&run, "gap");
    assert_eq!(gap["detail"], lost["detail"]);
    assert!(gap["down_ms"].as_u64().unwrap() < 5000, "{gap}");
    send(&mut client, 21..=40);
    wait_number(&run, 40);
    let output = stop(run);
    assert_eq!(received(&output), (1..=40).collect::<Vec<_>>());
    assert_eq!(
        (&story(&output)[20], &story(&output)[21..23]),
        (&"20".to_owned(), &["lost".to_owned(), "gap".to_owned()][..])
    );
}

#[test]
fn what_arrives_together_with_the_end_is_not_lost() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = database.client();
    // No heartbeat: only the end itself is noticed.
    let run = listening(with_heartbeat(&proxy.url(database.name()), "0"));
    for count in [1, 50, 2000] {
        proxy.set(Mode::Stall);
        send_numbers(&mut client, 1, count, 10);
        wait_until_the_server_has_sent_it(&database);
        terminate(&database);
        database.wait_for(&format!("SELECT NOT EXISTS ({})", sessions("1")));
        proxy.set(Mode::Pass);
        wait_for(&run, "gap");
    }
    let expected = [1, 50, 2000].iter().flat_map(|&count| 1..=count).collect::<Vec<i32>>();
    assert_eq!(received(&stop(run)), expected);
}

#[test]
fn a_restart_of_the_server_is_survived() {
    for how in [Shutdown::Fast, Shutdown::Immediate] {
        let server = own_server();
        let database = server.database();
        let run = listening(described(&database.url()));
        send(&mut database.client(), 1..=5);
        wait_number(&run, 5);
        server.cluster().restart(how).unwrap();
        let lost = wait_for(&run, "lost");
        let gap = wait_for(&run, "gap");
        send(&mut database.client(), 6..=10);
        wait_number(&run, 10);
        let output = stop(run);
        assert_eq!(received(&output), (1..=10).collect::<Vec<_>>(), "{how:?}");
        output.stderr_has(&format!("pgfeed: warning: connection lost: {}\n", lost["detail"].as_str().unwrap()));
        assert!(gap["down_ms"].as_u64().unwrap() < 20_000, "{gap}");
    }
}

#[test]
fn a_connection_that_is_cut_comes_back() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = database.client();
    for how in [Cut::Close, Cut::Reset] {
        let run = through(&proxy, &database);
        send(&mut client, 1..=10);
        wait_number(&run, 10);
        proxy.cut(how);
        wait_for(&run, "lost");
        wait_for(&run, "gap");
        send(&mut client, 11..=20);
        wait_number(&run, 20);
        assert_eq!(received(&stop(run)), (1..=20).collect::<Vec<_>>(), "{how:?}");
    }
}

#[test]
fn a_cut_inside_a_message_delivers_what_was_whole() {
    let database = Database::new();
    let proxy = database.proxy();
    let mut client = database.client();
    let run = listening(with_heartbeat(&proxy.url(database.name()), "0"));
    // A notification of 300 bytes is a message of 312: three of them, and a part of the fourth.
    proxy.set(Mode::ResetAfter(1000));
    send_numbers(&mut client, 1, 10, 300);
    wait_for(&run, "lost");
    proxy.set(Mode::Pass);
    wait_for(&run, "gap");
    send_numbers(&mut client, 11, 12, 300);
    run.wait_stdout_line(|line| line.contains(r#""payload":"12 "#));
    assert_eq!(received(&stop(run)), [1, 2, 3, 11, 12]);
}

#[test]
fn it_listens_again_before_it_tells_the_gap() {
    let database = Database::new();
    let mut client = database.client();
    let run = listening(described(&database.url()));
    for n in 1..=4 {
        terminate(&database);
        wait_for(&run, "gap");
        send(&mut client, n..=n);
        // What the server has not sent yet, it never sends to a session that is ended.
        wait_number(&run, n);
    }
    assert_eq!(received(&stop(run)), (1..=4).collect::<Vec<_>>());
}

#[test]
fn every_channel_is_listened_to_again() {
    let database = Database::new();
    let run = listening(described(&database.url()).args(["we\"ird", "Upper"]));
    terminate(&database);
    wait_for(&run, "gap");
    for channel in ["c", "we\"ird", "Upper"] {
        crate::listen::notify(&database, channel, channel);
    }
    run.wait_stdout_line(|line| line.contains(r#""payload":"Upper""#));
    assert_eq!(story(&stop(run))[3..6], ["c", "we\"ird", "Upper"]);
}

#[test]
fn reconnect_never_is_exit_3() {
    let database = Database::new();
    let run = listening(described(&database.url()).args(["--reconnect", "never"]));
    send(&mut database.client(), 1..=3);
    wait_number(&run, 3);
    terminate(&database);
    let output = run.finish().code(3);
    assert_eq!(story(&output), ["ready", "1", "2", "3", "lost", "stopped"]);
    output.stderr_is(
        "pgfeed: listening on c\n\
         pgfeed: warning: connection lost: terminating connection due to administrator command\n\
         pgfeed: error: connection lost: terminating connection due to administrator command\n  sqlstate: 57P01\n",
    );
}

#[test]
fn the_gap_descriptor_gets_a_line() {
    let database = Database::new();
    let dir = tempfile::tempdir().unwrap();
    let run = shell(&database, "exec \"$PGFEED\" listen c d --gap-fd 3 3>gaps").current_dir(dir.path());
    let run = listening(run);
    terminate(&database);
    run.wait_stderr("pgfeed: warning: listening again, after a gap of ");
    let gaps = || std::fs::read_to_string(dir.path().join("gaps")).unwrap();
    wait_until("the line is there", || gaps().ends_with('\n'));
    let gap: serde_json::Value = serde_json::from_str(&gaps()).unwrap();
    assert_eq!((&gap["event"], gap["channels"].as_array().unwrap().len()), (&"gap".into(), 2));
    assert!(gap["down_ms"].is_u64());
    assert_eq!(gaps().lines().count(), 1);
}

#[test]
fn time_and_signals_end_it_while_there_is_no_connection() {
    let database = Database::new();
    let proxy = database.proxy();
    let lose = |args: &[&str]| {
        proxy.accept();
        let run = listening(described(&proxy.url(database.name())).args(args));
        proxy.refuse();
        proxy.cut(Cut::Close);
        wait_for(&run, "lost");
        run
    };
    lose(&["-t", "2s"]).finish().ok();
    lose(&["-t", "2s", "-n", "1"]).finish().code(124);
    let started = std::time::Instant::now();
    stop(lose(&[]));
    assert!(started.elapsed() < Duration::from_secs(3));
}
