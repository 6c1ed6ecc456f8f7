//! Reads `postgres://user:password@host:port,host:port/dbname?key=value` as libpq does. Messages never quote any of it.

use super::keys::{self, Values};

/// The text behind `postgres://` or `postgresql://`, when that is what it starts with.
pub(super) fn after_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// Parses what follows the scheme.
///
/// # Errors
/// A sentence that says what is wrong, and nothing of the URI, since any of it may be a password.
pub(super) fn parse(text: &str) -> Result<Values, String> {
    let mut values = Values::default();
    // libpq looks for the first `@` that stands before any slash.
    let user_end = text.find(['@', '/']).filter(|at| text[*at..].starts_with('@'));
    let rest = match user_end {
        Some(at) => {
            credentials(&text[..at], &mut values)?;
            &text[at + 1..]
        }
        None => text,
    };
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    // `u:p@ss@host` would make `ss@host` the host, and a message about that host would show half of the password.
    if place.contains('@') {
        return Err("an @ in the user, password or database of a URI must be written as %40 (and / as %2F)".to_owned());
    }
    let (hosts, dbname) = place.split_once('/').unwrap_or((place, ""));
    endpoints(hosts, &mut values)?;
    store("dbname", dbname, &mut values)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        parameter(pair, &mut values)?;
    }
    Ok(values)
}

fn credentials(text: &str, values: &mut Values) -> Result<(), String> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    // `host?password=p@ss` reads as the user `host?password=p`, which messages show.
    if user.contains('?') {
        return Err("an @ in a parameter of a URI must be written as %40".to_owned());
    }
    store("user", user, values)?;
    store("password", password, values)
}

/// Splits `a:1,[::1]:2` into the lists that the keys host and port hold.
fn endpoints(text: &str, values: &mut Values) -> Result<(), String> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        let (host, after) = if let Some(bracketed) = rest.strip_prefix('[') {
            bracketed.split_once(']').ok_or("the ] of an IPv6 address is missing")?
        } else {
            rest.split_at(rest.find([':', ',']).unwrap_or(rest.len()))
        };
        let (port, next) = match after.split_once(',') {
            Some((port, next)) => (port, Some(next)),
            None => (after, None),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port,
            None if port.is_empty() => "",
            None => return Err("only :PORT may follow the ] of an IPv6 address".to_owned()),
        };
        hosts.push(host);
        ports.push(port);
        match next {
            Some(next) => rest = next,
            None => break,
        }
    }
    store("host", &hosts.join(","), values)?;
    if ports.iter().all(|port| port.is_empty()) {
        return Ok(());
    }
    store("port", &ports.join(","), values)
}

fn parameter(pair: &str, values: &mut Values) -> Result<(), String> {
    let (key, value) = pair.split_once('=').ok_or("a parameter without a value")?;
    if value.contains('=') {
        return Err("a parameter with two = (write the second one as %3D)".to_owned());
    }
    let (key, value) = (decode(key)?, decode(value)?);
    // JDBC's way of saying it, which libpq understands too.
    let (key, value) =
        if key == "ssl" && value == "true" { ("sslmode".into(), "require".into()) } else { (key, value) };
    values.set(&key, value).map_err(|_| keys::shown(&key))
}

/// Stores a part of the URI; as in libpq, an empty part says nothing.
fn store(key: &str, encoded: &str, values: &mut Values) -> Result<(), String> {
    if encoded.is_empty() {
        return Ok(());
    }
    values.set(key, decode(encoded)?).map_err(|_| keys::shown(key))
}

/// Undoes percent-encoding. A plus stays a plus: this is a URI and not a form.
fn decode(text: &str) -> Result<String, String> {
    const WRONG: &str = "a % must be followed by two hexadecimal digits (a plain % is written as %25)";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(WRONG);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits fit into a byte"));
    }
    if bytes.contains(&0) {
        return Err("%00 cannot be part of a value".to_owned());
    }
    String::from_utf8(bytes).map_err(|_| "what is percent-encoded is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(uri: &str) -> String {
        let values = parse(after_scheme(uri).unwrap()).unwrap();
        values.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn takes_uris_apart_as_libpq_does() {
        // From libpq's own regression tests (src/interfaces/libpq/t/001_uri.pl), and the forms of its manual.
        for (uri, parts) in [
            (
                "postgresql://uri-user:secret@host:12345/db",
                "dbname=db host=host password=secret port=12345 user=uri-user",
            ),
            ("postgresql://uri-user@host:12345/", "host=host port=12345 user=uri-user"),
            ("postgresql://host", "host=host"),
            ("postgresql://", ""),
            ("postgresql://?hostaddr=127.0.0.1", "hostaddr=127.0.0.1"),
            ("postgresql://%68ost/", "host=host"),
            ("postgresql://[::1]:12345/db", "dbname=db host=::1 port=12345"),
            ("postgresql://[2001:db8::1234]", "host=2001:db8::1234"),
            ("postgres:///db?host=/path/to/socket/dir", "dbname=db host=/path/to/socket/dir"),
            ("postgres://%2Fvar%2Flib/dbname", "dbname=dbname host=/var/lib"),
            ("postgres://user@/db", "dbname=db user=user"),
            ("postgres://:@host:0", "host=host port=0"),
            ("postgres://a:1,b,[::1]:3/db", "dbname=db host=a,b,::1 port=1,,3"),
            ("postgres://h/db?ssl=true", "dbname=db host=h sslmode=require"),
            ("postgres://u:p%40s%2Fs%25@h", "host=h password=p@s/s% user=u"),
            ("postgres://h?options=-c%20a%3Db&user=x+y", "host=h options=-c a=b user=x+y"),
        ] {
            assert_eq!(shown(uri), parts, "{uri}");
        }
    }

    #[test]
    fn refuses_without_telling() {
        for uri in [
            "u:p@S3CRET@h/db",
            "u:p/S3CRET@h/db",
            "u:12/S3CRET@h/db",
            "u:p@ss/S3CRET@h/db",
            "u:%zzS3CRET@h",
            "u:S3CRET%@h",
            "u:S3CRET%00@h",
            "u:%ffS3CRET@h",
            "[::1/S3CRET",
            "[::1]S3CRET/",
            "h?S3CRET",
            "h?password=S3CRET@x",
            "h?user=S3CRET=x",
            "h?S3CRET=x",
        ] {
            let message = parse(uri).unwrap_err();
            assert!(!message.contains("S3CRET"), "{message}");
        }
    }

    fn encode(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02x}")).collect()
    }

    proptest! {
        #[test]
        fn encoded_parts_round_trip(user in "\\PC{1,20}", password in "[^\\x00]{1,20}", dbname in "\\PC{1,20}") {
            let uri = format!("{}:{}@host:1/{}", encode(&user), encode(&password), encode(&dbname));
            let values = parse(&uri).unwrap();
            prop_assert_eq!(values.get("user"), Some(user.as_str()));
            prop_assert_eq!(values.get("password"), Some(password.as_str()));
            prop_assert_eq!(values.get("dbname"), Some(dbname.as_str()));
            prop_assert_eq!(values.get("host"), Some("host"));
        }
    }
}
