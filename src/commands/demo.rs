//! `pgfeed demo`: a throwaway server, a sample shop, somebody who shops there, and the feed.

mod command;
mod shop;

use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, stdout, throwaway_settings};
use super::listen::{Outlet, follow};
use crate::bounded::{self, Outcome};
use crate::cli;
use crate::cluster::{Builder, Cluster, Tcp};
use crate::connection::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::event::{Control, ControlKind};
use crate::feed::format::{Format, Json, Pretty};
use crate::feed::limits::Limits;
use crate::feed::sink::Stdout;
use crate::feed::source::listen::{self, Observer, Overflow, Reconnect};
use crate::signal;
use crate::stop::{Stop, StopReason};
use crate::term::Term;

const DATABASE: &str = "shop";
/// What sessions are called.
const NAME: &str = "pgfeed demo";

/// Runs the demo.
pub fn run(args: &cli::Demo, context: &Context) -> Result<Exit> {
    refuse_other_servers(&context.connection)?;
    let term = context.term;
    let stop = Stop::default();
    signal::watch(&stop, if args.command.is_empty() { signal::GRACE } else { command::GRACE });
    let builder = builder(args, context)?;
    // In a thread: initdb takes longer than a signal may wait. What there is of a server by then is removed by its guard.
    let opening = bounded::start(move || open(&builder));
    let (cluster, shop) = match opening.wait_unless(&|| stop.requested().is_some()) {
        Outcome::Done(opened) => opened?,
        Outcome::Expired => return Ok(Exit::Signal),
        Outcome::Died => return Err(Error::failed("the thread that starts the server ended unexpectedly")),
    };

    let url = cluster.url(DATABASE);
    term.copyable(&format!("DATABASE_URL={url}"));
    let writer = (!args.no_writes).then(|| Writer { shop: shop.clone(), rate: args.rate, term, stop: stop.clone() });
    let exit = if args.command.is_empty() {
        watch(args, term, shop, writer, &stop)
    } else {
        writer.into_iter().for_each(Writer::start);
        command::run(&args.command, &cluster, DATABASE, &stop)
    };
    // Whoever still writes shall not take the end of the server for a fault.
    stop.request(StopReason::Finished);
    let stopped = cluster.stop();
    exit.and_then(|exit| stopped.map(|()| exit))
}

/// What names another server would be passed over, and somebody may believe to look at that.
fn refuse_other_servers(connection: &cli::Connection) -> Result<()> {
    let given = [("-d", &connection.dbname), ("-h", &connection.host), ("-U", &connection.username)];
    match given.iter().find(|(_, value)| value.is_some()) {
        None => Ok(()),
        Some((flag, _)) => {
            Err(Error::usage(format!("{flag}: demo starts a server of its own, and connects to no other"))
                .hint(format!("leave {flag} out; -p PORT makes its server listen on 127.0.0.1 as well")))
        }
    }
}

fn builder(args: &cli::Demo, context: &Context) -> Result<Builder> {
    let mut builder = Cluster::builder().tcp(match context.connection.port.as_deref() {
        None => Tcp::None,
        Some("0") => Tcp::AnyFree,
        Some(port) => Tcp::Port(port.parse().map_err(|_| Error::usage(format!("'{port}' is not a port")))?),
    });
    if let Some(dir) = &args.pg_bin {
        builder = builder.pg_bin(dir);
    }
    if let Some(dir) = &args.keep {
        builder = builder.keep(dir);
    }
    Ok(builder)
}

/// Starts the server and opens the shop.
fn open(builder: &Builder) -> Result<(Cluster, Settings)> {
    let cluster = builder.start()?;
    let settings = throwaway_settings(cluster.socket_url("postgres"), NAME)?;
    shop::create_database(&settings, DATABASE)?;
    let shop = throwaway_settings(cluster.socket_url(DATABASE), NAME)?;
    shop::open(&shop)?;
    Ok((cluster, shop))
}

fn watch(args: &cli::Demo, term: Term, shop: Settings, writer: Option<Writer>, stop: &Stop) -> Result<Exit> {
    let format: Box<dyn Format> = if term.stdout_is_terminal {
        Box::new(Pretty::new(term.stdout_color))
    } else {
        Box::new(Json { control: false })
    };
    let options = listen::Options {
        settings: shop,
        channels: shop::TABLES.map(Arc::from).into(),
        heartbeat: Duration::from_secs(30),
        reconnect: Reconnect::Never,
        wait_server: Duration::ZERO,
        buffer_bytes: 64 << 20,
        overflow: Overflow::Stop,
    };
    let limits = Limits { count: args.count, ..Limits::default() };
    let outlet = Outlet::stdout(Stdout::new(stdout()?, format, b'\n'));
    follow(options, vec![Box::new(Opening { term, writer })], outlet, &limits, term, stop)
}

/// Changes the shop from a thread of its own.
struct Writer {
    shop: Settings,
    rate: f64,
    term: Term,
    stop: Stop,
}

impl Writer {
    fn start(self) {
        std::thread::spawn(move || {
            let warn = |message: &str| self.term.warn(message);
            shop::write(&self.shop, self.rate, &self.stop, &warn);
        });
    }
}

/// Once the feed is live, tells how to join, and lets the writer begin: so the first change is seen.
struct Opening {
    term: Term,
    writer: Option<Writer>,
}

/// The variables of a second terminal like this one that would lead it to another server whatever DATABASE_URL says: libpq connects
/// to PGHOSTADDR in the place of the URL's host, and a service may name such an address. The URL cannot say otherwise in a way that
/// all drivers understand.
fn leading_elsewhere() -> Option<String> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let names: Vec<&str> = ["PGHOSTADDR", "PGSERVICE"].into_iter().filter(is_set).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

impl Observer for Opening {
    fn control(&mut self, control: &Control) {
        if control.kind != ControlKind::Ready {
            return;
        }
        self.term.note(
            "this PostgreSQL is thrown away when pgfeed ends. In a second terminal, with the line above exported:",
        );
        if let Some(names) = leading_elsewhere() {
            self.term.copyable(&format!("  unset {names}     # stronger than the host in a URL"));
        }
        self.term.copyable("  pgfeed listen orders     # or: psql \"$DATABASE_URL\"");
        if let Some(writer) = self.writer.take() {
            writer.start();
        }
    }

    fn retrying(&mut self, error: &Error) {
        self.term.warn(error.to_string());
    }

    fn full(&mut self, _then: Overflow) {}
}
