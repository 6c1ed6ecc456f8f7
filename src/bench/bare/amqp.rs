//! RabbitMQ by lapin alone: messages with the properties of the sink's, into a durable queue.

use std::collections::VecDeque;

use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, PublisherConfirm};

use super::sample::{Sample, nth};
use super::{Bare, FAREWELL, Kind, Run};
use crate::bench::rabbit::{Client, failed};
use crate::error::{Error, Result};
use crate::feed::sink::amqp::publisher::WINDOW;
use crate::feed::sink::amqp::topology::Declare;
use crate::feed::sink::amqp::{self as sink, place};
use crate::feed::sink::target::Target;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: sink::KIND.schemes,
    name: "lapin alone",
    how: "persistent messages with the sink's properties, at most 512 of them unconfirmed",
    open,
};

struct Publisher {
    client: Client,
    queue: ShortString,
    messages: Vec<(BasicProperties, Vec<u8>)>,
    options: BasicPublishOptions,
    /// The queue that the sink has made, which nobody else knows.
    sinks: Option<ShortString>,
}

fn open(target: Target, sample: &Sample) -> Result<Box<dyn Bare>> {
    let place = place(target)?;
    let messages = sample.map(|item, event| {
        let message = place.shape.message(event, place.shape.body.of(item));
        message.map_err(|why| Error::failed(why).doing("making a message"))
    })?;
    let client = Client::open(&place.broker)?;
    let kind = place.declare.filter(|declare| declare.is_queue());
    client.declare(&sample.place, kind.unwrap_or(Declare::Queue))?;
    let is_ours = |key: &ShortString| key.as_str().contains(&*sample.queue);
    let sinks = messages.first().map(|message| message.key.clone()).filter(|key| kind.is_some() && is_ours(key));
    Ok(Box::new(Publisher {
        client,
        queue: ShortString::from(sample.place.as_str()),
        messages: messages.into_iter().map(|message| (message.properties, message.body)).collect(),
        options: BasicPublishOptions { mandatory: place.mandatory, ..BasicPublishOptions::default() },
        sinks,
    }))
}

impl Bare for Publisher {
    fn publish(&mut self, count: u64, run: &Run) -> Result<()> {
        let channel = self.client.channel().clone();
        self.client.wait(run.watch(self.all(&channel, count, run)))
    }
}

impl Publisher {
    async fn all(&self, channel: &Channel, count: u64, run: &Run) -> Result<()> {
        let mut window = VecDeque::with_capacity(WINDOW);
        for number in 0..count {
            if window.len() == WINDOW && !oldest(&mut window, run).await? {
                return Ok(());
            }
            let (properties, body) = nth(&self.messages, number);
            let properties = properties.clone().with_message_id(format!("{}:{number}", self.queue).into());
            let publishing = channel.basic_publish("".into(), self.queue.clone(), self.options, body, properties);
            window.push_back(publishing.await.map_err(|error| failed(&error))?);
        }
        while !window.is_empty() && oldest(&mut window, run).await? {}
        Ok(())
    }
}

/// Waits for the confirmation of the oldest message; returns whether to go on.
async fn oldest(window: &mut VecDeque<PublisherConfirm>, run: &Run) -> Result<bool> {
    let Some(confirm) = window.pop_front() else { return Ok(true) };
    let confirmation = confirm.await.map_err(|error| failed(&error))?;
    if !confirmation.is_ack() || confirmation.take_message().is_some() {
        return Err(Error::failed("RabbitMQ did not take a message"));
    }
    Ok(run.count(1))
}

impl Drop for Publisher {
    fn drop(&mut self) {
        for queue in std::iter::once(&self.queue).chain(&self.sinks) {
            // Whoever does not answer keeps it: it has the name of the schema.
            let _ = self.client.delete(queue.as_str(), FAREWELL);
        }
    }
}
