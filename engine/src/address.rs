//! The address of one end of a connection.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The address of one end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An IP address and a port.
    Inet(SocketAddr),
    /// A UNIX socket, with its path if it has one. The sockets of most clients have no path.
    Unix(Option<Arc<PathBuf>>),
    /// Unknown, for example for a pipe.
    Unknown,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Inet(address) => address.fmt(f),
            // A name in the abstract namespace begins with a zero byte. ss(8) and systemd show `@` instead.
            Address::Unix(Some(path)) if path.as_os_str().as_encoded_bytes().starts_with(&[0]) => {
                write!(f, "@{}", &path.to_string_lossy()[1..])
            }
            Address::Unix(Some(path)) => path.display().fmt(f),
            Address::Unix(None) => f.write_str("a UNIX socket"),
            Address::Unknown => f.write_str("a pipe"),
        }
    }
}
