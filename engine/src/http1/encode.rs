//! Heads of responses as bytes (RFC 9112, sections 4 and 5). Mistakes of a handler are found before any byte is
//! written.

use super::chunked::may_trail;
use super::reason_phrase::reason_phrase;
use super::request_framing::parse_length;
use super::response_framing::BodyFrame;
use crate::exchange::{CommandError, Status};
use crate::head::{FieldRef, Version};
use crate::token::is_token;

/// The Connection field of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// None: HTTP/1.1 keeps connections by default.
    Implied,
    /// `keep-alive`, for HTTP/1.0.
    KeepAlive,
    /// `close`.
    Close,
    /// `Upgrade`, with 101.
    Upgrade,
}

/// The fields of a handler that concern framing and the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FramingFields {
    /// The handler's own `Content-Length`.
    pub length: Option<u64>,
    /// The handler sets `Date` itself.
    pub date: bool,
    /// The handler sets `Connection: close`.
    pub close: bool,
    /// The handler sets `Connection: keep-alive`.
    pub keep_alive: bool,
    /// The handler sets `Transfer-Encoding: chunked`, and frames its chunks itself.
    pub chunked: bool,
    /// The body is a stream of events, which does not end by itself.
    pub events: bool,
}

/// Checks the status and the fields of a handler before anything is written.
pub fn check(status: Status<'_>, fields: &[FieldRef<'_>]) -> Result<FramingFields, CommandError> {
    let found = check_framing(status, fields)?;
    if found.chunked {
        return Err(refused(b"Transfer-Encoding", "is set by the server"));
    }
    Ok(found)
}

/// As [`check`], for a handler that frames its body itself.
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

/// Checks the trailer fields of a handler before they are written (RFC 9110, section 6.5.1).
pub fn check_trailers(fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
    check(200.into(), fields)?;
    match fields.iter().find(|(name, _)| !may_trail(name)) {
        Some((name, _)) => Err(refused(name, "must not be sent after the body")),
        None => Ok(()),
    }
}

/// Appends the head of a response whose fields passed [`check`].
pub fn head(
    out: &mut Vec<u8>,
    status: Status<'_>,
    fields: &[FieldRef<'_>],
    found: FramingFields,
    frame: BodyFrame,
    persistence: Persistence,
    date: &[u8; 29],
) {
    status_line(out, status);
    if status.code >= 200 && !found.date {
        out.extend_from_slice(b"Date: ");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
    }
    match frame {
        BodyFrame::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            decimal(out, length);
            out.extend_from_slice(b"\r\n");
        }
        BodyFrame::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        BodyFrame::None | BodyFrame::UntilClose => {}
    }
    out.extend_from_slice(match persistence {
        Persistence::Implied => b"",
        Persistence::KeepAlive => b"Connection: keep-alive\r\n",
        Persistence::Close => b"Connection: close\r\n",
        Persistence::Upgrade => b"Connection: Upgrade\r\n",
    });
    for &(name, value) in fields {
        // The server sets the fields that frame the message; a handler may only name options of the connection.
        let is_handlers = match name.len() {
            10 if name.eq_ignore_ascii_case(b"connection") => persistence == Persistence::Implied,
            14 => !name.eq_ignore_ascii_case(b"content-length"),
            _ => true,
        };
        if is_handlers {
            field_line(out, name, value);
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends the head of a response as its handler sets it, whose fields passed [`check_framing`]. `close` adds
/// `Connection: close`.
pub fn handler_head(out: &mut Vec<u8>, version: Version, status: Status<'_>, fields: &[FieldRef<'_>], close: bool) {
    let start = out.len();
    status_line(out, status);
    if version == Version::Http10 {
        out[start + b"HTTP/1.".len()] = b'0';
    }
    for &(name, value) in fields {
        field_line(out, name, value);
    }
    out.extend_from_slice(if close { b"Connection: close\r\n\r\n" } else { b"\r\n" });
}

/// Appends one field line.
pub fn field_line(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Appends the framing before the data of a chunk (RFC 9112, section 7.1).
pub fn chunk_size(out: &mut Vec<u8>, size: usize) {
    let mut digits = [0; 16];
    let mut at = digits.len();
    let mut left = size;
    while at == digits.len() || left > 0 {
        at -= 1;
        digits[at] = b"0123456789abcdef"[left & 15];
        left >>= 4;
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

fn status_line(out: &mut Vec<u8>, status: Status<'_>) {
    if status == Status::from(200) {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    decimal(out, u64::from(status.code));
    out.push(b' ');
    out.extend_from_slice(status.reason.unwrap_or_else(|| reason_phrase(status.code).as_bytes()));
    out.extend_from_slice(b"\r\n");
}

fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while at == digits.len() || number > 0 {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits[at..]);
}

/// Whether a value has bytes that no field value and no reason phrase may have (RFC 9110, section 5.5; RFC 9112,
/// section 4).
fn has_controls(value: &[u8]) -> bool {
    value.iter().any(|&byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f)
}

fn refused(name: &[u8], why: &str) -> CommandError {
    CommandError::Field(format!("the field {:?} {why}", String::from_utf8_lossy(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(status: u16, fields: &[FieldRef<'_>], frame: BodyFrame, persistence: Persistence) -> String {
        let mut out = Vec::new();
        let found = check(status.into(), fields).unwrap();
        head(&mut out, status.into(), fields, found, frame, persistence, b"Sun, 06 Nov 1994 08:49:37 GMT");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rfc9112_4_whole_heads() {
        assert_eq!(
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 120\r\nX: y\r\n\r\n",
            encoded(200, &[(b"X", b"y")], BodyFrame::Length(120), Persistence::Implied)
        );
        assert_eq!(
            "HTTP/1.1 599 \r\nTransfer-Encoding: chunked\r\nConnection: close\r\ndate: now\r\n\r\n",
            encoded(599, &[(b"date", b"now"), (b"Connection", b"close")], BodyFrame::Chunked, Persistence::Close)
        );
        assert_eq!("HTTP/1.1 103 Early Hints\r\n\r\n", encoded(103, &[], BodyFrame::None, Persistence::Implied));
    }

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

    #[test]
    fn rfc9112_4_reason_phrases() {
        let mut out = Vec::new();
        status_line(&mut out, Status { code: 200, reason: Some(b"Fine") });
        status_line(&mut out, Status { code: 404, reason: Some(b"") });
        status_line(&mut out, 404.into());
        assert_eq!("HTTP/1.1 200 Fine\r\nHTTP/1.1 404 \r\nHTTP/1.1 404 Not Found\r\n", String::from_utf8(out).unwrap());
        for reason in [&b"a\r\nX: y"[..], b"a\n", b"a\r", b"a\0", b"\x7f"] {
            let status = Status { code: 200, reason: Some(reason) };
            assert!(matches!(check(status, &[]), Err(CommandError::Field(_))), "{reason:?}");
        }
    }

    #[test]
    fn numbers() {
        let mut out = Vec::new();
        decimal(&mut out, 0);
        decimal(&mut out, u64::MAX);
        chunk_size(&mut out, 0);
        chunk_size(&mut out, 0xabc0);
        assert_eq!("0184467440737095516150\r\nabc0\r\n", String::from_utf8(out).unwrap());
    }
}
