//! Checks a handler's status and fields before any byte of the response is written.

use super::chunked::may_trail;
use super::request_framing::parse_length;
use crate::exchange::{CommandError, Status};
use crate::head::FieldRef;
use crate::token::is_token;

/// What a handler's fields say about framing and the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FramingFields {
    /// The value of the handler's `Content-Length`.
    pub length: Option<u64>,
    /// Whether the handler sets `Date`.
    pub date: bool,
    /// Whether the handler sets `Connection: close`.
    pub close: bool,
    /// Whether the handler sets `Connection: keep-alive`.
    pub keep_alive: bool,
    /// Whether the handler sets `Transfer-Encoding: chunked`. If so, it frames its chunks itself.
    pub chunked: bool,
    /// Whether the body is an event stream, which does not end by itself.
    pub events: bool,
}

/// Checks a handler's status and fields. Returns an error for a `Transfer-Encoding`, which the engine sets.
pub fn check(status: Status<'_>, fields: &[FieldRef<'_>]) -> Result<FramingFields, CommandError> {
    let found = check_framing(status, fields)?;
    if found.chunked {
        return Err(refused(b"Transfer-Encoding", "is set by the server"));
    }
    Ok(found)
}

/// Checks a handler's status and fields as [`check`] does, but allows `Transfer-Encoding`, for a handler that frames
/// its body itself.
pub fn check_framing(status: Status<'_>, fields: &[FieldRef<'_>]) -> Result<FramingFields, CommandError> {
    if !(100..=599).contains(&status.code) {
        return Err(CommandError::Status(status.code));
    }
    if status.reason.is_some_and(has_controls) {
        return Err(CommandError::Field("the reason phrase has control characters".into()));
    }
    let mut found = FramingFields::default();
    for &(name, value) in fields {
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err(refused(name, "is not a valid name"));
        }
        if has_controls(value) {
            return Err(refused(name, "has control characters in its value"));
        }
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"date") => found.date = true,
            10 if name.eq_ignore_ascii_case(b"connection") => {
                for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    found.close |= option.eq_ignore_ascii_case(b"close");
                    found.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            12 if name.eq_ignore_ascii_case(b"content-type") => {
                let media_type = value.split(|&byte| byte == b';').next().unwrap_or_default();
                found.events = media_type.trim_ascii().eq_ignore_ascii_case(b"text/event-stream");
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = parse_length(value).map_err(|_| refused(name, "is not a plain number"))?;
                if found.length.replace(length).is_some_and(|earlier| earlier != length) {
                    return Err(refused(name, "is set twice, with different values"));
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if found.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(refused(name, "is not exactly \"chunked\""));
                }
                found.chunked = true;
            }
            _ => {}
        }
    }
    if found.chunked && found.length.is_some() {
        return Err(refused(b"Content-Length", "is set beside Transfer-Encoding"));
    }
    Ok(found)
}

/// Checks a handler's trailer fields before they are written (RFC 9110, section 6.5.1).
pub fn check_trailers(fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
    check(200.into(), fields)?;
    match fields.iter().find(|(name, _)| !may_trail(name)) {
        Some((name, _)) => Err(refused(name, "must not be sent after the body")),
        None => Ok(()),
    }
}

/// Whether a value contains control characters that are forbidden in field values and reason phrases (RFC 9110, section
/// 5.5; RFC 9112, section 4).
fn has_controls(value: &[u8]) -> bool {
    value.iter().any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f)
}

fn refused(name: &[u8], why: &str) -> CommandError {
    CommandError::Field(format!("the field {:?} {why}", String::from_utf8_lossy(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_5_5_bad_fields_stay_off_the_wire() {
        for (name, value) in [
            (&b"X"[..], &b"a\r\nSet-Cookie: b"[..]),
            (b"X", b"a\n"),
            (b"X", b"a\0"),
            (b"X\r\n", b"a"),
            (b"X:", b"a"),
            (b"", b"a"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Content-Length", b"ten"),
            (b"Content-Length", b"+10"),
            (b"Content-Length", b"010"),
        ] {
            assert!(matches!(check(200.into(), &[(name, value)]), Err(CommandError::Field(_))), "{name:?}");
        }
        assert_eq!(Err(CommandError::Status(600)), check(600.into(), &[]));
        assert!(matches!(
            check(200.into(), &[(b"Content-Length", b"1"), (b"content-length", b"2")]),
            Err(CommandError::Field(_))
        ));
    }
}
