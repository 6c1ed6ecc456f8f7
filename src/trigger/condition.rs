//! The user's `--when`: which row versions it names, found without a server, by reading it as the server's lexer would.

use std::fmt;

use super::spec::Event;
use crate::error::{Error, Result};

/// The row versions that a condition names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowImages {
    new: bool,
    old: bool,
}

impl RowImages {
    /// Reads a condition.
    ///
    /// # Errors
    /// A usage error when its quotes or parentheses do not match: it could not stand inside a larger text.
    pub fn of(condition: &str) -> Result<Self> {
        let refused = |why: &str| Error::usage(format!("--when {condition:?}: {why}"));
        let mut images = Self::default();
        let mut depth = 0_i32;
        let mut is_field = false;
        let mut rest = condition;
        while let Some(c) = rest.chars().next() {
            rest = match Token::starting(rest) {
                Token::Skip(length) => &rest[length..],
                Token::Word(word) => {
                    // In `OLD.new`, new is a column.
                    if !is_field {
                        images.see(word, &rest[word.len()..]);
                    }
                    &rest[word.len()..]
                }
                Token::Unfinished(what) => return Err(refused(&format!("{what} does not end"))),
            };
            is_field = c == '.' || is_field && c.is_whitespace();
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                ';' => return Err(refused("a condition holds no semicolon")),
                _ => {}
            }
            if depth < 0 {
                return Err(refused("a parenthesis is closed that was not opened"));
            }
        }
        if depth > 0 {
            return Err(refused("a parenthesis is not closed"));
        }
        if condition.trim().is_empty() {
            return Err(refused("it is empty"));
        }
        Ok(images)
    }

    fn see(&mut self, word: &str, after: &str) {
        let name = match word.strip_prefix('"') {
            Some(quoted) => quoted.trim_end_matches('"').to_owned(),
            None => word.to_lowercase(),
        };
        // A whole row (`NEW IS DISTINCT FROM OLD`) counts as well as `NEW.x`, but not a function of that name.
        if after.trim_start().starts_with('(') {
            return;
        }
        self.new |= name == "new";
        self.old |= name == "old";
    }

    /// Whether a change of this kind has all of them.
    pub fn are_in(self, event: Event) -> bool {
        match event {
            Event::Insert => !self.old,
            Event::Update => true,
            Event::Delete => !self.new,
            Event::Truncate => false,
        }
    }
}

impl fmt::Display for RowImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.new, self.old) {
            (true, true) => "NEW and OLD",
            (true, false) => "NEW",
            (false, true) => "OLD",
            (false, false) => "a row",
        })
    }
}

/// What stands at the start of a text, as far as it matters here.
enum Token<'a> {
    /// Something of this many bytes that names nothing.
    Skip(usize),
    /// An identifier, with its quotes if it has any.
    Word(&'a str),
    /// Something that has no end.
    Unfinished(&'static str),
}

impl<'a> Token<'a> {
    fn starting(text: &'a str) -> Self {
        let first = text.chars().next().expect("called with something left");
        match first {
            '\'' => Self::quoted(text, 0, false),
            'e' | 'E' if text[1..].starts_with('\'') => Self::quoted(text, 1, true),
            '"' => Self::quoted_name(text),
            '-' if text.starts_with("--") => Self::Unfinished("a comment"),
            '/' if text.starts_with("/*") => Self::skip_past(text, "*/", "a comment"),
            '$' => Self::dollar_quoted(text),
            // Names as the server's lexer knows them: whatever is not ASCII may stand in one.
            c if c.is_ascii_alphabetic() || c == '_' || !c.is_ascii() => {
                let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
                Self::Word(&text[..text.find(|c| !goes_on(c)).unwrap_or(text.len())])
            }
            c => Self::Skip(c.len_utf8()),
        }
    }

    fn quoted_name(text: &'a str) -> Self {
        let mut end = 1;
        loop {
            match text[end..].find('"') {
                None => return Self::Unfinished("a quoted name"),
                // A doubled quote is part of the name.
                Some(at) if text[end + at + 1..].starts_with('"') => end += at + 2,
                Some(at) => return Self::Word(&text[..end + at + 1]),
            }
        }
    }

    fn quoted(text: &'a str, start: usize, backslashes: bool) -> Self {
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(start + 1) {
            match c {
                _ if escaped => escaped = false,
                '\\' if backslashes => escaped = true,
                // A doubled quote ends one string here and starts the next: the same in the end.
                '\'' => return Self::Skip(at + 1),
                _ => {}
            }
        }
        Self::Unfinished("a string")
    }

    fn dollar_quoted(text: &'a str) -> Self {
        let Some(end) = text[1..].find('$') else { return Self::Skip(1) };
        let tag = &text[..end + 2];
        if !tag[1..end + 1].chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Self::Skip(1);
        }
        match text[tag.len()..].find(tag) {
            Some(at) => Self::Skip(tag.len() + at + tag.len()),
            None => Self::Unfinished("a dollar-quoted string"),
        }
    }

    fn skip_past(text: &'a str, end: &str, what: &'static str) -> Self {
        text.find(end).map_or(Self::Unfinished(what), |at| Self::Skip(at + end.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(condition: &str) -> String {
        RowImages::of(condition).unwrap().to_string()
    }

    #[test]
    fn names_the_row_versions() {
        assert_eq!(images("NEW.status = 'shipped'"), "NEW");
        assert_eq!(images("old.x > 1 and \"new\".x < 2"), "NEW and OLD");
        assert_eq!(images("NEW IS DISTINCT FROM OLD"), "NEW and OLD");
        assert_eq!(images("'new.x' <> E'\\'old' and $$new$$ = $a$old$a$ /* new */"), "a row");
        assert_eq!(images("renew.x and \"NEW\".y and new (1)"), "a row");
        assert_eq!(images("OLD.new = 1 and OLD . \"new\" = 2"), "OLD");
        assert_eq!(images("\"a\"\"new\"\"\" = 1 and énew = 2"), "a row");
    }

    #[test]
    fn refuses_what_would_break_out() {
        for wrong in ["true) OR (true", "(true", "'x", "\"x", "$$x", "true -- x", "true /* x", "", "true; DROP TABLE x"]
        {
            assert!(RowImages::of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn which_events_have_them() {
        let of = |condition| {
            let images = RowImages::of(condition).unwrap();
            [Event::Insert, Event::Update, Event::Delete, Event::Truncate].map(|event| images.are_in(event))
        };
        assert_eq!(of("NEW.a"), [true, true, false, false]);
        assert_eq!(of("OLD.a"), [false, true, true, false]);
        assert_eq!(of("OLD.a and NEW.a"), [false, true, false, false]);
        assert_eq!(of("now() > '2020-01-01'"), [true, true, true, false]);
    }
}
