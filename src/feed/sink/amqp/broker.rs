//! Where a broker is and who logs in there.

use std::sync::Arc;

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo, SASLMechanism};
use rustls::ClientConfig;

use crate::error::{Error, Result};
use crate::feed::sink::address::{Address, Host};
use crate::feed::sink::target::Target;
use crate::feed::sink::tls::Tls;
use crate::secret::Secret;

/// RabbitMQ's own user and password, who is let in from the broker's own machine only.
const GUEST: &str = "guest";

/// A broker. (The library's own parser takes an IPv6 address for localhost: lapin 4.12.)
#[derive(Debug)]
pub struct Broker {
    shown: String,
    user: Secret,
    password: Secret,
    host: Host,
    vhost: String,
    heartbeat: Option<u16>,
    mechanism: SASLMechanism,
    tls: Option<Tls>,
}

impl Broker {
    /// Reads the address, and takes the parameters that belong to it.
    ///
    /// # Errors
    /// Usage errors, which quote nothing but the host and what a parameter may be.
    pub fn take(target: &mut Target) -> Result<Self> {
        let shown = target.shown().to_owned();
        let refused = |why: &str| Error::usage(format!("--to {shown}: {why}"));
        let secure = target.scheme() == "amqps";
        let Address { user, password, hosts, path } = Address::of(target, if secure { 5671 } else { 5672 })?;
        let [host] = hosts.try_into().map_err(|_| refused("one host is needed"))?;
        if target.address().matches('/').count() > 3 {
            return Err(refused("a / in the virtual host is written as %2F"));
        }
        // Every broker has the virtual host "/", and none is named by nothing.
        let vhost = if path.is_empty() { "/".to_owned() } else { path };
        if vhost.len() > 255 {
            return Err(refused("the virtual host has more than 255 bytes"));
        }
        let number = |value: &str| value.parse().map_err(|_| "it is a number of seconds".to_owned());
        let heartbeat = target.take_as("heartbeat", number)?;
        let mechanism = target.take_as("auth", mechanism)?.unwrap_or_default();
        let is_guest = user.is_none() && password.is_none();
        let or_guest =
            |secret: Option<Secret>| secret.unwrap_or_else(|| Secret::new(if is_guest { GUEST } else { "" }));
        let (user, password, tls) = (or_guest(user), or_guest(password), Tls::take(target, secure)?);
        Ok(Self { shown, user, password, host, vhost, heartbeat, mechanism, tls })
    }

    /// Scheme and host, for messages.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The host's name, as certificates have it.
    pub fn host(&self) -> &str {
        &self.host.name
    }

    /// How TLS is done, where it is.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub fn tls(&self) -> Result<Option<Arc<ClientConfig>>, String> {
        self.tls.as_ref().map(|tls| tls.config().map(Arc::new)).transpose()
    }

    /// The same for the library, password included.
    pub fn uri(&self) -> AMQPUri {
        let scheme = if self.tls.is_some() { AMQPScheme::AMQPS } else { AMQPScheme::AMQP };
        let (username, password) = (self.user.expose().to_owned(), self.password.expose().to_owned());
        let userinfo = AMQPUserInfo { username, password };
        let authority = AMQPAuthority { userinfo, host: self.host.name.clone(), port: self.host.port };
        let query = AMQPQueryString {
            heartbeat: self.heartbeat,
            auth_mechanism: Some(self.mechanism),
            ..AMQPQueryString::default()
        };
        AMQPUri { scheme, authority, vhost: self.vhost.clone(), query }
    }
}

fn mechanism(value: &str) -> Result<SASLMechanism, String> {
    match value {
        "plain" => Ok(SASLMechanism::Plain),
        "external" => Ok(SASLMechanism::External),
        _ => Err("it is plain or external".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broker(url: &str) -> Result<Broker> {
        let mut target = Target::parse(url)?;
        let broker = Broker::take(&mut target)?;
        target.finish()?;
        Ok(broker)
    }

    #[test]
    fn addresses_are_read() {
        for (url, (user, password), (host, port), vhost) in [
            ("amqp://h", ("guest", "guest"), ("h", 5672), "/"),
            ("amqp://h/", ("guest", "guest"), ("h", 5672), "/"),
            ("AMQP://u:p%40%2F@h:1/%2Fv", ("u", "p@/"), ("h", 1), "/v"),
            ("amqp://u@[::1]:7/v", ("u", ""), ("::1", 7), "v"),
            ("amqp://:p@127.0.0.1", ("", "p"), ("127.0.0.1", 5672), "/"),
        ] {
            let AMQPUri { authority, vhost: found, .. } = broker(url).unwrap().uri();
            let info = &authority.userinfo;
            assert_eq!((info.username.as_str(), info.password.as_str()), (user, password), "{url}");
            assert_eq!((authority.host.as_str(), authority.port, found.as_str()), (host, port, vhost), "{url}");
        }
        let AMQPUri { query, .. } = broker("amqp://h?heartbeat=7&auth=external").unwrap().uri();
        assert_eq!((query.heartbeat, query.auth_mechanism), (Some(7), Some(SASLMechanism::External)));
    }

    #[test]
    fn what_is_no_address_is_refused_and_shows_no_password() {
        for url in [
            "amqp:h",
            "amqp://u:Canary@h:port",
            "amqp://u:Canary@h:99999",
            "amqp://u:Canary@h,i",
            "amqp://u:Canary@h/a/b",
            "amqp://u:Canary@h/a#b",
            "amqp://u:Canary%ff@h",
            "amqp://u:Canary@h?ca=/Canary",
            "amqp://u:Canary@h?heartbeat=Canary",
            "amqp://u:Canary@h?auth=Canary",
            "amqps://u:Canary@h?cert=/x",
            "amqps://u:Canary@h?ca=/nonexistent",
        ] {
            let error = broker(url).expect_err(url);
            assert!(!format!("{error} {error:?}").contains("Canary"), "{url}: {error}");
        }
        assert!(!format!("{:?}", broker("amqp://u:Canary@h").unwrap()).contains("Canary"));
    }
}
