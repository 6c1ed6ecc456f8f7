//! What can go wrong with a broker, in plain words. The library's errors quote no URL, and what they quote of ours is no secret.

use lapin::{Error, ErrorKind};

use crate::feed::sink::plain::{NO_TLS, is_plain};

/// Why messages were not published.
#[derive(Debug)]
pub enum Trouble {
    /// It may pass by itself, or by somebody's doing, while we go on trying.
    Passing(String),
    /// The broker takes nothing for now, and says when that is over: the connection stays.
    Blocked(String),
    /// The broker or its certificate was refused, or we were: this stays so until somebody repairs it. With what to do.
    Settings(String, &'static str),
    /// A message is larger than the broker takes: its limit in bytes.
    TooLarge(usize),
    /// Nothing can be published to this exchange, for this reason.
    Exchange(String, String),
}

/// Codes of AMQP 0-9-1 that RabbitMQ ends channels and connections with.
pub mod code {
    pub const CONTENT_TOO_LARGE: u16 = 311;
    pub const CONNECTION_FORCED: u16 = 320;
    pub const ACCESS_REFUSED: u16 = 403;
    pub const NOT_FOUND: u16 = 404;
    pub const PRECONDITION_FAILED: u16 = 406;
    pub const NOT_ALLOWED: u16 = 530;
}

/// The code with which the broker ended the channel or the connection.
pub fn code_of(error: &Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some(error.get_id()),
        _ => None,
    }
}

/// What the library says, without its own words around it.
pub fn words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_message().to_string(),
        ErrorKind::IOError(error) => error.to_string(),
        ErrorKind::InvalidChannelState(..) | ErrorKind::InvalidConnectionState(_) => {
            "the connection is lost".to_owned()
        }
        _ => error.to_string(),
    }
}

impl Trouble {
    /// What keeps us from connecting.
    pub fn connecting(error: &Error) -> Self {
        let said = words(error);
        match (code_of(error), error.kind()) {
            (Some(code::ACCESS_REFUSED), _) => {
                Self::Settings(said, "check user and password, and what the user may do in the virtual host")
            }
            (Some(code::NOT_ALLOWED), _) if !is_for_now(&said) => {
                Self::Settings(said, "check the virtual host: it stands behind the host, as /VHOST")
            }
            (_, ErrorKind::IOError(error)) if is_plain(&**error) => {
                Self::Settings(NO_TLS.to_owned(), "amqp:// is for a plain port; the one for TLS is mostly 5671")
            }
            (_, ErrorKind::IOError(error))
                if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) =>
            {
                Self::Settings(
                    said,
                    "ca=FILE names the certificates to trust; the host must be named as in the certificate",
                )
            }
            _ => Self::Passing(said),
        }
    }

    /// Nothing can be published to this exchange.
    pub fn exchange(name: &str, error: &Error) -> Self {
        let why = match code_of(error) {
            Some(code::NOT_FOUND) => format!("there is no exchange \"{name}\" (declare=KIND makes it)"),
            _ => words(error),
        };
        Self::Exchange(name.to_owned(), why)
    }

    /// What ended the channel that was published on.
    pub fn publishing(error: &Error) -> Self {
        let said = words(error);
        match code_of(error) {
            Some(code::PRECONDITION_FAILED | code::CONTENT_TOO_LARGE) => {
                most_bytes(&said).map_or(Self::Passing(said), Self::TooLarge)
            }
            Some(code::ACCESS_REFUSED | code::NOT_FOUND) => match exchange(&said) {
                Some(name) => Self::exchange(name, error),
                None => Self::Passing(said),
            },
            Some(code::CONNECTION_FORCED) => Self::Passing(format!("the broker ended the connection: {said}")),
            _ => Self::Passing(said),
        }
    }
}

/// What was to be made is there, and is another kind of thing, as the broker has said.
pub fn of_another_kind(what: &str, name: &str, said: &str) -> String {
    format!(
        "the {what} \"{name}\" is there, of another kind than declare= asks for, and is taken as it is: {said} (delete it to have \
         it made anew; leave declare= out if it is as it should be)"
    )
}

/// Whether it is about the moment: "... connection limit (7) is reached", of a user, a virtual host or a node, and "vhost '/' is
/// down", which is starting or being repaired.
fn is_for_now(said: &str) -> bool {
    said.ends_with(" is reached") || said.ends_with(" is down")
}

/// The limit in "message size 2000001 is larger than configured max size 1000000" (RabbitMQ 3.8 and later).
fn most_bytes(said: &str) -> Option<usize> {
    let (_, number) = said.split_once("larger than")?;
    number.rsplit(' ').next()?.parse().ok()
}

/// The name in "no exchange 'x' in vhost '/'" and "access to exchange 'x' in vhost '/' refused for user 'u'".
fn exchange(said: &str) -> Option<&str> {
    let (_, name) = said.split_once("exchange '")?;
    name.split_once("' in vhost '").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_broker_says_is_understood() {
        let refused = "NOT_ALLOWED - access to vhost '/' refused for user 'u'";
        assert!(is_for_now(&format!("{refused}: connection limit (7) is reached")));
        assert!(is_for_now(&format!("{refused}: vhost '/' is down")));
        assert!(!is_for_now(refused) && !is_for_now("NOT_ALLOWED - vhost nix not found"));
        let large = "PRECONDITION_FAILED - message size 1000001 is larger than configured max size 1000000";
        assert_eq!(most_bytes(large), Some(1_000_000));
        assert_eq!(most_bytes("PRECONDITION_FAILED - inequivalent arg 'type'"), None);
        assert_eq!(exchange("NOT_FOUND - no exchange 'it's' in vhost '/'"), Some("it's"));
        assert_eq!(exchange("ACCESS_REFUSED - access to exchange 'x' in vhost '/' refused for user 'u'"), Some("x"));
        assert_eq!(exchange("ACCESS_REFUSED - something else"), None);
    }
}
