//! A client of a broker, as anybody would write it, that waits for everything.

use lapin::message::Delivery;
use lapin::options::{
    BasicGetOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use tokio::runtime::Runtime;

use crate::harness::broker::rabbitmq::RabbitMq;
use crate::harness::wait_at_most;

/// A connection.
pub struct Client {
    runtime: Runtime,
    channel: Channel,
    _connection: Connection,
}

/// A message that was taken from a queue.
#[derive(Debug, Clone)]
pub struct Got {
    pub id: Option<String>,
    pub key: String,
    pub body: String,
    pub delivery: std::sync::Arc<Delivery>,
}

impl Client {
    /// Connects.
    pub fn of(broker: &RabbitMq) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (connection, channel) = runtime.block_on(async {
            let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            (connection, channel)
        });
        Self { runtime, channel, _connection: connection }
    }

    /// Makes a durable queue.
    pub fn declare(&self, name: &str) {
        self.declare_with(name, &[]);
    }

    /// The same with arguments.
    pub fn declare_with(&self, name: &str, arguments: &[(&str, AMQPValue)]) {
        let mut table = FieldTable::default();
        for (name, value) in arguments {
            table.insert((*name).into(), value.clone());
        }
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.runtime.block_on(self.channel.queue_declare(name.into(), options, table)).unwrap();
    }

    /// Deletes a queue.
    pub fn delete(&self, name: &str) {
        self.runtime.block_on(self.channel.queue_delete(name.into(), QueueDeleteOptions::default())).unwrap();
    }

    /// Throws away what is in a queue; returns how many messages that were.
    pub fn purge(&self, name: &str) -> u32 {
        self.runtime.block_on(self.channel.queue_purge(name.into(), QueuePurgeOptions::default())).unwrap()
    }

    /// Makes an exchange.
    pub fn exchange(&self, name: &str, kind: ExchangeKind) {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declaring = self.channel.exchange_declare(name.into(), kind, options, FieldTable::default());
        self.runtime.block_on(declaring).unwrap();
    }

    /// Deletes an exchange.
    pub fn delete_exchange(&self, name: &str) {
        self.runtime.block_on(self.channel.exchange_delete(name.into(), ExchangeDeleteOptions::default())).unwrap();
    }

    /// Binds a queue to an exchange.
    pub fn bind(&self, queue: &str, exchange: &str, pattern: &str) {
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        let binding = self.channel.queue_bind(queue.into(), exchange.into(), pattern.into(), options, none);
        self.runtime.block_on(binding).unwrap();
    }

    /// Takes the next message, if there is one.
    pub fn next(&self, queue: &str) -> Option<Got> {
        let options = BasicGetOptions { no_ack: true };
        let delivery = self.runtime.block_on(self.channel.basic_get(queue.into(), options)).unwrap()?.delivery;
        Some(Got {
            id: delivery.properties.message_id().as_ref().map(ToString::to_string),
            key: delivery.routing_key.to_string(),
            body: String::from_utf8(delivery.data.clone()).unwrap(),
            delivery: delivery.into(),
        })
    }

    /// Takes everything that is there. To be called when nobody publishes any more: who does may be faster.
    pub fn all(&self, queue: &str) -> Vec<Got> {
        std::iter::from_fn(|| self.next(queue)).collect()
    }

    /// Waits for a message, and takes it.
    #[track_caller]
    pub fn wait(&self, queue: &str) -> Got {
        let mut got = None;
        wait_at_most(super::PATIENCE, "a message is there", || {
            got = self.next(queue);
            got.is_some()
        });
        got.unwrap()
    }
}
