//! A file by the system alone: lines as the sink's appended to a file beside it, a thousand with each fsync.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use super::sample::{Sample, nth};
use super::{BATCH, Bare, Kind, Run, failed};
use crate::error::Result;
use crate::feed::format::{Format as _, Json};
use crate::feed::sink::file::{self as sink, read};
use crate::feed::sink::target::Target;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: sink::KIND.schemes,
    name: "write and fsync alone",
    how: "lines as the sink's appended to a file in the same folder, 1000 at once (and no fsync where the sink makes none)",
    open,
};

struct Lines {
    file: File,
    path: PathBuf,
    fsync: bool,
    lines: Vec<Vec<u8>>,
}

fn open(target: Target, sample: &Sample) -> Result<Box<dyn Bare>> {
    let (path, fsync) = read(target)?;
    let mut name = path.into_os_string();
    name.push(format!(".{}", sample.place));
    let path = PathBuf::from(name);
    let lines = sample.map(|item, _| {
        let mut line = Vec::new();
        Json { control: false }.append(&mut line, item);
        line.push(b'\n');
        Ok(line)
    })?;
    let file = OpenOptions::new().append(true).create_new(true).open(&path);
    let file = file.map_err(|error| failed(&error).doing(format!("creating {}", path.display())))?;
    Ok(Box::new(Lines { file, path, fsync, lines }))
}

impl Bare for Lines {
    fn publish(&mut self, count: u64, run: &Run) -> Result<()> {
        let mut buffer = Vec::new();
        for number in 0..count {
            buffer.extend(nth(&self.lines, number));
            let is_last = number + 1 == count;
            if (number + 1) % BATCH != 0 && !is_last {
                continue;
            }
            let written = self.file.write_all(&buffer);
            let written = written.and_then(|()| if self.fsync { self.file.sync_data() } else { Ok(()) });
            written.map_err(|error| failed(&error).doing(format!("writing to {}", self.path.display())))?;
            buffer.clear();
            if !run.count(number % BATCH + 1) {
                break;
            }
        }
        Ok(())
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // Nobody is there to be told; its name tells where it is from.
        let _ = fs::remove_file(&self.path);
    }
}
