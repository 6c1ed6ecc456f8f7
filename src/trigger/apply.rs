//! Installs plans: compares first, takes no table lock where nothing differs, and does all or nothing.

use std::time::Duration;

use postgres::Transaction;

use super::installed::{Difference, Installed};
use super::locks::{Lock, NO_WRITES, NOTHING_ELSE, Step, all_or_nothing};
use super::migration::ensure_schema;
use super::obstacle::{Obstacle, in_the_way, make_way};
use super::plan::Plan;
use super::spec::Spec;
use super::table::Table;
use super::twice::told_twice;
use super::understood::understood;
use crate::connection::Connection;
use crate::error::{Error, Result};
use crate::queue::{self, Queue, Trust};
use crate::sql::TableName;

/// Key of the advisory lock that installs and uninstalls take: "pgfeed" in ASCII. Without it most concurrent installs fail with
/// "tuple concurrently updated".
const INSTALL_LOCK: i64 = 0x7067_6665_6564;
/// How long to wait for other installs, which may each wait for a table.
const INSTALL_LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// What an install may do only with the right to it.
const RIGHTS: &str = "an install needs TRIGGER on the table, and USAGE and CREATE on pgfeed's schema (or CREATE on the database, to \
                      make that); --enable-always, and what another role has installed, need the owner";

/// What a durable install may do only with the right to it.
const DURABLE_RIGHTS: &str = "a durable trigger runs with the rights of the table's owner: install it as that role or a member of it, with \
                              USAGE and CREATE on pgfeed's schema (or CREATE on the database, to make that), SELECT and INSERT on its \
                              table queue, and INSERT on the queue's own table (with the right to grant it, for another owner)";

/// Whether a plan is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Do it.
    Apply,
    /// Only say what would be done.
    DryRun,
}

/// What was done, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// There was none.
    Create,
    /// There was another.
    Replace,
    /// It was as asked.
    Unchanged,
    /// It was there, and is not wanted.
    Remove,
}

impl Action {
    /// The word for a plan (`create`) and for a result (`created`).
    pub fn word(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (Self::Create, Mode::DryRun) => "create",
            (Self::Create, Mode::Apply) => "created",
            (Self::Replace, Mode::DryRun) => "replace",
            (Self::Replace, Mode::Apply) => "replaced",
            (Self::Unchanged, _) => "unchanged",
            (Self::Remove, Mode::DryRun) => "remove",
            (Self::Remove, Mode::Apply) => "removed",
        }
    }
}

/// A plan, and what became of it.
#[derive(Debug)]
pub struct Installation {
    /// The table.
    pub table: Table,
    /// The plan.
    pub plan: Plan,
    /// What was done, or would be.
    pub action: Action,
    /// SQL that removes what has its place: the same under an older name, triggers that it had more, what is somebody else's.
    pub in_the_way: Vec<String>,
    /// Whose queue it may fill.
    pub trust: Trust,
    /// What whoever installs should know, though it is no error.
    pub warning: Option<String>,
}

/// How to install.
#[derive(Debug, Clone)]
pub struct Settings<'a> {
    /// The schema of pgfeed's own objects.
    pub schema: &'a str,
    /// How long to wait for a table, at most.
    pub lock_timeout: Duration,
    /// Replace what is not ours.
    pub force: bool,
    /// Do it, or only say.
    pub mode: Mode,
}

/// Installs what `specs_of` asks for each table, all or nothing.
///
/// # Errors
/// A usage error when a table or column is not there; what the server says otherwise, and then nothing has changed.
pub fn install(
    connection: &mut Connection,
    tables: &[TableName],
    specs_of: &dyn Fn(&Table) -> Result<Vec<Spec>>,
    settings: &Settings,
) -> Result<Vec<Installation>> {
    let mut transaction = begin(connection, settings.mode)?;
    // From here on: a condition is understood by the server, which locks the table to do so.
    limit_waits(&mut transaction, settings.lock_timeout)?;
    let installed = Installed::read(&mut transaction)?;
    let mut installations: Vec<Installation> = Vec::new();
    for name in tables {
        let doing = |error: Error| error.doing(format!("table {name}"));
        let table = Table::find(&mut transaction, name).map_err(doing)?;
        if installations.iter().any(|other| other.table.oid == table.oid) {
            continue;
        }
        for spec in specs_of(&table).map_err(doing)? {
            let plan = plan(&mut transaction, &table, spec, settings.schema, &installed).map_err(doing)?;
            let action = action(&mut transaction, &plan, &installed)?;
            let trust = if settings.force { Trust::Anybody } else { Trust::In(plan.definer.clone()) };
            let (table, in_the_way) = (table.clone(), Vec::new());
            let mut one = Installation { table, plan, action, in_the_way, trust, warning: None };
            one.warning = told_twice(&one, &installations, &installed);
            installations.push(one);
        }
    }
    carry_out(&mut transaction, &mut installations, &installed, settings)?;
    transaction.commit().map_err(|error| Error::from(error).doing("committing the installation"))?;
    Ok(installations)
}

