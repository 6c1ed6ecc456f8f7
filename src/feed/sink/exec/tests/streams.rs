//! Mode stream.

use super::*;

#[test]
fn a_stream_answers_each_in_any_order() {
    let script = r#"while read -r a && read -r b && read -r c; do
        echo '3 no  way'; echo 1; echo 2; done"#;
    let mut run = Run::new(script, Mode::Stream);
    for _ in 0..3 {
        assert_eq!(run.fates(1..=3), [".", ".", "no  way"]);
    }
    assert!(run.warnings.lock().unwrap().is_empty());
    run.sink.close().unwrap();
}

#[test]
fn a_stream_is_one_process() {
    let mut run = Run::new(&format!("echo $$ >> $DIR/pids; {ACKNOWLEDGE}"), Mode::Stream);
    for round in 0..20 {
        assert!(run.fates(round * 100..=round * 100 + 99).iter().all(|fate| fate == "."));
    }
    let pids = run.file("pids");
    assert!(lives(&pids) && pids.lines().count() == 1, "{pids}");
    run.sink.close().unwrap();
    assert!(!lives(&pids));
}

#[test]
fn a_stream_that_dies_has_refused_the_oldest_that_is_open() {
    let script = r#"read -r a; read -r b; read -r c; echo 2; [ -e $DIR/again ] && echo 1 && echo 3 && cat; : > $DIR/again; exit 4"#;
    let mut run = Run::new(script, Mode::Stream);
    assert_eq!(run.fates(1..=4), ["exit code 4", ".", "-", "-"]);
    // It is started again for what comes again.
    assert_eq!(run.fates(1..=3), [".", ".", "."]);
    let mut run = Run::new("read -r a; kill -9 $$", Mode::Stream);
    assert_eq!(run.fates(1..=2), ["killed by signal 9", "-"]);
    let mut run = Run::new("exit 0", Mode::Stream);
    assert_eq!(run.fates(1..=2), ["it ended, with exit code 0, before it had taken this", "-"]);
}

