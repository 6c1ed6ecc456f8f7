//! What a sink has noticed that people should know, though everything goes on: each is told once, whichever worker sees it.

use std::collections::HashSet;
use std::sync::Mutex;

/// So many are told at most: names can come from events.
const MOST: usize = 100;

/// Those of one destination, shared by all workers.
#[derive(Debug, Default)]
pub struct Notices(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    all: HashSet<String>,
    untold: Vec<String>,
}

impl Notices {
    /// Takes note of something.
    pub fn add(&self, notice: String) {
        let mut seen = self.0.lock().expect("nobody panics while it holds it");
        if seen.all.len() < MOST && seen.all.insert(notice.clone()) {
            seen.untold.push(notice);
        }
    }

    /// What has not been told.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("nobody panics while it holds it").untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_and_not_without_end() {
        let notices = Notices::default();
        for _ in 0..2 {
            notices.add("odd".to_owned());
        }
        assert_eq!(notices.take(), ["odd"]);
        notices.add("odd".to_owned());
        assert_eq!(notices.take(), [""; 0]);
        (0..2 * MOST).for_each(|n| notices.add(n.to_string()));
        assert_eq!(notices.take().len(), MOST - 1);
    }
}
