//! Tells a port that speaks no TLS from one that speaks it badly, whatever the library that has tried.

use std::error::Error;
use std::io;

use rustls::InvalidMessage;

/// What to say of such a port.
pub const NO_TLS: &str = "it does not speak TLS there";

/// Whether what answered the first message of TLS was none itself.
pub fn is_plain(error: &(dyn Error + 'static)) -> bool {
    if let Some(rustls::Error::InvalidMessage(message)) = error.downcast_ref() {
        return matches!(
            message,
            InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::MessageTooLarge
        );
    }
    // What an io::Error holds is not its source, but that has the same source.
    let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    held.is_some_and(|held| is_plain(held)) || error.source().is_some_and(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_however_deep_it_is() {
        let plain = || rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
        assert!(is_plain(&plain()));
        assert!(is_plain(&io::Error::other(io::Error::other(plain()))));
        assert!(!is_plain(&io::Error::other(rustls::Error::DecryptError)));
        assert!(!is_plain(&io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
}
