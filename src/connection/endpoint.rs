//! The places where a server may be: made of the lists in host, hostaddr and port as libpq pairs them.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// One place to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Where it is.
    pub place: Place,
    /// The port, which also names the socket's file.
    pub port: u16,
}

/// How an endpoint is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The directory of a local socket.
    Socket(PathBuf),
    /// Over TCP.
    Tcp {
        /// The name that is looked up, and that the server's certificate must bear; the address where there is no name.
        name: String,
        /// The address to use instead of looking up the name (hostaddr).
        address: Option<IpAddr>,
    },
}

impl Endpoint {
    /// Whether it is a local socket.
    pub fn is_socket(&self) -> bool {
        matches!(self.place, Place::Socket(_))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Socket(dir) => write!(f, "socket {}/.s.PGSQL.{}", dir.display(), self.port),
            Place::Tcp { name, .. } if name.contains(':') => write!(f, "[{name}]:{}", self.port),
            Place::Tcp { name, .. } => write!(f, "{name}:{}", self.port),
        }
    }
}

/// The key that is wrong, and what is wrong with it; never its value.
pub(super) type Wrong = (&'static str, &'static str);

/// Pairs the comma-separated lists. An empty host is the default one, an empty port 5432, and one port is for all hosts.
///
/// # Errors
/// The key and a sentence, when a list does not fit or holds what cannot be.
pub(super) fn pair(hosts: &str, addresses: &str, ports: &str, default_dir: &Path) -> Result<Vec<Endpoint>, Wrong> {
    let hosts: Vec<&str> = hosts.split(',').collect();
    let addresses: Vec<&str> = addresses.split(',').collect();
    let ports: Vec<&str> = ports.split(',').collect();
    let count = if addresses == [""] { hosts.len() } else { addresses.len() };
    if hosts != [""] && hosts.len() != count {
        return Err(("hostaddr", "has another number of entries than host"));
    }
    if ports.len() != 1 && ports.len() != count {
        return Err(("port", "has another number of entries than host"));
    }
    let entry = |list: &[&'_ str], index: usize| list.get(index).map_or(String::new(), |text| text.trim().to_owned());
    (0..count)
        .map(|index| {
            let place = place(&entry(&hosts, index), &entry(&addresses, index), default_dir)?;
            let port = port(&entry(&ports, if ports.len() == 1 { 0 } else { index }))?;
            Ok(Endpoint { place, port })
        })
        .collect()
}

fn place(host: &str, address: &str, default_dir: &Path) -> Result<Place, Wrong> {
    // Part of a password with an @ in it, as `u:p@ss@host` once was; or an abstract socket, which the driver cannot reach.
    if host.contains('@') {
        return Err(("host", "holds an @ (one that belongs to a password is written as %40 in a URI)"));
    }
    if host.contains('\0') || host.contains(char::is_whitespace) && !host.starts_with('/') {
        return Err(("host", "holds a space or a NUL character"));
    }
    let address = match address {
        "" => None,
        text => Some(text.parse::<IpAddr>().map_err(|_| ("hostaddr", "is not an IP address"))?),
    };
    Ok(match (host, address) {
        ("", None) => Place::Socket(default_dir.to_owned()),
        (dir, None) if dir.starts_with('/') => Place::Socket(PathBuf::from(dir)),
        ("", Some(address)) => Place::Tcp { name: address.to_string(), address: Some(address) },
        (name, address) => Place::Tcp { name: name.to_owned(), address },
    })
}

fn port(text: &str) -> Result<u16, Wrong> {
    const WRONG: Wrong = ("port", "is not a number from 1 to 65535");
    match text {
        "" => Ok(5432),
        digits => digits.parse().ok().filter(|port| *port > 0).ok_or(WRONG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(hosts: &str, addresses: &str, ports: &str) -> Result<Vec<String>, Wrong> {
        let endpoints = pair(hosts, addresses, ports, Path::new("/run"))?;
        Ok(endpoints.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn pairs_the_lists() {
        assert_eq!(shown("", "", ""), Ok(vec!["socket /run/.s.PGSQL.5432".into()]));
        assert_eq!(shown("/tmp", "", "5433"), Ok(vec!["socket /tmp/.s.PGSQL.5433".into()]));
        assert_eq!(shown("a,b", "", "1"), Ok(vec!["a:1".into(), "b:1".into()]));
        assert_eq!(
            shown("a,,::1", "", "1,,3"),
            Ok(vec!["a:1".into(), "socket /run/.s.PGSQL.5432".into(), "[::1]:3".into()])
        );
        assert_eq!(shown("", "127.0.0.1,::1", ""), Ok(vec!["127.0.0.1:5432".into(), "[::1]:5432".into()]));
        assert_eq!(shown("name", "10.0.0.1", ""), Ok(vec!["name:5432".into()]));
    }

    #[test]
    fn refuses_what_cannot_be() {
        for (hosts, addresses, ports, key) in [
            ("a,b", "127.0.0.1", "", "hostaddr"),
            ("a,b", "", "1,2,3", "port"),
            ("a", "", "0", "port"),
            ("a", "", "65536", "port"),
            ("a", "", "x", "port"),
            ("a", "localhost", "", "hostaddr"),
            ("ss@h", "", "", "host"),
            ("a b", "", "", "host"),
        ] {
            assert_eq!(shown(hosts, addresses, ports).unwrap_err().0, key, "{hosts} {addresses} {ports}");
        }
    }
}