/// Does what differs, or says what would have to go for that.
fn carry_out(
    transaction: &mut Transaction,
    installations: &mut [Installation],
    installed: &[Installed],
    settings: &Settings,
) -> Result<()> {
    let mut differing: Vec<&mut Installation> =
        installations.iter_mut().filter(|one| one.action != Action::Unchanged).collect();
    // Always in one order.
    differing.sort_by_key(|one| one.plan.table_oid);
    let mut steps = Vec::new();
    for one in differing {
        let rights = if one.plan.definer.is_some() { DURABLE_RIGHTS } else { RIGHTS };
        let doing = format!("installing on {}", one.plan.table);
        let locks = match settings.mode {
            Mode::Apply => locks(transaction, &one.plan, installed)?,
            Mode::DryRun => Vec::new(),
        };
        let run = Box::new(|transaction: &mut Transaction| {
            one.in_the_way = in_the_way(transaction, &one.plan, installed, settings.force)?;
            if settings.mode == Mode::Apply { apply(transaction, one, installed) } else { Ok(()) }
        });
        steps.push(Step { doing, rights, locks, run });
    }
    all_or_nothing(transaction, steps, settings.lock_timeout)
}

/// The locks that a plan needs.
fn locks(transaction: &mut Transaction, plan: &Plan, installed: &[Installed]) -> Result<Vec<Lock>> {
    let must_go = make_way(plan, installed, &Obstacle::read(transaction, plan)?);
    if must_go.iter().any(|statement| statement.starts_with("DROP TRIGGER")) {
        Lock::of_table(transaction, plan.table_oid, NOTHING_ELSE)
    } else if has_the_triggers(plan, installed) {
        Ok(Vec::new())
    } else {
        Lock::of_table(transaction, plan.table_oid, NO_WRITES)
    }
}

/// Begins the transaction of an install or uninstall; nobody else is at it until it ends.
pub fn begin(connection: &mut Connection, mode: Mode) -> Result<Transaction<'_>> {
    let mut transaction = connection.begin()?;
    if mode == Mode::Apply {
        let wait = INSTALL_LOCK_TIMEOUT.as_millis();
        let lock = format!("SET LOCAL lock_timeout = {wait}; SELECT pg_catalog.pg_advisory_xact_lock({INSTALL_LOCK})");
        transaction
            .batch_execute(&lock)
            .map_err(|error| Error::from(error).doing("waiting for another installation"))?;
    }
    Ok(transaction)
}

/// Makes a queue where there is none.
///
/// # Errors
/// What the server says.
pub fn make_queue(connection: &mut Connection, queue: &Queue) -> Result<()> {
    if queue::is_whole(&mut connection.begin()?, queue)? {
        return Ok(());
    }
    let mut transaction = begin(connection, Mode::Apply)?;
    transaction.batch_execute(&ensure_schema(&queue.schema))?;
    queue::create(&mut transaction, queue, &Trust::In(None))?;
    transaction.commit().map_err(|error| Error::from(error).doing("committing the queue"))
}

/// Limits the wait for tables from here on.
pub fn limit_waits(transaction: &mut Transaction, lock_timeout: Duration) -> Result<()> {
    // 0 would wait for ever, which nobody means by a short time.
    let wait = lock_timeout.as_millis().max(1);
    Ok(transaction.batch_execute(&format!("SET LOCAL lock_timeout = {wait}"))?)
}

/// Makes the plan for a table.
pub(super) fn plan(
    transaction: &mut Transaction,
    table: &Table,
    spec: Spec,
    schema: &str,
    installed: &[Installed],
) -> Result<Plan> {
    let condition = match &spec.when {
        Some(condition) => Some(understood(transaction, table, condition)?),
        None => None,
    };
    Plan::new(table, spec, schema, condition.as_deref(), installed)
}

fn action(transaction: &mut Transaction, plan: &Plan, installed: &[Installed]) -> Result<Action> {
    let mut ours = installed.iter().filter(|one| one.is(plan));
    match (ours.next(), ours.next()) {
        (None, _) => return Ok(Action::Create),
        (Some(one), None) if one.difference(plan) == Difference::None => {}
        _ => return Ok(Action::Replace),
    }
    // Without its tables every write fails, or every delivery.
    Ok(match plan.queue() {
        Some(queue) if !queue::missing(transaction, &queue)?.is_empty() => Action::Replace,
        _ => Action::Unchanged,
    })
}

fn apply(transaction: &mut Transaction, installation: &Installation, installed: &[Installed]) -> Result<()> {
    let Installation { plan, in_the_way, trust, .. } = installation;
    transaction.batch_execute(&ensure_schema(&plan.schema))?;
    if let Some(queue) = plan.queue() {
        queue::create(transaction, &queue, trust)?;
    }
    execute(transaction, in_the_way)?;
    execute(transaction, &plan.create_function())?;
    if has_the_triggers(plan, installed) {
        return Ok(());
    }
    let triggers: Vec<String> = plan.triggers.iter().map(|trigger| plan.create_trigger(trigger)).collect();
    execute(transaction, &triggers)
}

/// Whether the triggers are as planned already.
fn has_the_triggers(plan: &Plan, installed: &[Installed]) -> bool {
    let mut same = installed.iter().filter(|one| one.is(plan) && one.has_function_of(plan));
    same.any(|one| one.difference(plan) != Difference::Triggers)
}

/// Runs statements one by one.
pub fn execute(transaction: &mut Transaction, statements: &[String]) -> Result<()> {
    for statement in statements {
        transaction.batch_execute(statement)?;
    }
    Ok(())
}

/// Says what to do about what servers say most often here; `rights` are those that are needed.
pub fn explain(error: Error, rights: &str) -> Error {
    match error.sqlstate() {
        Some("25006") => error.hint("this server is a standby: connect to its primary"),
        Some("55P03") => error.hint("somebody holds the table: try again later, or wait longer with --lock-timeout"),
        Some("42501") => error.hint(rights),
        Some("42704") => error.hint("CREATE EXTENSION plpgsql; brings the language back that triggers are written in"),
        _ => error,
    }
}
