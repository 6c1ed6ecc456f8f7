//! Where to post to, and how: read from the URL once.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use ureq::http::{HeaderName, HeaderValue, Uri, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, config::Config};

use super::signature::Signer;
use crate::error::{Error, Result};
use crate::feed::event::Event;
use crate::feed::sink::address::Address;
use crate::feed::sink::body::{Body, message_id};
use crate::feed::sink::target::Target;
use crate::feed::sink::template::Template;
use crate::feed::sink::{ACKNOWLEDGE_WITHIN, patience};
use crate::secret::Secret;

/// How our parameters begin, since the endpoint's own stand beside them.
pub const PREFIX: &str = "pgfeed.";
/// What a value may not bring into a header. Spaces may stand in it, though not at its ends.
const NOT_IN_A_HEADER: &AsciiSet = &CONTROLS.add(b'%');
/// Servers refuse heads that are longer than this or twice this.
const LONGEST_HEADER: usize = 4096;
/// What we send ourselves, or what would change where a message ends.
const OURS: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Where to post to, and how.
#[derive(Debug)]
pub struct Endpoint {
    /// For messages.
    pub shown: String,
    /// The address without what was ours in it.
    pub uri: Uri,
    /// Events in a request; none is one, alone.
    pub batch: Option<usize>,
    /// What is sent of an event.
    pub body: Body,
    /// Signs what is sent.
    pub signer: Option<Signer>,
    /// Everything that is the same in every request.
    pub fixed: Vec<(HeaderName, HeaderValue)>,
    /// Headers that an event fills in.
    pub filled: Vec<(HeaderName, Template)>,
    /// For a whole request.
    pub timeout: Duration,
    tls: Option<Arc<Vec<Certificate<'static>>>>,
}

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// Usage errors.
    pub fn read(mut target: Target) -> Result<Self> {
        let batch = target.take_as("pgfeed.batch", batch)?;
        let body = target.take_as("pgfeed.body", Body::read)?.unwrap_or(Body::Event);
        let timeout = target.take_as("pgfeed.timeout", patience::read)?.unwrap_or(ACKNOWLEDGE_WITHIN);
        let signer = target.take_as("pgfeed.secret-file", |file| Signer::read(file.as_ref()))?;
        let ca = target.take_as("pgfeed.ca", |file| certificates(&PathBuf::from(file)))?;
        let (mut fixed, mut filled) = (Vec::new(), Vec::new());
        for parameter in target.names("pgfeed.header.") {
            let name = parameter["pgfeed.header.".len()..].to_owned();
            let (name, template) =
                target.take_as(&parameter, |value| header(&name, value))?.expect("a parameter of this name was found");
            match template.fixed() {
                Some(text) => fixed.push((name, HeaderValue::from_str(text).expect("header() has checked it"))),
                None => filled.push((name, template)),
            }
        }
        if batch.is_some() && !filled.is_empty() {
            return Err(Error::usage("pgfeed.batch: a header cannot tell of many events: leave {...} out of it"));
        }
        let rest = target.rest(PREFIX)?;
        let (uri, credentials) = uri(&target, &rest)?;
        fixed.extend(credentials.map(|value| (header::AUTHORIZATION, value)));
        let is_tls = target.scheme() == "https";
        if !is_tls && ca.is_some() {
            return Err(Error::usage(format!("--to {}: pgfeed.ca is for https", target.shown())));
        }
        let tls = is_tls.then(|| Arc::new(ca.unwrap_or_else(of_the_system)));
        Ok(Self { shown: target.shown().to_owned(), uri, batch, body, signer, fixed, filled, timeout, tls })
    }

    /// Makes a client, which keeps its connection.
    pub fn agent(&self) -> Agent {
        let config: Config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(self.timeout))
            .user_agent(concat!("pgfeed/", env!("CARGO_PKG_VERSION")))
            .tls_config(
                TlsConfig::builder()
                    .provider(TlsProvider::Rustls)
                    .root_certs(RootCerts::Specific(self.tls.clone().unwrap_or_default()))
                    .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
                    .build(),
            )
            .build();
        config.new_agent()
    }

    /// The headers that an event fills in, and its id.
    ///
    /// # Errors
    /// What it does not tell, or that it is too long.
    pub fn headers(&self, event: &Event) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let mut headers = Vec::new();
        for (name, template) in &self.filled {
            let text = template.fill(event, clean)?;
            headers.push((name.clone(), value(name, &text)?));
        }
        if let (Some(id), None) = (message_id(event), self.batch) {
            let name = HeaderName::from_static("idempotency-key");
            headers.push((name.clone(), value(&name, &clean(&id))?));
        }
        Ok(headers)
    }
}

fn value(name: &HeaderName, text: &str) -> Result<HeaderValue, String> {
    if text.len() > LONGEST_HEADER {
        return Err(format!("the header {name} would be {} bytes long", text.len()));
    }
    HeaderValue::from_str(text).map_err(|_| format!("the header {name} would hold what no header can"))
}

/// Percent-encodes what would end a header, or is not ASCII.
fn clean(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, NOT_IN_A_HEADER).into()
}

fn header(name: &str, text: &str) -> Result<(HeaderName, Template), String> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "that is no name of a header")?;
    if OURS.contains(&name) {
        return Err("that header is not to be set".to_owned());
    }
    let template = Template::parse(text)?;
    match template.fixed() {
        Some(text) => value(&name, text).map(|_| (name, template)),
        None => Ok((name, template)),
    }
}

fn batch(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|events| *events > 0).ok_or_else(|| "it is a number of events, from 1".to_owned())
}

fn certificates(file: &PathBuf) -> Result<Vec<Certificate<'static>>, String> {
    let pem = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { Err(format!("{} holds no certificate", file.display())) } else { Ok(certificates) }
}

fn of_the_system() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs().certs;
    found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

/// The address without its user and password, and what they become. Nothing of either is quoted.
fn uri(target: &Target, rest: &str) -> Result<(Uri, Option<HeaderValue>)> {
    let refused = |why: &str| Error::usage(format!("--to {}: {why}", target.shown()));
    let Address { user, password, hosts, .. } = Address::of(target, 0)?;
    if hosts.len() != 1 {
        return Err(refused("only one host can be written to"));
    }
    let (_, place) = target.address().split_once("://").expect("Address::of has found it");
    let place = place.split_once('@').map_or(place, |(_, place)| place);
    let uri = format!("{}://{place}{rest}", target.scheme());
    let uri = uri.parse().map_err(|_| refused("what stands behind the host must be percent-encoded"))?;
    if user.is_none() && password.is_none() {
        return Ok((uri, None));
    }
    let [user, password] = [&user, &password].map(|part| part.as_ref().map_or("", Secret::expose));
    let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    let mut value = HeaderValue::from_str(&value).expect("base64 is ASCII");
    value.set_sensitive(true);
    Ok((uri, Some(value)))
}
