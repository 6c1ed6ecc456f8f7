//! What a process of mode stream prints: lines with the number of an event, and a reason when it is refused.

/// The longest line that is kept, in bytes; what is longer is cut.
const LONGEST_LINE: usize = 64 * 1024;
/// The longest reason that is passed on, in characters.
const LONGEST_REASON: usize = 1000;

/// What a process says about one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The event's number.
    pub id: i64,
    /// Why it is refused; none when it is acknowledged.
    pub refused: Option<String>,
}

impl Answer {
    /// Reads a line, unless it is none.
    pub fn parse(line: &[u8]) -> Option<Self> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        let (id, reason) = line.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((line, ""));
        // The server's text knows no NUL.
        let reason: String = reason.trim_start().chars().filter(|c| *c != '\0').take(LONGEST_REASON).collect();
        Some(Self { id: id.parse().ok()?, refused: (!reason.is_empty()).then_some(reason) })
    }
}

/// Makes lines of what arrives in pieces, in bounded memory.
#[derive(Debug, Default)]
pub struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// What has come of a line that has not ended yet.
    pub fn partial(&self) -> &[u8] {
        &self.partial
    }

    /// Takes a piece, and hands every line that it completes to `each`, without its end.
    pub fn take(&mut self, piece: &[u8], mut each: impl FnMut(&[u8])) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let (text, complete) = match part.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (part, false),
            };
            let room = LONGEST_LINE.saturating_sub(self.partial.len());
            self.partial.extend_from_slice(&text[..text.len().min(room)]);
            if complete {
                each(&self.partial);
                self.partial.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<(i64, Option<String>)> {
        Answer::parse(line.as_bytes()).map(|answer| (answer.id, answer.refused))
    }

    #[test]
    fn a_number_acknowledges_and_a_number_with_words_refuses() {
        for line in ["17", "17\r", " 17 ", "17\t"] {
            assert_eq!(parse(line), Some((17, None)), "{line:?}");
        }
        for line in ["17 no way", "17\tno way\r", "17   no way "] {
            assert_eq!(parse(line), Some((17, Some("no way".to_owned()))), "{line:?}");
        }
        for line in ["", "x", "17x", "17: no", "99999999999999999999"] {
            assert_eq!(parse(line), None, "{line:?}");
        }
        assert_eq!(parse("1 a\0b"), Some((1, Some("ab".to_owned()))));
        assert_eq!(Answer::parse(b"1 \xff").unwrap().refused.as_deref(), Some("\u{fffd}"));
        assert_eq!(parse(&format!("1 {}", "é".repeat(5000))).unwrap().1.unwrap().chars().count(), LONGEST_REASON);
    }

    #[test]
    fn lines_arrive_in_pieces_and_take_bounded_memory() {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        for piece in ["1", "7\n18 n", "", "o\n\n19"] {
            lines.take(piece.as_bytes(), |line| seen.push(String::from_utf8(line.to_vec()).unwrap()));
        }
        assert_eq!(seen, ["17", "18 no", ""]);
        for _ in 0..100 {
            lines.take(&[b'x'; 10_000], |_| panic!("no line ends"));
        }
        assert!(lines.partial.len() <= LONGEST_LINE);
        lines.take(b"\n20\n", |line| seen.push(String::from_utf8_lossy(line).into_owned()));
        assert_eq!((seen[3].len(), seen[4].as_str()), (LONGEST_LINE, "20"));
    }
}
