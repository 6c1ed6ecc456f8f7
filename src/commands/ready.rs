//! Tells the world that a feed is live: a file, and systemd.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// Tells once.
pub struct Ready {
    file: Option<PathBuf>,
}

impl Ready {
    /// Removes a file left by an earlier run: it would say that this one is live.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn new(file: Option<PathBuf>) -> Result<Self> {
        if let Some(file) = &file {
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::failed(error.to_string()).doing(format!("removing {}", file.display())));
                }
                _ => {}
            }
        }
        Ok(Self { file })
    }

    /// Creates the file and tells systemd, each even when the other cannot be told; returns what went wrong.
    pub fn tell(&self) -> Vec<String> {
        let created = self.file.as_ref().map_or(Ok(()), |file| {
            std::fs::write(file, "").map_err(|error| format!("creating {}: {error}", file.display()))
        });
        let told = tell_systemd().map_err(|error| format!("telling systemd: {error}"));
        [created, told].into_iter().filter_map(std::result::Result::err).collect()
    }
}

/// The protocol of sd_notify(3): one datagram to the socket in NOTIFY_SOCKET; `@` starts an abstract name.
fn tell_systemd() -> std::io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else { return Ok(()) };
    let socket = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = path.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return socket.send_to_addr(b"READY=1", &address).map(drop);
    }
    socket.send_to(b"READY=1", path).map(drop)
}
