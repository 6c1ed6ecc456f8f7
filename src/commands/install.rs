//! `pgfeed install-trigger`.

use std::time::Duration;

use serde::Serialize;

use super::context::{Context, print_lines};
use crate::cli::{self, InstallTrigger, ReportFormat};
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::stop::Stop;
use crate::text::escape;
use crate::trigger::{
    self, Action, Backfilled, Columns, Destination, Doorbell, Event, Installation, Mode, Payload, Spec, TableName,
};
use crate::{signal, sql};

/// Installs, or shows what an install would do.
pub fn run(args: &InstallTrigger, context: &Context) -> Result<Exit> {
    let stop = Stop::default();
    // An install is ended at once, and the server rolls it back; a backfill may finish its chunk.
    signal::watch(&stop, if args.backfill { signal::GRACE } else { Duration::ZERO });
    let tables = tables(args.tables.names())?;
    sql::check_name("the schema's name", &args.apply.schema)?;
    // Checked once without a server; without a destination it becomes the channel of the table's name.
    let unnamed = spec(args, Destination::Channel("the table's name".to_owned()))?.checked()?;
    let named = destinations(args).into_iter().map(|to| Spec { to, ..unnamed.clone() }.checked());
    let asked: Vec<Spec> = named.collect::<Result<_>>()?;
    if args.backfill {
        unnamed.refuse_backfill()?;
    }
    let only_looks = args.check || args.apply.dry_run || args.apply.print_sql;
    let settings = trigger::Settings {
        schema: &args.apply.schema,
        lock_timeout: args.apply.lock_timeout,
        force: args.force,
        mode: if only_looks { Mode::DryRun } else { Mode::Apply },
    };
    let specs_of = |table: &trigger::Table| {
        if args.backfill {
            trigger::refuse_backfill(table)?;
        }
        if !asked.is_empty() {
            return Ok(asked.clone());
        }
        let to = Destination::Channel(table.told_name.clone());
        Ok(vec![Spec { to, ..unnamed.clone() }.checked()?])
    };

    let mut connection = context.connect()?;
    let installations = trigger::install(&mut connection, &tables, &specs_of, &settings)?;
    installations.iter().filter_map(|one| one.warning.as_deref()).for_each(|warning| context.term.warn(warning));
    if args.apply.print_sql {
        print_script(&trigger::up(&installations, args.apply.lock_timeout))?;
        return Ok(Exit::Done);
    }
    report(&installations, settings.mode, args.apply.output)?;
    let differs = installations.iter().any(|installation| installation.action != Action::Unchanged);
    if args.check && differs {
        return Err(Error::check("the installation differs from what is asked")
            .hint("install-trigger without --check mends it"));
    }
    if args.backfill { backfill(&mut connection, &installations, context, &stop) } else { Ok(Exit::Done) }
}

/// Where to: as named, a queue, a channel, or both.
fn destinations(args: &InstallTrigger) -> Vec<Destination> {
    let doorbell = match args.doorbell {
        cli::Doorbell::Adaptive => Doorbell::Adaptive,
        cli::Doorbell::Always => Doorbell::Always,
        cli::Doorbell::Never => Doorbell::Never,
    };
    let queue = args.queue.clone().map(|name| Destination::Queue { name, doorbell });
    queue.into_iter().chain(args.channel.clone().map(Destination::Channel)).collect()
}

/// Stores the rows that are there. The triggers are committed already: what changes meanwhile has its event.
fn backfill(
    connection: &mut Connection,
    installations: &[Installation],
    context: &Context,
    stop: &Stop,
) -> Result<Exit> {
    let durable: Vec<_> = installations.iter().filter_map(|one| Some((one, one.plan.queue()?))).collect();
    for (place, (Installation { table, plan, .. }, queue)) in durable.iter().enumerate() {
        let mut progress = Progress::new(context.term, "rows");
        let mut done = Backfilled::default();
        let ended = trigger::backfill(connection, table, plan, queue, &mut done, &mut |stored| {
            progress.at(stored);
            stop.requested().is_none()
        });
        progress.finish();
        if let Some(why) = &done.first_failure {
            context.term.warn(failed_conditions(&plan.table, done.failed, why));
        }
        let stopped = stop.requested().is_some();
        if stopped || ended.is_err() {
            let tables: Vec<&str> = durable.iter().map(|(one, _)| one.plan.table.as_str()).collect();
            context.term.warn(how_far(&tables, place, done.stored));
        }
        ended.map_err(|error| error.doing(format!("storing the rows of {}", plan.table)))?;
        context.term.note(format!("stored {} rows of {} as SNAPSHOT events", done.stored, plan.table));
        if stopped {
            return Ok(Exit::Signal);
        }
    }
    Ok(Exit::Done)
}

