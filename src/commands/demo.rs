//! `pgfeed demo`: a throwaway server, a sample shop, somebody who shops there, and the feed.

mod shop;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, stdout, throwaway_settings};
use super::listen::{Outlet, follow};
use crate::cli;
use crate::cluster::{Cluster, Tcp};
use crate::connection::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::feed::event::{Control, ControlKind};
use crate::feed::format::{Format, Json, Pretty};
use crate::feed::limits::Limits;
use crate::feed::sink::Stdout;
use crate::feed::source::listen::{self, Observer, Overflow, Reconnect};
use crate::stop::Stop;
use crate::sys;
use crate::term::Term;

const DATABASE: &str = "shop";
/// What sessions are called.
const NAME: &str = "pgfeed demo";

/// Runs the demo.
pub fn run(args: &cli::Demo, context: &Context) -> Result<Exit> {
    let term = context.term;
    let cluster = start(args, context)?;
    let settings = throwaway_settings(cluster.socket_url("postgres"), NAME)?;
    shop::create_database(&settings, DATABASE)?;
    let shop = throwaway_settings(cluster.socket_url(DATABASE), NAME)?;
    shop::open(&shop)?;

    let url = cluster.url(DATABASE);
    term.copyable(&format!("DATABASE_URL={url}"));
    let exit = if args.command.is_empty() { watch(args, term, shop) } else { run_command(args, &cluster, &url, shop) };
    let stopped = cluster.stop();
    exit.and_then(|exit| stopped.map(|()| exit))
}

fn start(args: &cli::Demo, context: &Context) -> Result<Cluster> {
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
    builder.start()
}

fn watch(args: &cli::Demo, term: Term, shop: Settings) -> Result<Exit> {
    let format: Box<dyn Format> = if term.stdout_is_terminal {
        Box::new(Pretty::new(term.stdout_color))
    } else {
        Box::new(Json { control: false })
    };
    let options = listen::Options {
        settings: shop.clone(),
        channels: shop::TABLES.map(Arc::from).into(),
        heartbeat: Duration::from_secs(30),
        reconnect: Reconnect::Never,
        wait_server: Duration::ZERO,
        buffer_bytes: 64 << 20,
        overflow: Overflow::Stop,
    };
    let writer = (!args.no_writes).then(|| Writer { shop, rate: args.rate });
    let limits = Limits { count: args.count, ..Limits::default() };
    let outlet = Outlet::stdout(Stdout::new(stdout()?, format, b'\n'));
    follow(options, Box::new(Opening { term, writer }), outlet, &limits, term, &Stop::default())
}

/// Runs the user's command beside the writer; its exit code is ours.
fn run_command(args: &cli::Demo, cluster: &Cluster, url: &str, shop: Settings) -> Result<Exit> {
    if !args.no_writes {
        Writer { shop, rate: args.rate }.start();
    }
    let mut child = Command::new(&args.command[0])
        .args(&args.command[1..])
        .env("DATABASE_URL", url)
        .env("PGHOST", cluster.socket_dir())
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", "postgres")
        .env("PGDATABASE", DATABASE)
        .spawn()
        .map_err(|error| Error::failed(error.to_string()).doing(format!("running {}", args.command[0])))?;
    // A Ctrl-C is the command's affair: in psql it cancels a query.
    sys::ignore_interrupt();
    let status = child.wait().map_err(|error| Error::failed(error.to_string()).doing("waiting for the command"))?;
    Ok(match status.code() {
        Some(0) => Exit::Done,
        Some(code) => Exit::Command(u8::try_from(code).unwrap_or(1)),
        None => Exit::Signal,
    })
}

/// Changes the shop from a thread of its own.
struct Writer {
    shop: Settings,
    rate: f64,
}

impl Writer {
    fn start(self) {
        std::thread::spawn(move || shop::write(&self.shop, self.rate));
    }
}

/// Once the feed is live, tells how to join, and lets the writer begin: so the first change is seen.
struct Opening {
    term: Term,
    writer: Option<Writer>,
}

impl Observer for Opening {
    fn control(&mut self, control: &Control) {
        if control.kind != ControlKind::Ready {
            return;
        }
        self.term.note(
            "this PostgreSQL is thrown away when pgfeed ends. In a second terminal, with the line above exported:",
        );
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
