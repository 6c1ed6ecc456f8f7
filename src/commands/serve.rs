//! `pgfeed serve`: from channels or a queue to browsers, and back.

mod publish;
mod watch;

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::listen::{self, Outlet};
use super::look::Look;
use super::told::Told;
use crate::cli;
use crate::connection::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::event::ControlKind;
use crate::feed::limits::{Limits, Meter};
use crate::feed::source::listen::{Options, Overflow, Reconnect};
use crate::feed::source::records::Records;
use crate::queue::{self, Queue};
use crate::serve::{self, Origin, Publish, Publishes, Served, Server, Token};
use crate::signal;
use crate::stop::Stop;
use crate::trigger::ColumnName;
use publish::Writer;
use watch::Watch;

/// Bytes held between the connection and the log; the log never waits for a client, so it hardly ever holds any.
const BUFFER_BYTES: usize = 64 << 20;
/// How often to look at a queue even without a bell.
const POLL: Duration = Duration::from_secs(10);
/// Events of a queue looked at together.
const PAGE: usize = 1000;
/// Bytes of their payloads, about.
const PAGE_BYTES: usize = 8 << 20;

/// Serves until a signal.
pub fn run(args: &cli::Serve, context: &Context) -> Result<Exit> {
    let served = served(args)?;
    let column = args.publish_to.as_deref().map(ColumnName::parse).transpose()?;
    let origins = args.origin.iter().map(|origin| Origin::parse(origin)).collect::<Result<_>>()?;
    let token = args.token_file.as_deref().map(|file| token(file, context)).transpose()?;
    let address = address(&args.bind)?;
    if token.is_none() && !address.ip().is_loopback() {
        let why = format!("--bind {} can be reached from other machines, and needs --token-file", args.bind);
        return Err(Error::usage(why).hint("openssl rand -hex 32 > token makes a token"));
    }
    if args.clients == 0 {
        return Err(Error::usage("--clients 0 would serve nobody"));
    }
    let settings = context.settings()?;
    let bound = serve::bind(address)?;
    let address = bound.address();
    let queue = args.queue.as_ref().map(|name| find_queue(args, name, context)).transpose()?;
    let publishing = publishing(args, context, &settings, queue.as_ref(), column)?;
    let options = serve::Options {
        bind: address,
        served,
        origins,
        token,
        clients: usize::try_from(args.clients).unwrap_or(usize::MAX),
        heartbeat: args.heartbeat,
        publishing,
    };
    let server = bound.start(options);
    if (server.seats() as u64) < args.clients {
        let seats = server.seats();
        context.term.warn(format!("the limit of open files leaves room for {seats} clients: ulimit -n raises it"));
    }
    let (term, what, watch) = (context.term, what(args), Watch { term: context.term });
    server.when_live(move || watch::ready(term, &what, address));
    let end = match queue {
        None => {
            let options = listen_options(args, context, settings)?;
            let outlet = Outlet::clients(Box::new(server.fan()));
            listen::follow(options, vec![Box::new(watch)], outlet, &Limits::default(), context.term, &Stop::default())
        }
        Some(queue) => show(&queue, context, settings, &server, watch),
    };
    server.close();
    end
}

fn served(args: &cli::Serve) -> Result<Served> {
    Ok(match &args.queue {
        Some(name) => {
            queue::check_name(name)?;
            Served::Queue(Arc::from(name.as_str()))
        }
        None => Served::Channels(listen::channels(&args.channels)?),
    })
}

/// What is served, for people.
fn what(args: &cli::Serve) -> String {
    match &args.queue {
        Some(name) => format!("queue {name}"),
        None => args.channels.join(", "),
    }
}

fn address(bind: &str) -> Result<SocketAddr> {
    let refused = |why: String| {
        Error::usage(format!("--bind {bind}: {why}")).hint("write an address and a port, as in 127.0.0.1:8080")
    };
    let mut addresses = bind.to_socket_addrs().map_err(|error| refused(error.to_string()))?;
    addresses.next().ok_or_else(|| refused("there is no such address".to_owned()))
}

fn token(file: &Path, context: &Context) -> Result<Token> {
    let reading = || format!("reading the token in {}", file.display());
    let metadata = std::fs::metadata(file).map_err(|error| Error::usage(error.to_string()).doing(reading()))?;
    if metadata.mode() & 0o077 != 0 {
        context.term.warn(format!("others may read the token: chmod 600 {}", file.display()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| Error::usage(error.to_string()).doing(reading()))?;
    Token::new(&text).map_err(|error| error.doing(reading()))
}

fn find_queue(args: &cli::Serve, name: &str, context: &Context) -> Result<Queue> {
    let mut connection = context.connect()?;
    let found = queue::find(&mut *connection, &args.schema, name)?;
    found.ok_or_else(|| {
        Error::usage(format!("there is no queue \"{name}\""))
            .hint("install-trigger --queue or notify --queue --create makes it")
    })
}

fn publishing(
    args: &cli::Serve,
    context: &Context,
    settings: &Settings,
    queue: Option<&Queue>,
    column: Option<ColumnName>,
) -> Result<Option<(Publishes, Box<dyn Publish>)>> {
    let (publishes, writer) = match (args.publish, column, queue) {
        (_, Some(column), _) => {
            let insert = publish::Insert::find(&mut context.connect()?, &column)?;
            (Publishes::Row(insert.table.clone()), Writer::inserts(settings, insert, context.term))
        }
        (true, None, Some(queue)) => (Publishes::Event, Writer::enqueues(settings, queue.clone(), context.term)),
        (true, None, None) => (Publishes::Notification, Writer::notifies(settings, context.term)),
        (false, None, _) => return Ok(None),
    };
    Ok(Some((publishes, Box::new(writer))))
}

fn listen_options(args: &cli::Serve, context: &Context, settings: Settings) -> Result<Options> {
    Ok(Options {
        settings,
        channels: listen::channels(&args.channels)?,
        heartbeat: args.heartbeat,
        reconnect: Reconnect::Always,
        wait_server: context.connection.wait_server,
        buffer_bytes: BUFFER_BYTES,
        overflow: Overflow::Drop,
    })
}

/// Shows what is in a queue and what is added, and takes nothing.
fn show(queue: &Queue, context: &Context, settings: Settings, server: &Server, watch: Watch) -> Result<Exit> {
    let (limits, stop) = (Limits::default(), &Stop::default());
    let meter = &Meter::start(limits);
    signal::watch(stop, signal::GRACE);
    let connection = context.connect_unless(stop)?;
    // What others take while the connection is lost is not shown.
    let records = Some(Arc::new(Records::new(&queue.name, ControlKind::Gap)));
    let (batch, bytes) = (PAGE, PAGE_BYTES);
    let look = Look { queue, settings, records, poll: POLL, ends: false, batch, bytes, meter, stop };
    let told = Told { term: context.term };
    let end = look.run(connection, Box::new(watch), &mut server.fan(), &told, || {});
    Ok(end?.exit(&limits))
}
