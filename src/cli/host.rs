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

/// Whether the words before a `--` are `--to help`: a list is wanted, whatever else is missing.
pub fn asks_for_sinks(words: &[OsString]) -> bool {
    let before = words.split(|word| word == "--").next().unwrap_or_default();
    before.windows(2).any(|pair| pair[0] == "--to" && pair[1] == "help")
        || before.iter().any(|word| word == "--to=help")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(line: &str) -> String {
        let words = tell_help_from_host(line.split(' ').map(OsString::from));
        words.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn to_help_is_asked_for_before_the_command_only() {
        let asks = |line: &str| asks_for_sinks(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert!(asks("pgfeed listen --to help") && asks("pgfeed tail-queue q --to=help -v"));
        assert!(
            !asks("pgfeed listen x -- tool --to help") && !asks("pgfeed listen x --to file:help") && !asks("pgfeed")
        );
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
