//! When an outage is told, and when its end is: the lines do not alternate while it lasts.

use std::cell::RefCell;

use super::*;
use crate::feed::event::Event;

/// Keeps what is told.
#[derive(Default)]
struct Told(RefCell<Vec<String>>);

impl Report for Told {
    fn refused(&self, _: &Event, _: &str) {}

    fn unavailable(&self, why: &str) {
        self.0.borrow_mut().push(why.to_owned());
    }

    fn available(&self) {
        self.0.borrow_mut().push("over".to_owned());
    }
}

impl Outages {
    /// Lets a time pass.
    fn age(&mut self, time: Duration) {
        for lane in [&mut self.fresh, &mut self.again] {
            if let Some(trouble) = &mut lane.trouble {
                trouble.seen -= time;
                trouble.since -= time;
            }
            if let Some((at, _)) = &mut lane.over {
                *at -= time;
            }
        }
    }
}

fn because(why: &str) -> Blocked<'_> {
    Blocked { why, waiting: &[] }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn what_is_blocked_is_told_once_however_much_is_taken_between_its_attempts() {
    let (mut outages, told) = (Outages::default(), Told::default());
    for _ in 0..100 {
        outages.blocked(&told, &because("no stream"), false, 20 * SECOND);
        outages.age(10 * SECOND);
        outages.all_is_well(Again::Yes, &told);
        outages.all_is_well(Again::No, &told);
        outages.age(10 * SECOND);
        outages.end_what_is_over(&told);
    }
    assert_eq!(*told.0.borrow(), ["no stream"]);
    outages.age(5 * SECOND);
    // Also when nothing comes any more.
    outages.end_what_is_over(&told);
    outages.end_what_is_over(&told);
    assert_eq!(*told.0.borrow(), ["no stream", "over"]);
}

#[test]
fn it_is_not_over_unless_something_was_taken() {
    let (mut outages, told) = (Outages::default(), Told::default());
    outages.blocked(&told, &because("no stream"), true, SECOND);
    outages.age(60 * SECOND);
    outages.all_is_well(Again::No, &told);
    assert_eq!(*told.0.borrow(), ["no stream"]);
    // Another worker may have got rid of it since; this one may be the only one to see the next.
    outages.age(SOON);
    outages.blocked(&told, &because("no queue"), true, SECOND);
    assert_eq!(*told.0.borrow(), ["no stream", "no queue"]);
}

#[test]
fn what_comes_back_again_and_again_is_told_more_and_more_rarely() {
    let (mut outages, told) = (Outages::default(), Told::default());
    for _ in 0..3600 {
        outages.unavailable(Again::Yes, &told, "503");
        outages.all_is_well(Again::Yes, &told);
        outages.age(SECOND / 2);
        outages.all_is_well(Again::Yes, &told);
        outages.age(SECOND / 2);
    }
    // It was over at once, the first time.
    assert_eq!(*told.0.borrow(), ["503", "over", "503"]);
    // Every eleven seconds: after 5 s without it, then after 10 s.
    for _ in 0..3600 / 11 {
        outages.age(11 * SECOND);
        outages.all_is_well(Again::Yes, &told);
        outages.unavailable(Again::Yes, &told, "503");
        outages.all_is_well(Again::Yes, &told);
    }
    assert_eq!(told.0.borrow().len(), 7, "{:?}", told.0.borrow());
}

#[test]
fn whether_what_is_new_is_taken_is_always_told() {
    let (mut outages, told) = (Outages::default(), Told::default());
    for _ in 0..3 {
        outages.unavailable(Again::No, &told, "refused");
        outages.all_is_well(Again::No, &told);
    }
    assert_eq!(*told.0.borrow(), ["refused", "over", "refused", "over", "refused", "over"]);
}

#[test]
fn one_reason_for_what_is_new_and_for_what_comes_again_is_one_line() {
    let (mut outages, told) = (Outages::default(), Told::default());
    outages.unavailable(Again::No, &told, "refused");
    outages.unavailable(Again::Yes, &told, "refused");
    outages.all_is_well(Again::Yes, &told);
    outages.all_is_well(Again::No, &told);
    assert_eq!(*told.0.borrow(), ["refused", "over"]);
}

#[test]
fn an_outage_behind_a_lack_of_room_lasts_since_nothing_is_taken() {
    let (mut outages, told) = (Outages::default(), Told::default());
    outages.short(Again::No, &told, "full", true);
    outages.age(60 * SECOND);
    outages.unavailable(Again::No, &told, "gone");
    outages.age(20 * SECOND);
    outages.unavailable(Again::No, &told, "gone");
    let lasts = outages.lasts();
    assert!(lasts >= 20 * SECOND && lasts < 60 * SECOND, "{lasts:?}");
    outages.short(Again::No, &told, "full", true);
    assert_eq!(outages.lasts(), Duration::ZERO);
}
