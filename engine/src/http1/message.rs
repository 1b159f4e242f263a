//! The fields of a request that describe the message: its host, its body and its connection.

use crate::authority::is_authority;
use crate::head::{Framing, Version};
use crate::refusal::Refusal;
use crate::token::is_token;

/// The fields that describe the message: its host, its body and its connection.
#[derive(Default)]
pub(super) struct Message<'a> {
    pub host: Option<&'a [u8]>,
    pub length: Option<u64>,
    pub transfer_encoding: Option<&'a [u8]>,
    pub close: bool,
    pub keep_alive: bool,
    pub expects_continue: bool,
}

impl<'a> Message<'a> {
    /// Adds a field line.
    pub fn add(&mut self, header: &httparse::Header<'a>) -> Result<(), Refusal> {
        let value = header.value;
        match header.name.len() {
            4 if header.name.eq_ignore_ascii_case("host") => {
                set_once(&mut self.host, value, "more than one Host")?;
                // An http URL has a host (RFC 9110, section 4.2.1), so that no valid request has an empty one.
                if !is_authority(value) {
                    return Err(Refusal::bad("the Host is not valid"));
                }
            }
            6 if header.name.eq_ignore_ascii_case("expect") => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal { status: 417, reason: "the only supported expectation is 100-continue" });
                }
                self.expects_continue = true;
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for option in value.split(|&byte| byte == b',') {
                    let option = option.trim_ascii();
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                set_once(&mut self.length, parse_length(value)?, "more than one Content-Length")?;
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                set_once(&mut self.transfer_encoding, value, "more than one Transfer-Encoding")?;
            }
            _ => {}
        }
        Ok(())
    }

    /// The host of the request (RFC 9112, section 3.2).
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

    /// How the body is framed (RFC 9112, section 6.3).
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
        // If the last coding is another one, the end of the body is unknown, and the request is bad.
        let framed = codings.last().is_some_and(is_chunked) && codings.iter().filter(|it| is_chunked(it)).count() == 1;
        if tokens && framed {
            return Err(Refusal { status: 501, reason: "the only supported transfer coding is chunked" });
        }
        Err(Refusal::bad("the Transfer-Encoding is not exactly one chunked"))
    }
}

fn set_once<T>(place: &mut Option<T>, value: T, twice: &'static str) -> Result<(), Refusal> {
    if place.replace(value).is_some() { Err(Refusal::bad(twice)) } else { Ok(()) }
}

/// Digits only, no leading zeros, no overflow (RFC 9110, section 8.6).
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
