//! The file sink: appends events as JSON lines, and acknowledges what is on the disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::ACKNOWLEDGE_WITHIN;
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
    about: "Appends JSON lines to a file, which others may append to and rotate as well. Acknowledged when they are on the disk; a line\n\
            that a crash has torn is removed by the next one who writes.",
    parameters: &[("fsync", "yes, or no: acknowledged when the system has them [yes]")],
    prepare,
};

/// How much of the end of a file is read at once to find its last line, in bytes.
const STEP_BYTES: u64 = 64 * 1024;
/// How our lines begin.
const START: &[u8] = br#"{"type":""#;
/// How often to try to get a file that another process is writing to.
const TRY_EVERY: Duration = Duration::from_millis(2);

struct Place(Arc<Shared>);

/// The file, which all workers share: each writes whole lines.
struct Shared {
    path: PathBuf,
    fsync: bool,
    file: Mutex<Option<File>>,
}

fn prepare(target: Target, _: Acknowledgement) -> Result<Box<dyn Destination>> {
    let (path, fsync) = read(target)?;
    Ok(Box::new(Place(Arc::new(Shared { path, fsync, file: Mutex::default() }))))
}

/// Reads a URL: the path, and whether to wait for the disk.
///
/// # Errors
/// Usage errors.
pub(crate) fn read(mut target: Target) -> Result<(PathBuf, bool)> {
    let fsync = target.take_as("fsync", yes_or_no)?.unwrap_or(true);
    let path = &target.address()[target.scheme().len() + 1..];
    let path = PathBuf::from(match path.strip_prefix("//") {
        Some(path) if !path.starts_with('/') => {
            return Err(Error::usage("--to file: what follows two slashes is a host, and files are here")
                .hint("write file:PATH, or file:///PATH from the root on"));
        }
        Some(path) => path,
        None => path,
    });
    if path.as_os_str().is_empty() {
        return Err(Error::usage("--to file: a path is missing"));
    }
    target.finish()?;
    if fs::metadata(&path).is_ok_and(|there| !there.is_file()) {
        return Err(Error::usage(format!("--to file:{}: it is not a regular file", path.display())).hint(
            "what else there is acknowledges nothing: print to it instead, as in > PATH (with tail-queue, --consume)",
        ));
    }
    Ok((path, fsync))
}

impl Destination for Place {
    fn open(&self, _: &Stop) -> Result<Box<dyn Sink>> {
        // What cannot be opened now is a mistake of whoever started it; what fails later is an outage.
        self.0.append(b"").map_err(|error| Error::failed(error.to_string()).doing(self.0.doing()))?;
        Ok(Box::new(Lines { shared: Arc::clone(&self.0), buffer: Vec::new() }))
    }
}

impl Shared {
    fn doing(&self) -> String {
        format!("writing to file:{}", self.path.display())
    }

    /// Appends whole lines, or nothing.
    fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut shared = self.file.lock().expect("a write does not panic");
        let mut file = self.lock(shared.take())?;
        let before = repair(&mut file, &self.path)?;
        let written = file.write_all(lines).and_then(|()| if self.fsync { file.sync_data() } else { Ok(()) });
        if written.is_err() {
            // A full disk may have taken a part; what is tried again must not follow half a line.
            let _ = file.set_len(before);
        }
        file.unlock()?;
        *shared = Some(file);
        written
    }

    /// The file that the path leads to now, which nobody else of us writes to until it is unlocked.
    fn lock(&self, mut open: Option<File>) -> io::Result<File> {
        let until = Instant::now() + ACKNOWLEDGE_WITHIN;
        loop {
            let file = match open.take() {
                Some(file) => file,
                None => self.open()?,
            };
            match file.try_lock() {
                // Rotated or removed: what is written now belongs into another file.
                Ok(()) if !is_at(&file, &self.path)? => continue,
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err(io::Error::other("another process has locked it"));
                }
                Err(TryLockError::WouldBlock) => thread::sleep(TRY_EVERY),
            }
            open = Some(file);
        }
    }

    fn open(&self) -> io::Result<File> {
        let is_new = !self.path.exists();
        let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        if is_new && self.fsync {
            // That a file is there is written in its folder.
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(folder)?.sync_all()?;
        }
        Ok(file)
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(there) => Ok((there.dev(), there.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what stands behind the last newline, if it is a part of a line of ours; returns the length that is left.
fn repair(file: &mut File, path: &Path) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let whole = end_of_last_line(file, length)?;
    if whole == length {
        return Ok(length);
    }
    let mut torn = Vec::new();
    file.seek(SeekFrom::Start(whole))?;
    (&mut *file).take(START.len() as u64).read_to_end(&mut torn)?;
    if !START.starts_with(&torn) {
        let wrong = format!("{} does not end with a line of pgfeed's, nor with a newline", path.display());
        return Err(io::Error::other(wrong));
    }
    file.set_len(whole)?;
    Ok(whole)
}

/// Where the last newline ends; 0 without one.
fn end_of_last_line(file: &mut File, length: u64) -> io::Result<u64> {
    let mut bytes = Vec::new();
    // Mostly it is the last byte.
    let (mut end, mut step) = (length, 1);
    while end > 0 {
        let start = end.saturating_sub(step);
        bytes.clear();
        file.seek(SeekFrom::Start(start))?;
        (&mut *file).take(end - start).read_to_end(&mut bytes)?;
        if let Some(at) = bytes.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        (end, step) = (start, STEP_BYTES);
    }
    Ok(0)
}

/// A worker's part of the file.
struct Lines {
    shared: Arc<Shared>,
    buffer: Vec<u8>,
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
        let appended = self.shared.append(&self.buffer);
        self.buffer.clear();
        Ok(match appended {
            Ok(()) => Outcome::Delivered,
            Err(error) => Outcome::Unavailable(format!("{}: {error}", self.shared.doing())),
        })
    }

    fn refuses(&self) -> Refuses {
        Refuses::Nothing
    }
}
