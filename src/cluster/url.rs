//! Connection URLs for a throwaway server, complete enough that nothing in a user's environment changes their meaning.

use std::fmt::Write;
use std::path::Path;

/// `postgresql://postgres@%2Ftmp%2Fx:5432/shop`: no character of it means anything to a shell.
pub(super) fn socket(database: &str, user: &str, dir: &Path, port: u16) -> String {
    let (database, user, dir) = (encoded(database), encoded(user), encoded(&dir.to_string_lossy()));
    format!("postgresql://{user}@{dir}:{port}/{database}")
}

/// `postgresql://postgres:secret@127.0.0.1:5432/shop`
pub(super) fn tcp(database: &str, user: &str, password: &str, port: u16) -> String {
    let (database, user, password) = (encoded(database), encoded(user), encoded(password));
    format!("postgresql://{user}:{password}@127.0.0.1:{port}/{database}")
}

/// Percent-encodes everything but what is plain in every part of a URL.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => write!(encoded, "%{byte:02X}").expect("a String takes everything"),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_survive_unusual_names() {
        let url = socket("my shop", "o'neil", Path::new("/tmp/a b"), 5432);
        assert_eq!(url, "postgresql://o%27neil@%2Ftmp%2Fa%20b:5432/my%20shop");
        let config: postgres::Config = url.parse().unwrap();
        assert_eq!((config.get_dbname(), config.get_user()), (Some("my shop"), Some("o'neil")));
        assert_eq!(tcp("shop", "postgres", "a@b", 1), "postgresql://postgres:a%40b@127.0.0.1:1/shop");
    }
}
