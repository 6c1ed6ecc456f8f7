//! `pgfeed uninstall-trigger`.

use std::time::Duration;

use serde_json::json;

use super::context::{Context, print_lines};
use super::install::{print_script, tables};
use crate::cli::{ReportFormat, UninstallTrigger};
use crate::error::Result;
use crate::exit::Exit;
use crate::queue::{self, Queue};
use crate::stop::Stop;
use crate::text::escape;
use crate::trigger::{self, Action, Destination, Doorbell, Events, Mode, Removal, Scope};
use crate::{signal, sql};

/// Removes, or shows what would be removed.
pub fn run(args: &UninstallTrigger, context: &Context) -> Result<Exit> {
    // A signal ends it at once: the server rolls back what is in hand.
    signal::watch(&Stop::default(), Duration::ZERO);
    sql::check_name("the schema's name", &args.apply.schema)?;
    let scope = scope(args)?;
    let mode = if args.apply.dry_run { Mode::DryRun } else { Mode::Apply };
    let mut connection = context.connect()?;
    if args.apply.print_sql {
        print_script(&trigger::down(&mut connection, &scope, &args.apply.schema, args.apply.lock_timeout)?)?;
        return Ok(Exit::Done);
    }
    let removals = trigger::uninstall(&mut connection, &scope, args.apply.lock_timeout, mode)?;
    if removals.is_empty() {
        context.term.note(nothing(&scope));
    }
    print_lines(removals.iter().map(|removal| line(removal, mode, args.apply.output)))?;
    Ok(Exit::Done)
}

/// Why there is nothing to remove, as far as that is known.
fn nothing(scope: &Scope) -> String {
    match scope {
        Scope::Queue(queue, _) => {
            format!("nothing to remove: there is no queue \"{}\" in schema {}", queue.name, queue.schema)
        }
        Scope::Tables(_, Some((to, schema))) if to.kind() == "queue" => {
            format!("nothing to remove: nothing feeds {to} of schema {schema} there")
        }
        Scope::Tables(_, Some((to, _))) => format!("nothing to remove: nothing tells {to} there"),
        Scope::Tables(_, None) | Scope::All => "nothing to remove".to_owned(),
    }
}

/// The destination that was named narrows the tables down; a queue without a table is meant with all that feeds it.
fn scope(args: &UninstallTrigger) -> Result<Scope> {
    if args.all {
        return Ok(Scope::All);
    }
    let queue = args.queue.as_ref().map(|name| queue::check_name(name).map(|()| name.clone())).transpose()?;
    let named_a_table = args.tables.names().next().is_some();
    Ok(match (queue, &args.channel) {
        (Some(name), _) if !named_a_table => {
            let events = if args.purge { Events::Purge } else { Events::Keep };
            Scope::Queue(Queue::named(&args.apply.schema, &name), events)
        }
        (Some(name), _) => {
            let to = Destination::Queue { name, doorbell: Doorbell::Adaptive };
            Scope::Tables(tables(args.tables.names())?, Some((to, args.apply.schema.clone())))
        }
        (None, channel) => {
            let to = channel.clone().map(|name| (Destination::Channel(name), args.apply.schema.clone()));
            Scope::Tables(tables(args.tables.names())?, to)
        }
    })
}

fn line(removal: &Removal, mode: Mode, form: ReportFormat) -> String {
    let action = Action::Remove.word(mode);
    match form {
        ReportFormat::Text => {
            let to = removal.to.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
            match &removal.table {
                Some(table) => format!("{action:<9} {} -> {}", escape(table), escape(&to)),
                None if removal.is_queue => format!("{action:<9} {}", escape(&to)),
                None => format!("{action:<9} (a table that is gone) -> {}", escape(&to)),
            }
        }
        ReportFormat::Json => {
            let mut line = json!({"action": action, "table": removal.table});
            if let Some(to) = &removal.to {
                line[to.kind()] = to.name().into();
            }
            line.to_string()
        }
    }
}
