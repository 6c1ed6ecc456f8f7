//! NATS JetStream by async-nats alone: messages with the sink's headers, into a stream that stores as the sink's does.

use std::collections::VecDeque;
use std::sync::Arc;

use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::{Context, stream};
use async_nats::{HeaderMap, header};
use bytes::Bytes;

use super::sample::{Sample, nth};
use super::{Bare, FAREWELL, Kind, Run, failed};
use crate::error::{Error, Result};
use crate::feed::sink::nats::link::{Failed, Link};
use crate::feed::sink::nats::options::Options;
use crate::feed::sink::nats::publish::WINDOW;
use crate::feed::sink::nats::{self as sink, subject};
use crate::feed::sink::patience::Patience;
use crate::feed::sink::registry::Acknowledgement;
use crate::feed::sink::target::Target;
use crate::stop::Stop;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: sink::KIND.schemes,
    name: "async-nats alone",
    how: "messages with Nats-Msg-Id into a stream as the sink's, at most 1024 of them unacknowledged",
    open,
};

struct Publisher {
    /// None while it is published over.
    link: Option<Link>,
    messages: Arc<Messages>,
}

/// What is published.
struct Messages {
    /// The stream and its only subject.
    name: String,
    bodies: Vec<Bytes>,
    /// Whether the sink names its stream in each message.
    names_stream: bool,
}

fn open(target: Target, sample: &Sample) -> Result<Box<dyn Bare>> {
    let options = Options::of(target, Acknowledgement::Needed)?;
    let mut patience = Patience::new(&Stop::default(), options.within);
    let mut link = Link::open(&options, &mut patience).map_err(|failed| {
        let why = match failed {
            Failed::NotAccepted => "the server does not accept the credentials".to_owned(),
            Failed::Unavailable(why) => why,
        };
        Error::connection(why).doing(format!("connecting to {}", options.shown))
    })?;
    let bodies = sample.map(|item, _| Ok(Bytes::from(options.body.of(item))))?;
    let subjects = sample.map(|_, event| subject::of(&options.subject, event).map_err(Error::failed))?;
    let name = sample.place.clone();
    link.run(async |line| {
        let jetstream = line.jetstream();
        let like = sinks_stream(&jetstream, &options, subjects.first()).await.unwrap_or_default();
        let config = stream::Config {
            subjects: vec![name.clone()],
            name: name.clone(),
            storage: like.storage,
            num_replicas: like.num_replicas,
            duplicate_window: like.duplicate_window,
            ..Default::default()
        };
        jetstream.create_stream(config).await.map(drop).map_err(|error| failed(&error))
    })?;
    let messages = Arc::new(Messages { name, bodies, names_stream: options.stream.is_some() });
    Ok(Box::new(Publisher { link: Some(link), messages }))
}

/// How the stream stores that the sink publishes to, as far as can be found out.
async fn sinks_stream(jetstream: &Context, options: &Options, subject: Option<&String>) -> Option<stream::Config> {
    let name = match &options.stream {
        Some(name) => name.clone(),
        None => jetstream.stream_by_subject(subject?).await.ok()?,
    };
    Some(jetstream.get_stream(name).await.ok()?.cached_info().config.clone())
}

impl Bare for Publisher {
    fn publish(&mut self, count: u64, run: &Run) -> Result<()> {
        let link = self.link.take().expect("it is put back when all is published");
        let (messages, run) = (Arc::clone(&self.messages), run.clone());
        // By the connection's thread, as the sink does.
        let busy = link.start(async move |line| {
            let ended = run.watch(messages.publish(&line.jetstream(), count, &run)).await;
            (line, ended)
        });
        let (link, ended) = busy.end();
        self.link = Some(link);
        ended
    }
}

impl Messages {
    async fn publish(&self, jetstream: &Context, count: u64, run: &Run) -> Result<()> {
        let Self { name, bodies, names_stream } = self;
        let subject = async_nats::Subject::from(name.as_str());
        let mut window = VecDeque::with_capacity(WINDOW);
        for number in 0..count {
            if window.len() == WINDOW && !oldest(&mut window, run).await? {
                return Ok(());
            }
            let mut headers = HeaderMap::new();
            headers.insert(header::NATS_MESSAGE_ID, format!("{name}:{number}"));
            if *names_stream {
                headers.insert(header::NATS_EXPECTED_STREAM, name.as_str());
            }
            let body = nth(bodies, number).clone();
            let publishing = jetstream.publish_with_headers(subject.clone(), headers, body);
            window.push_back(publishing.await.map_err(|error| failed(&error))?);
        }
        while !window.is_empty() && oldest(&mut window, run).await? {}
        Ok(())
    }
}

/// Waits for the acknowledgement of the oldest message; returns whether to go on.
async fn oldest(window: &mut VecDeque<PublishAckFuture>, run: &Run) -> Result<bool> {
    let Some(acknowledgement) = window.pop_front() else { return Ok(true) };
    acknowledgement.await.map_err(|error| failed(&error))?;
    Ok(run.count(1))
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let (Some(link), name) = (&mut self.link, &self.messages.name) else { return };
        // Whoever does not answer keeps the stream, which has the name of the schema.
        let _ = link.run(async |line| {
            let jetstream = line.jetstream();
            tokio::time::timeout(FAREWELL, jetstream.delete_stream(name)).await
        });
    }
}
