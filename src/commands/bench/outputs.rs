//! Where reports go: stdout, and the files that were asked for.

use std::fs::File;
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
        let open = |(path, form): (&PathBuf, Form)| {
            let file = File::create(path).map_err(|error| failed(path, &error))?;
            Ok(Export { path: path.clone(), form, file })
        };
        let files = args.export.iter().zip(forms).map(open).collect::<Result<_>>()?;
        Ok(Self { stdout, files, place: Place::First })
    }

    /// Writes a report, as soon as it is there: the next scenario may fail.
    ///
    /// # Errors
    /// When something cannot be written, as on a full disk.
    pub fn write(&mut self, report: &Report) -> Result<()> {
        for Export { path, form, file } in &mut self.files {
            let written = file.write_all(render::render(report, *form, self.place).as_bytes());
            written.map_err(|error| failed(path, &error))?;
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
