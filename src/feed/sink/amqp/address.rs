//! Where a broker is and who logs in there: the part of an AMQP URI in front of its parameters.

use std::path::PathBuf;
use std::sync::Arc;

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism};
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;

use crate::connection;
use crate::error::{Error, Result};
use crate::feed::sink::target::Target;
use crate::secret::Secret;

/// A broker. (The library's own parser takes an IPv6 address for localhost: lapin 4.12.)
#[derive(Debug)]
pub struct Address {
    shown: String,
    user: String,
    password: Secret,
    host: String,
    port: u16,
    vhost: String,
    heartbeat: Option<u16>,
    mechanism: SASLMechanism,
    tls: Option<Tls>,
}

/// The files of TLS. They are read anew for each connection: certificates are renewed.
#[derive(Debug)]
struct Tls {
    ca: Option<PathBuf>,
    identity: Option<(PathBuf, PathBuf)>,
}

impl Address {
    /// Reads the address, and takes the parameters that belong to it.
    ///
    /// # Errors
    /// Usage errors, which quote nothing but the host and what a parameter may be.
    pub fn take(target: &mut Target) -> Result<Self> {
        let shown = target.shown().to_owned();
        let refused = |why: &str| Error::usage(format!("--to {shown}: {why}"));
        let secure = target.scheme() == "amqps";
        let rest = target.address()[target.scheme().len() + 1..].strip_prefix("//");
        let rest = rest.ok_or_else(|| refused("it begins with amqp:// or amqps://"))?;
        if rest.contains('#') {
            return Err(refused("a # is written as %23"));
        }
        let (authority, vhost) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let (host, port) = host_and_port(place).map_err(refused)?;
        let decode = |text: &str, what: &str| {
            let decoded = percent_decode_str(text).decode_utf8();
            decoded.map(std::borrow::Cow::into_owned).map_err(|_| refused(&format!("{what} is not UTF-8")))
        };
        if vhost.contains('/') {
            return Err(refused("a / in the virtual host is written as %2F"));
        }
        let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
        let vhost = or(decode(vhost, "the virtual host")?, "/");
        if vhost.len() > 255 {
            return Err(refused("the virtual host has more than 255 bytes"));
        }
        let (user, password) = (decode(user, "the user")?, decode(password, "the password")?);
        let host = or(decode(host, "the host")?, "localhost");
        let port = port.unwrap_or(if secure { 5671 } else { 5672 });
        let heartbeat =
            target.take_as("heartbeat", |value| value.parse().map_err(|_| "it is a number of seconds".to_owned()))?;
        let mechanism = target.take_as("auth", mechanism)?.unwrap_or_default();
        // RabbitMQ's own default, which it allows from its own machine only.
        let guest = user.is_empty() && password.is_empty();
        let (user, password) = if guest { ("guest".to_owned(), "guest".to_owned()) } else { (user, password) };
        let tls = tls(target, secure)?;
        let password = Secret::new(password);
        let address = Self { shown, user, password, host, port, vhost, heartbeat, mechanism, tls };
        address.tls().map_err(|why| Error::usage(format!("--to {}: {why}", address.shown)))?;
        Ok(address)
    }

    /// Scheme and host, for messages.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The host's name, as certificates have it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// How TLS is done, where it is.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn tls(&self) -> Result<Option<Arc<ClientConfig>>, String> {
        let Some(Tls { ca, identity }) = &self.tls else { return Ok(None) };
        let config = connection::tls_config(ca.clone(), identity.clone()).map_err(|error| error.to_string())?;
        Ok(Some(Arc::new(config)))
    }

    /// The same for the library, password included.
    pub fn uri(&self) -> AMQPUri {
        let scheme = if self.tls.is_some() { AMQPScheme::AMQPS } else { AMQPScheme::AMQP };
        let userinfo = AMQPUserInfo { username: self.user.clone(), password: self.password.expose().to_owned() };
        let authority = AMQPAuthority { userinfo, host: self.host.clone(), port: self.port };
        let query = AMQPQueryString {
            heartbeat: self.heartbeat,
            auth_mechanism: Some(self.mechanism),
            ..AMQPQueryString::default()
        };
        AMQPUri { scheme, authority, vhost: self.vhost.clone(), query }
    }
}

