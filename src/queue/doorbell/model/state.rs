//! Everything at one moment: who holds which lock, what is in the queue, and how far everybody is.

use super::World;
use crate::queue::doorbell::protocol::Step;

/// What a session holds: X exclusively or shared, W shared or, while it tests it, exclusively.
pub const X: u8 = 1;
pub const X_SHARED: u8 = 2;
pub const W: u8 = 4;
pub const W_EXCLUSIVE: u8 = 8;

pub const WRITERS: usize = 2;
pub const WAITERS: usize = 3;
/// So many rings among waiters are a storm.
pub const MANY_RINGS: u8 = 8;

/// Who of two equals is in which state makes no difference: they are kept sorted.
#[derive(Debug, Clone, Copy)]
pub struct State {
    pub writers: [Writer; WRITERS],
    pub waiters: [Waiter; WAITERS],
    /// Something is there for any taker.
    pub common: bool,
    /// Transactions to come, and processes that may still be killed or asked to stop.
    pub transactions: u8,
    pub crashes: u8,
    pub stops: u8,
    /// How often waiters have rung since the last transaction ended.
    pub rings: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    Idle,
    /// Has got X shared: it need not ring.
    Silent,
    /// The same, and its event is visible.
    SilentAndVisible,
    /// The same, and it never commits.
    Open,
    /// Was refused: it has to ring.
    Loud,
    /// Its event is visible, and the ring is on its way.
    LoudAndVisible,
}

/// A process that waits: the thread that executes the protocol, and its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiter {
    pub only_looks: bool,
    pub life: Life,
    pub step: Step,
    /// A ring has arrived, and was not heard yet.
    pub rung: bool,
    pub holds: u8,
    pub worker: Worker,
    /// Something is there for nobody else: not seen yet, or in its slots.
    pub mine: bool,
    /// Whether slots are its own; those of the dead, until somebody claims them.
    pub has_slots: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    Alive,
    Leaving,
    Gone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// Waits to be kicked.
    Idle,
    Kicked,
    /// Has taken, and not settled.
    Busy,
}

impl Waiter {
    fn bits(&self) -> u16 {
        let Self { only_looks, life, step, rung, holds, worker, mine, has_slots } = *self;
        let flags = u16::from(only_looks) << 3 | u16::from(rung) << 2 | u16::from(mine) << 1 | u16::from(has_slots);
        flags << 12 | u16::from(holds) << 8 | (step as u16) << 4 | (life as u16) << 2 | worker as u16
    }
}

impl State {
    pub fn start(world: &World) -> Self {
        let waiter = |who| Waiter {
            only_looks: who >= world.takers,
            life: if who < world.takers + world.lookers { Life::Alive } else { Life::Gone },
            step: Step::Look,
            rung: false,
            holds: 0,
            worker: Worker::Idle,
            mine: false,
            has_slots: world.slots && who < world.takers,
        };
        Self {
            writers: [Writer::Idle; WRITERS],
            waiters: std::array::from_fn(waiter),
            common: false,
            transactions: world.transactions,
            crashes: world.crashes,
            stops: world.stops,
            rings: 0,
        }
    }

    pub fn sort(&mut self) {
        self.writers.sort_unstable_by_key(|writer| *writer as u8);
        self.waiters.sort_unstable_by_key(Waiter::bits);
    }

    /// The same in a number: hashed a million times.
    pub fn key(&self) -> u64 {
        let Self { writers: [one, other], waiters: [first, second, third], .. } = *self;
        let writers = (one as u64) << 3 | other as u64;
        let waiters = u64::from(first.bits()) << 32 | u64::from(second.bits()) << 16 | u64::from(third.bits());
        let ends = u64::from(self.crashes) << 1 | u64::from(self.stops);
        let rest = u64::from(self.common) << 6 | u64::from(self.transactions) << 4 | u64::from(self.rings);
        writers << 57 | waiters << 9 | ends << 7 | rest
    }

    /// What a look finds: anything for anybody, what others have in hand included; or what was not seen.
    pub fn something_for(&self, who: usize) -> bool {
        if self.waiters[who].only_looks {
            return self.waiters[who].mine;
        }
        let there = |other: &Waiter| !other.only_looks && (other.mine || other.worker == Worker::Busy);
        self.common || self.waiters.iter().any(there)
    }

    /// Whether everything was delivered to everybody alive.
    pub fn is_delivered(&self) -> bool {
        (0..WAITERS).all(|who| self.waiters[who].life == Life::Gone || !self.something_for(who))
    }

    pub fn others_hold(&self, who: usize, locks: u8) -> bool {
        self.waiters.iter().enumerate().any(|(other, waiter)| other != who && waiter.holds & locks != 0)
    }

    pub fn somebody_holds(&self, locks: u8) -> bool {
        self.others_hold(WAITERS, locks)
    }

    pub fn a_writer_holds_x(&self) -> bool {
        let holds = |writer: &Writer| matches!(writer, Writer::Silent | Writer::SilentAndVisible | Writer::Open);
        self.writers.iter().any(holds)
    }

    pub fn writers_are_done(&self) -> bool {
        self.transactions == 0 && self.writers.iter().all(|writer| matches!(writer, Writer::Idle | Writer::Open))
    }

    /// An event becomes visible, in the slots of `owner` or for any taker; and for everybody who only looks.
    pub fn store(&mut self, owner: Option<usize>) {
        match owner {
            Some(owner) => self.waiters[owner].mine = true,
            None => self.common = true,
        }
        for waiter in &mut self.waiters {
            waiter.mine |= waiter.only_looks && waiter.life != Life::Gone;
        }
    }

    pub fn ring(&mut self) {
        for waiter in &mut self.waiters {
            waiter.rung |= waiter.life != Life::Gone;
        }
    }

    /// A process ends, in whatever way: its locks are free, and what it had in hand is back.
    pub fn end(&mut self, who: usize) {
        let Waiter { only_looks, worker, mine, has_slots, .. } = self.waiters[who];
        let given_back = worker == Worker::Busy;
        self.common |= given_back && !has_slots;
        self.waiters[who] = Waiter {
            only_looks,
            life: Life::Gone,
            step: Step::Look,
            rung: false,
            holds: 0,
            worker: Worker::Idle,
            mine: has_slots && (mine || given_back),
            has_slots,
        };
    }
}
