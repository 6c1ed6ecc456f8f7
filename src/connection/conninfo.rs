//! Reads a connection string: a plain database name, `key=value` pairs or a URI. Messages never quote any of it.

use super::keys::{self, Values};
use super::uri;

/// Parses what `-d` or DATABASE_URL holds. As in libpq: an `=` or the prefix of a URI make it more than a name.
///
/// # Errors
/// A sentence that says what is wrong, and nothing of the string, since any of it may be a password.
pub(super) fn parse(text: &str) -> Result<Values, String> {
    if let Some(rest) = uri::after_scheme(text) {
        return uri::parse(rest);
    }
    if text.contains('=') {
        return pairs(text);
    }
    if text.contains("://") {
        return Err("the URI must start with postgres:// or postgresql://".to_owned());
    }
    let mut values = Values::default();
    let _ = values.set("dbname", text);
    Ok(values)
}

/// Parses `host=localhost password='it''s'`-like text by libpq's rules: a backslash escapes, quotes may hold spaces.
fn pairs(text: &str) -> Result<Values, String> {
    const QUOTING: &str = "a value with spaces needs quotes: password='one two'";
    let mut values = Values::default();
    let mut rest = text.trim_start();
    // What follows an unquoted password may be the rest of it, so that it is not named.
    let mut unnameable = false;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').ok_or_else(|| format!("a key without a value ({QUOTING})"))?;
        let key = key.trim_end();
        if key.contains(char::is_whitespace) {
            return Err(format!("a key without a value ({QUOTING})"));
        }
        let (value, quoted, after) = value(after.trim_start())?;
        if values.set(key, value).is_err() {
            return Err(if unnameable { format!("an unknown key ({QUOTING})") } else { keys::shown(key) });
        }
        unnameable = !quoted && key.contains("password");
        rest = after.trim_start();
    }
    Ok(values)
}

/// Takes one value off the front: the value, whether it was quoted, the rest.
fn value(text: &str) -> Result<(String, bool, &str), String> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut chars = text.char_indices().skip(usize::from(quoted));
    while let Some((at, char)) = chars.next() {
        match char {
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, quoted, &text[at + 1..])),
            space if !quoted && space.is_whitespace() => return Ok((value, quoted, &text[at..])),
            other => value.push(other),
        }
    }
    if quoted { Err("a quote is not closed".to_owned()) } else { Ok((value, quoted, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str, key: &str) -> Option<String> {
        parse(text).unwrap().get(key).map(str::to_owned)
    }

    #[test]
    fn a_word_is_a_database() {
        assert_eq!(one("shop", "dbname").as_deref(), Some("shop"));
        assert_eq!(one("my shop", "dbname").as_deref(), Some("my shop"));
        assert!(parse("mysql://u:S3cret@h/d").is_err_and(|e| !e.contains("S3cret")));
    }

    #[test]
    fn pairs_follow_the_quoting_of_libpq() {
        let text = r"host = localhost  port=5433 password='it\'s \\ me' options='-c a=b' dbname=a\ b user=''";
        assert_eq!(one(text, "host").as_deref(), Some("localhost"));
        assert_eq!(one(text, "port").as_deref(), Some("5433"));
        assert_eq!(one(text, "password").as_deref(), Some(r"it's \ me"));
        assert_eq!(one(text, "options").as_deref(), Some("-c a=b"));
        assert_eq!(one(text, "dbname").as_deref(), Some("a b"));
        assert_eq!(one(text, "user").as_deref(), Some(""));
        assert_eq!(one("dbname=a dbname=b", "dbname").as_deref(), Some("b"));
    }

    #[test]
    fn mistakes_are_named_without_a_value() {
        assert_eq!(parse("sslmod=require").unwrap_err(), "unknown key \"sslmod\"");
        for wrong in ["password=my S3cret", "password=my S3=cret", "password='S3cret", "S3cret host=x"] {
            let message = parse(wrong).unwrap_err();
            assert!(!message.contains("S3"), "{message}");
        }
    }

    fn quote(value: &str) -> String {
        format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
    }

    proptest! {
        #[test]
        fn quoted_pairs_round_trip(host in "\\PC{0,20}", password in any::<String>()) {
            let values = parse(&format!("host={} password = {}", quote(&host), quote(&password))).unwrap();
            prop_assert_eq!(values.get("host"), Some(host.as_str()));
            prop_assert_eq!(values.get("password"), Some(password.as_str()));
        }

        #[test]
        fn no_text_panics_and_no_message_quotes_it(text in "[a-z=:@/?&%' \\\\]{0,40}S3CRET[a-z=:@/?&%' \\\\]{0,40}") {
            for text in [text.clone(), format!("postgres://{text}"), format!("password={text}")] {
                let shown = parse(&text).map_or_else(|message| message, |values| format!("{values:?}"));
                prop_assert!(!shown.contains("S3CRET"), "{}", shown);
            }
        }
    }
}
