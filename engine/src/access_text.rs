//! Escapes texts for lines of the access log.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::address::Address;

pub(crate) fn shown(address: &Address) -> String {
    match address {
        Address::Inet(address) => address.ip().to_canonical().to_string(),
        Address::Unix(_) => "unix".into(),
        Address::Unknown => "-".into(),
    }
}

pub(crate) fn dash(text: &[u8]) -> &[u8] {
    if text.is_empty() { b"-" } else { text }
}

/// Bytes to be written inside a quoted string of the combined format. Quotes, backslashes and bytes that are not
/// printable ASCII are escaped, so that a client cannot forge a line.
pub(crate) struct Quoted<'a>(pub &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for &byte in self.0 {
            match byte {
                b'"' | b'\\' => write!(f, "\\{}", byte as char)?,
                b' '..=b'~' => f.write_char(byte as char)?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

/// Bytes to be written as a JSON string (RFC 8259, section 7). Bytes that are not UTF-8 become U+FFFD.
pub(crate) struct Json<'a>(pub &'a [u8]);

impl Display for Json<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for character in String::from_utf8_lossy(self.0).chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                control if control.is_control() => write!(f, "\\u{:04x}", control as u32)?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}
