//! HTTP by ureq alone: the sink's requests to the same endpoint, since only that acknowledges, under other ids.

use jiff::Timestamp;
use ureq::Agent;
use ureq::http::{HeaderName, HeaderValue, Request};

use super::sample::{Sample, nth};
use super::{Bare, Kind, Run};
use crate::error::{Error, Result};
use crate::feed::sink::http::endpoint::Endpoint;
use crate::feed::sink::http::{self as sink};
use crate::feed::sink::target::Target;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: sink::KIND.schemes,
    name: "ureq alone",
    how: "one request after the other over one connection, as large as the sink's, to the same endpoint",
    open,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

struct Poster {
    agent: Agent,
    endpoint: Endpoint,
    messages: Vec<Message>,
    place: String,
}

struct Message {
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

fn open(target: Target, sample: &Sample) -> Result<Box<dyn Bare>> {
    let endpoint = Endpoint::read(target)?;
    let messages = sample.map(|item, event| {
        let headers = endpoint.headers(event).map_err(Error::failed)?;
        Ok(Message { headers, body: endpoint.body.of(item) })
    })?;
    Ok(Box::new(Poster { agent: endpoint.agent(), endpoint, messages, place: sample.place.clone() }))
}

impl Bare for Poster {
    fn publish(&mut self, count: u64, run: &Run) -> Result<()> {
        let batch = self.endpoint.batch.unwrap_or(1) as u64;
        let mut number = 0;
        while number < count {
            let events = batch.min(count - number);
            self.post(number, events)?;
            number += events;
            if !run.count(events) {
                break;
            }
        }
        Ok(())
    }
}

impl Poster {
    /// Sends so many events in one request.
    fn post(&self, first: u64, events: u64) -> Result<()> {
        let Message { headers, body } = nth(&self.messages, first);
        let (kind, body) = match self.endpoint.batch {
            None => ("application/json", body.clone()),
            Some(_) => {
                let lines = (first..first + events).map(|number| nth(&self.messages, number).body.as_slice());
                ("application/x-ndjson", lines.flat_map(|line| [line, b"\n"]).collect::<Vec<_>>().concat())
            }
        };
        let mut request = Request::post(&self.endpoint.uri).header("content-type", kind);
        for (name, value) in self.endpoint.fixed.iter().chain(headers).filter(|(name, _)| *name != IDEMPOTENCY_KEY) {
            request = request.header(name, value);
        }
        if self.endpoint.batch.is_none() {
            request = request.header(IDEMPOTENCY_KEY, format!("{}:{first}", self.place));
        }
        if let Some(signer) = &self.endpoint.signer {
            request = request.header("pgfeed-signature", signer.sign(Timestamp::now().as_second(), &body));
        }
        let request = request.body(body).expect("all parts were checked");
        // The library's words may quote the address.
        let refused = |why: &str| Error::failed(why).doing(format!("posting to {}", self.endpoint.shown));
        let mut response = self.agent.run(request).map_err(|_| refused("the request failed"))?;
        // The connection is used again once an answer was read to its end.
        let _ = response.body_mut().read_to_vec();
        if !response.status().is_success() {
            return Err(refused(&format!("it answers {}", response.status())));
        }
        Ok(())
    }
}
