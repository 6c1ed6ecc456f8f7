//! Tells errors that go away by themselves from those that somebody must repair.

use crate::error::{Error, Result};
use crate::exit::Exit;

/// Whether a daemon should try again: the server is away, busy, full or moved. Every SQLSTATE has an answer.
pub fn is_transient(error: &Error) -> bool {
    if error.is_permanent() {
        return false;
    }
    match error.sqlstate() {
        Some(code) => code_is_transient(code),
        None => error.exit() == Exit::Connection,
    }
}

/// Parts a failure that passes, of which only the reason matters, from one for good.
///
/// # Errors
/// What somebody must repair.
pub fn passing<T>(done: Result<T>) -> Result<Result<T, String>> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(error) if is_transient(&error) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}

fn code_is_transient(code: &str) -> bool {
    match code {
        // Serialization and deadlocks; 40002 is a constraint.
        "40000" | "40001" | "40003" | "40P01" => true,
        // Somebody holds it: a lock, an object in use.
        "55P03" | "55006" => true,
        // A primary that became a standby: the next connection may find the new one.
        "25006" => true,
        // The server ended an idle session or transaction (57P05 and 57P01 are below).
        "25P03" | "25P04" => true,
        // Snapshot too old.
        "72000" => true,
        // The database was dropped; stored data is damaged.
        "57P04" | "XX001" | "XX002" => false,
        // Connection exceptions, too few resources, an operator's intervention, system errors (58P01 is what LISTEN says
        // when it meets PostgreSQL's bug with frozen transaction ids, fixed in November 2025), internal errors.
        _ => matches!(code.get(..2), Some("08" | "53" | "57" | "58" | "XX")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_codes() {
        for code in ["08006", "08P01", "40001", "40P01", "53300", "53100", "55P03", "57P01", "57P02", "57P03", "57P05"]
        {
            assert!(code_is_transient(code), "{code}");
        }
        for code in ["57014", "58P01", "58030", "XX000", "25006", "25P03", "25P04"] {
            assert!(code_is_transient(code), "{code}");
        }
        for code in
            ["28P01", "28000", "3D000", "42501", "42P01", "22023", "23505", "57P04", "XX001", "40002", "54000", "", "é"]
        {
            assert!(!code_is_transient(code), "{code}");
        }
    }

    #[test]
    fn without_a_code_the_connection_decides() {
        assert!(is_transient(&Error::connection("refused")));
        assert!(!is_transient(&Error::connection("the certificate is wrong").permanent()));
        assert!(!is_transient(&Error::usage("unknown key")));
        assert!(!is_transient(&Error::failed("something")));
    }

    proptest! {
        #[test]
        fn every_code_has_an_answer(code in "\\PC{0,6}") {
            let _ = code_is_transient(&code);
        }
    }
}