/// As the trigger warns of each change.
fn failed_conditions(table: &str, rows: u64, first: &str) -> String {
    match rows {
        1 => format!("the condition failed for 1 row of {table}, which is stored: {first}"),
        _ => format!("the condition failed for {rows} rows of {table}, which are stored; for the first: {first}"),
    }
}

/// Which tables are stored when it ends in the middle of one: nobody shall store them once more.
fn how_far(tables: &[&str], place: usize, rows: u64) -> String {
    let (before, from_here) = tables.split_at(place);
    let mut lists = vec![("stored", before.join(", "))];
    match (rows, from_here) {
        (0, missing) => lists.push(("not stored", missing.join(", "))),
        (_, [here, missing @ ..]) => {
            lists.push(("not to its end", format!("{here} ({rows} rows)")));
            lists.push(("not stored", missing.join(", ")));
        }
        (_, []) => {}
    }
    let lists = lists.iter().filter(|(_, tables)| !tables.is_empty());
    let lists: Vec<String> = lists.map(|(what, tables)| format!("{what}: {tables}")).collect();
    format!("the triggers are installed; {}", lists.join("; "))
}

/// Parses the tables named.
///
/// # Errors
/// A usage error when there is none, or one is no name.
pub fn tables<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<TableName>> {
    let mut tables: Vec<TableName> = Vec::new();
    for name in names {
        let table = TableName::parse(name)?;
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    if tables.is_empty() {
        return Err(Error::usage("no table is named").hint("name one with --table, or as a plain argument"));
    }
    Ok(tables)
}

/// Prints statements as a script for psql.
///
/// # Errors
/// When stdout cannot be written.
pub fn print_script(statements: &[String]) -> Result<()> {
    print_lines(statements.iter().map(|statement| format!("{statement};")))
}

fn spec(args: &InstallTrigger, to: Destination) -> Result<Spec> {
    let columns = match (columns(&args.columns)?, columns(&args.exclude)?) {
        (only, _) if !only.is_empty() => Columns::Only(only),
        (_, except) if !except.is_empty() => Columns::Except(except),
        _ => Columns::All,
    };
    Ok(Spec {
        to,
        events: args.events.iter().map(|event| event_of(*event)).collect(),
        payload: match args.payload {
            cli::Payload::Keys => Payload::Keys,
            cli::Payload::Row => Payload::Row,
            cli::Payload::Full => Payload::Full,
            cli::Payload::Diff => Payload::Diff,
        },
        columns,
        update_of: self::columns(&args.update_of)?,
        skip_unchanged: args.skip_unchanged,
        when: args.when.clone(),
        enable_always: args.enable_always,
    })
}

/// The columns of all lists.
fn columns(lists: &[String]) -> Result<Vec<String>> {
    let mut columns = Vec::new();
    for list in lists {
        columns.extend(sql::columns(list)?);
    }
    Ok(columns)
}

fn event_of(event: cli::Event) -> Event {
    match event {
        cli::Event::Insert => Event::Insert,
        cli::Event::Update => Event::Update,
        cli::Event::Delete => Event::Delete,
        cli::Event::Truncate => Event::Truncate,
    }
}

/// One line of the result.
#[derive(Serialize)]
struct Line<'a> {
    action: &'static str,
    table: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<&'a str>,
    events: &'a [Event],
    payload: Payload,
    function: String,
    triggers: Vec<&'a str>,
}

fn report(installations: &[Installation], mode: Mode, form: ReportFormat) -> Result<()> {
    print_lines(installations.iter().map(|Installation { plan, action, .. }| {
        let action = action.word(mode);
        match form {
            ReportFormat::Text => {
                let (events, payload) = (plan.events(), plan.spec.payload.word());
                let (to, options) = (plan.spec.to.to_string(), plan.spec.options());
                let line = format!("{action:<9} {} -> {to} ({events}; payload {payload}{options})", plan.table);
                escape(&line).into_owned()
            }
            ReportFormat::Json => {
                let line = Line {
                    action,
                    table: &plan.table,
                    channel: matches!(plan.spec.to, Destination::Channel(_)).then(|| plan.spec.to.name()),
                    queue: matches!(plan.spec.to, Destination::Queue { .. }).then(|| plan.spec.to.name()),
                    events: &plan.spec.events,
                    payload: plan.spec.payload,
                    function: format!("{}.{}", plan.schema, plan.function),
                    triggers: plan.triggers.iter().map(|trigger| trigger.name.as_str()).collect(),
                };
                serde_json::to_string(&line).expect("plain data is always JSON")
            }
        }
    }))
}
