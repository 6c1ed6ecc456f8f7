//! Everything about a connection, decided once from the sources; what happens later only reads it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::ChannelBinding;

use super::encryption::{self, Encryption};
use super::endpoint::{self, Endpoint, Place};
use super::environment::Environment;
use super::passfile::Passfile;
use super::sources::Sources;
use super::{Notice, Options};
use crate::error::{Error, Result};
use crate::secret::Secret;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// All that is needed to connect. Made by [`Settings::resolve`]; holds secrets, and shows none.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) dbname: String,
    /// What gave the URL, where that is not `-d`: then there are no flags for its parts.
    pub(super) url_from: Option<&'static str>,
    pub(super) encryption: Encryption,
    pub(super) channel_binding: ChannelBinding,
    /// For each host: looking it up, TCP, TLS, start-up and authentication together.
    pub(super) timeout: Option<Duration>,
    pub(super) keepalive: Keepalive,
    pub(super) options: Option<String>,
    pub(super) application_name: String,
    pub(super) wanted: Wanted,
    pub(super) order: Order,
    pub(super) hook: Hook,
    warnings: Vec<String>,
}

/// A place to try, with the password that is for it.
#[derive(Debug, Clone)]
pub(super) struct Host {
    pub endpoint: Endpoint,
    pub password: Option<Secret>,
    pub password_from: PasswordFrom,
}

/// Where a password came from, for the hint when the server refuses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PasswordFrom {
    Nowhere,
    Settings,
    File(PathBuf),
}

/// How a dead peer is noticed by the kernel; `None` leaves a value to the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub probes: Option<Probes>,
    /// How long sent data may stay unacknowledged.
    pub user_timeout: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probes {
    pub idle: Option<Duration>,
    pub interval: Option<Duration>,
    pub count: Option<u32>,
}

/// What kind of server is wanted (target_session_attrs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// In which order hosts are tried (load_balance_hosts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    AsGiven,
    Random,
}

/// Who hears the server's notices.
#[derive(Clone)]
pub(super) struct Hook(pub Arc<dyn Fn(Notice) + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook(..)")
    }
}

impl Settings {
    /// Decides every setting, as libpq would. Reads the service file, the password file and which certificate files exist.
    ///
    /// # Errors
    /// Usage errors (exit 2) that name the source and the key, and never a value.
    pub fn resolve(options: &Options, env: &Environment) -> Result<Self> {
        let sources = Sources::gather(options, env)?;
        let list = |key| sources.get(key).unwrap_or_default();
        let endpoints = endpoint::pair(list("host"), list("hostaddr"), list("port"), env.socket_dir())
            .map_err(|(key, wrong)| sources.wrong(key, wrong))?;
        let user = sources.get("user").or_else(|| env.os_user()).map(str::to_owned);
        let user = user.ok_or_else(|| Error::usage("there is no user name: give one with -U or PGUSER"))?;
        let dbname = sources.get("dbname").map_or_else(|| user.clone(), str::to_owned);
        let over_tcp = endpoints.iter().any(|endpoint| matches!(endpoint.place, Place::Tcp { .. }));
        let (hosts, warnings) = with_passwords(endpoints, &dbname, &user, &sources, env);
        Ok(Self {
            hosts,
            encryption: encryption::decide(&sources, env, over_tcp)?,
            channel_binding: channel_binding(&sources)?,
            timeout: timeout(&sources)?,
            keepalive: keepalive(&sources)?,
            options: sources.get("options").map(str::to_owned),
            application_name: application_name(&sources, options),
            wanted: wanted(&sources)?,
            order: order(&sources)?,
            hook: Hook(Arc::new(|_| ())),
            user,
            dbname,
            url_from: options.dbname_from,
            warnings,
        })
    }

    /// What names a part of it: a flag, or what the URL was given with.
    pub(super) fn flag(&self, flag: &'static str) -> &'static str {
        self.url_from.unwrap_or(flag)
    }

    /// As whom.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Says what is connected to, in words and without secrets: `database "shop" on localhost:5432 as "app"`.
    pub fn target(&self) -> String {
        let places: Vec<String> = self.hosts.iter().map(|host| host.endpoint.to_string()).collect();
        format!("database \"{}\" on {} as \"{}\"", self.dbname, places.join(", "), self.user)
    }

    /// Sets who hears the server's notices and warnings. By default nobody does.
    #[must_use]
    pub fn on_notice(mut self, hook: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        self.hook = Hook(Arc::new(hook));
        self
    }

    /// Sets one of the server's settings from the start of every session; for some only superusers are let in then. Neither the
    /// name nor the value may hold a space.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let options = self.options.unwrap_or_default();
        self.options = Some(format!("{options} -c {name}={value}").trim_start().to_owned());
        self
    }

