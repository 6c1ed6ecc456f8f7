//! One long-lived process that is fed lines, and for events of a queue answers each.

use std::time::Duration;

use super::super::super::Outcome;
use super::Work;
use super::answers::{Answer, Lines};
use super::launcher::{Launcher, Output};
use super::process::Process;
use super::round::Round;
use super::variables::Variables;
use super::verdict::Verdict;
use super::watch::{Cause, STOP_GRACE, Stopping, Watch};
use crate::error::{Error, Result};

/// Read at once, in bytes.
const PIECE: usize = 64 * 1024;
/// The most that is read of a process that has ended, in pieces: a pipe holds no more, but what it has started may go on.
pub const LAST_PIECES: usize = 16;

/// Tells people what is odd.
pub type Warn = Box<dyn Fn(&str) + Send>;

/// The process, while there is one.
pub struct Stream {
    running: Option<Running>,
    piece: Box<[u8]>,
    warn: Warn,
}

struct Running {
    process: Process,
    lines: Lines,
    answers: bool,
    /// Whether it has printed what is no answer.
    babbled: bool,
}

impl Stream {
    /// Starts nothing yet.
    pub fn new(warn: Warn) -> Self {
        Self { running: None, piece: vec![0; PIECE].into(), warn }
    }

    /// Feeds events to the process, which is started when there is none, until all are settled or it has ended. What begins when
    /// it no longer `offers` is not tried; for what it has been fed by then, the process has no more time than for one event.
    ///
    /// # Errors
    /// When the command is not there, or the system fails us.
    pub fn deliver(
        &mut self,
        work: &Work,
        launcher: &Launcher,
        stopping: &mut Stopping,
        timeout: Option<Duration>,
        offers: &dyn Fn() -> bool,
    ) -> Result<Outcome> {
        loop {
            if stopping.asked().is_some() || !offers() {
                return Ok(Outcome::AllBut(work.undelivered_from(0, None)));
            }
            let mut round = Round::new(work);
            let fresh = self.running.is_none();
            if fresh && let Err(why) = self.start(&work.events[0].variables, launcher, round.is_answered())? {
                return Ok(Outcome::Unavailable(why));
            }
            if let Some(running) = &self.running {
                running.process.forget_what_it_said();
            }
            let mut watch = Watch::new(stopping, timeout);
            if !self.feed(&mut round, &mut watch, offers)? {
                return Ok(round.outcome(None));
            }
            let cause = watch.cause();
            let verdict = self.judge(cause, launcher, stopping, timeout)?;
            if fresh || round.has_begun() || cause.is_some() {
                return Ok(round.outcome(Some(verdict)));
            }
            // One that had ended before it got any of this has refused nothing: the next one gets it.
            if let (Verdict::Refused(reason), false) = (verdict, round.is_answered()) {
                let name = launcher.name();
                (self.warn)(&format!(
                    "{name} has ended ({reason}); what it had not read is lost, and it is started again"
                ));
            }
        }
    }

    /// Ends the process's stdin, and waits for its end.
    ///
    /// # Errors
    /// When it ends badly and has answered nothing: notifications that it had not read yet, or was at work on, may be lost.
    pub fn close(&mut self, launcher: &Launcher, stopping: &mut Stopping, timeout: Option<Duration>) -> Result<()> {
        let Some(running) = &mut self.running else { return Ok(()) };
        running.process.close_stdin();
        // One that answers has nothing left to do.
        let answers = running.answers;
        let timeout = if answers { Some(STOP_GRACE) } else { timeout };
        let mut watch = Watch::new(stopping, timeout);
        let mut stray = |_: Answer| false;
        while !watch.wait(&running.process, false)?.ended {
            running.read(&mut self.piece, &mut stray, &self.warn);
        }
        let cause = watch.cause();
        match self.judge(cause, launcher, stopping, timeout) {
            _ if answers => Ok(()),
            Ok(Verdict::Refused(reason)) => Err(Error::failed(reason).doing(format!("ending {}", launcher.name()))),
            verdict => verdict.map(drop),
        }
    }

    fn start(&mut self, variables: &Variables, launcher: &Launcher, answers: bool) -> Result<Result<(), String>> {
        let output = if answers { Output::Answers } else { Output::Inherited };
        Ok(launcher.start(variables, output)?.map(|process| {
            self.running = Some(Running { process, lines: Lines::default(), answers, babbled: false });
        }))
    }

    /// Feeds until all is settled; returns whether the process has ended before.
    fn feed(&mut self, round: &mut Round, watch: &mut Watch, offers: &dyn Fn() -> bool) -> Result<bool> {
        let Some(running) = &mut self.running else { return Ok(true) };
        while !round.is_settled() {
            let ready = watch.wait(&running.process, !round.unwritten().is_empty())?;
            // Before it is fed: what it prints now cannot be about this.
            if ready.read {
                running.read(&mut self.piece, &mut |answer| round.answer(answer), &self.warn);
            }
            if ready.ended {
                for _ in 0..LAST_PIECES {
                    if running.read(&mut self.piece, &mut |answer| round.answer(answer), &self.warn) == 0 {
                        break;
                    }
                }
                round.advance();
                return Ok(!round.is_settled());
            }
            let offers = offers();
            if !offers {
                round.offer_no_more();
            }
            if ready.fed {
                let fed = running.process.feed(round.unwritten());
                round.wrote(fed);
            }
            match (round.advance(), offers) {
                (true, true) => watch.restart(),
                (true, false) => watch.lapse(),
                (false, _) => {}
            }
            if round.is_answered() && running.process.stdout().is_none() {
                watch.hurry(Cause::Mute);
            } else if running.process.stdin().is_none() && round.waits_for_stdin() {
                watch.hurry(Cause::Deaf);
            }
        }
        Ok(false)
    }

    /// Takes leave of a process that has ended.
    fn judge(
        &mut self,
        cause: Option<Cause>,
        launcher: &Launcher,
        stopping: &mut Stopping,
        timeout: Option<Duration>,
    ) -> Result<Verdict> {
        let Some(running) = self.running.take() else { return Ok(Verdict::Delivered) };
        let ended = running.process.reap();
        let ended = ended.map_err(|error| Error::failed(error.to_string()).doing("waiting for the command"))?;
        Verdict::of(&ended, cause, stopping.asked().is_some(), timeout, &launcher.name())
    }
}

impl Running {
    /// Reads answers, and warns once of what is none: `take` says whether it was waited for.
    fn read(&mut self, piece: &mut [u8], take: &mut dyn FnMut(Answer) -> bool, warn: &Warn) -> usize {
        let read = self.process.read(piece);
        self.lines.take(&piece[..read], |line| {
            if !Answer::parse(line).is_some_and(&mut *take) && !std::mem::replace(&mut self.babbled, true) {
                warn(
                    "the command printed what is no answer to an event that it was given; this and all further \
                     such lines are ignored (an answer is a line with the event's id, and a reason to refuse it)",
                );
            }
        });
        read
    }
}
