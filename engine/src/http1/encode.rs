//! Writes the heads of responses (RFC 9112, sections 4 and 5).

use super::reason_phrase::reason_phrase;
use super::response_fields::FramingFields;
use super::response_framing::BodyFrame;
use crate::exchange::Status;
use crate::head::{FieldRef, Version};

/// Which `Connection` field the engine adds to a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Persistence {
    /// No field, because HTTP/1.1 connections are persistent by default.
    Implied,
    /// `Connection: keep-alive`, for HTTP/1.0 clients.
    KeepAlive,
    /// `Connection: close`.
    Close,
    /// `Connection: Upgrade`, for status 101.
    Upgrade,
}

/// Appends the head of a response. `response_fields::check` must have accepted its fields.
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
        // Skip a handler's `Content-Length`, because the engine has written one. Skip a handler's `Connection` if the
        // engine has written one.
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

/// Appends the head of a response whose body the handler frames itself. `response_fields::check_framing` must have
/// accepted the fields. `close` adds `Connection: close`.
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

/// Appends the size line of a chunk (RFC 9112, section 7.1).
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::CommandError;
    use crate::http1::response_fields::check;

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
