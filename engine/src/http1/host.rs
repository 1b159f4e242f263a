//! Finds the host that a request is for: the authority of an absolute target, or the Host field. Refuses a Host field
//! that is invalid, repeated or absent.

use super::message::{Message, set_once};
use crate::authority::is_authority;
use crate::head::Version;
use crate::refusal::Refusal;

impl<'a> Message<'a> {
    /// Adds the Host field. A request may have only one.
    #[inline]
    pub fn add_host(&mut self, value: &'a [u8]) -> Result<(), Refusal> {
        set_once(&mut self.host, value, "more than one Host")?;
        // An empty Host is never valid, because an http URL always has a host (RFC 9110, section 4.2.1).
        if is_authority(value) { Ok(()) } else { Err(Refusal::bad("the Host is not valid")) }
    }

    /// Returns the host of the request, or a refusal. An HTTP/1.1 request must have a Host field. If the target has an
    /// authority too, both must agree (RFC 9112, section 3.2).
    pub fn agreed_host(&self, authority: Option<&'a [u8]>, version: Version) -> Result<&'a [u8], Refusal> {
        match (self.host, authority) {
            (None, None) if version == Version::Http10 => Ok(b""),
            (None, _) if version == Version::Http11 => Err(Refusal::bad("there is no Host")),
            (Some(host), None) => Ok(host),
            (None, Some(authority)) => Ok(authority),
            (Some(host), Some(authority)) if host.eq_ignore_ascii_case(authority) => Ok(authority),
            _ => Err(Refusal::bad("the target and the Host differ")),
        }
    }
}
