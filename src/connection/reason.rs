//! Says why there is no connection, in words that a user can act on. The driver's own are "error connecting to server".

use std::error::Error as _;
use std::io;

use super::encryption::{Encryption, Negotiation, Tls};
use super::endpoint::Place;
use super::settings::{Host, PasswordFrom, Settings};
use crate::error::Error;
use crate::exit::Exit;

/// Whether the same client may be let in with TLS where it tried without, or the other way round: the server's rules refused it
/// (they are called `pg_hba.conf` in every language), or the two do not agree on TLS.
pub(super) fn is_about_encryption(error: &postgres::Error) -> bool {
    if let Some(error) = error.as_db_error() {
        return error.code().code() == "28000" && error.message().contains("pg_hba.conf");
    }
    socket(error).is_some_and(|error| library(error).is_some() || error.kind() == io::ErrorKind::Unsupported)
}

/// What happened to the socket, or to what TLS needs.
pub(super) fn socket(error: &postgres::Error) -> Option<&io::Error> {
    error.source().and_then(|source| source.downcast_ref())
}

/// What the TLS library said.
fn library(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Turns what the driver said into what the user reads.
pub(super) fn told(error: postgres::Error, settings: &Settings, host: &Host) -> Error {
    if error.as_db_error().is_some() {
        return refused(Error::from(error).exiting(Exit::Connection), settings, host);
    }
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    if source == "password missing" {
        return Error::connection("the server asks for a password, and none was given")
            .hint("put it into PGPASSWORD or ~/.pgpass; pgfeed never prompts")
            .permanent();
    }
    if error.to_string() == "authentication error" {
        return Error::connection(format!("authentication failed: {source}")).permanent();
    }
    match socket(&error) {
        Some(error) => broken(error, settings, host),
        None => Error::from(error).exiting(Exit::Connection),
    }
}

/// Adds a hint to the server's own refusal.
fn refused(error: Error, settings: &Settings, host: &Host) -> Error {
    let user = &settings.user;
    let local = matches!(host.endpoint.place, Place::Socket(_));
    let message = error.to_string();
    match error.sqlstate() {
        Some("28P01") => match &host.password_from {
            PasswordFrom::File(path) => error.hint(format!("the password came from {}", path.display())),
            PasswordFrom::Settings | PasswordFrom::Nowhere => {
                error.hint(format!("the password of \"{user}\" is wrong"))
            }
        },
        Some("28000") if message.contains("pg_hba.conf") => {
            error.hint("the server's pg_hba.conf has no line for this user, database, address and encryption")
        }
        Some("28000") if local => error.hint(format!(
            "a local socket usually lets in the system's user of the same name: run this as that user, name another \
             with {} (now \"{user}\"), or use {} and a password",
            settings.flag("-U"),
            settings.url_from.map_or("-h localhost".to_owned(), |from| format!("localhost in {from}")),
        )),
        Some("28000") => error.hint(format!(
            "{} names the user (now \"{user}\"), sslcert and sslkey its certificate",
            settings.flag("-U")
        )),
        Some("3D000") => {
            error.hint(format!("{} names the database (now \"{}\")", settings.flag("-d"), settings.dbname))
        }
        Some("53300") => error.hint("all connections that the server, the database or the role allows are taken"),
        _ => error,
    }
}

/// Says what happened to the socket.
fn broken(error: &io::Error, settings: &Settings, host: &Host) -> Error {
    if let Some(error) = library(error) {
        return tls(error);
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::connection("connection refused").hint(match host.endpoint.place {
            Place::Tcp { .. } => "is the server running there, and does it accept TCP/IP connections?",
            Place::Socket(_) => "is the server running? The socket's file is there, but nobody listens",
        }),
        io::ErrorKind::NotFound => Error::connection("there is no such socket").hint(format!(
            "is the server running on this machine? {} names another directory, or a host",
            settings.flag("-h")
        )),
        io::ErrorKind::PermissionDenied => Error::connection("this user may not use the socket"),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Error::connection("the server closed the connection unexpectedly").hint(match settings.encryption {
                Encryption::Must(Tls { negotiation: Negotiation::Direct, .. }) => {
                    "sslnegotiation=direct needs PostgreSQL 17 or newer"
                }
                _ => "it may be starting, or stopping, or what answers there is not PostgreSQL",
            })
        }
        io::ErrorKind::Unsupported => {
            Error::connection(error.to_string()).hint("sslmode=prefer connects without encryption then").permanent()
        }
        // What is wrong with a file or a name that TLS needs.
        io::ErrorKind::InvalidInput => Error::connection(error.to_string()).permanent(),
        _ => Error::connection(error.to_string()),
    }
}

/// Says what is wrong with the server's certificate, or with ours.
fn tls(error: &rustls::Error) -> Error {
    use rustls::CertificateError as Bad;
    const NOT_TRUSTED: &str = "sslrootcert must hold the certificate that signed the server's, or the server's own";
    let (what, hint) = match error {
        rustls::Error::InvalidCertificate(bad) => match bad {
            // A signature is bad when another authority has the same name, such as the one before it was made anew.
            Bad::UnknownIssuer | Bad::BadSignature => {
                ("the server's certificate is not signed by one that is trusted".to_owned(), NOT_TRUSTED)
            }
            Bad::NotValidForName | Bad::NotValidForNameContext { .. } => (
                format!(
                    "the server's {}",
                    bad.to_string().replacen("certificate not valid", "certificate is not valid", 1)
                ),
                "connect by a name in the certificate's subjectAltName (hostaddr can give the address; a name that only \
                 stands in its CN does not count), or use sslmode=verify-ca",
            ),
            Bad::Expired | Bad::ExpiredContext { .. } => {
                ("the server's certificate has expired".to_owned(), "the server needs a new one")
            }
            Bad::Revoked => ("the server's certificate was revoked".to_owned(), "the server needs a new one"),
            Bad::Other(why) if why.to_string().contains("UnsupportedCertVersion") => (
                "the server's certificate is of X.509 version 1".to_owned(),
                "make one of version 3 (openssl x509 with -extfile), or use sslmode=require without sslrootcert",
            ),
            Bad::Other(why) if why.to_string().contains("CaUsedAsEndEntity") => {
                ("the server's certificate is self-signed, and not trusted".to_owned(), NOT_TRUSTED)
            }
            other => (format!("the server's certificate: {other}"), "sslrootcert and sslcrl say what is trusted"),
        },
        rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(_) => (
            "the server speaks no version that pgfeed does".to_owned(),
            "TLS 1.2 and 1.3 are offered, unless ssl_min_protocol_version or ssl_max_protocol_version say otherwise",
        ),
        rustls::Error::AlertReceived(alert) => (
            format!("the server refused: {alert:?}"),
            "does it want a client certificate (sslcert, sslkey), or another one?",
        ),
        other => return Error::connection(format!("TLS: {other}")).permanent(),
    };
    Error::connection(format!("TLS: {what}")).hint(hint).permanent()
}
