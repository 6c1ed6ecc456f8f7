//! One worker's publisher: keeps a window of messages in flight, and says what became of each.

use std::collections::VecDeque;
use std::sync::Arc;

use lapin::options::BasicPublishOptions;
use lapin::{Channel, Connection, Error as Refusal, PublisherConfirm};
use tokio::runtime::Runtime;

use super::Place;
use super::batch::Batch;
use super::link::Link;
use super::message::Message;
use super::topology::Known;
use super::trouble::{Trouble, code_of};
use super::waiting::{blocked, wait};
use crate::error::{Error, Result};
use crate::feed::event::Item;
use crate::feed::sink::patience::Patience;
use crate::feed::{Outcome, Sink, Written};
use crate::stop::Stop;

/// How many messages may wait for their confirmation: more are no faster, and are published again when the broker dies.
pub(crate) const WINDOW: usize = 512;
/// What a frame may hold besides the properties of a message, in bytes.
const FRAME_MARGIN: usize = 64;

/// Publishes for one worker.
pub struct Publisher {
    place: Arc<Place>,
    /// None only while it is being dropped.
    runtime: Option<Runtime>,
    stop: Stop,
    link: Option<Link>,
    /// The largest body that the broker takes, in bytes, as far as it has told.
    most_bytes: Option<usize>,
    written: Vec<Message>,
}

impl Publisher {
    /// Starts without a connection.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn new(place: Arc<Place>, stop: &Stop) -> Result<Self> {
        // Not a runtime that runs only while we are in it: then heartbeats would stop between two flushes (lapin 4.12).
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime =
            runtime.map_err(|error| Error::failed(error.to_string()).doing("starting the RabbitMQ client"))?;
        let (stop, runtime) = (stop.clone(), Some(runtime));
        Ok(Self { place, runtime, stop, link: None, most_bytes: None, written: Vec::new() })
    }

    /// Publishes what is open, and waits for every confirmation.
    fn publish(&mut self, batch: &mut Batch) -> Result<(), Trouble> {
        let runtime = self.runtime.as_ref().expect("it is there until the drop");
        let place = &*self.place;
        let patience = || Patience::new(&self.stop, place.timeout);
        if let Some(link) = &mut self.link {
            // On another connection, the broker would take the first message each time, and then block that one too.
            if let (true, Some(reason)) = (link.stands(), link.blocking.reason()) {
                return Err(blocked(reason));
            }
            if link.abandoned || !link.stands() {
                self.link = None;
            }
        }
        runtime.block_on(async {
            let link = match &mut self.link {
                Some(link) => link,
                none => {
                    let link = wait(patience(), None, Link::open(&place.broker)).await?;
                    place.proven.prove();
                    none.insert(link)
                }
            };
            let Link { connection, channel, known, blocking, .. } = &mut *link;
            let publishing = Publishing { place, connection, channel, known };
            let published = wait(patience(), Some(blocking), publishing.all(batch)).await;
            link.abandoned = published.is_err();
            if batch.any_leads_nowhere() {
                // A queue may have gone that was there.
                link.known = Known::default();
            }
            published
        })
    }

    /// What follows from trouble: `None` when it is overcome, and the rest can be published on another connection.
    fn face(&mut self, trouble: Trouble, batch: &mut Batch) -> Result<Option<Outcome>> {
        let shown = self.place.broker.shown();
        let why = match trouble {
            Trouble::TooLarge(most) => {
                self.most_bytes = Some(most);
                if batch.refuse_those(|message| message.body.len() > most, |message| too_large(message, most)) {
                    return Ok(None);
                }
                format!("it takes messages of at most {most} bytes")
            }
            Trouble::Exchange(name, why) => {
                let by_event = !self.place.shape.exchange.is_the_same_for_all();
                if by_event && batch.lead_nowhere(|message| message.exchange.as_str() == name, &why) {
                    return Ok(None);
                }
                why
            }
            Trouble::Settings(why, hint) if !self.place.proven.is_proven() => {
                return Err(Error::connection(why).doing(format!("connecting to {shown}")).hint(hint));
            }
            Trouble::Blocked(why) | Trouble::Passing(why) | Trouble::Settings(why, _) => why,
        };
        Ok(Some(Outcome::Unavailable(format!("{shown}: {why}"))))
    }
}

