//! Collects the fields of a request that describe the message. `host.rs`, `request_framing.rs`, `expect_continue.rs` and
//! `keep_alive.rs` check them.

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
            4 if header.name.eq_ignore_ascii_case("host") => self.add_host(value)?,
            6 if header.name.eq_ignore_ascii_case("expect") => self.add_expectation(value)?,
            10 if header.name.eq_ignore_ascii_case("connection") => self.add_connection_options(value),
            14 if header.name.eq_ignore_ascii_case("content-length") => self.add_length(value)?,
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => self.add_transfer_encoding(value)?,
            _ => {}
        }
        Ok(())
    }
}

/// Sets a field that a request may have only once.
pub(super) fn set_once<T>(place: &mut Option<T>, value: T, twice: &'static str) -> Result<(), Refusal> {
    if place.replace(value).is_some() { Err(Refusal::bad(twice)) } else { Ok(()) }
}
