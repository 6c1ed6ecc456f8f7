//! `pgfeed bench`: measures, shows, and checks.

mod outputs;
mod watch;

use std::time::Duration;

use super::context::{Context, print_lines, throwaway_settings};
use super::delivery;
use crate::bench::check::Check;
use crate::bench::report::Report;
use crate::bench::{Amount, Bench, Outlet, Place, Plan, SCENARIOS, Scenario, Server, compare, leftovers};
use crate::cli;
use crate::cluster::{Cluster, Durability};
use crate::connection::Settings;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::signal;
use crate::stop::Stop;
use outputs::Outputs;
use watch::Progress;

/// How long after a signal it may take to end what is under way and to drop the schema.
const GRACE: Duration = Duration::from_secs(10);
/// `commit_delay` is at most this.
const LONGEST_DELAY: Duration = Duration::from_millis(100);

/// Measures.
pub fn run(args: &cli::Bench, context: &Context) -> Result<Exit> {
    if args.scenario == "list" {
        print_lines(SCENARIOS.iter().map(|scenario| format!("{:<8}  {}", scenario.name, scenario.about)))?;
        return Ok(Exit::Done);
    }
    let scenarios = scenarios(&args.scenario)?;
    let plan = plan(args)?;
    // With all of them each takes what it can use.
    if let [scenario] = scenarios[..] {
        plan.refuse_unused(scenario.name, scenario.uses)?;
    }
    if let Some(to) = &plan.to
        && scenarios.iter().any(|scenario| scenario.name == "sync")
    {
        to.check_broker()?;
    }
    let checks: Vec<Check> = args.fail_if.iter().map(|text| Check::parse(text)).collect::<Result<_>>()?;
    let earlier = args.compare.as_deref().map(compare::read).transpose()?.unwrap_or_default();
    let mut outputs = Outputs::open(args)?;

    let stop = Stop::default();
    signal::watch(&stop, GRACE);
    let cluster = args.throwaway.then(throwaway).transpose()?;
    let settings = settings(context, cluster.as_ref(), plan.flush_delay)?;
    if cluster.is_none() {
        match context.connect_unless(&stop).and_then(|mut connection| leftovers(&mut connection)) {
            Err(error) if error.exit() == Exit::Signal => return Ok(Exit::Signal),
            names => names?.iter().for_each(|name| tell_leftover(context, name)),
        }
    }
    let ended = measure(&scenarios, &plan, &settings, context, &stop, |mut report| {
        compare::compare(&mut report, &earlier);
        outputs.write(&report)?;
        Ok(report)
    });
    // Whatever happened, the server is ended first.
    let stopped = cluster.map_or(Ok(()), Cluster::stop);
    let reports = ended?;
    stopped?;
    if stop.requested().is_some() {
        return Ok(Exit::Signal);
    }
    checks.iter().try_for_each(|check| check.run(&reports))?;
    Ok(Exit::Done)
}

fn measure(
    scenarios: &[&Scenario],
    plan: &Plan,
    settings: &Settings,
    context: &Context,
    stop: &Stop,
    mut show: impl FnMut(Report) -> Result<Report>,
) -> Result<Vec<Report>> {
    let mut reports = Vec::new();
    for scenario in scenarios {
        if stop.requested().is_some() {
            break;
        }
        // A schema for each, so that none measures among what another has left.
        let place = Place::make(settings.clone(), std::process::id()).map_err(explain)?;
        let watch = Progress::new(context.term);
        let bench = Bench { plan, place: &place, stop, watch: &watch };
        let report = Server::ask(&place, plan).and_then(|server| bench.run(scenario, &server));
        watch.finish();
        let removed = place.remove();
        reports.push(show(report?)?);
        removed?;
    }
    Ok(reports)
}

/// The scenarios that are meant.
fn scenarios(name: &str) -> Result<Vec<&'static Scenario>> {
    if name == "all" {
        return Ok(SCENARIOS.iter().collect());
    }
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    found.map(|scenario| vec![scenario]).ok_or_else(|| {
        let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        Error::usage(format!("there is no scenario '{name}'")).hint(format!("choose {}, all or list", names.join(", ")))
    })
}

fn plan(args: &cli::Bench) -> Result<Plan> {
    let size = usize::try_from(args.size).unwrap_or(usize::MAX);
    if size < Plan::MIN_SIZE {
        let error = Error::usage(format!("--size {size} is too small: a payload carries its number and its time"));
        return Err(error.hint(format!("it has at least {} bytes", Plan::MIN_SIZE)));
    }
    if args.flush_delay > LONGEST_DELAY {
        return Err(Error::usage("--flush-delay is at most 100ms, which is the most that commit_delay can be"));
    }
    if args.count == Some(0) || (args.count.is_none() && args.time.is_zero()) {
        return Err(Error::usage("there is nothing to measure in no time: --count or --time is 0"));
    }
    let numbers = |list: &[u16]| list.iter().copied().map(usize::from).collect();
    Ok(Plan {
        clients: numbers(&args.clients),
        listeners: numbers(&args.listeners),
        size,
        amount: args.count.map_or(Amount::Time(args.time), Amount::Count),
        rate: Some(args.rate).filter(|rate| *rate > 0),
        warmup: args.warmup,
        runs: usize::from(args.runs),
        flush_delay: args.flush_delay,
        to: delivery::url(args.to.as_deref(), args.to_file.as_deref())?.map(|url| Outlet::read(&url)).transpose()?,
    })
}

/// A server that waits for its disk, as one in production.
fn throwaway() -> Result<Cluster> {
    let builder = Cluster::builder().durability(Durability::Real);
    let sized = builder.setting("shared_buffers", "256MB").setting("max_wal_size", "4GB");
    sized.setting("max_connections", "1100").start()
}

/// Where to connect to, with what every session begins with.
fn settings(context: &Context, cluster: Option<&Cluster>, flush_delay: Duration) -> Result<Settings> {
    let settings = match cluster {
        None => context.settings()?,
        Some(cluster) => throwaway_settings(cluster.socket_url("postgres"), "pgfeed bench")?,
    };
    if flush_delay.is_zero() {
        return Ok(settings);
    }
    Ok(settings.with("commit_delay", &flush_delay.as_micros().to_string()).with("commit_siblings", "0"))
}

fn tell_leftover(context: &Context, name: &str) {
    let left = format!("the schema {name} was left by a measurement that was killed");
    context.term.warn(format!("{left}: DROP SCHEMA {name} CASCADE"));
}

/// A setting that the role may not change is refused while connecting; what else it may not do has its own hint.
fn explain(error: Error) -> Error {
    match error.sqlstate() {
        Some("42501") => error.hint("--flush-delay is for superusers; --throwaway needs nothing"),
        _ => error,
    }
}
