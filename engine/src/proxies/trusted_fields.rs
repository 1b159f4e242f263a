//! Reads header fields about the client, but only in requests from trusted proxies.

use super::{Trusted, forwarded, x_forwarded};
use crate::head::Head;
use crate::origin::Origin;
use crate::refusal::Refusal;

/// Which proxies are trusted, and how they report their clients.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    /// The trusted addresses.
    pub trusted: Trusted,
    /// The family of header fields that is read, or None.
    pub headers: Option<Family>,
    /// Whether `X-Forwarded-Host` is read. Many proxies forward this field as the client sent it. `Forwarded` needs no
    /// such setting, because each proxy reports the host in its own element.
    pub host: bool,
    /// Whether every connection on a socket must begin with a PROXY protocol header.
    pub protocol: bool,
}

/// A family of header fields. Only one family is read, because a proxy forwards the fields of the other family as the
/// client sent them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// The fields `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    XForwarded,
    /// The field `Forwarded` (RFC 7239).
    Forwarded,
}

impl Proxies {
    /// Returns the origin of a request. `origin` is the origin that the connection reports. Header fields change it
    /// only if its client is a trusted proxy.
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
