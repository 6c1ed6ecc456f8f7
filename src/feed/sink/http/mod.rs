//! The HTTP sink: posts events to an endpoint, which acknowledges them with its answer.

mod answer;
pub(crate) mod endpoint;
mod signature;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::de::IgnoredAny;
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Request};

use super::ACKNOWLEDGE_WITHIN;
use super::body::Body;
use super::isolate::{Offer, isolate};
use super::plain::{NO_TLS, is_plain};
use super::registry::{Acknowledgement, Destination, Kind};
use super::target::Target;
use crate::error::Result;
use crate::feed::event::{Event, Item};
use crate::feed::format::append_payload;
use crate::feed::{Outcome, Refuses, Sink, Written};
use crate::stop::Stop;
use crate::units::show_duration;
use answer::Answer;
use endpoint::Endpoint;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: &["http", "https"],
    form: "http://[USER[:PASSWORD]@]HOST[:PORT]/PATH, https://...",
    about: "Posts each event, with Idempotency-Key: QUEUE:ID:MICROSECONDS. Acknowledged by a status of 2xx; 429, 5xx and silence are an outage, and\n\
            Retry-After is honoured; other 4xx refuse. Redirects are not followed. Parameters with other names are the endpoint's.",
    parameters: &[
        (
            "pgfeed.batch",
            "so many events at most in a request, a line each (application/x-ndjson) [one, as application/json]",
        ),
        ("pgfeed.body", "event, or payload: the payload alone [event]"),
        ("pgfeed.header.NAME", "a template for the header NAME"),
        (
            "pgfeed.secret-file",
            "sign with the secret in this file: Pgfeed-Signature: t=SECONDS,v1=HMAC-SHA256 of \"SECONDS.BODY\" in hex",
        ),
        ("pgfeed.timeout", "for a whole request, at most 30s [30s]"),
        ("pgfeed.ca", "a file of certificates to trust, instead of the system's"),
    ],
    prepare,
};

/// What is read of an answer, in bytes: its end has to be seen for the connection to be used again.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// No request begins later than this behind the first of a batch: the server ends the session that holds the batch soon after
/// the time in which the last one must be answered.
const BEGIN_WITHIN: Duration = Duration::from_secs(ACKNOWLEDGE_WITHIN.as_secs() / 2);

struct Place(Arc<Endpoint>);

fn prepare(target: Target, _: Acknowledgement) -> Result<Box<dyn Destination>> {
    Ok(Box::new(Place(Arc::new(Endpoint::read(target)?))))
}

impl Destination for Place {
    fn open(&self, stop: &Stop) -> Result<Box<dyn Sink>> {
        let (endpoint, agent, stop) = (Arc::clone(&self.0), self.0.agent(), stop.clone());
        Ok(Box::new(Poster { endpoint, agent, stop, waiting: Vec::new(), closed: None }))
    }
}

/// A worker's way to the endpoint.
struct Poster {
    endpoint: Arc<Endpoint>,
    agent: Agent,
    stop: Stop,
    waiting: Vec<Waiting>,
    /// Why and until when the endpoint wants to be left alone.
    closed: Option<(String, Instant)>,
}

/// An event, ready to be sent.
struct Waiting {
    key: Option<i64>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
    is_json: bool,
}

impl Poster {
    fn ready(&self, item: &Item, event: &Event) -> Result<Waiting, String> {
        let headers = self.endpoint.headers(event)?;
        let body = match (self.endpoint.body, self.endpoint.batch) {
            (Body::Payload, Some(_)) => {
                let mut line = Vec::new();
                append_payload(&mut line, &event.payload);
                line
            }
            (body, _) => body.of(item),
        };
        let is_json = self.endpoint.body == Body::Event || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        Ok(Waiting { key: event.key(), headers, body, is_json })
    }

