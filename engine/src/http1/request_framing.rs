//! Determines how the body of a request is framed: the rules for `Content-Length` and `Transfer-Encoding` (RFC 9112,
//! section 6).

use super::message::{Message, set_once};
use crate::head::{Framing, Version};
use crate::refusal::Refusal;
use crate::token::is_token;

impl<'a> Message<'a> {
    /// Adds a Content-Length field. A request may have only one: a second one is refused even if it has the same value.
    #[inline]
    pub fn add_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        set_once(&mut self.length, parse_length(value)?, "more than one Content-Length")
    }

    /// Adds a Transfer-Encoding field. A request may have only one.
    #[inline]
    pub fn add_transfer_encoding(&mut self, value: &'a [u8]) -> Result<(), Refusal> {
        set_once(&mut self.transfer_encoding, value, "more than one Transfer-Encoding")
    }

    /// Returns how the body is framed, or a refusal if the fields contradict each other (RFC 9112, section 6.3).
    pub fn framing(&self, version: Version) -> Result<Framing, Refusal> {
        let Some(coding) = self.transfer_encoding else {
            return Ok(match self.length {
                None | Some(0) => Framing::None,
                Some(length) => Framing::Length(length),
            });
        };
        if self.length.is_some() {
            return Err(Refusal::bad("both Transfer-Encoding and Content-Length"));
        }
        if version == Version::Http10 {
            return Err(Refusal::bad("Transfer-Encoding in HTTP/1.0"));
        }
        if coding.eq_ignore_ascii_case(b"chunked") {
            return Ok(Framing::Chunked);
        }
        let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let codings: Vec<&[u8]> = coding.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).collect();
        let tokens = codings.iter().all(|coding| !coding.is_empty() && coding.iter().copied().all(is_token));
        // If `chunked` is not the last transfer coding, the end of the body is unknown, so the request is invalid.
        let framed = codings.last().is_some_and(is_chunked) && codings.iter().filter(|it| is_chunked(it)).count() == 1;
        if tokens && framed {
            return Err(Refusal { status: 501, reason: "the only supported transfer coding is chunked" });
        }
        Err(Refusal::bad("the Transfer-Encoding is not exactly one chunked"))
    }
}

/// Parses the value of `Content-Length` strictly: only digits, no leading zeros, at most 18 digits (RFC 9110, section
/// 8.6).
pub(super) fn parse_length(value: &[u8]) -> Result<u64, Refusal> {
    let plain = !value.is_empty()
        && value.len() <= 18
        && value.iter().all(u8::is_ascii_digit)
        && (value.len() == 1 || value[0] != b'0');
    if !plain {
        return Err(Refusal::bad("the Content-Length is not a plain number"));
    }
    Ok(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}
