//! `-h` is the host, as in every PostgreSQL client, unless nothing that could be a host follows: then it is help.

use std::ffi::OsString;

/// Rewrites every `-h` before a `--` that is the last word, or is followed by a word that starts with `-`, to `--help`.
pub fn tell_help_from_host(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    for at in 0..end {
        let is_host = words.get(at + 1).is_some_and(|next| !next.as_encoded_bytes().starts_with(b"-"));
        if words[at] == "-h" && !is_host {
            words[at] = "--help".into();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let words = tell_help_from_host(line.split(' ').map(OsString::from));
        words.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn h_is_help_or_host() {
        assert_eq!(rewritten("pgfeed -h"), "pgfeed --help");
        assert_eq!(rewritten("pgfeed listen -h"), "pgfeed listen --help");
        assert_eq!(rewritten("pgfeed listen -h db1 events"), "pgfeed listen -h db1 events");
        assert_eq!(rewritten("pgfeed listen -h -q"), "pgfeed listen --help -q");
        assert_eq!(rewritten("pgfeed listen x -h -- ls -h"), "pgfeed listen x --help -- ls -h");
        assert_eq!(rewritten("pgfeed listen x -- ls -h"), "pgfeed listen x -- ls -h");
    }
}
