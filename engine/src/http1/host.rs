//! Finds the host that a request is for: the authority of an absolute target, or the Host field.

use super::message::Message;
use crate::head::Version;
use crate::refusal::Refusal;

impl<'a> Message<'a> {
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
