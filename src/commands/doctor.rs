//! `pgfeed doctor`: tells what it finds as it finds it.

use std::time::Duration;

use super::context::{Context, print_lines};
use crate::cli::{self, ReportFormat};
use crate::doctor::{self, Finding, Verdict};
use crate::error::Result;
use crate::exit::Exit;
use crate::stop::Stop;
use crate::text::escape;
use crate::{signal, sql};

/// Examines.
pub fn run(args: &cli::Doctor, context: &Context) -> Result<Exit> {
    // It changes nothing, so that a signal may end it at once.
    signal::watch(&Stop::default(), Duration::ZERO);
    sql::check_name("the schema's name", &args.schema)?;
    let settings = context.settings()?;
    let mut exit = Exit::Done;
    let mut tell = |finding: &Finding| {
        if finding.verdict == Verdict::Fail {
            exit = Exit::Check;
        }
        print_lines(lines(finding, args.output).into_iter())
    };
    match context.connect() {
        Ok(mut connection) => doctor::examine(&mut connection, &settings, &args.schema, &mut tell)?,
        Err(error) if error.exit() == Exit::Usage => return Err(error),
        Err(error) => tell(&doctor::unreachable(&error))?,
    }
    Ok(exit)
}

fn lines(finding: &Finding, form: ReportFormat) -> Vec<String> {
    let word = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
    };
    match form {
        ReportFormat::Json => vec![serde_json::to_string(finding).expect("plain data is always JSON")],
        ReportFormat::Text => {
            let mut lines = vec![format!("{word:<4}  {:<18}  {}", finding.check, escape(&finding.detail))];
            let more = |text: &str| format!("      {:<18}  {}", "", escape(text));
            lines.extend(finding.meaning.map(more));
            lines.extend(finding.remedy.as_ref().map(|remedy| more(&format!("-> {remedy}"))));
            lines
        }
    }
}
