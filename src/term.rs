//! What is told to people on stderr, and whether it may be coloured. Data never goes through here.

use std::io::{IsTerminal, Write};

use colored::{ColoredString, Colorize};

use crate::error::Error;
use crate::text;

/// When to use colour, as the user asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much to say on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors only.
    Quiet,
    /// What one wants to know.
    Normal,
    /// How things go.
    Verbose,
    /// The text of every SQL statement, too.
    Sql,
}

/// The terminal, or what stands in its place: decided once, then passed by value.
#[derive(Debug, Clone, Copy)]
pub struct Term {
    verbosity: Verbosity,
    /// Whether data on stdout may be coloured.
    pub stdout_color: bool,
    stderr_color: bool,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether stderr is a terminal, where progress can be drawn.
    pub stderr_is_terminal: bool,
}

impl Term {
    /// Looks at the environment and at both streams.
    pub fn new(choice: ColorChoice, verbosity: Verbosity) -> Self {
        let stdout_is_terminal = std::io::stdout().is_terminal();
        let stderr_is_terminal = std::io::stderr().is_terminal();
        // The crate decides by stdout alone (colored 3.1): decide per stream here, and let it always colour what we ask for.
        colored::control::set_override(true);
        Self {
            verbosity,
            stdout_color: use_color(choice, stdout_is_terminal),
            stderr_color: use_color(choice, stderr_is_terminal),
            stdout_is_terminal,
            stderr_is_terminal,
        }
    }

    /// Whether something of this weight is said at all.
    pub fn says(&self, verbosity: Verbosity) -> bool {
        verbosity <= self.verbosity
    }

    /// Says what one wants to know.
    pub fn note(&self, message: impl AsRef<str>) {
        if self.says(Verbosity::Normal) {
            self.line(&format!("pgfeed: {}", text::escape(message.as_ref())));
        }
    }

    /// Says something that is to be copied as it is, on a line of its own.
    pub fn copyable(&self, line: &str) {
        if self.says(Verbosity::Normal) {
            self.line(&text::escape(line));
        }
    }

    /// Says how things go, with `--verbose`.
    pub fn verbose(&self, message: impl AsRef<str>) {
        if self.says(Verbosity::Verbose) {
            self.line(&format!("pgfeed: {}", text::escape(message.as_ref())));
        }
    }

    /// Shows an SQL statement, whose lines stay lines.
    pub fn statement(&self, statement: &str) {
        if self.says(Verbosity::Sql) {
            let lines: Vec<_> = statement.trim_end().lines().map(text::escape).collect();
            self.line(&format!("pgfeed: sql: {}", lines.join("\n  ")));
        }
    }

    /// Warns.
    pub fn warn(&self, message: impl AsRef<str>) {
        if self.says(Verbosity::Normal) {
            let label = self.paint("warning:", |s| s.yellow().bold());
            self.line(&format!("pgfeed: {label} {}", text::escape(message.as_ref())));
        }
    }

    /// Tells an error with its sqlstate, detail and hint, whatever the verbosity.
    pub fn error(&self, error: &Error) {
        let label = self.paint("error:", |s| s.red().bold());
        let mut lines = format!("pgfeed: {label} {}", text::escape(&error.to_string()));
        for (name, note) in error.notes() {
            lines.push_str(&format!("\n  {name}: {}", text::escape(note)));
        }
        self.line(&lines);
    }

    fn paint(&self, words: &str, how: impl FnOnce(&str) -> ColoredString) -> String {
        if self.stderr_color { how(words).to_string() } else { words.to_owned() }
    }

    /// Writes whole lines at once; a stderr that is closed or full is nobody's error.
    fn line(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
    }
}

/// The usual variables: <https://no-color.org>, <https://bixense.com/clicolors>, and PG_COLOR as psql reads it.
fn use_color(choice: ColorChoice, is_terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let forced = || set("CLICOLOR_FORCE") && std::env::var_os("CLICOLOR_FORCE").is_none_or(|value| value != "0");
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if set("NO_COLOR") => false,
        ColorChoice::Auto if forced() => true,
        ColorChoice::Auto => match std::env::var("PG_COLOR").as_deref() {
            Ok("always") => true,
            Ok("never") => false,
            _ => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
        },
    }
}
