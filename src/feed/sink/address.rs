//! What the addresses of engines share: who one is, on which hosts they are, and a path. Knows nothing of parameters.

use percent_encoding::percent_decode_str;

use super::target::Target;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// `scheme://user:password@host:port,host:port/path`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The user, unless it is empty. Where it stands alone it may be a token.
    pub user: Option<Secret>,
    /// The password, which may be empty.
    pub password: Option<Secret>,
    /// At least one.
    pub hosts: Vec<Host>,
    /// What follows the first slash behind the hosts, decoded.
    pub path: String,
}

/// A host and its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, or its number without brackets.
    pub name: String,
    /// Its port.
    pub port: u16,
}

impl Address {
    /// Takes the address of a target apart; `port` is the one of hosts that name none.
    ///
    /// # Errors
    /// A usage error that quotes nothing but the hosts.
    pub fn of(target: &Target, port: u16) -> Result<Self> {
        let refused = |why: &str| Error::usage(format!("--to {}: {why}", target.shown()));
        let (_, rest) =
            target.address().split_once("://").ok_or_else(|| refused("// is missing in front of the host"))?;
        if rest.contains('#') {
            return Err(refused("a # is written as %23"));
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(credentials), hosts),
            None => (None, authority),
        };
        let decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
            Ok(text) => Ok(text.into_owned()),
            Err(_) => Err(refused("what is percent-encoded is not UTF-8")),
        };
        let (user, password) = match credentials.map(|text| text.split_once(':').unwrap_or((text, ""))) {
            None => (None, None),
            Some((user, password)) => {
                let has_password = credentials.is_some_and(|text| text.contains(':'));
                let password = has_password.then(|| decoded(password)).transpose()?.map(Secret::new);
                (Some(decoded(user)?).filter(|user| !user.is_empty()).map(Secret::new), password)
            }
        };
        let hosts = hosts.split(',').map(|host| Host::parse(host, port)).collect::<Option<Vec<_>>>();
        let hosts = hosts.ok_or_else(|| refused("a host is needed, and a port is a number from 1 to 65535"))?;
        Ok(Self { user, password, hosts, path: decoded(path)? })
    }
}

impl Host {
    fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (name, port) = match text.strip_prefix('[') {
            Some(bracketed) => bracketed.split_once(']')?,
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port != 0)?,
            None if port.is_empty() => default_port,
            None => return None,
        };
        (!name.is_empty()).then(|| Self { name: name.to_owned(), port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> Result<Address> {
        Address::of(&Target::parse(url).unwrap(), 7)
    }

    fn host(name: &str, port: u16) -> Host {
        Host { name: name.to_owned(), port }
    }

    #[test]
    fn it_is_taken_apart() {
        let all = address("x://us%3Aer:p%40ss:w@a:1,b,[::1]:2,[::2]/pa%20th/y?z=1").unwrap();
        assert_eq!(all.user, Some(Secret::new("us:er")));
        assert_eq!(all.password, Some(Secret::new("p@ss:w")));
        assert_eq!(all.hosts, [host("a", 1), host("b", 7), host("::1", 2), host("::2", 7)]);
        assert_eq!(all.path, "pa th/y");
        let none = address("x://a").unwrap();
        assert_eq!((none.user, none.password, none.hosts, none.path.as_str()), (None, None, vec![host("a", 7)], ""));
        let only_password = address("x://:p@a").unwrap();
        assert_eq!((only_password.user, only_password.password), (None, Some(Secret::new("p"))));
        assert_eq!(address("x://token@a").unwrap().password, None);
    }

    #[test]
    fn what_is_no_address_is_refused_without_telling() {
        for url in [
            "x:a",
            "x://",
            "x://Canary:Canary@",
            "x://Canary:Canary@a:0",
            "x://Canary:Canary@a:65536",
            "x://Canary:Canary@a,",
            "x://Canary:Canary@[::1",
            "x://Canary:Canary@[::1]7",
            "x://Canary%ff@a",
            "x://Canary:%ff@a",
            "x://a/#Canary",
        ] {
            let error = address(url).expect_err(url);
            assert!(!error.to_string().contains("Canary"), "{error}");
        }
    }
}
