//! The RabbitMQ sink: publishes events as persistent messages, and acknowledges what the broker has confirmed.

mod batch;
pub(crate) mod broker;
pub(crate) mod link;
mod message;
pub(crate) mod publisher;
pub(crate) mod topology;
pub(crate) mod trouble;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use lapin::types::ShortString;

use super::body::{self, Body};
use super::dead_ends::DeadEnds;
use super::notices::Notices;
use super::patience;
use super::proven::Proven;
use super::registry::{Acknowledgement, Destination, Kind};
use super::target::{Target, yes_or_no};
use super::template::Template;
use super::tls;
use crate::error::{Error, Result};
use crate::feed::Sink;
use crate::stop::Stop;
use broker::Broker;
use message::Shape;
use publisher::Publisher;
use topology::Declare;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: &["amqp", "amqps"],
    form: "amqp://USER:PASSWORD@HOST:PORT/VHOST, amqps://...",
    about: "Publishes persistent messages to RabbitMQ. Acknowledged when the broker has confirmed them; what no queue is bound for, \
            or has room for, is not delivered. The message id is QUEUE:ID:MICROSECONDS.",
    parameters: &[
        ("exchange", "exchange, a template [the default one, where the routing key names a queue]"),
        ("key", "routing key, a template [{queue}]; to another exchange values have . * # % as %2E %2A %23 %25"),
        ("header.NAME", "a header NAME, a template"),
        body::PARAMETER,
        ("mandatory", "yes, or no: the broker drops what no queue is bound for [yes]"),
        (
            "declare",
            "make what is missing: queue or quorum (a queue named as the key), direct, fanout, topic or headers; what is there is taken as it is",
        ),
        ("heartbeat", "seconds after which a silent connection is given up [what the broker says]"),
        patience::PARAMETER,
        ("auth", "plain, or external: the client's certificate [plain]"),
        tls::PARAMETERS[0],
        tls::PARAMETERS[1],
        tls::PARAMETERS[2],
    ],
    prepare,
};

/// How the parameters begin that make headers.
const HEADER: &str = "header.";

/// A broker, and how events become messages for it.
pub(crate) struct Place {
    pub broker: Broker,
    pub shape: Shape,
    pub declare: Option<Declare>,
    pub mandatory: bool,
    /// How long a connection or a confirmation may take.
    timeout: Duration,
    /// Whether there ever was a connection.
    proven: Proven,
    /// Exchanges and routing keys for which there is no queue.
    dead_ends: DeadEnds,
    /// What is odd about exchanges and queues.
    notices: Notices,
}

fn prepare(target: Target, _: Acknowledgement) -> Result<Box<dyn Destination>> {
    Ok(Box::new(Arc::new(place(target)?)))
}

/// Reads a URL.
///
/// # Errors
/// Usage errors.
pub(crate) fn place(mut target: Target) -> Result<Place> {
    let broker = Broker::take(&mut target)?;
    let template = |value: &str| Template::parse(value);
    let exchange = target.take_as("exchange", template)?.unwrap_or_default();
    let key = target.take_as("key", template)?;
    let body = Body::take(&mut target)?;
    let mandatory = target.take_as("mandatory", yes_or_no)?.unwrap_or(true);
    let timeout = patience::take(&mut target)?;
    let declare = target.take_as("declare", Declare::read)?;
    let mut headers = Vec::new();
    for parameter in target.names(HEADER) {
        let name = &parameter[HEADER.len()..];
        let short = ShortString::try_new(name).ok().filter(|_| !name.is_empty());
        let short = short
            .ok_or_else(|| Error::usage(format!("--to {}: {HEADER}: a name has 1 to 255 bytes", broker.shown())))?;
        if let Some(value) = target.take_as(&parameter, template)? {
            headers.push((short, value));
        }
    }
    target.finish()?;
    if declare.is_some_and(|declare| declare.is_queue() == (exchange.fixed() != Some(""))) {
        return Err(Error::usage(format!(
            "--to {}: declare: queues go with the default exchange, and the others with exchange=",
            broker.shown()
        )));
    }
    let key = key.map_or_else(|| Template::parse("{queue}").map_err(Error::usage), Ok)?;
    let shape = Shape { exchange, key, headers, body };
    let (proven, dead_ends, notices) = (Proven::default(), DeadEnds::default(), Notices::default());
    Ok(Place { broker, shape, declare, mandatory, timeout, proven, dead_ends, notices })
}

impl Destination for Arc<Place> {
    fn open(&self, stop: &Stop) -> Result<Box<dyn Sink>> {
        Ok(Box::new(Publisher::new(Arc::clone(self), stop)?))
    }
}
