//! `pgfeed completions` and `pgfeed man`: what the command line knows of itself, printed.

use std::path::Path;

use clap::CommandFactory;

use super::context::print;
use crate::cli::{Cli, Completions, Man};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// Prints the completions of a shell.
pub fn completions(args: &Completions) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "pgfeed", &mut script);
    print(&script)?;
    Ok(Exit::Done)
}

/// Prints a manual page, or writes all of them into a folder.
pub fn man(args: &Man) -> Result<Exit> {
    let mut top = Cli::command().disable_help_subcommand(true);
    top.build();
    if let Some(dir) = &args.dir {
        for command in std::iter::once(&top).chain(top.get_subcommands()) {
            write_page(dir, command)?;
        }
        return Ok(Exit::Done);
    }
    let command = match &args.command {
        None => &top,
        Some(name) => top.find_subcommand(name).ok_or_else(|| Error::usage(format!("there is no command {name}")))?,
    };
    print(&page(command))?;
    Ok(Exit::Done)
}

fn page(command: &clap::Command) -> Vec<u8> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page).expect("a Vec accepts all writes");
    page
}

fn write_page(dir: &Path, command: &clap::Command) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let file = dir.join(format!("{name}.1"));
    let write = std::fs::create_dir_all(dir).and_then(|()| std::fs::write(&file, page(command)));
    write.map_err(|error| Error::failed(error.to_string()).doing(format!("writing {}", file.display())))
}
