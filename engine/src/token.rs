//! Checks tokens. Methods and field names are tokens (RFC 9110, section 5.6.2).

/// Whether a byte may be part of a token (`tchar`; RFC 9110, section 5.6.2).
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