    /// Sends events in one request.
    fn post(&self, events: &[&Waiting]) -> Answer {
        let (mut body, mut kind) = (Vec::new(), "application/x-ndjson");
        match events {
            [only] if self.endpoint.batch.is_none() => {
                body.extend_from_slice(&only.body);
                kind = if only.is_json { "application/json" } else { "text/plain; charset=utf-8" };
            }
            _ => events.iter().for_each(|event| {
                body.extend_from_slice(&event.body);
                body.push(b'\n');
            }),
        }
        let mut request = Request::post(&self.endpoint.uri);
        let headers = request.headers_mut().expect("the address was checked");
        headers.insert("content-type", HeaderValue::from_static(kind));
        if let Some(signer) = &self.endpoint.signer {
            let signature = signer.sign(Timestamp::now().as_second(), &body);
            headers.insert("pgfeed-signature", signature.parse().expect("digits and letters"));
        }
        let own = events.iter().flat_map(|event| &event.headers);
        for (name, value) in self.endpoint.fixed.iter().chain(own) {
            headers.insert(name, value.clone());
        }
        let request = request.body(body).expect("all parts were checked");
        match self.agent.run(request) {
            Ok(mut response) => {
                let answer = answer::of(response.status(), response.headers(), Timestamp::now());
                // Whatever it says: the status is the answer.
                let _ = response.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
                answer
            }
            Err(error) => Answer::Away(self.told(&error), None),
        }
    }

    /// What went wrong, without the library's words where they may quote an address.
    fn told(&self, error: &ureq::Error) -> String {
        match error {
            ureq::Error::Timeout(_) => {
                format!("it did not answer within {}", show_duration(self.endpoint.timeout))
            }
            ureq::Error::Io(error) if is_plain(error) => NO_TLS.to_owned(),
            ureq::Error::Rustls(error) if is_plain(error) => NO_TLS.to_owned(),
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Rustls(error) => error.to_string(),
            ureq::Error::HostNotFound => "there is no such host".to_owned(),
            ureq::Error::ConnectProxyFailed(_) | ureq::Error::InvalidProxyUrl => "the proxy does not let us".to_owned(),
            ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..) => {
                "what answers there is not HTTP".to_owned()
            }
            _ => "the request failed".to_owned(),
        }
    }
}

impl Sink for Poster {
    fn write(&mut self, item: &Item) -> Result<Written> {
        let Item::Event(event) = item else { return Ok(Written::Taken) };
        Ok(match self.ready(item, event) {
            Ok(ready) => {
                self.waiting.push(ready);
                Written::Taken
            }
            Err(reason) => Written::Refused(reason),
        })
    }

    fn flush(&mut self) -> Result<Outcome> {
        let events = std::mem::take(&mut self.waiting);
        let started = Instant::now();
        if let Some((why, until)) = &self.closed
            && *until > started
        {
            return Ok(Outcome::UnavailableFor(why.clone(), *until - started));
        }
        let mut away: Option<(String, Option<Duration>)> = None;
        let mut has_taken = false;
        let offer = |places: &[usize]| -> Result<Offer> {
            if away.is_some() || self.stop.requested().is_some() || started.elapsed() >= BEGIN_WITHIN {
                return Ok(Offer::NotTried);
            }
            let posted: Vec<&Waiting> = places.iter().map(|place| &events[*place]).collect();
            Ok(match self.post(&posted) {
                Answer::Taken => {
                    has_taken = true;
                    Offer::Taken
                }
                Answer::Refused(reason) => Offer::Refused(reason),
                Answer::Away(why, wait) => {
                    away = Some((why, wait));
                    Offer::NotTried
                }
            })
        };
        let undelivered = isolate(events.len(), self.endpoint.batch.unwrap_or(1), |place| events[place].key, offer)?;
        let away = away.map(|(why, wait)| (format!("{}: {why}", self.endpoint.shown), wait));
        self.closed = away.clone().and_then(|(why, wait)| Some((why, Instant::now() + wait?)));
        Ok(match away {
            // What was acknowledged need not be sent again.
            Some((why, wait)) if !has_taken && undelivered.iter().all(|one| one.reason.is_none()) => match wait {
                Some(wait) => Outcome::UnavailableFor(why, wait),
                None => Outcome::Unavailable(why),
            },
            _ if undelivered.is_empty() => Outcome::Delivered,
            _ => Outcome::AllBut(undelivered),
        })
    }

    fn refuses(&self) -> Refuses {
        Refuses::InOrder
    }
}
