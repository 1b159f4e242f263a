//! Who is believed: header fields about the client are read only in requests of trusted proxies.

use super::{Trusted, forwarded, x_forwarded};
use crate::head::Head;
use crate::origin::Origin;
use crate::refusal::Refusal;

/// Which proxies are trusted, and how they report their clients.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// The trusted addresses.
    pub trusted: Trusted,
    /// The header fields that are read, if any are.
    pub headers: Option<Family>,
    /// Whether `X-Forwarded-Host` is read. Many proxies pass it on as the client sent it. `Forwarded` needs no such
    /// switch, because the host is in the proxy's own element.
    pub host: bool,
    /// Whether every connection to a socket begins with a header of the PROXY protocol.
    pub protocol: bool,
}

/// A family of header fields. Only one is read, because a proxy passes the other on as the client sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Proxies {
    /// Returns the origin of a request. `origin` is the origin of its connection. Header fields change it only if its
    /// client is a trusted proxy.
    pub fn origin_of(&self, head: &Head, mut origin: Origin) -> Result<Origin, Refusal> {
        if !self.trusted.contains(&origin.client) {
            return Ok(origin);
        }
        match self.headers {
            None => {}
            Some(Family::Forwarded) => forwarded::refine(head, &self.trusted, &mut origin)?,
            Some(Family::XForwarded) => x_forwarded::refine(head, &self.trusted, self.host, &mut origin)?,
        }
        Ok(origin)
    }
}
