//! The RabbitMQ sink: publishes events as persistent messages, and acknowledges what the broker has confirmed.

mod address;
mod batch;
mod link;
mod message;
mod patience;
mod publisher;
mod topology;
mod trouble;

use std::sync::Arc;

use lapin::types::ShortString;

use super::registry::{Acknowledgement, Destination, Kind};
use super::target::{Target, yes_or_no};
use super::template::Template;
use crate::error::{Error, Result};
use crate::feed::Sink;
use crate::stop::Stop;
use address::Address;
use message::{Body, Shape};
use publisher::Publisher;
use topology::Declare;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: &["amqp", "amqps"],
    form: "amqp://USER:PASSWORD@HOST:PORT/VHOST, amqps://...",
    about: "Publishes persistent messages to RabbitMQ. Acknowledged when the broker has confirmed them; what no queue is bound for, \
            or has room for, is not delivered. The message id is QUEUE:ID.",
    parameters: &[
        ("exchange", "exchange, a template [the default one, where the routing key names a queue]"),
        ("key", "routing key, a template [{queue}]; to another exchange values have . * # % as %2E %2A %23 %25"),
        ("header.NAME", "a header NAME, a template"),
        ("body", "event, the JSON line, or payload alone [event]"),
        ("mandatory", "yes, or no: the broker drops what no queue is bound for [yes]"),
        (
            "declare",
            "make what is missing: queue or quorum (a queue named as the key), direct, fanout, topic or headers",
        ),
        ("heartbeat", "seconds after which a silent connection is given up [what the broker says]"),
        ("auth", "plain, or external: the client's certificate [plain]"),
        ("ca", "file with the certificates that amqps trusts [the system's]"),
        ("cert, cert_key", "files with the client's certificate and its private key"),
    ],
    prepare,
};

/// A broker, and how events become messages for it.
pub(super) struct Place {
    address: Address,
    shape: Shape,
    declare: Option<Declare>,
    mandatory: bool,
}

fn prepare(mut target: Target, _: Acknowledgement) -> Result<Box<dyn Destination>> {
    let address = Address::take(&mut target)?;
    let template = |value: &str| Template::parse(value);
    let exchange = target.take_as("exchange", template)?.unwrap_or_default();
    let key = target.take_as("key", template)?;
    let body = target.take_as("body", Body::read)?.unwrap_or(Body::Event);
    let mandatory = target.take_as("mandatory", yes_or_no)?.unwrap_or(true);
    let declare = target.take_as("declare", Declare::read)?;
    let headers = target
        .take_prefixed("header.")
        .into_iter()
        .map(|(name, value)| {
            let refused = |why: String| Error::usage(format!("--to {}: header.{name}: {why}", address.shown()));
            let short =
                ShortString::try_new(name.as_str()).map_err(|_| refused("a name has at most 255 bytes".into()))?;
            Ok((short, Template::parse(&value).map_err(refused)?))
        })
        .collect::<Result<Vec<_>>>()?;
    target.finish()?;
    if declare.is_some_and(|declare| declare.is_queue() == (exchange.fixed() != Some(""))) {
        return Err(Error::usage(format!(
            "--to {}: declare: queues go with the default exchange, and the others with exchange=",
            address.shown()
        )));
    }
    let key = key.map_or_else(|| Template::parse("{queue}").map_err(Error::usage), Ok)?;
    let shape = Shape { exchange, key, headers, body };
    Ok(Box::new(Arc::new(Place { address, shape, declare, mandatory })))
}

impl Destination for Arc<Place> {
    fn open(&self, stop: &Stop) -> Result<Box<dyn Sink>> {
        Ok(Box::new(Publisher::new(Arc::clone(self), stop)?))
    }
}
