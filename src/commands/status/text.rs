//! The status for people: a heading and a table for each part.

use crate::status::{Consumer, Mode, Queue, Status, Trigger};
use crate::text::escape;
use crate::units::show_duration;

/// All of it, as lines.
pub fn lines(status: &Status) -> Vec<String> {
    let mut lines = head(status);
    part(
        &mut lines,
        "triggers",
        &["table", "delivery", "to", "events", "payload", "state", "options"],
        trigger_rows(status),
    );
    part(
        &mut lines,
        "queues",
        &["queue", "waiting", "retrying", "dead", "oldest", "added/s", "delivered/s"],
        status.queues.iter().map(queue_row).collect(),
    );
    part(
        &mut lines,
        "consumers",
        &["queue", "process", "application", "client", "takes", "slots"],
        consumer_rows(status),
    );
    part(
        &mut lines,
        "sessions of pgfeed, and others that listen",
        &["process", "application", "role", "client", "state", "for"],
        session_rows(status),
    );
    lines
}

fn head(status: &Status) -> Vec<String> {
    let server = &status.server;
    let kind = if server.is_standby { "standby" } else { "primary" };
    let mut lines = vec![format!(
        "PostgreSQL {}, {kind}; database {}, role {}; {}",
        server.version,
        escape(&server.database),
        escape(&server.role),
        status.at
    )];
    if let Some(usage) = status.notification_queue.usage {
        lines.push(format!("notification queue: {:.1} % in use", usage * 100.0));
    }
    for suspect in &status.notification_queue.held_by {
        let who = escape(&suspect.application);
        lines.push(format!("  perhaps held by process {} ({who}), which {}", suspect.pid, suspect.why));
    }
    lines.push(match &status.oldest_snapshot {
        Some(holder) => {
            let held = holder.held().map_or_else(String::new, |held| format!(", for {}", show_duration(held)));
            format!("oldest snapshot: {}, {} transactions old{held}", escape(&holder.who), holder.transactions)
        }
        None => "oldest snapshot: none".to_owned(),
    });
    if !server.sees_others {
        lines.push("what other roles do is not told to this role: GRANT pg_monitor to it".to_owned());
    }
    lines
}

fn trigger_rows(status: &Status) -> Vec<Vec<String>> {
    let row = |trigger: &Trigger| {
        let queue = trigger.queue.as_ref().map(|queue| match &trigger.queue_schema {
            Some(schema) => format!("{schema}.{queue}"),
            None => queue.clone(),
        });
        let state = trigger.detail.as_ref().map_or_else(String::new, |detail| format!(": {detail}"));
        vec![
            trigger.table.clone().unwrap_or_else(|| "(gone)".to_owned()),
            trigger.delivery.unwrap_or("?").to_owned(),
            trigger.channel.clone().or(queue).unwrap_or_else(|| "?".to_owned()),
            trigger.events.join(","),
            trigger.payload.unwrap_or("?").to_owned(),
            format!("{}{state}", trigger.state),
            trigger.options.flags(),
        ]
    };
    status.triggers.iter().map(row).collect()
}

fn queue_row(queue: &Queue) -> Vec<String> {
    if let Some(error) = &queue.error {
        return vec![queue.name.clone(), error.clone()];
    }
    let counted = |count: i64| if count >= 1_000_000 { format!("{count}+") } else { count.to_string() };
    let rate = |rate: Option<f64>| rate.map_or_else(|| "?".to_owned(), |rate| format!("{rate:.1}"));
    vec![
        queue.name.clone(),
        counted(queue.waiting),
        counted(queue.retrying),
        counted(queue.dead),
        queue.oldest().map_or_else(|| "-".to_owned(), show_duration),
        rate(queue.added_per_second),
        rate(queue.delivered_per_second),
    ]
}

fn consumer_rows(status: &Status) -> Vec<Vec<String>> {
    let row = |queue: &Queue, consumer: &Consumer| {
        let mode = match consumer.mode {
            Mode::Ordered => "in order",
            Mode::Unordered => "unordered",
            Mode::Waits => "(waits)",
        };
        let Consumer { pid, application, client, slots, .. } = consumer;
        vec![
            queue.name.clone(),
            pid.to_string(),
            application.clone(),
            client.clone(),
            mode.to_owned(),
            slots.to_string(),
        ]
    };
    status.queues.iter().flat_map(|queue| queue.consumers.iter().map(move |consumer| row(queue, consumer))).collect()
}

fn session_rows(status: &Status) -> Vec<Vec<String>> {
    let row = |session: &crate::status::Session| {
        vec![
            session.pid.to_string(),
            session.application.clone(),
            session.role.clone().unwrap_or_default(),
            session.client.clone(),
            session.state.clone(),
            session.age().map_or_else(String::new, show_duration),
        ]
    };
    status.sessions.iter().map(row).collect()
}

/// A heading, and a table whose columns are as wide as they must be.
fn part(lines: &mut Vec<String>, heading: &str, columns: &[&str], rows: Vec<Vec<String>>) {
    lines.push(String::new());
    if rows.is_empty() {
        lines.push(format!("{heading}: none"));
        return;
    }
    lines.push(format!("{heading}:"));
    let mut table = vec![columns.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()];
    table.extend(rows.into_iter().map(|row| row.iter().map(|cell| escape(cell).into_owned()).collect()));
    let width = |column: usize| table.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|column| width(column).unwrap_or(0)).collect();
    for row in &table {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        lines.push(format!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end()));
    }
}
