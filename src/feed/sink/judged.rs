//! What an engine has made of the messages of one flush, one by one, and what that means for the feed.

use crate::feed::{Outcome, Undelivered};

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// The engine has it.
    Taken,
    /// The engine never takes it, for this reason.
    Refused(String),
    /// The engine does not take it now, or is not known to have it, for this reason.
    Later(String),
}

/// Whether all messages lead to one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// What does not take one takes none.
    One,
    /// Each leads where its own values say: what one place does not take says nothing of the others.
    Many,
}

/// What the feed is told, by the name of the engine's address. What is not taken now comes again; as long as anything is taken, or
/// might be elsewhere, there is no outage. (What is taken must not wait for the others: it would be sent again with them, when the
/// engine may have forgotten its id.)
pub fn outcome(judged: Vec<Judged>, places: Places, shown: &str) -> Outcome {
    let (mut missing, mut later, mut taken) = (Vec::new(), None, 0);
    for (place, judged) in judged.into_iter().enumerate() {
        match judged {
            Judged::Taken => taken += 1,
            Judged::Refused(reason) => missing.push(Undelivered { place, reason: Some(reason) }),
            Judged::Later(why) => {
                later.get_or_insert(why);
                missing.push(Undelivered { place, reason: None });
            }
        }
    }
    match later {
        Some(why) if places == Places::Many => Outcome::Blocked(missing, format!("{shown}: {why}")),
        Some(why) if taken == 0 => Outcome::Unavailable(format!("{shown}: {why}")),
        _ if missing.is_empty() => Outcome::Delivered,
        _ => Outcome::AllBut(missing),
    }
}

#[cfg(test)]
mod tests {
    use super::Judged::{Later, Refused, Taken};
    use super::*;

    #[test]
    fn what_one_place_does_not_take_says_nothing_of_the_others() {
        let judged = vec![Later("full".to_owned()), Later("full".to_owned())];
        let missing = [0, 1].map(|place| Undelivered { place, reason: None });
        let blocked = Outcome::Blocked(missing.to_vec(), "x://y: full".to_owned());
        assert_eq!(outcome(judged, Places::Many, "x://y"), blocked);
    }

    #[test]
    fn an_outage_is_when_nothing_is_taken() {
        let (refused, later) = (|| Refused("never".to_owned()), || Later("full".to_owned()));
        let missing = |place, reason: Option<&str>| Undelivered { place, reason: reason.map(str::to_owned) };
        let outcome = |judged| outcome(judged, Places::One, "x://y");
        assert_eq!(outcome(vec![Taken, Taken]), Outcome::Delivered);
        assert_eq!(outcome(vec![later(), refused()]), Outcome::Unavailable("x://y: full".to_owned()));
        assert_eq!(outcome(vec![refused()]), Outcome::AllBut(vec![missing(0, Some("never"))]));
        let mixed = outcome(vec![refused(), Taken, later()]);
        assert_eq!(mixed, Outcome::AllBut(vec![missing(0, Some("never")), missing(2, None)]));
    }
}
