//! One attempt at one address: the driver's configuration, plain and encrypted tries, and the preamble.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use postgres::config::{SslMode, SslNegotiation};
use postgres::{CancelToken, Client, Config, NoTls};

use super::announced::Announced;
use super::dial::{Dial, Plan};
use super::encryption::Encryption;
use super::line::{Line, Stage};
use super::pooling::{self, Pooling};
use super::preamble::{self, Facts, Said};
use super::settings::{Host, Settings};
use super::{Notice, reason};
use crate::bounded::{self, Outcome};
use crate::error::Result;

/// How long a request to cancel may take.
const CANCEL: Duration = Duration::from_secs(5);

/// A client that is ready, and how to get rid of it.
pub(super) struct Session {
    pub client: Client,
    pub facts: Facts,
    pub pooling: Pooling,
    pub exit: EmergencyExit,
}

/// The ways out of a statement that does not end.
#[derive(Debug, Clone)]
pub(super) struct EmergencyExit {
    /// Cuts the socket, where it goes through a line.
    pub line: Line,
    /// How a request to cancel is sent; a local socket needs nothing for it.
    pub plan: Option<Plan>,
}

impl EmergencyExit {
    /// Asks the server to give up its statement, in the background: a second connection may hang like the first.
    pub(super) fn cancel(&self, token: CancelToken) {
        let line = Line::default();
        let announced = Announced::default();
        let dial = self.plan.clone().map(|plan| Dial { line: line.clone(), plan, announced });
        let _ = thread::Builder::new().name("cancel".to_owned()).spawn(move || {
            let request = move || match dial {
                Some(dial) => token.cancel_query(dial),
                None => token.cancel_query(NoTls),
            };
            if !matches!(bounded::run(Some(CANCEL), request), Outcome::Done(_)) {
                line.cut();
            }
        });
    }
}

/// One way to reach a host.
#[derive(Debug, Clone)]
pub(super) enum Target {
    /// The directory of a local socket.
    Socket(PathBuf),
    /// An address, and the name that the server's certificate must bear.
    Tcp { name: String, address: IpAddr },
}

/// Connects to `host`. May block for ever: the caller limits it, and cuts `line`.
pub(super) fn run(settings: &Settings, host: &Host, target: &Target, line: &Line) -> Result<Session> {
    let Raw { mut client, plan, announced } = connect(settings, host, target, line)?;
    // What is set for a session that others will use too would be set for them.
    let (facts, said) = preamble::begin(&mut client, announced.pid(), host.endpoint.port)?;
    let pooling = if facts.is_announced_as(announced.pid(), host.endpoint.port) {
        Pooling::None
    } else {
        let (settings, host, target) = (settings.clone(), host.clone(), target.clone());
        pooling::probe(&mut client, move |line| Ok(connect(&settings, &host, &target, line)?.client))?
    };
    if pooling == Pooling::None && said == Said::Question {
        preamble::send(&mut client)?;
    }
    Ok(Session { client, facts, pooling, exit: EmergencyExit { line: line.clone(), plan } })
}

/// A client as the driver makes it.
struct Raw {
    client: Client,
    /// How the connection was made; none for a local socket.
    plan: Option<Plan>,
    announced: Announced,
}

fn connect(settings: &Settings, host: &Host, target: &Target, line: &Line) -> Result<Raw> {
    let mut config = config(settings, host);
    let announced = Announced::default();
    let connected = match target {
        Target::Socket(dir) => {
            config.host_path(dir).ssl_mode(SslMode::Disable);
            config.connect(NoTls).map(|client| (client, None))
        }
        Target::Tcp { name, address } => {
            // Everything goes through `Dial`, which decides about TLS itself.
            config.host(name).hostaddr(*address).ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
            over_tcp(&config, &settings.encryption, line, &announced).map(|(client, plan)| (client, Some(plan)))
        }
    };
    let (client, plan) = connected.map_err(|error| reason::told(error, settings, host))?;
    Ok(Raw { client, plan, announced })
}

/// What plain and encrypted connections have in common. The driver's own parser is never used: it knows fewer keys than
/// libpq, reads tcp_user_timeout as seconds, and would take a password with an @ for a host.
fn config(settings: &Settings, host: &Host) -> Config {
    let mut config = Config::new();
    config
        .user(&settings.user)
        .dbname(&settings.dbname)
        .port(host.endpoint.port)
        .application_name(&settings.application_name)
        .channel_binding(settings.channel_binding);
    if let Some(password) = &host.password {
        config.password(password.expose());
    }
    if let Some(options) = &settings.options {
        config.options(options);
    }
    if let Some(limit) = settings.timeout {
        config.connect_timeout(limit);
    }
    keep_alive(&mut config, settings);
    let hook = Arc::clone(&settings.hook.0);
    config.notice_callback(move |notice| hook(Notice::from(notice)));
    config
}

fn keep_alive(config: &mut Config, settings: &Settings) {
    if let Some(limit) = settings.keepalive.user_timeout {
        config.tcp_user_timeout(limit);
    }
    let Some(probes) = &settings.keepalive.probes else {
        config.keepalives(false);
        return;
    };
    // The driver always sets the idle time; without one it takes Linux's default of two hours.
    config.keepalives_idle(probes.idle.unwrap_or(Duration::from_secs(7200)));
    if let Some(interval) = probes.interval {
        config.keepalives_interval(interval);
    }
    if let Some(count) = probes.count {
        config.keepalives_retries(count);
    }
}

/// Connects as `encryption` says, if need be a second time: without TLS where it was used, or with it.
fn over_tcp(
    config: &Config,
    encryption: &Encryption,
    line: &Line,
    announced: &Announced,
) -> Result<(Client, Plan), postgres::Error> {
    let dial = |plan: Plan| {
        let dial = Dial { line: line.clone(), plan: plan.clone(), announced: announced.clone() };
        Ok((config.connect(dial)?, plan))
    };
    let (first, second) = match encryption.clone() {
        Encryption::Never => (Plan::Plain, None),
        Encryption::Allow(tls) => (Plan::Plain, Some(Plan::Encrypted(tls))),
        Encryption::Prefer(tls) => (Plan::Opportunistic(tls), Some(Plan::Plain)),
        Encryption::Must(tls) => (Plan::Encrypted(tls), None),
    };
    let refused = match dial(first) {
        Err(error) if reason::is_about_encryption(&error) => error,
        result => return result,
    };
    let was_plain = line.stage() != Stage::Encrypted;
    let Some(second) = second.filter(|second| matches!(second, Plan::Plain) != was_plain) else { return Err(refused) };
    match dial(second) {
        // It came no further, and only was a way around the first.
        Err(again) if reason::is_about_encryption(&again) || reason::socket(&again).is_some() => Err(refused),
        result => result,
    }
}
