//! The connection keys that libpq knows, the variable of each, and what becomes of those that pgfeed cannot honour.

use std::collections::BTreeMap;
use std::fmt;

use crate::secret::Secret;

/// Key and environment variable (empty: none), as in libpq's own table (fe-connect.c, `PQconninfoOptions`).
const KEYS: &[(&str, &str)] = &[
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("service", "PGSERVICE"),
    ("servicefile", "PGSERVICEFILE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslpassword", ""),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("sslsni", "PGSSLSNI"),
    ("sslcertmode", "PGSSLCERTMODE"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslcompression", "PGSSLCOMPRESSION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("keepalives", ""),
    ("keepalives_idle", ""),
    ("keepalives_interval", ""),
    ("keepalives_count", ""),
    ("tcp_user_timeout", ""),
    ("options", "PGOPTIONS"),
    ("application_name", "PGAPPNAME"),
    ("fallback_application_name", ""),
    ("client_encoding", ""),
    ("gssencmode", "PGGSSENCMODE"),
    ("krbsrvname", "PGKRBSRVNAME"),
    ("gsslib", "PGGSSLIB"),
    ("gssdelegation", "PGGSSDELEGATION"),
    ("requirepeer", "PGREQUIREPEER"),
    ("require_auth", "PGREQUIREAUTH"),
    ("replication", ""),
    ("min_protocol_version", "PGMINPROTOCOLVERSION"),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION"),
    ("scram_client_key", ""),
    ("scram_server_key", ""),
    ("sslkeylogfile", ""),
    ("oauth_issuer", ""),
    ("oauth_client_id", ""),
    ("oauth_client_secret", ""),
    ("oauth_scope", ""),
];

/// Keys that ask for something pgfeed does not do, with the values that ask for nothing. Ignoring the others in silence
/// would give less security, or another session, than was asked for.
const UNSUPPORTED: &[(&str, &[&str], &str)] = &[
    ("gssencmode", &["disable", "prefer"], "GSSAPI encryption is not supported"),
    ("requirepeer", &[], "the owner of the server's process cannot be checked"),
    ("require_auth", &[], "the method of authentication cannot be chosen: it is the server's choice"),
    ("replication", &["false", "off", "no", "0"], "replication connections are not supported"),
    ("sslpassword", &[], "encrypted private keys are not supported: decrypt the file with openssl"),
    ("sslcrldir", &[], "a directory of revocation lists is not supported: put them into one file, sslcrl"),
    ("sslcertmode", &["allow"], "only sslcertmode=allow is supported"),
    ("client_encoding", &["utf8", "utf-8", "unicode", "auto"], "pgfeed always talks UTF-8 to the server"),
    ("min_protocol_version", &["3.0"], "only version 3.0 of the protocol is supported"),
    ("max_protocol_version", &["3.0", "3.2", "latest"], "only version 3.0 of the protocol is supported"),
    ("scram_client_key", &[], "SCRAM pass-through is not supported"),
    ("scram_server_key", &[], "SCRAM pass-through is not supported"),
    ("oauth_issuer", &[], "OAuth is not supported"),
];

/// The names of the environment variables that stand for keys.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    KEYS.iter().map(|(_, variable)| *variable).filter(|variable| !variable.is_empty())
}

/// The variable that stands for `key`.
pub(super) fn variable(key: &str) -> Option<&'static str> {
    KEYS.iter().find(|(known, _)| *known == key).map(|(_, variable)| *variable).filter(|v| !v.is_empty())
}

/// The key that a variable stands for.
pub(super) fn key_of(variable: &str) -> &'static str {
    KEYS.iter().find(|(_, known)| *known == variable).map_or("", |(key, _)| key)
}

/// Why `key` cannot have `value` here; `None` when it can.
pub(super) fn refusal(key: &str, value: &str) -> Option<&'static str> {
    let (_, harmless, reason) = UNSUPPORTED.iter().find(|(known, ..)| *known == key)?;
    let harmless = value.is_empty() || harmless.iter().any(|known| known.eq_ignore_ascii_case(value));
    (!harmless).then_some(*reason)
}

/// Keys with what was given for them, in one place. Any value may be a part of a password that was quoted badly, so none shows.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Values(BTreeMap<&'static str, Secret>);

/// The key is none of libpq's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownKey;

impl Values {
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(Secret::expose)
    }

    /// Sets a key; as in libpq, the last of several wins.
    pub(super) fn set(&mut self, key: &str, value: impl Into<String>) -> Result<(), UnknownKey> {
        let (known, _) = KEYS.iter().find(|(known, _)| *known == key).ok_or(UnknownKey)?;
        self.0.insert(known, Secret::new(value));
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(key, value)| (*key, value.expose()))
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How a message may name an unknown key: only when it looks like one, and not like a piece of a password.
pub(super) fn shown(key: &str) -> String {
    let like_a_key = key.len() <= 32 && !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if like_a_key { format!("unknown key \"{key}\"") } else { "unknown key".to_owned() }
}
