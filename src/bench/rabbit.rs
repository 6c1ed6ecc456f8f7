//! A RabbitMQ queue as a source: what is settled is acknowledged. The broker's library and its runtime stay in here.

use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, Consumer};
use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};
use crate::feed::event::{Event, Item, Origin};
use crate::feed::{Poll, Settled, Source, Undelivered};

/// Most messages that the broker sends ahead of their acknowledgement.
const AHEAD: u16 = 2000;
/// The longest wait for a message, so that a stop is heard.
const WAIT: Duration = Duration::from_millis(50);
/// How long the broker may take for anything else.
const ANSWER: Duration = Duration::from_secs(10);

/// A consumer of one queue, which it makes and, at its end, deletes.
pub struct Rabbit {
    runtime: Runtime,
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    queue: String,
    /// The number of the newest message that was handed over.
    newest: u64,
}

impl Rabbit {
    /// Makes the queue, and begins to consume it.
    ///
    /// # Errors
    /// What the broker says; that it says nothing.
    pub fn open(url: &str, queue: &str) -> Result<Self> {
        // Not a runtime that runs only while we are in it: then heartbeats would stop (lapin 4.12).
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let opening = async {
            let connection = Connection::connect(url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            channel.queue_declare(queue.into(), durable, FieldTable::default()).await?;
            channel.basic_qos(AHEAD, BasicQosOptions::default()).await?;
            let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
            let consumer = channel.basic_consume(queue.into(), "pgfeed-bench".into(), options, none).await?;
            Ok((connection, channel, consumer))
        };
        let (connection, channel, consumer) = answered(&runtime, opening)?;
        Ok(Self { runtime, connection, channel, consumer, queue: queue.to_owned(), newest: 0 })
    }
}

impl Source for Rabbit {
    fn poll(&mut self, wait: Duration, max: usize) -> Result<Poll> {
        let (consumer, newest) = (&mut self.consumer, &mut self.newest);
        self.runtime.block_on(async {
            let mut batch = Vec::new();
            let Ok(mut next) = tokio::time::timeout(wait.min(WAIT), consumer.next()).await else {
                return Ok(Poll::Idle);
            };
            loop {
                let Some(message) = next else { return Ok(Poll::Ended) };
                let message = message.map_err(|error| failed(&error))?;
                *newest = message.delivery_tag;
                batch.push(item(message.data)?);
                if batch.len() >= max {
                    break;
                }
                // Only what is there already.
                match consumer.next().now_or_never() {
                    Some(more) => next = more,
                    None => break,
                }
            }
            Ok(Poll::Batch(batch))
        })
    }

    fn settle(&mut self, _batch: Vec<Item>, _undelivered: &[Undelivered]) -> Result<Settled> {
        let options = BasicAckOptions { multiple: true };
        answered(&self.runtime, self.channel.basic_ack(self.newest, options)).map(|_| Settled::Recorded)
    }

    fn give_back(&mut self, _batch: Vec<Item>, _wait: Duration) -> Result<()> {
        let options = BasicNackOptions { multiple: true, requeue: true };
        answered(&self.runtime, self.channel.basic_nack(self.newest, options)).map(drop)
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        // Whoever does not answer keeps the queue, which has the name of the schema.
        let _ = answered(&self.runtime, async {
            self.channel.queue_delete(self.queue.as_str().into(), QueueDeleteOptions::default()).await?;
            self.connection.close(200, "OK".into()).await
        });
    }
}

fn item(body: Vec<u8>) -> Result<Item> {
    let payload = String::from_utf8(body).map_err(|error| failed(&error))?.into_boxed_str();
    let origin = Origin::Channel { channel: "rabbitmq".into(), pid: 0 };
    Ok(Item::Event(Event { origin, at: Timestamp::now(), payload }))
}

/// Waits for the broker, though not for ever.
fn answered<T>(runtime: &Runtime, asking: impl Future<Output = Result<T, lapin::Error>>) -> Result<T> {
    let answer = runtime.block_on(async { tokio::time::timeout(ANSWER, asking).await });
    answer.map_err(|_| failed(&"it does not answer"))?.map_err(|error| failed(&error))
}

fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::failed(why.to_string()).doing("consuming from RabbitMQ")
}
