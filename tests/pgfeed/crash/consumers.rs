//! Consumers: processes that take from the queue, and leave what they deliver in files.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::checker::{Printed, Writers};
use super::random::Random;
use crate::harness::{Database, Running, Signal, Stdout, wait_until};

/// For `sh -c COMMAND FILE`: appends each line that it reads to a file of its own, and then answers with the event's id.
pub const COMMAND: &str = r#"while IFS= read -r line; do
    printf '%s\n' "$line" >> "$0.$$"
    id=${line#*\"id\":}
    printf '%s\n' "${id%%,*}"
done"#;

/// The same, but refuses a seventh of all events in their first or second attempt, and always those whose id is a multiple of 50.
pub const FICKLE_COMMAND: &str = r#"while IFS= read -r line; do
    id=${line#*\"id\":}; id=${id%%,*}
    attempt=${line#*\"attempt\":}; attempt=${attempt%%,*}
    if [ $((id % 50)) -eq 0 ] || [ $(((id * 31 + attempt * 3) % 7)) -eq 0 ]; then
        printf '%s not now\n' "$id"
        continue
    fi
    printf '%s\n' "$line" >> "$0.$$"
    printf '%s\n' "$id"
done"#;

/// How a process ends that aborts.
pub const ABORTED: i32 = 128 + 6;

/// Where events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Files {
    /// Each process has a file of its own: only its last line can be torn.
    Own,
    /// All append to one file, which thereby tells the order of everything.
    Shared,
    /// Each worker feeds a command, which has a file of its own.
    OfCommands,
    /// The file sink of all processes appends to one file, and repairs what a death has torn.
    OfFileSink,
    /// All deliver to one sink, and what arrives there is put into one file.
    #[cfg_attr(not(any(feature = "amqp", feature = "http", feature = "nats", feature = "redis")), allow(dead_code))]
    OfSink,
}

/// A sink from the other side.
pub trait Arrivals {
    /// For `--to`.
    fn url(&self) -> String;
    /// Takes of what has arrived, in order, as JSON lines; nothing only if there is nothing.
    fn take(&self) -> Vec<u8>;
}

/// A mistake that the checker must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistake {
    /// They acknowledge before they deliver (src/failpoint.rs).
    CommitFirst,
    /// Whoever comes first takes, so that nobody keeps the order.
    Unordered,
}

/// Whether what takes events refuses some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusals {
    /// It takes all.
    Never,
    /// Of every event, the event and the attempt decide: some are refused once, and some always, until they are dead.
    Sometimes,
}

/// How the queue is consumed.
#[derive(Debug, Clone, Copy)]
pub struct Consuming {
    /// Processes.
    pub processes: usize,
    /// Workers in each.
    pub jobs: usize,
    /// Events in a batch.
    pub batch: usize,
    /// Where they go.
    pub files: Files,
    /// What they do wrong.
    pub mistake: Option<Mistake>,
    /// What is refused.
    pub refusals: Refusals,
    /// How many processes nothing is done to.
    pub spared: usize,
}

/// The processes.
pub struct Consumers<'a> {
    db: &'a Database,
    how: Consuming,
    sink: Option<Box<dyn Arrivals>>,
    dir: TempDir,
    ready_files: TempDir,
    lives: Vec<Life>,
    /// The files of processes that were killed.
    killed: Vec<PathBuf>,
    number: usize,
}

struct Life {
    running: Running,
    file: PathBuf,
    ready_file: PathBuf,
}

impl Life {
    /// One that has started has to survive everything but a kill; before, a lost connection may end it.
    fn wait_until_ready(&self) {
        wait_until("a consumer is ready", || self.ready_file.exists());
    }

    /// Nothing but the signal may end it.
    #[track_caller]
    fn terminate(self) {
        self.wait_until_ready();
        self.running.signal(Signal::Term);
        let output = self.running.finish().code(130);
        assert!(!output.stderr.contains("panic"), "{output}");
    }
}

impl<'a> Consumers<'a> {
    /// Starts them; where they deliver to a sink, this is what arrives there.
    pub fn start(db: &'a Database, how: Consuming, sink: Option<Box<dyn Arrivals>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ready_files = tempfile::tempdir().unwrap();
        let (lives, killed) = (Vec::new(), Vec::new());
        let mut consumers = Self { db, how, sink, dir, ready_files, lives, killed, number: 0 };
        for _ in 0..how.processes {
            let life = consumers.born(&[], None);
            consumers.lives.push(life);
        }
        consumers
    }

