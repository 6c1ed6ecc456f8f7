//! What the URL of a NATS server says: where, who, and what is published under which subject.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};

use super::subject;
use crate::error::{Error, Result};
use crate::feed::sink::address::Address;
use crate::feed::sink::body::{self, Body};
use crate::feed::sink::patience;
use crate::feed::sink::registry::Acknowledgement;
use crate::feed::sink::target::Target;
use crate::feed::sink::template::Template;
use crate::feed::sink::tls::{self, Tls};
use crate::secret::Secret;

const PORT: u16 = 4222;

/// For `--to help`.
pub const PARAMETERS: &[(&str, &str)] = &[
    ("subject", "template of the subject; in values . * > $ % and spaces are percent-encoded [{queue}]"),
    ("stream", "the stream that must store it: an event whose subject it does not take is refused [any]"),
    ("create", "subjects, with commas between them: make the stream with these if it is not there [do not]"),
    ("mode", "jetstream, or core: what nobody listens to is lost; with listen or --at-most-once [jetstream]"),
    body::PARAMETER,
    ("nkey", "file with the seed of an nkey"),
    ("creds", "file with a JWT and the seed of its nkey"),
    ("inbox", "prefix of the subjects for answers, where not all may be listened to [_INBOX]"),
    patience::PARAMETER,
    tls::PARAMETERS[0],
    tls::PARAMETERS[1],
    tls::PARAMETERS[2],
];

/// What a URL says.
pub struct Options {
    /// Scheme and hosts, for messages.
    pub shown: String,
    pub servers: Vec<ServerAddr>,
    pub credentials: Credentials,
    pub tls: Option<Tls>,
    pub inbox: Option<String>,
    pub subject: Template,
    pub stream: Option<String>,
    /// The subjects of a stream that is to be made.
    pub create: Vec<String>,
    pub mode: Mode,
    pub body: Body,
    /// How long an acknowledgement may take.
    pub within: Duration,
}

/// What takes the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A stream, which acknowledges each.
    JetStream,
    /// Whoever listens.
    Core,
}

/// Who we are. Files are read at every connection, since they may have been renewed.
pub enum Credentials {
    Nobody,
    User(Secret, Secret),
    Token(Secret),
    Nkey(PathBuf),
    Creds(PathBuf),
}

impl Options {
    /// Reads a URL.
    ///
    /// # Errors
    /// Usage errors.
    pub fn of(mut target: Target, acknowledgement: Acknowledgement) -> Result<Self> {
        let shown = target.shown().to_owned();
        let refused = |why: &str| Error::usage(format!("--to {shown}: {why}"));
        let address = Address::of(&target, PORT)?;
        if !address.path.is_empty() {
            return Err(refused("nothing follows the host: the subject is the parameter subject"));
        }
        let mode = target.take_as("mode", Mode::parse)?.unwrap_or(Mode::JetStream);
        if mode == Mode::Core && acknowledgement == Acknowledgement::Needed {
            return Err(refused("core NATS acknowledges nothing")
                .hint("leave mode=core out, to publish to a stream; or let events be lost with --at-most-once"));
        }
        let stream = target.take_as("stream", name)?;
        let create = target.take_as("create", subjects)?.unwrap_or_default();
        if mode == Mode::Core && stream.is_some() {
            return Err(refused("stream is of JetStream, and mode=core is not"));
        }
        if stream.is_none() && !create.is_empty() {
            return Err(refused("create needs the stream's name: stream=NAME"));
        }
        let scheme = target.scheme().to_owned();
        let options = Self {
            servers: servers(&address, &scheme).ok_or_else(|| refused("the name of a host is not possible"))?,
            credentials: Credentials::take(&mut target, address)?,
            tls: Tls::take(&mut target, scheme == "tls")?,
            inbox: target.take_as("inbox", prefix)?,
            subject: match target.take_as("subject", subject::parse)? {
                Some(subject) => subject,
                None => subject::parse("{queue}").expect("it is a template"),
            },
            body: Body::take(&mut target)?,
            within: patience::take(&mut target)?,
            shown,
            stream,
            create,
            mode,
        };
        target.finish()?;
        Ok(options)
    }
}

impl Mode {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "jetstream" => Ok(Self::JetStream),
            "core" => Ok(Self::Core),
            _ => Err("it is jetstream or core".to_owned()),
        }
    }
}

impl Credentials {
    fn take(target: &mut Target, address: Address) -> Result<Self> {
        let shown = target.shown().to_owned();
        let mut file = |name: &str| match target.take(name).map(PathBuf::from) {
            // Also to find out now that it cannot be read.
            Some(path) => {
                read(&path).map(|_| Some(path)).map_err(|why| Error::usage(format!("--to {shown}: {name}: {why}")))
            }
            None => Ok(None),
        };
        match (address.user, address.password, file("nkey")?, file("creds")?) {
            (None, None, None, None) => Ok(Self::Nobody),
            (Some(user), Some(password), None, None) => Ok(Self::User(user, password)),
            (Some(token), None, None, None) => Ok(Self::Token(token)),
            (None, None, Some(seed), None) => Ok(Self::Nkey(seed)),
            (None, None, None, Some(creds)) => Ok(Self::Creds(creds)),
            (None, Some(_), ..) => Err(Error::usage(format!("--to {shown}: a password needs a user"))),
            _ => Err(Error::usage(format!("--to {shown}: one of a user, a token, nkey and creds is enough"))),
        }
    }

    /// Adds them to the library's options.
    ///
    /// # Errors
    /// What is wrong with a file; nothing of what it holds.
    pub fn add_to(&self, options: ConnectOptions) -> Result<ConnectOptions, String> {
        Ok(match self {
            Self::Nobody => options,
            Self::User(user, password) => {
                options.user_and_password(user.expose().to_owned(), password.expose().to_owned())
            }
            Self::Token(token) => options.token(token.expose().to_owned()),
            Self::Nkey(path) => options.nkey(read(path)?.expose().trim().to_owned()),
            Self::Creds(path) => options
                .credentials(read(path)?.expose())
                .map_err(|_| format!("{}: it holds no JWT with its seed", path.display()))?,
        })
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    std::fs::read_to_string(path).map(Secret::new).map_err(|error| format!("{}: {error}", path.display()))
}

/// The addresses as the library wants them: without credentials, so that none of its messages can show them.
fn servers(address: &Address, scheme: &str) -> Option<Vec<ServerAddr>> {
    let server = |name: &str, port: u16| match name.contains(':') {
        true => format!("{scheme}://[{name}]:{port}"),
        false => format!("{scheme}://{name}:{port}"),
    };
    address.hosts.iter().map(|host| server(&host.name, host.port).parse().ok()).collect()
}

/// The name of a stream, which is a token in the subjects of its interface.
fn name(text: &str) -> Result<String, String> {
    let is_wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '*' | '>' | '/' | '\\');
    if text.is_empty() || text.contains(is_wrong) {
        return Err("it is a name without spaces, dots, slashes and wildcards".to_owned());
    }
    Ok(text.to_owned())
}

/// The prefix of subjects.
fn prefix(text: &str) -> Result<String, String> {
    text.split('.').map(name).collect::<Result<Vec<_>, _>>().map(|names| names.join("."))
}

/// The subjects of a stream, in which wildcards have their meaning.
fn subjects(text: &str) -> Result<Vec<String>, String> {
    let is_wrong = |subject: &str| {
        subject.split('.').any(str::is_empty) || subject.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if text.split(',').any(is_wrong) {
        return Err("it is a list of subjects, such as shop.>,audit.*".to_owned());
    }
    Ok(text.split(',').map(str::to_owned).collect())
}
