//! How far the events of one flush have come in a process of mode stream.

use std::collections::HashMap;

use super::super::super::{Outcome, Undelivered};
use super::answers::Answer;
use super::verdict::Verdict;
use super::{Pending, Work, outcome};

/// How far the events of one flush have come.
pub struct Round<'a> {
    work: &'a Work,
    answers: bool,
    /// How much of the lines was written, in bytes.
    written: usize,
    /// How many of the events are offered at all.
    offered: usize,
    /// For events of a queue: where each stands, and what was answered.
    places: HashMap<i64, usize>,
    answered: Vec<Option<Answer>>,
    /// How many of the oldest are settled.
    settled: usize,
}

impl<'a> Round<'a> {
    /// Begins with nothing written.
    pub fn new(work: &'a Work) -> Self {
        let places: HashMap<i64, usize> =
            work.events.iter().enumerate().filter_map(|(place, event)| Some((event.id?, place))).collect();
        let answered = vec![None; places.len()];
        Self { work, answers: !places.is_empty(), written: 0, offered: work.events.len(), places, answered, settled: 0 }
    }

    /// Whether these events are answered: those of a queue are.
    pub fn is_answered(&self) -> bool {
        self.answers
    }

    /// What is still to be written.
    pub fn unwritten(&self) -> &'a [u8] {
        let end = self.offered.checked_sub(1).map_or(0, |last| self.work.events[last].end);
        &self.work.lines[self.written..end]
    }

    /// Begins with no further event: one that is half written is completed.
    pub fn offer_no_more(&mut self) {
        let begun = |place: usize| place.checked_sub(1).map_or(0, |before| self.work.events[before].end) < self.written;
        self.offered = (0..self.offered).take_while(|place| begun(*place)).count();
    }

    /// Takes note that so many bytes more were written.
    pub fn wrote(&mut self, bytes: usize) {
        self.written += bytes;
    }

    /// Whether the process may have seen anything of it.
    pub fn has_begun(&self) -> bool {
        self.written > 0
    }

    /// Takes an answer to an event that was written and not yet answered; returns whether it is one.
    pub fn answer(&mut self, answer: Answer) -> bool {
        let open = |place: &&usize| self.work.events[**place].end <= self.written && self.answered[**place].is_none();
        let Some(place) = self.places.get(&answer.id).filter(open).copied() else { return false };
        self.answered[place] = Some(answer);
        true
    }

    /// Passes over what is settled; returns whether anything was.
    pub fn advance(&mut self) -> bool {
        let before = self.settled;
        while !self.is_settled() && self.is_done(self.settled) {
            self.settled += 1;
        }
        self.settled > before
    }

    fn is_done(&self, place: usize) -> bool {
        if self.answers { self.answered[place].is_some() } else { self.work.events[place].end <= self.written }
    }

    /// Whether nothing is open any more.
    pub fn is_settled(&self) -> bool {
        self.settled >= self.offered
    }

    /// Whether nothing can be settled any more unless more is written.
    pub fn waits_for_stdin(&self) -> bool {
        let open = |(place, event): (usize, &Pending)| event.end <= self.written && !self.is_done(place);
        !self.unwritten().is_empty() && !self.work.events.iter().enumerate().any(open)
    }

    /// What became of the events; `ended` is what the end of the process says, if it ended. Then the oldest that is open was
    /// refused, and the others were not tried.
    pub fn outcome(self, ended: Option<Verdict>) -> Outcome {
        let mut reason = match ended {
            None | Some(Verdict::Stopped | Verdict::NotNow(_)) => None,
            Some(Verdict::Refused(reason)) => Some(reason),
            Some(Verdict::Delivered) => Some("it ended, with exit code 0, before it had taken this".to_owned()),
        };
        let mut undelivered = Vec::new();
        for place in 0..self.work.events.len() {
            let refused = self.answered.get(place).and_then(|answer| answer.as_ref()?.refused.clone());
            if refused.is_some() {
                undelivered.push(Undelivered { place, reason: refused });
            } else if !self.is_done(place) {
                undelivered.push(Undelivered { place, reason: reason.take() });
            }
        }
        outcome(undelivered)
    }
}
