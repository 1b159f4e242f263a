//! Collects the fields of a request that describe the message: its host, its body and its connection.

use super::expect_continue::check_expectation;
use super::request_framing::parse_length;
use crate::authority::is_authority;
use crate::refusal::Refusal;

/// The fields of a request that describe the message: its host, its body and its connection.
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
    /// Adds a field line. Returns a refusal if the line is invalid or contradicts an earlier line.
    pub fn add(&mut self, header: &httparse::Header<'a>) -> Result<(), Refusal> {
        let value = header.value;
        match header.name.len() {
            4 if header.name.eq_ignore_ascii_case("host") => {
                set_once(&mut self.host, value, "more than one Host")?;
                // An empty Host is never valid, because an http URL always has a host (RFC 9110, section 4.2.1).
                if !is_authority(value) {
                    return Err(Refusal::bad("the Host is not valid"));
                }
            }
            6 if header.name.eq_ignore_ascii_case("expect") => {
                check_expectation(value)?;
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
}

fn set_once<T>(place: &mut Option<T>, value: T, twice: &'static str) -> Result<(), Refusal> {
    if place.replace(value).is_some() { Err(Refusal::bad(twice)) } else { Ok(()) }
}
