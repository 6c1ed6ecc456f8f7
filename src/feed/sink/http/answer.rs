//! What the answer of an endpoint means for the events that it got.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use ureq::http::{HeaderMap, StatusCode, header};

/// Longer than this nobody is left alone, whatever he asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Acknowledged.
    Taken,
    /// Refused, for this reason.
    Refused(String),
    /// Nobody there, or nobody who could take anything now: why, and when to come again if that was said.
    Away(String, Option<Duration>),
}

/// What a status means. What says something about us, the address or the moment is no fault of the event.
pub fn of(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Answer {
    let told = format!("it answers {}", shown(status));
    match status.as_u16() {
        200..=299 => Answer::Taken,
        300..=399 => Answer::Away(format!("{told}, another address, which is not followed: write that one"), None),
        401 | 407 => Answer::Away(format!("{told}: it wants other credentials"), None),
        408 | 425 | 429 | 500.. => Answer::Away(told, retry_after(headers, now)),
        _ => Answer::Refused(shown(status)),
    }
}

fn shown(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(reason) => format!("{} {reason}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}

/// When to come again: seconds, or a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value).ok()?;
            Duration::try_from(date.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
        }
        let now = "1994-11-06T08:49:37Z".parse().unwrap();
        of(StatusCode::from_u16(status).unwrap(), &headers, now)
    }

    #[test]
    fn a_status_says_whose_fault_it_is() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answer(status, None), Answer::Taken, "{status}");
        }
        for status in [400, 403, 404, 405, 409, 410, 413, 415, 422, 499] {
            assert!(matches!(answer(status, None), Answer::Refused(_)), "{status}");
        }
        for status in [301, 302, 303, 304, 307, 308, 401, 407, 408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(matches!(answer(status, None), Answer::Away(_, None)), "{status}");
        }
        assert_eq!(answer(422, None), Answer::Refused("422 Unprocessable Entity".to_owned()));
    }

    #[test]
    fn when_to_come_again() {
        let wait = |value| match answer(503, Some(value)) {
            Answer::Away(_, wait) => wait.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("0"), Some(0));
        assert_eq!(wait("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:07 GMT"), Some(0));
        assert_eq!(wait("99999999"), Some(3600));
        assert_eq!(wait("Sun, 06 Nov 2094 08:49:07 GMT"), Some(3600));
        for nothing in ["", "soon", "-1", "1.5", "99999999999999999999999"] {
            assert_eq!(wait(nothing), None, "{nothing}");
        }
    }
}
