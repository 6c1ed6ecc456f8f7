//! RabbitMQ as benches need it besides the sink: a connection, made as the sink makes its own, and a queue as a source, of which
//! what is settled is acknowledged. The broker's library and its runtime stay in here.

use std::time::{Duration, Instant};

use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};
use crate::feed::event::{Event, Item, Origin};
use crate::feed::sink::amqp::broker::Broker;
use crate::feed::sink::amqp::link::Link;
use crate::feed::sink::amqp::topology::{Declare, ensure_queue};
use crate::feed::sink::amqp::trouble::Trouble;
use crate::feed::sink::target::Target;
use crate::feed::{Poll, Settled, Source, Undelivered};

/// Most messages that the broker sends ahead of their acknowledgement.
const AHEAD: u16 = 2000;
/// The longest wait for a message, so that a stop is heard.
const WAIT: Duration = Duration::from_millis(50);
/// How long messages are gathered behind the first of a batch, which is a transaction of the other table and an acknowledgement:
/// what comes event by event made 10,400 batches of 36,000 events without it and 1,500 with it, at two thirds of RabbitMQ's own
/// processor time.
const GATHER: Duration = Duration::from_millis(10);
/// How long the broker may take for anything else.
const ANSWER: Duration = Duration::from_secs(10);

/// A connection with a channel that confirms.
pub struct Client {
    runtime: Runtime,
    /// None only while it is being dropped.
    link: Option<Link>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn open(broker: &Broker) -> Result<Self> {
        // Not a runtime that runs only while we are in it: then heartbeats would stop (lapin 4.12).
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let link = runtime.block_on(Link::open(broker));
        let link = link.map_err(|trouble| told(trouble).doing(format!("connecting to {}", broker.shown())))?;
        Ok(Self { runtime, link: Some(link) })
    }

    /// The channel.
    pub fn channel(&self) -> &Channel {
        &self.link().channel
    }

    fn link(&self) -> &Link {
        self.link.as_ref().expect("it is there until the drop")
    }

    /// Works on the library's runtime.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Asks the broker something, and waits for its answer, though not for ever.
    fn ask<T>(&self, within: Duration, asking: impl Future<Output = Result<T, lapin::Error>>) -> Result<T> {
        let answer = self.wait(async { tokio::time::timeout(within, asking).await });
        answer.map_err(|_| failed(&"it does not answer"))?.map_err(|error| failed(&error))
    }

    /// Makes a durable queue.
    ///
    /// # Errors
    /// What the broker says; that it says nothing.
    pub fn declare(&self, queue: &str, kind: Declare) -> Result<()> {
        self.ask(ANSWER, ensure_queue(&self.link().connection, &queue.into(), kind)).map(drop)
    }

    /// Deletes a queue.
    ///
    /// # Errors
    /// What the broker says; that it says nothing for so long.
    pub fn delete(&self, queue: &str, within: Duration) -> Result<()> {
        self.ask(within, self.channel().queue_delete(queue.into(), QueueDeleteOptions::default())).map(drop)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            self.runtime.block_on(link.close());
        }
    }
}

/// A consumer of one queue, which it makes and, at its end, deletes.
pub struct Rabbit {
    client: Client,
    channel: Channel,
    consumer: Consumer,
    queue: String,
    /// The number of the newest message that was handed over.
    newest: u64,
}

/// The broker that a URL of the sink leads to.
///
/// # Errors
/// Usage errors.
pub fn broker(url: &str) -> Result<Broker> {
    Broker::take(&mut Target::parse(url)?)
}

impl Rabbit {
    /// Makes the queue, and begins to consume it.
    ///
    /// # Errors
    /// What the broker says; that it says nothing.
    pub fn open(broker: &Broker, queue: &str) -> Result<Self> {
        let client = Client::open(broker)?;
        client.declare(queue, Declare::Queue)?;
        let (channel, consumer) = client.ask(ANSWER, async {
            let channel = client.link().connection.create_channel().await?;
            channel.basic_qos(AHEAD, BasicQosOptions::default()).await?;
            let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
            let consumer = channel.basic_consume(queue.into(), "pgfeed-bench".into(), options, none).await?;
            Ok((channel, consumer))
        })?;
        Ok(Self { client, channel, consumer, queue: queue.to_owned(), newest: 0 })
    }
}

impl Source for Rabbit {
    fn poll(&mut self, wait: Duration, max: usize) -> Result<Poll> {
        let (consumer, newest) = (&mut self.consumer, &mut self.newest);
        self.client.wait(async {
            let mut batch = Vec::new();
            let Ok(mut next) = tokio::time::timeout(wait.min(WAIT), consumer.next()).await else {
                return Ok(Poll::Idle);
            };
            let until = Instant::now() + GATHER;
            loop {
                let Some(message) = next else { return Ok(Poll::Ended) };
                let message = message.map_err(|error| failed(&error))?;
                *newest = message.delivery_tag;
                batch.push(item(message.data)?);
                if batch.len() >= max {
                    break;
                }
                // Those that are there cost no timer.
                next = match consumer.next().now_or_never() {
                    Some(next) => next,
                    None => match tokio::time::timeout_at(until.into(), consumer.next()).await {
                        Ok(next) => next,
                        Err(_) => break,
                    },
                };
            }
            Ok(Poll::Batch(batch))
        })
    }

    fn settle(&mut self, _batch: Vec<Item>, _undelivered: &[Undelivered]) -> Result<Settled> {
        let options = BasicAckOptions { multiple: true };
        self.client.ask(ANSWER, self.channel.basic_ack(self.newest, options)).map(|_| Settled::Recorded)
    }

    fn give_back(&mut self, _batch: Vec<Item>, _wait: Duration) -> Result<()> {
        let options = BasicNackOptions { multiple: true, requeue: true };
        self.client.ask(ANSWER, self.channel.basic_nack(self.newest, options)).map(drop)
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        // Whoever does not answer keeps the queue, which has the name of the schema.
        let _ = self.client.delete(&self.queue, ANSWER);
    }
}

fn item(body: Vec<u8>) -> Result<Item> {
    let payload = String::from_utf8(body).map_err(|error| failed(&error))?.into_boxed_str();
    let origin = Origin::Channel { channel: "rabbitmq".into(), pid: 0 };
    Ok(Item::Event(Event { origin, at: Timestamp::now(), payload }))
}

/// Why there is no connection.
fn told(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Settings(why, hint) => Error::connection(why).hint(hint),
        Trouble::Passing(why) | Trouble::Blocked(why) | Trouble::Exchange(_, why) => Error::connection(why),
        Trouble::TooLarge(most) => Error::connection(format!("it takes messages of at most {most} bytes")),
    }
}

/// What went wrong with a connection.
pub fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::failed(why.to_string()).doing("RabbitMQ")
}