impl Sink for Publisher {
    fn write(&mut self, item: &Item) -> Result<Written> {
        let Item::Event(event) = item else { return Ok(Written::Taken) };
        let message = match self.place.shape.message(event, self.place.shape.body.of(item)) {
            Ok(message) => message,
            Err(why) => return Ok(Written::Refused(why)),
        };
        if let Some(most) = self.most_bytes.filter(|most| message.body.len() > *most) {
            return Ok(Written::Refused(too_large(&message, most)));
        }
        self.written.push(message);
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        let mut batch = Batch::of(std::mem::take(&mut self.written));
        if batch.messages.is_empty() {
            return Ok(Outcome::Delivered);
        }
        // Ends: whatever is not the end of it refuses a message that was open.
        while let Err(trouble) = self.publish(&mut batch) {
            batch.forget();
            if let Some(outcome) = self.face(trouble, &mut batch)? {
                return Ok(outcome);
            }
        }
        let Place { broker, shape, dead_ends, .. } = &*self.place;
        let dead_ends = (!shape.is_one_route()).then_some(dead_ends);
        Ok(batch.outcome(dead_ends, |why| format!("{}: {why}", broker.shown())))
    }

    fn notices(&mut self) -> Vec<String> {
        self.place.notices.take()
    }

    fn close(&mut self) -> Result<()> {
        if let (Some(runtime), Some(link)) = (&self.runtime, self.link.take()) {
            runtime.block_on(link.close());
        }
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.link = None;
        if let Some(runtime) = self.runtime.take() {
            // A look-up of a name may take longer than anybody wants to wait.
            runtime.shutdown_background();
        }
    }
}

fn too_large(message: &Message, most: usize) -> String {
    format!("the message has {} bytes, and RabbitMQ takes {most} at most (max_message_size)", message.body.len())
}

/// The parts of a link that publishing needs.
struct Publishing<'a> {
    place: &'a Place,
    connection: &'a Connection,
    channel: &'a Channel,
    known: &'a mut Known,
}

impl Publishing<'_> {
    async fn all(self, batch: &mut Batch) -> Result<(), Trouble> {
        let mut window = VecDeque::with_capacity(WINDOW);
        let frame_max = self.connection.configuration().frame_max() as usize;
        for place in 0..batch.messages.len() {
            if !batch.is_open(place) {
                continue;
            }
            let head_bytes = batch.messages[place].head_bytes + FRAME_MARGIN;
            if frame_max > 0 && head_bytes > frame_max {
                batch.refuse(place, format!("its headers have {head_bytes} bytes, and a frame {frame_max}"));
                continue;
            }
            match self.known.check(self.connection, &batch.messages[place], self.place.declare).await {
                Err(Trouble::Exchange(_, why)) if !self.place.shape.exchange.is_the_same_for_all() => {
                    batch.leads_nowhere(place, why);
                    continue;
                }
                checked => {
                    if let Some(odd) = checked? {
                        self.place.notices.add(format!("{}: {odd}", self.place.broker.shown()));
                    }
                }
            }
            if window.len() == WINDOW {
                oldest(&mut window, batch).await.map_err(|error| Trouble::publishing(&error))?;
            }
            match self.publish(&batch.messages[place]).await {
                Ok(confirm) => window.push_back((place, confirm)),
                Err(error) => return Err(cause(error, window, batch).await),
            }
        }
        while !window.is_empty() {
            oldest(&mut window, batch).await.map_err(|error| Trouble::publishing(&error))?;
        }
        batch.sort_returned()
    }

    async fn publish(&self, message: &Message) -> Result<PublisherConfirm, Refusal> {
        let options = BasicPublishOptions { mandatory: self.place.mandatory, ..BasicPublishOptions::default() };
        let Message { exchange, key, properties, body, .. } = message;
        self.channel.basic_publish(exchange.clone(), key.clone(), options, body, properties.clone()).await
    }
}

/// Messages that wait for their confirmation, oldest first.
type Window = VecDeque<(usize, PublisherConfirm)>;

/// Waits for the confirmation of the oldest message.
async fn oldest(window: &mut Window, batch: &mut Batch) -> Result<(), Refusal> {
    if let Some((place, confirm)) = window.pop_front() {
        batch.confirm(place, confirm.await?);
    }
    Ok(())
}

/// Why nothing can be published any more: what is in flight knows better than what comes after it.
async fn cause(error: Refusal, mut window: Window, batch: &mut Batch) -> Trouble {
    while code_of(&error).is_none() && !window.is_empty() {
        match oldest(&mut window, batch).await {
            Err(cause) if code_of(&cause).is_some() => return Trouble::publishing(&cause),
            _ => {}
        }
    }
    Trouble::publishing(&error)
}