    /// What the user should hear about the sources, such as a password file that others may read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Gives each host its password; the file is only read when no password was given otherwise, as in libpq.
fn with_passwords(
    endpoints: Vec<Endpoint>,
    dbname: &str,
    user: &str,
    sources: &Sources<'_>,
    env: &Environment,
) -> (Vec<Host>, Vec<String>) {
    if let Some(password) = sources.get("password") {
        let password = Some(Secret::new(password));
        let with = |endpoint| Host { endpoint, password: password.clone(), password_from: PasswordFrom::Settings };
        return (endpoints.into_iter().map(with).collect(), Vec::new());
    }
    let path = sources.get("passfile").map(PathBuf::from).or_else(|| env.in_home(".pgpass")).unwrap_or_default();
    let (passfile, warning) = Passfile::read(&path);
    let with = |endpoint: Endpoint| match passfile.password(&endpoint, dbname, user) {
        Some(found) => Host { endpoint, password: Some(found), password_from: PasswordFrom::File(path.clone()) },
        None => Host { endpoint, password: None, password_from: PasswordFrom::Nowhere },
    };
    (endpoints.into_iter().map(with).collect(), warning.into_iter().collect())
}

fn timeout(sources: &Sources<'_>) -> Result<Option<Duration>> {
    let Some(seconds) = sources.number::<f64>("connect_timeout")? else { return Ok(Some(DEFAULT_TIMEOUT)) };
    // libpq: "zero, negative, or not specified means wait indefinitely"; here only the first two do.
    if seconds <= 0.0 {
        return Ok(None);
    }
    let limit = Duration::try_from_secs_f64(seconds).map_err(|_| sources.wrong("connect_timeout", "is not a time"))?;
    Ok(Some(limit))
}

fn keepalive(sources: &Sources<'_>) -> Result<Keepalive> {
    let enabled = sources.number::<i64>("keepalives")?.unwrap_or(1) != 0;
    // Libpq's zero means the system's default (two hours on Linux); leaving a key out means ours.
    let seconds = |key, default: u64| -> Result<Option<Duration>> {
        let seconds = sources.number::<u64>(key)?.unwrap_or(default);
        Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
    };
    let probes = Probes {
        idle: seconds("keepalives_idle", 30)?,
        interval: seconds("keepalives_interval", 10)?,
        count: Some(sources.number::<u32>("keepalives_count")?.unwrap_or(3)).filter(|count| *count > 0),
    };
    let user_timeout = sources.number::<u64>("tcp_user_timeout")?.unwrap_or(60_000);
    let user_timeout = (user_timeout > 0).then(|| Duration::from_millis(user_timeout));
    Ok(Keepalive { probes: enabled.then_some(probes), user_timeout })
}

fn application_name(sources: &Sources<'_>, options: &Options) -> String {
    let given = sources.get("application_name").or_else(|| sources.get("fallback_application_name"));
    given.unwrap_or(&options.application_name).to_owned()
}

fn channel_binding(sources: &Sources<'_>) -> Result<ChannelBinding> {
    let known = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    Ok(sources.choice("channel_binding", &known)?.unwrap_or(ChannelBinding::Prefer))
}

fn wanted(sources: &Sources<'_>) -> Result<Wanted> {
    let known = [
        ("any", Wanted::Any),
        ("read-write", Wanted::ReadWrite),
        ("read-only", Wanted::ReadOnly),
        ("primary", Wanted::Primary),
        ("standby", Wanted::Standby),
        ("prefer-standby", Wanted::PreferStandby),
    ];
    Ok(sources.choice("target_session_attrs", &known)?.unwrap_or(Wanted::Any))
}

fn order(sources: &Sources<'_>) -> Result<Order> {
    let known = [("disable", Order::AsGiven), ("random", Order::Random)];
    Ok(sources.choice("load_balance_hosts", &known)?.unwrap_or(Order::AsGiven))
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
