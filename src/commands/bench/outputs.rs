//! Where reports go: stdout, and the files that were asked for.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::bench::render::{self, Form, Place};
use crate::bench::report::Report;
use crate::cli::{self, BenchFormat};
use crate::commands::context::print;
use crate::error::{Error, Result};

/// All of them.
pub struct Outputs {
    stdout: Form,
    files: Vec<Export>,
    place: Place,
}

struct Export {
    path: PathBuf,
    form: Form,
    file: File,
    /// Where the file is until it has a report: an earlier one is kept for as long as there is nothing in its place.
    unfinished: Option<PathBuf>,
}

impl Export {
    fn create(path: &Path, form: Form) -> Result<Self> {
        if path.is_dir() {
            return Err(Error::failed("it is a folder").doing(format!("writing {}", path.display())));
        }
        let mut name = path.as_os_str().to_owned();
        name.push(".tmp");
        let unfinished = PathBuf::from(name);
        let file = File::create(&unfinished).map_err(|error| failed(&unfinished, &error))?;
        Ok(Self { path: path.to_owned(), form, file, unfinished: Some(unfinished) })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.file.write_all(text.as_bytes()).map_err(|error| failed(&self.path, &error))?;
        if let Some(unfinished) = &self.unfinished {
            fs::rename(unfinished, &self.path).map_err(|error| failed(&self.path, &error))?;
            self.unfinished = None;
        }
        Ok(())
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished {
            // Nothing was measured, which has been told.
            let _ = fs::remove_file(unfinished);
        }
    }
}

impl Outputs {
    /// Opens the files before anything is measured, so that a typing error costs no time.
    ///
    /// # Errors
    /// A usage error for an ending that is not known; when a file cannot be created.
    pub fn open(args: &cli::Bench) -> Result<Self> {
        let stdout = match args.output {
            BenchFormat::Text => Form::Text,
            BenchFormat::Json => Form::Json,
            BenchFormat::Csv => Form::Csv,
            BenchFormat::Markdown => Form::Markdown,
        };
        // All endings first: a wrong one must not leave another file empty.
        let forms: Vec<Form> = args.export.iter().map(|path| form_of(path)).collect::<Result<_>>()?;
        let mut files: Vec<Export> = Vec::new();
        for (path, form) in args.export.iter().zip(forms) {
            if files.iter().all(|file| file.path != *path) {
                files.push(Export::create(path, form)?);
            }
        }
        Ok(Self { stdout, files, place: Place::First })
    }

    /// Writes a report, as soon as it is there: the next scenario may fail.
    ///
    /// # Errors
    /// When something cannot be written, as on a full disk.
    pub fn write(&mut self, report: &Report) -> Result<()> {
        for file in &mut self.files {
            file.write(&render::render(report, file.form, self.place))?;
        }
        print(render::render(report, self.stdout, self.place).as_bytes())?;
        self.place = Place::Later;
        Ok(())
    }
}

fn form_of(path: &Path) -> Result<Form> {
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some("txt") => Ok(Form::Text),
        Some("json") => Ok(Form::Json),
        Some("csv") => Ok(Form::Csv),
        Some("md") => Ok(Form::Markdown),
        _ => Err(Error::usage(format!("--export {}: its ending tells no form", path.display()))
            .hint("end it in .txt, .json, .csv or .md")),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::failed(error.to_string()).doing(format!("writing {}", path.display()))
}
