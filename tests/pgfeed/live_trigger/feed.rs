//! Hears what triggers tell, and writes while it collects the warnings. Knows nothing of pgfeed but its payloads.

use std::sync::{Arc, Mutex};

use fallible_iterator::FallibleIterator;
use postgres::{Client, Config, NoTls};
use serde_json::Value;

use crate::harness::{DEADLINE, Database, Output};

/// Installs with these arguments, which must succeed.
#[track_caller]
pub fn install<'a>(db: &Database, args: impl IntoIterator<Item = &'a str>) -> Output {
    db.pgfeed(["install-trigger"]).args(args).run().ok().stderr_is("")
}

/// A session that listens.
pub struct Feed {
    listener: Client,
    sender: Client,
    channels: Vec<String>,
}

impl Feed {
    /// Listens from now on.
    pub fn of<const N: usize>(db: &Database, channels: [&str; N]) -> Self {
        let mut listener = db.client();
        for channel in channels {
            listener.batch_execute(&format!("LISTEN {}", pgfeed::sql::ident(channel))).unwrap();
        }
        Self { listener, sender: db.client(), channels: channels.map(str::to_owned).to_vec() }
    }

    /// Creates table `t`, installs on it with these arguments, and listens to channel `t`.
    #[track_caller]
    pub fn of_table(db: &Database, definition: &str, args: &[&str]) -> Self {
        db.sql(&format!("CREATE TABLE t ({definition})"));
        install(db, ["t"].iter().chain(args).copied());
        Self::of(db, ["t"])
    }

    /// Every payload that was committed since the last time, whatever its channel.
    ///
    /// Notifications come in the order of the commits: once a marker of our own is here, so is all that was before it.
    #[track_caller]
    pub fn payloads(&mut self) -> Vec<String> {
        self.sender.execute("SELECT pg_notify($1, 'end of test')", &[&self.channels[0]]).unwrap();
        let mut payloads = Vec::new();
        let mut notifications = self.listener.notifications();
        let mut waiting = notifications.timeout_iter(DEADLINE);
        while let Some(notification) = waiting.next().unwrap() {
            if notification.payload() == "end of test" {
                return payloads;
            }
            payloads.push(notification.payload().to_owned());
        }
        panic!("no marker; heard {payloads:?}");
    }

    /// The same, without what differs from run to run (`txid` and `at`) and what names the table, if it is `public.t`.
    #[track_caller]
    pub fn told(&mut self) -> Vec<String> {
        self.payloads().iter().map(|payload| essential(payload)).collect()
    }

    /// The same, parsed.
    #[track_caller]
    pub fn events(&mut self) -> Vec<Value> {
        self.payloads().iter().map(|payload| serde_json::from_str(payload).expect(payload)).collect()
    }

    /// The only event, parsed.
    #[track_caller]
    pub fn event(&mut self) -> Value {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }
}

/// A payload without txid, time, and the name of the table if it is `public.t`.
fn essential(payload: &str) -> String {
    let (what, _) = payload.rsplit_once(",\"txid\":\"").expect(payload);
    format!("{what}}}").replace(",\"schema\":\"public\",\"table\":\"t\"", "")
}

/// A session that writes, and keeps the warnings it gets.
pub struct Writer {
    /// The session.
    pub client: Client,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Writer {
    /// A superuser who writes.
    pub fn of(db: &Database) -> Self {
        Self::at(&db.url())
    }

    /// Somebody who writes.
    pub fn at(url: &str) -> Self {
        let warnings = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&warnings);
        let mut config: Config = url.parse().unwrap();
        config.notice_callback(move |notice| kept.lock().unwrap().push(notice.message().to_owned()));
        Self { client: config.connect(NoTls).unwrap(), warnings }
    }

    /// Writes, and gives the warnings. The write must succeed.
    #[track_caller]
    pub fn sql(&mut self, statements: &str) -> Vec<String> {
        if let Err(error) = self.client.batch_execute(statements) {
            panic!("{}\n{:.2000}", pgfeed::error::Error::from(error), statements);
        }
        std::mem::take(&mut *self.warnings.lock().unwrap())
    }
}