    fn born(&mut self, more: &[&str], dies_at: Option<&str>) -> Life {
        let (jobs, batch) = (self.how.jobs.to_string(), self.how.batch.to_string());
        let args = ["tail-queue", "q", "-j", &jobs, "--batch", &batch].into_iter().chain(more.iter().copied());
        self.number += 1;
        let is_shared = matches!(self.how.files, Files::Shared | Files::OfFileSink);
        let name = if is_shared { "all".to_owned() } else { format!("life-{}", self.number) };
        let file = self.dir.path().join(name);
        let ready_file = self.ready_files.path().join(self.number.to_string());
        let mut described = self.db.pgfeed(args).args(["--ready-file".as_ref(), ready_file.as_os_str()]);
        described = match self.how.mistake {
            Some(Mistake::CommitFirst) => described.env("PGFEED_MUTANT", "commit_first"),
            Some(Mistake::Unordered) => described.args(["--unordered"]),
            None => described,
        };
        // Batches are small here: every other consumer reads small ones ahead, too.
        if self.number % 2 == 1 {
            described = described.env("PGFEED_MANY", "2");
        }
        if self.how.refusals == Refusals::Sometimes {
            described = described.args(["--max-attempts", "3", "--backoff", "20ms"]);
        }
        if let Some(point) = dies_at {
            described = described.env("PGFEED_FAIL", point);
        }
        let running = match (self.how.files, &self.sink) {
            (Files::OfCommands, _) => {
                let command = match self.how.refusals {
                    Refusals::Never => COMMAND,
                    Refusals::Sometimes => FICKLE_COMMAND,
                };
                described.args(["--exec-mode", "stream", "--", "/bin/sh", "-c", command]).args([&file]).spawn()
            }
            (Files::OfFileSink, _) => described.args(["--to", &format!("file:{}", file.display())]).spawn(),
            (_, Some(sink)) => described.args(["--to", &sink.url()]).spawn(),
            (_, None) => {
                let append = OpenOptions::new().append(true).create(true).open(&file).unwrap();
                described.args(["--consume", "-o", "json"]).stdout(Stdout::To(append)).spawn()
            }
        };
        Life { running, file, ready_file }
    }

    /// Waits until all have started.
    pub fn wait_until_ready(&self) {
        self.lives.iter().for_each(Life::wait_until_ready);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lives.len()
    }

    /// One that something may be done to.
    pub fn victim(&self, random: &mut Random) -> usize {
        self.how.spared + random.index(self.len() - self.how.spared)
    }

    /// The number of a process.
    pub fn pid(&self, which: usize) -> u32 {
        self.lives[which].running.pid()
    }

    /// What a process has told.
    pub fn stderr(&self, which: usize) -> String {
        self.lives[which].running.stderr()
    }

    /// Events that one worker may have in flight. (What it has read ahead is not delivered before the batch in front is committed.)
    pub fn batch(&self) -> usize {
        self.how.batch
    }

    /// Events that one process may have in flight.
    pub fn in_flight(&self) -> usize {
        self.how.jobs * self.how.batch
    }

    /// Kills one, and starts another in its place.
    pub fn kill(&mut self, which: usize) {
        let next = self.born(&[], None);
        let life = std::mem::replace(&mut self.lives[which], next);
        self.killed.push(life.file);
        life.running.kill();
    }

    /// Puts one in the place of another that dies at a named point, and yet another in its place when it has.
    pub fn die(&mut self, which: usize, point: &str) {
        self.succeed(which, Some(point));
        let next = self.born(&[], None);
        let life = std::mem::replace(&mut self.lives[which], next);
        self.killed.push(life.file);
        life.running.finish().code(ABORTED);
    }

    /// Asks one to end, and starts another in its place.
    pub fn terminate(&mut self, which: usize) {
        self.succeed(which, None);
    }

    fn succeed(&mut self, which: usize, dies_at: Option<&str>) {
        let next = self.born(&[], dies_at);
        std::mem::replace(&mut self.lives[which], next).terminate();
    }

    /// Sends one a signal.
    pub fn signal(&self, which: usize, signal: Signal) {
        self.lives[which].running.signal(signal);
    }

    /// What all of them have delivered so far, in bytes.
    pub fn progress(&self) -> u64 {
        self.collect();
        self.files().iter().map(|file| fs::metadata(file).unwrap().len()).sum()
    }

    /// Puts of what has arrived into the file. Returns how much that was, in bytes.
    fn collect(&self) -> usize {
        let taken = self.sink.as_ref().map_or_else(Vec::new, |sink| sink.take());
        if !taken.is_empty() {
            let mut file = OpenOptions::new().append(true).create(true).open(self.dir.path().join("all")).unwrap();
            file.write_all(&taken).unwrap();
        }
        taken.len()
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    /// Ends all, takes what is left, and reads the files.
    pub fn drain(mut self) -> Vec<Printed> {
        for life in std::mem::take(&mut self.lives) {
            life.terminate();
        }
        self.born(&["-e"], None).running.finish().ok();
        while self.collect() > 0 {}
        let is_of_killed = |file: &PathBuf| {
            let process = if self.how.files == Files::OfCommands { file.with_extension("") } else { file.clone() };
            self.killed.contains(&process)
        };
        let writers = |file: &PathBuf| match self.how.files {
            Files::Shared => Writers::Many { killed: self.killed.len() },
            Files::OfFileSink => Writers::Many { killed: 0 },
            Files::OfSink => Writers::One { killed: false },
            Files::Own | Files::OfCommands => Writers::One { killed: is_of_killed(file) },
        };
        let files = self.files();
        let files = files.iter().map(|file| Printed { bytes: fs::read(file).unwrap(), writers: writers(file) });
        files.chain((self.how.refusals == Refusals::Sometimes).then(|| self.bury())).collect()
    }

    /// Takes the dead: they have arrived, too.
    fn bury(&self) -> Printed {
        let dead = |args: &[&str]| self.db.pgfeed(["tail-queue", "q", "--dead"]).args(args).run().ok().stdout;
        let bytes = dead(&["-o", "json"]).into_bytes();
        assert!(!bytes.is_empty(), "nothing has died of refusals");
        dead(&["--purge"]);
        Printed { bytes, writers: Writers::One { killed: false } }
    }
}
