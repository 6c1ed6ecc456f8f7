//! Where `--to` points: an address and parameters. An address may hold a password, so only its host is ever shown.

use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};
use crate::secret::Secret;

/// A URL of `--to`, split into what each sink asks for.
#[derive(Debug, Clone)]
pub struct Target {
    scheme: String,
    address: Secret,
    shown: String,
    parameters: Vec<Parameter>,
    /// The names of those that were taken out.
    taken: Vec<String>,
}

#[derive(Debug, Clone)]
struct Parameter {
    name: String,
    value: Secret,
    written: Secret,
}

impl Target {
    /// Splits `scheme:address?name=value&name=value`; names and values are percent-decoded, the address is left as it is.
    ///
    /// # Errors
    /// A usage error that quotes nothing of the URL but its scheme, since any of it may be a password.
    pub fn parse(url: &str) -> Result<Self> {
        let refused = |why: &str| Error::usage(format!("--to: {why}")).hint("--to help lists what can be written to");
        let (scheme, _) = url.split_once(':').ok_or_else(|| refused("a URL is needed, such as file:PATH"))?;
        let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '+';
        if scheme.is_empty() || !scheme.chars().all(is_letter) {
            return Err(refused("a URL is needed, such as file:PATH"));
        }
        if url.contains(char::is_control) {
            return Err(refused("a URL holds no control characters: write them as %0A"));
        }
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let shown = shown(scheme, address, query).map_err(|why| refused(&why))?;
        let mut parameters = Vec::new();
        for written in query.split('&').filter(|written| !written.is_empty()) {
            let (name, value) = written.split_once('=').unwrap_or((written, ""));
            let (name, value) = (decoded(name).map_err(refused)?, decoded(value).map_err(refused)?);
            parameters.push(Parameter { name, value: Secret::new(value), written: Secret::new(written) });
        }
        let (scheme, address, taken) = (scheme.to_ascii_lowercase(), Secret::new(address), Vec::new());
        Ok(Self { scheme, address, shown, parameters, taken })
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The URL without its parameters, as written: it may hold a password.
    pub fn address(&self) -> &str {
        self.address.expose()
    }

    /// Scheme and host, for messages.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Takes a parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.parameters.iter().position(|parameter| parameter.name == name)?;
        self.taken.push(name.to_owned());
        Some(self.parameters.remove(at).value.expose().to_owned())
    }

    /// The names that begin with this, in their order.
    pub fn names(&self, start: &str) -> Vec<String> {
        self.parameters
            .iter()
            .map(|parameter| &parameter.name)
            .filter(|name| name.starts_with(start))
            .cloned()
            .collect()
    }

    /// Takes a parameter out and reads its value.
    ///
    /// # Errors
    /// A usage error with what the reader says about it.
    pub fn take_as<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>> {
        let value = self.take(name).map(|value| read(&value)).transpose();
        value.map_err(|why| Error::usage(format!("--to {}: {name}: {why}", self.shown)))
    }

    /// What nobody took, as written, with the `?` before it: for an address whose own parameters stand in the same place. Of these
    /// the sink has none whose name begins with `reserved`.
    ///
    /// # Errors
    /// A usage error that names a parameter of the sink that it does not have, or that is given twice.
    pub fn rest(&mut self, reserved: &str) -> Result<String> {
        let own = |parameter: &Parameter| !reserved.is_empty() && parameter.name.starts_with(reserved);
        if let Some(unknown) = self.parameters.iter().find(|one| own(one) || self.taken.contains(&one.name)) {
            return Err(self.unknown(unknown));
        }
        let rest: Vec<String> = self.parameters.drain(..).map(|one| one.written.expose().to_owned()).collect();
        Ok(if rest.is_empty() { String::new() } else { format!("?{}", rest.join("&")) })
    }

    /// Refuses parameters that nobody took.
    ///
    /// # Errors
    /// A usage error that names one.
    pub fn finish(self) -> Result<()> {
        self.parameters.first().map_or(Ok(()), |unknown| Err(self.unknown(unknown)))
    }

