//! Probes of what the role may do, job by job. To lack what one does not need is no fault, so that this only warns.

use super::{Finding, Group, Patient, Problem, Verdict, well};
use crate::connection::ask;
use crate::error::Result;
use crate::sql;

pub(super) const GROUP: Group =
    Group { name: "rights", problems: &[&NO_NOTIFY, &NO_CREATE, &NO_TRIGGER, &NO_PLPGSQL, &BLIND], examine };

const NO_NOTIFY: Problem = Problem {
    check: "may notify",
    symptom: "the role may not call pg_notify: notify fails, and so do live triggers when it writes",
    verdict: Verdict::Warn,
    remedy: "GRANT EXECUTE ON FUNCTION pg_catalog.pg_notify(text, text) TO the role",
};
const NO_CREATE: Problem = Problem {
    check: "may install",
    symptom: "the role may not create what install-trigger needs",
    verdict: Verdict::Warn,
    remedy: "to install with it: GRANT CREATE ON SCHEMA pgfeed TO the role, or GRANT CREATE ON DATABASE where there is no such schema yet",
};
const NO_TRIGGER: Problem = Problem {
    check: "may install",
    symptom: "the role may not watch any table",
    verdict: Verdict::Warn,
    remedy: "to install with it: GRANT TRIGGER ON the tables TO the role; only their owner can uninstall",
};
const NO_PLPGSQL: Problem = Problem {
    check: "may install",
    symptom: "the database lacks the language that triggers are written in",
    verdict: Verdict::Warn,
    remedy: "CREATE EXTENSION plpgsql",
};
const BLIND: Problem = Problem {
    check: "may look",
    symptom: "what other roles do is hidden from the role: status cannot say who holds what",
    verdict: Verdict::Warn,
    remedy: "GRANT pg_monitor TO the role that watches",
};

fn examine(patient: &mut Patient) -> Result<Vec<Finding>> {
    let schema = sql::literal(patient.schema);
    let query = sql::fill(include_str!("../../sql/doctor_rights.sql"), &[("schema", &schema)]);
    let row = ask::row(&mut patient.connection.begin()?, &query, &[])?;
    let role: &str = row.get("role");
    let may = |right: &str| row.get::<_, bool>(right);
    let notify = if may("may_notify") {
        well("may notify", format!("{role} may notify, and anybody may listen"))
    } else {
        NO_NOTIFY.found(format!("{role} may not call pg_notify"))
    };
    let install = if !may("has_plpgsql") {
        NO_PLPGSQL.found("there is no plpgsql")
    } else if !may("may_create") {
        NO_CREATE.found(format!("{role} may not create in schema {}", patient.schema))
    } else if may("has_tables") && !may("may_watch") {
        NO_TRIGGER.found(format!("{role} has the right TRIGGER on no table"))
    } else {
        well("may install", format!("{role} may install triggers"))
    };
    let look = if may("sees_others") {
        well("may look", format!("{role} sees what others do"))
    } else {
        BLIND.found(format!("{role} is no member of pg_monitor"))
    };
    Ok(vec![notify, install, look])
}
