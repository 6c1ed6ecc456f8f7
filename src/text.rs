//! Text from others made safe to show: control and bidirectional characters are escaped. Knows nothing about colours.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes what could move a terminal's cursor, hide text or forge a line: control characters (C0, DEL, C1), line and
/// paragraph separators, and the characters that change the direction of text.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if is_dangerous(c) => write!(escaped, "\\u{{{:04x}}}", c as u32).expect("a String accepts all writes"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn harmless_text_is_borrowed() {
        assert!(matches!(escape("日本 emoji😀 é"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_moves_the_cursor_or_turns_the_text_is_escaped() {
        assert_eq!(escape("\x1b[2J\r\n\t\u{9b}\u{202e}\x7f"), "\\u{001b}[2J\\r\\n\\t\\u{009b}\\u{202e}\\u{007f}");
    }

    proptest! {
        #[test]
        fn nothing_dangerous_is_left(text in any::<String>()) {
            prop_assert!(!escape(&text).chars().any(is_dangerous));
        }
    }
}
