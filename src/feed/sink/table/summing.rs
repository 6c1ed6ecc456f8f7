//! What is left of many changes of a row: the last.

use std::collections::{HashMap, HashSet};

use super::reading::Step;

/// A part of what many steps come to.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// All rows go.
    Empty,
    /// Rows go: their keys, as a JSON array.
    Remove(String),
    /// Rows are to be there: as a JSON array, each key once.
    Put(String),
    /// A row gets another key: both, as a JSON array with an object of "old" and "new".
    Move(String),
}

/// What becomes of rows between two moves.
#[derive(Default)]
struct Rows<'a> {
    empties: bool,
    /// By key.
    last: HashMap<&'a str, Last<'a>>,
}

/// What becomes of a row.
#[derive(Default)]
struct Last<'a> {
    /// It goes, perhaps to come again: then it loses what it had in other columns.
    goes: bool,
    /// It is to be like this, said at this place.
    row: Option<(usize, &'a str)>,
}

/// Sums steps up, to be done part by part.
pub fn sum(steps: &[&Step]) -> Vec<Part> {
    let (moves, mut rows, mut parts) = (moves(steps), Rows::default(), Vec::new());
    for (place, step) in steps.iter().enumerate() {
        match step {
            Step::Put { key, row, .. } => rows.last.entry(key).or_default().row = Some((place, row)),
            Step::Move { key, to, .. } if moves.contains(&place) => {
                std::mem::take(&mut rows).add_to(&mut parts);
                parts.push(Part::Move(format!(r#"[{{"old":{key},"new":{to}}}]"#)));
            }
            Step::Remove { key } | Step::Move { key, .. } => {
                rows.last.insert(key, Last { goes: true, row: None });
            }
            Step::Empty => rows = Rows { empties: true, last: HashMap::new() },
        }
    }
    rows.add_to(&mut parts);
    parts
}

/// The places of moves behind which, as the next of its new key, stands what the row is like then. Any other may come late, when
/// the row has long been written under its new key, and perhaps removed there: it must not come back. (Both stand in the queue
/// under keys of their own, so that two workers may have them.)
fn moves(steps: &[&Step]) -> HashSet<usize> {
    let (mut moves, mut next) = (HashSet::new(), HashMap::new());
    for (place, step) in steps.iter().enumerate().rev() {
        match *step {
            Step::Put { key, changed_in, .. } => {
                next.insert(key, changed_in.as_ref());
            }
            Step::Remove { key } => {
                next.insert(key, None);
            }
            Step::Move { key, to, changed_in } => {
                let told_in = next.get(to).copied().flatten();
                if told_in.is_some() && told_in == changed_in.as_ref() {
                    moves.insert(place);
                }
                next.insert(key, None);
            }
            Step::Empty => next.clear(),
        }
    }
    moves
}

impl Rows<'_> {
    fn add_to(self, parts: &mut Vec<Part>) {
        if self.empties {
            parts.push(Part::Empty);
        }
        let mut removes: Vec<&str> = self.last.iter().filter(|(_, last)| last.goes).map(|(key, _)| *key).collect();
        // The same every time, for whoever looks for what went wrong.
        removes.sort_unstable();
        let mut puts: Vec<(usize, &str)> = self.last.values().filter_map(|last| last.row).collect();
        puts.sort_unstable();
        let puts: Vec<&str> = puts.into_iter().map(|(_, row)| row).collect();
        parts.extend(array(&removes).map(Part::Remove));
        parts.extend(array(&puts).map(Part::Put));
    }
}

fn array(objects: &[&str]) -> Option<String> {
    (!objects.is_empty()).then(|| format!("[{}]", objects.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, row: &str) -> Step {
        Step::Put { key: key.to_owned(), row: row.to_owned(), changed_in: None }
    }

    /// What the row is like after a move in this transaction.
    fn put_in(transaction: u64, key: &str, row: &str) -> Step {
        Step::Put { key: key.to_owned(), row: row.to_owned(), changed_in: Some(transaction) }
    }

    fn remove(key: &str) -> Step {
        Step::Remove { key: key.to_owned() }
    }

    fn move_in(transaction: u64, key: &str, to: &str) -> Step {
        Step::Move { key: key.to_owned(), to: to.to_owned(), changed_in: Some(transaction) }
    }

    /// What is left, as text.
    fn summed(steps: &[Step]) -> String {
        let shown = |part: Part| match part {
            Part::Empty => "empty".to_owned(),
            Part::Remove(keys) => format!("-{keys}"),
            Part::Put(rows) => format!("+{rows}"),
            Part::Move(keys) => keys.replace(r#""old":"#, "").replace(r#","new":"#, ">"),
        };
        sum(&steps.iter().collect::<Vec<_>>()).into_iter().map(shown).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_state_of_each_row_is_left_in_the_order_in_which_it_was_told() {
        assert_eq!(summed(&[put("a", "1"), put("b", "2"), put("a", "3"), remove("c")]), "-[c] +[2,3]");
        assert_eq!(summed(&[put("a", "1"), remove("a")]), "-[a]");
        assert_eq!(summed(&[]), "");
    }

    #[test]
    fn a_row_that_goes_and_comes_again_is_a_new_one() {
        assert_eq!(summed(&[remove("a"), put("a", "1")]), "-[a] +[1]");
    }

    #[test]
    fn what_stood_before_the_table_was_emptied_does_not_matter() {
        assert_eq!(summed(&[put("a", "1"), remove("b"), Step::Empty, put("c", "2")]), "empty +[2]");
    }

    #[test]
    fn a_row_moves_when_what_it_is_like_then_is_told_with_it() {
        let moves = [put("b", "1"), move_in(7, "a", "b"), put("c", "2"), put_in(7, "b", "3")];
        assert_eq!(summed(&moves), "+[1] [{a>b}] +[2,3]");
        let swaps = [
            move_in(7, "a", "x"),
            put_in(7, "x", "1"),
            move_in(7, "b", "a"),
            put_in(7, "a", "2"),
            move_in(7, "x", "b"),
            put_in(7, "b", "1"),
        ];
        assert_eq!(summed(&swaps), "[{a>x}] +[1] [{b>a}] +[2] [{x>b}] +[1]");
    }

    #[test]
    fn a_row_that_may_have_moved_long_ago_only_goes() {
        assert_eq!(summed(&[move_in(7, "a", "b")]), "-[a]");
        assert_eq!(summed(&[move_in(7, "a", "b"), put_in(8, "b", "1")]), "-[a] +[1]");
        assert_eq!(summed(&[move_in(7, "a", "b"), put("b", "1")]), "-[a] +[1]");
        assert_eq!(summed(&[move_in(7, "a", "b"), remove("b"), put_in(7, "b", "1")]), "-[a,b] +[1]");
        assert_eq!(summed(&[move_in(7, "a", "b"), Step::Empty, put_in(7, "b", "1")]), "empty +[1]");
    }
}
