//! `pgfeed serve` in a build without it.

use super::context::Context;
use crate::cli;
use crate::error::{Error, Result};
use crate::exit::Exit;

/// Says so.
pub fn run(_args: &cli::Serve, _context: &Context) -> Result<Exit> {
    Err(Error::usage("this build of pgfeed has no serve")
        .hint("build it with the feature serve, which is on by default"))
}
