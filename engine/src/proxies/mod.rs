//! What proxies say of their clients, and who of them is believed. See `README.md` in this folder.

pub mod forwarded;
pub mod protocol;
mod trusted;
pub mod x_forwarded;

use crate::head::Head;
use crate::origin::Origin;
use crate::refusal::Refusal;

pub use trusted::{NotANetwork, Trusted};

/// Which proxies are believed, and what they say it with.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// Who is believed.
    pub trusted: Trusted,
    /// The header fields that are read, if any are.
    pub headers: Option<Family>,
    /// Whether `X-Forwarded-Host` is read, which many proxies leave as the client wrote it. `Forwarded` tells the host in
    /// the proxy's own element.
    pub host: bool,
    /// Whether every connection to a socket begins with a header of the PROXY protocol.
    pub protocol: bool,
}

/// A family of header fields. Exactly one is believed: the other one the proxy leaves as the client wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Proxies {
    /// Reads of a head where its request comes from; `origin` is what the connection shows.
    pub fn trace(&self, head: &Head, mut origin: Origin) -> Result<Origin, Refusal> {
        if !self.trusted.contains(&origin.client) {
            return Ok(origin);
        }
        match self.headers {
            None => {}
            Some(Family::Forwarded) => forwarded::trace(head, &self.trusted, &mut origin)?,
            Some(Family::XForwarded) => x_forwarded::trace(head, &self.trusted, self.host, &mut origin)?,
        }
        Ok(origin)
    }
}

/// The port behind an address, one to five digits.
fn port(digits: &[u8]) -> Option<u16> {
    let plain = !digits.is_empty() && digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit);
    if plain { std::str::from_utf8(digits).ok()?.parse().ok() } else { None }
}
