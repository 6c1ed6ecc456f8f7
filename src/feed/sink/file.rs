//! The file sink: appends events as JSON lines, and acknowledges what is on the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::registry::{Acknowledgement, Destination, Kind};
use super::target::{Target, yes_or_no};
use crate::error::{Error, Result};
use crate::feed::event::Item;
use crate::feed::format::{Format as _, Json};
use crate::feed::{Outcome, Refuses, Sink, Written};
use crate::stop::Stop;

/// For the registry.
pub const KIND: Kind = Kind {
    schemes: &["file"],
    form: "file:PATH",
    about: "Appends JSON lines. Acknowledged when they are on the disk; a line that a crash has torn is removed at start.",
    parameters: &[("fsync", "yes, or no: acknowledged when the system has them [yes]")],
    prepare,
};

/// How much of the end of a file is read at once to find its last line, in bytes.
const STEP_BYTES: u64 = 64 * 1024;

struct Place {
    path: PathBuf,
    fsync: bool,
    /// Opened by the first worker, and shared: each writes whole lines.
    file: Mutex<Option<Arc<Mutex<File>>>>,
}

fn prepare(mut target: Target, _: Acknowledgement) -> Result<Box<dyn Destination>> {
    let fsync = target.take_as("fsync", yes_or_no)?.unwrap_or(true);
    let path = target.address()["file:".len()..].to_owned();
    let path = path.strip_prefix("//").unwrap_or(&path);
    if path.is_empty() {
        return Err(Error::usage("--to file: a path is missing"));
    }
    let place = Place { path: path.into(), fsync, file: Mutex::default() };
    target.finish()?;
    Ok(Box::new(place))
}

impl Destination for Place {
    fn open(&self, _: &Stop) -> Result<Box<dyn Sink>> {
        let mut shared = self.file.lock().expect("opening a file does not panic");
        let file = match &*shared {
            Some(file) => Arc::clone(file),
            None => {
                let file = open(&self.path).map_err(|error| failed(&self.path, &error))?;
                Arc::clone(shared.insert(Arc::new(Mutex::new(file))))
            }
        };
        Ok(Box::new(Lines { path: self.path.clone(), fsync: self.fsync, file, buffer: Vec::new() }))
    }
}

/// Opens a file for appending, without what may stand behind its last newline.
fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(file);
    }
    // Two writers could tear each other's lines while one of them repairs.
    file.try_lock().map_err(|error| match error {
        std::fs::TryLockError::WouldBlock => io::Error::other("another pgfeed writes it"),
        std::fs::TryLockError::Error(error) => error,
    })?;
    let whole = end_of_last_line(&mut file)?;
    if whole < file.metadata()?.len() {
        file.set_len(whole)?;
    }
    Ok(file)
}

/// Where the last newline ends; 0 without one.
fn end_of_last_line(file: &mut File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut bytes = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP_BYTES);
        bytes.clear();
        file.seek(SeekFrom::Start(start))?;
        (&mut *file).take(end - start).read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::failed(error.to_string()).doing(format!("writing to file:{}", path.display()))
}

/// A worker's part of the file.
struct Lines {
    path: PathBuf,
    fsync: bool,
    file: Arc<Mutex<File>>,
    buffer: Vec<u8>,
}

impl Lines {
    fn write_out(&mut self) -> io::Result<()> {
        let mut file = self.file.lock().expect("a write does not panic");
        let before = file.metadata()?;
        let written = file.write_all(&self.buffer).and_then(|()| if self.fsync { file.sync_data() } else { Ok(()) });
        if written.is_err() && before.is_file() {
            // A full disk may have taken a part; what is tried again must not follow half a line.
            let _ = file.set_len(before.len());
        }
        written
    }
}

impl Sink for Lines {
    fn write(&mut self, item: &Item) -> Result<Written> {
        if matches!(item, Item::Event(_)) {
            Json { control: false }.append(&mut self.buffer, item);
            self.buffer.push(b'\n');
        }
        Ok(Written::Taken)
    }

    fn flush(&mut self) -> Result<Outcome> {
        if self.buffer.is_empty() {
            return Ok(Outcome::Delivered);
        }
        let written = self.write_out();
        self.buffer.clear();
        written.map_err(|error| failed(&self.path, &error))?;
        Ok(Outcome::Delivered)
    }

    fn refuses(&self) -> Refuses {
        Refuses::Nothing
    }
}
