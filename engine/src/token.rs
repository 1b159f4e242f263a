//! Tokens, of which methods and field names are made (RFC 9110, section 5.6.2).

/// Whether a byte is a `tchar`.
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