    fn unknown(&self, Parameter { name, .. }: &Parameter) -> Error {
        let wrong = if self.taken.contains(name) { "is given twice" } else { "is no parameter of it" };
        Error::usage(format!("--to {}: \"{name}\" {wrong}", self.shown))
            .hint("--to help lists the parameters of each sink")
    }
}

/// Reads `yes` or `no`.
///
/// # Errors
/// That it is neither.
pub fn yes_or_no(value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("it is yes or no".to_owned()),
    }
}

/// Scheme and host. An `@` elsewhere than before the host is refused: with one in a password that is not percent-encoded, what
/// looks like the host is a part of it.
fn shown(scheme: &str, address: &str, query: &str) -> Result<String, String> {
    let rest = &address[scheme.len() + 1..];
    let Some(rest) = rest.strip_prefix("//") else { return Ok(address.to_owned()) };
    let authority = rest.split(['/', '#']).next().unwrap_or_default();
    if rest[authority.len()..].contains('@') || query.contains('@') || authority.matches('@').count() > 1 {
        return Err(
            "an @ that does not stand before the host is written as %40 (and a / in a password as %2F)".to_owned()
        );
    }
    let host = authority.rsplit('@').next().unwrap_or_default();
    Ok(format!("{scheme}://{host}"))
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| "a parameter is not UTF-8")?;
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_split() {
        let mut target = Target::parse("AMQP://u:p%40@host:5672/v?exchange=a%26b&key={table}&x").unwrap();
        assert_eq!((target.scheme(), target.address()), ("amqp", "AMQP://u:p%40@host:5672/v"));
        assert_eq!(target.shown(), "AMQP://host:5672");
        assert_eq!(target.take("exchange").as_deref(), Some("a&b"));
        assert_eq!(target.take("key").as_deref(), Some("{table}"));
        assert_eq!(
            target.clone().finish().unwrap_err().to_string(),
            "--to AMQP://host:5672: \"x\" is no parameter of it"
        );
        assert_eq!(target.rest("").unwrap(), "?x");
        assert!(target.finish().is_ok());
    }

    #[test]
    fn what_is_not_ours_is_left_as_it_is_written() {
        let mut target = Target::parse("http://host/p?a=%20+&my.batch=2&a=1&%62").unwrap();
        assert_eq!((target.names("my."), target.take("my.batch").as_deref()), (vec!["my.batch".to_owned()], Some("2")));
        assert_eq!(target.rest("my.").unwrap(), "?a=%20+&a=1&%62");
        let mut twice = Target::parse("http://host/p?my.a=1&my.a=2").unwrap();
        twice.take("my.a");
        assert_eq!(twice.rest("my.").unwrap_err().to_string(), "--to http://host: \"my.a\" is given twice");
        let mut unknown = Target::parse("http://host/p?my.b=1").unwrap();
        assert_eq!(unknown.rest("my.").unwrap_err().to_string(), "--to http://host: \"my.b\" is no parameter of it");
    }

    #[test]
    fn a_path_needs_no_slashes() {
        let target = Target::parse("file:out put@1.jsonl").unwrap();
        assert_eq!((target.address(), target.shown()), ("file:out put@1.jsonl", "file:out put@1.jsonl"));
    }

    #[test]
    fn nothing_of_a_password_is_ever_shown() {
        for url in [
            "amqp://u:Canary@host/",
            "amqp://u:Can%2Fary@host",
            "http://host/Canary",
            "http://host/?secret=Canary",
            "amqp://u:x/Canary@host",
            "amqp://u:x?Canary@host",
            "amqp://u:x#Canary@host",
            "amqp://u:p@Canary@host",
            "Canary",
            "://Canary",
            "http://host/?a=Canary&a=Canary",
            "http://host/?a=Canary%ff",
            "http://host/\nCanary",
        ] {
            let (shown, debug) = match Target::parse(url) {
                Ok(target) => (target.shown().to_owned(), format!("{target:?}")),
                Err(error) => (error.to_string(), format!("{error:?}")),
            };
            assert!(!shown.contains("ary") && !debug.contains("ary"), "{url}: {shown} {debug}");
        }
    }
}