#[test]
fn a_stream_that_ended_while_idle_is_replaced_and_refuses_nothing() {
    let mut run = Run::new(r#"echo $$ > $DIR/pid; read -r a; echo 1; exit 5"#, Mode::Stream);
    for _ in 0..3 {
        assert_eq!(run.fates(1..=1), ["."]);
        let pid = run.file("pid");
        wait_until("it has ended", || !lives(&pid));
    }
}

#[test]
fn a_stream_is_fed_no_more_when_the_batch_was_held_for_long() {
    // More than a pipe holds.
    let script = format!("echo $$ > $DIR/pid; read -r line; sleep 0.5; echo 1; {ACKNOWLEDGE}");
    let mut run = Run::new(&script, Mode::Stream);
    run.sink = run.sink.within(Some(Hold::new(Duration::from_millis(800))));
    let fates = run.fates(1..=3000);
    let taken = fates.iter().take_while(|fate| *fate == ".").count();
    assert!((1..3000).contains(&taken) && fates[taken..].iter().all(|fate| fate == "-"), "{taken}: {fates:?}");
    assert!(lives(&run.file("pid")));
}

#[test]
fn what_a_stream_holds_for_too_long_was_not_tried() {
    let mut run = Run::timeout("read -r line; sleep 0.5; echo 1; sleep 60", Mode::Stream, 2000);
    run.sink = run.sink.within(Some(Hold::new(Duration::from_millis(800))));
    assert_eq!(run.fates(1..=3), [".", "-", "-"]);
    // One that had its time is refused.
    let hold = Hold::new(Duration::from_millis(800));
    let mut run = Run::timeout("read -r line; sleep 60", Mode::Stream, 1000);
    run.sink = run.sink.within(Some(hold.clone()));
    hold.begin();
    assert_eq!(run.fates(1..=2), ["timed out after 1.0s", "-"]);
}

#[test]
fn a_stream_has_time_for_the_oldest_and_not_for_all() {
    let slow = r#"for id in 1 2 3 4; do read -r line; sleep 0.5; echo $id; done; cat"#;
    assert_eq!(Run::timeout(slow, Mode::Stream, 1500).fates(1..=4), ["."; 4]);
    let stuck = r#"read -r line; echo 1; sleep 60"#;
    assert_eq!(Run::timeout(stuck, Mode::Stream, 300).fates(1..=3), [".", "timed out after 300ms", "-"]);
}

#[test]
fn a_stream_that_closes_a_pipe_can_do_nothing_more() {
    let mute = Run::new("exec >&-; sleep 60", Mode::Stream).fates(1..=2);
    assert_eq!(mute, ["it closed its stdout without an answer", "-"]);
    let mut deaf = Run::new("exec <&-; sleep 60", Mode::Stream);
    let outcome = deaf.give([notification(&"x".repeat(1 << 20)), notification("y")]).unwrap();
    let reason = Some("it closed its stdin before it had taken everything".to_owned());
    let expected = [Undelivered { place: 0, reason }, Undelivered { place: 1, reason: None }];
    assert_eq!(outcome, Outcome::AllBut(expected.into()));
}

#[test]
fn what_is_no_answer_is_told_once_and_ignored() {
    let script = r#"echo 1; read -r a; echo hello; echo 99; echo; echo 1; echo 1; read -r b; echo 2; cat"#;
    let mut run = Run::new(script, Mode::Stream);
    assert_eq!(run.fates(1..=1), ["."]);
    assert_eq!(run.fates(2..=2), ["."]);
    assert_eq!(run.warnings.lock().unwrap().len(), 1);
}

#[test]
fn a_stream_that_floods_and_does_not_read_meanwhile_is_read() {
    let script = format!("yes 'not an answer' | head -c 28000000; {ACKNOWLEDGE}");
    let mut run = Run::new(&script, Mode::Stream);
    let long = "x".repeat(1 << 20);
    let items: Vec<Item> = (1..=8)
        .map(|id| match event(id) {
            Item::Event(event) => Item::Event(Event { payload: long.as_str().into(), ..event }),
            control => control,
        })
        .collect();
    assert_eq!(run.give(items).unwrap(), Outcome::Delivered);
}

#[test]
fn a_stream_of_notifications_answers_nothing_and_may_finish() {
    let mut run = Run::new("sleep 0.3; cat > $DIR/in", Mode::Stream);
    assert_eq!(run.give([notification("a"), notification("b")]).unwrap(), Outcome::Delivered);
    run.sink.close().unwrap();
    assert_eq!(run.file("in").lines().count(), 2);
    let mut run = Run::new("cat > /dev/null; exit 3", Mode::Stream);
    assert_eq!(run.give([notification("a")]).unwrap(), Outcome::Delivered);
    assert_eq!(run.sink.close().unwrap_err().to_string(), "ending sh: exit code 3");
}

#[test]
fn a_stream_of_notifications_that_ended_badly_while_idle_is_told() {
    let mut run = Run::new("echo $$ > $DIR/pid; read -r a; exit 5", Mode::Stream);
    assert_eq!(run.give([notification("a")]).unwrap(), Outcome::Delivered);
    wait_until("it runs", || run.file("pid").ends_with('\n'));
    let pid = run.file("pid");
    wait_until("it has ended", || !lives(&pid));
    assert_eq!(run.give([notification("b")]).unwrap(), Outcome::Delivered);
    let told = "sh has ended (exit code 5); what it had not read is lost, and it is started again";
    assert_eq!(*run.warnings.lock().unwrap(), [told]);
}

#[test]
fn how_a_stream_that_has_answered_all_ends_does_not_matter() {
    let mut run = Run::new(&format!("{ACKNOWLEDGE}; exit 5"), Mode::Stream);
    assert_eq!(run.fates(1..=2), [".", "."]);
    run.sink.close().unwrap();
}