/// Splits `host:port` and `[::1]:port`.
fn host_and_port(place: &str) -> Result<(&str, Option<u16>), &'static str> {
    let (host, port) = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']').ok_or("the ] of an IPv6 address is missing")?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        Some("") => Ok((host, None)),
        Some(number) => number.parse().map(|port| (host, Some(port))).map_err(|_| "its port is not a number"),
        None => Err("only :PORT may follow the ] of an IPv6 address"),
    }
}

fn mechanism(value: &str) -> Result<SASLMechanism, String> {
    match value {
        "plain" => Ok(SASLMechanism::Plain),
        "external" => Ok(SASLMechanism::External),
        _ => Err("it is plain or external".to_owned()),
    }
}

fn tls(target: &mut Target, secure: bool) -> Result<Option<Tls>> {
    let ca = target.take("ca").map(PathBuf::from);
    let identity = (target.take("cert").map(PathBuf::from), target.take("cert_key").map(PathBuf::from));
    let refused = |why: &str| Err(Error::usage(format!("--to {}: {why}", target.shown())));
    if !secure {
        let any = ca.is_some() || identity.0.is_some() || identity.1.is_some();
        return if any { refused("ca, cert and cert_key go with amqps://") } else { Ok(None) };
    }
    let identity = match identity {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => return refused("cert and cert_key go together"),
    };
    Ok(Some(Tls { ca, identity }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address> {
        let mut target = Target::parse(url)?;
        let address = Address::take(&mut target)?;
        target.finish()?;
        Ok(address)
    }

    #[test]
    fn addresses_are_read() {
        for (url, (user, password), (host, port), vhost) in [
            ("amqp://", ("guest", "guest"), ("localhost", 5672), "/"),
            ("amqp://h/", ("guest", "guest"), ("h", 5672), "/"),
            ("AMQP://u:p%40%2F@h:1/%2Fv", ("u", "p@/"), ("h", 1), "/v"),
            ("amqp://u@[::1]:7/v", ("u", ""), ("::1", 7), "v"),
            ("amqp://:p@127.0.0.1", ("", "p"), ("127.0.0.1", 5672), "/"),
        ] {
            let AMQPUri { authority, vhost: found, .. } = address(url).unwrap().uri();
            let info = &authority.userinfo;
            assert_eq!((info.username.as_str(), info.password.as_str()), (user, password), "{url}");
            assert_eq!((authority.host.as_str(), authority.port, found.as_str()), (host, port, vhost), "{url}");
        }
        let AMQPUri { query, .. } = address("amqp://h?heartbeat=7&auth=external").unwrap().uri();
        assert_eq!((query.heartbeat, query.auth_mechanism), (Some(7), Some(SASLMechanism::External)));
    }

    #[test]
    fn what_is_no_address_is_refused_and_shows_no_password() {
        for url in [
            "amqp:h",
            "amqp://u:Canary@h:port",
            "amqp://u:Canary@h:99999",
            "amqp://u:Canary@[::1/v",
            "amqp://u:Canary@[::1]7",
            "amqp://u:Canary@h/a/b",
            "amqp://u:Canary@h/a#b",
            "amqp://u:Canary%ff@h",
            "amqp://u:Canary@h?ca=/Canary",
            "amqp://u:Canary@h?heartbeat=Canary",
            "amqp://u:Canary@h?auth=Canary",
            "amqps://u:Canary@h?cert=/x",
            "amqps://u:Canary@h?ca=/nonexistent",
        ] {
            let error = address(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("Canary"), "{url}: {error}");
        }
        assert!(!format!("{:?}", address("amqp://u:Canary@h").unwrap()).contains("Canary"));
    }
}
