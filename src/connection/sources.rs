//! Where settings come from, in libpq's order: conninfo, flags, service file, DATABASE_URL, PG* variables.

use super::environment::Environment;
use super::keys::{self, Values};
use super::{Options, conninfo, service};
use crate::error::{Error, Result};

/// Everything that was said, the strongest source first.
#[derive(Debug)]
pub(super) struct Sources<'a> {
    layers: Vec<Layer>,
    env: &'a Environment,
}

#[derive(Debug)]
struct Layer {
    name: &'static str,
    values: Values,
}

impl<'a> Sources<'a> {
    /// Reads all sources, and refuses the keys that cannot be honoured.
    ///
    /// # Errors
    /// Usage errors that name the source and the key, and never a value.
    pub(super) fn gather(options: &Options, env: &'a Environment) -> Result<Self> {
        let database = options.dbname.as_deref().filter(|text| !text.is_empty());
        let url = env.variable("DATABASE_URL").filter(|text| database.is_none() && !text.is_empty());
        let mut sources = Self { layers: Vec::new(), env };
        let from = options.dbname_from.unwrap_or("-d");
        sources.add(from, database.map(|text| parse(from, text)).transpose()?);
        sources.add("the command line", Some(flags(options)));
        let service_place = sources.layers.len();
        sources.add("DATABASE_URL", url.map(|text| parse("DATABASE_URL", text)).transpose()?);
        if let Some(name) = sources.get("service") {
            let values = service::lookup(name, sources.get("servicefile"), env)?;
            sources.layers.insert(service_place, Layer { name: "the service file", values });
        }
        sources.refuse_unsupported()?;
        Ok(sources)
    }

    fn add(&mut self, name: &'static str, values: Option<Values>) {
        self.layers.extend(values.map(|values| Layer { name, values }));
    }

    fn refuse_unsupported(&self) -> Result<()> {
        for (key, value) in self.layers.iter().flat_map(|layer| layer.values.iter()) {
            if let Some(reason) = keys::refusal(key, value) {
                return Err(self.wrong(key, &format!("cannot be honoured: {reason}")));
            }
        }
        for variable in keys::variables() {
            let key = keys::key_of(variable);
            if let Some(reason) = self.env.variable(variable).and_then(|value| keys::refusal(key, value)) {
                return Err(Error::usage(format!("{variable} cannot be honoured: {reason}")));
            }
        }
        Ok(())
    }

    /// The strongest value of `key`. An empty one asks for the default: it hides those of weaker sources, and is not shown.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let layered = self.layers.iter().find_map(|layer| layer.values.get(key));
        layered.or_else(|| self.env.variable(keys::variable(key)?)).filter(|value| !value.is_empty())
    }

    /// Makes the error about a key: it says where the value was given, and not what it is.
    pub(super) fn wrong(&self, key: &str, what: &str) -> Error {
        let layer = self.layers.iter().find(|layer| layer.values.get(key).is_some());
        match (layer, keys::variable(key)) {
            (Some(layer), _) => Error::usage(format!("{key} in {} {what}", layer.name)),
            (None, Some(variable)) => Error::usage(format!("{variable} {what}")),
            (None, None) => Error::usage(format!("{key} {what}")),
        }
    }

    /// A number, where `key` is given.
    pub(super) fn number<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>> {
        self.get(key).map(|text| text.trim().parse().map_err(|_| self.wrong(key, "is not a number"))).transpose()
    }

    /// One of the `known` values, where `key` is given.
    pub(super) fn choice<T: Copy>(&self, key: &str, known: &[(&str, T)]) -> Result<Option<T>> {
        let Some(text) = self.get(key) else { return Ok(None) };
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, choice)| *choice);
        let names = || known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| self.wrong(key, &format!("is not one of {}", names())))
    }
}

fn parse(source: &str, text: &str) -> Result<Values> {
    conninfo::parse(text).map_err(|wrong| Error::usage(format!("{source}: {wrong}")))
}

fn flags(options: &Options) -> Values {
    let mut values = Values::default();
    let timeout = options.connect_timeout.map(|limit| limit.as_secs_f64().to_string());
    let given =
        [("host", &options.host), ("port", &options.port), ("user", &options.user), ("connect_timeout", &timeout)];
    for (key, value) in given {
        if let Some(value) = value {
            let _ = values.set(key, value);
        }
    }
    values
}
