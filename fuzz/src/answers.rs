//! Parses responses as a strict client does. It follows RFC 9112 and uses no code of the engine.

use crate::head::check_field;

/// A response, as the client parses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code, from 100 to 599.
    pub status: u16,
    /// The name and value of every field line except `Date`, in order.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body, decoded.
    pub body: Vec<u8>,
    /// The trailer section, decoded.
    pub trailers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Answer {
    /// The value of a field that may occur at most once.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        let mut values = self.fields.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()));
        let value = values.next().map(|(_, value)| value.as_slice());
        assert!(values.next().is_none(), "{name} occurs twice");
        value
    }

    /// Whether the connection closes after this response.
    pub fn closes(&self) -> bool {
        self.field("connection") == Some(b"close")
    }
}

/// Parses the response at the start of `bytes` and removes it (RFC 9112, section 6.3). The connection ends after
/// `bytes`. Returns None if the response is incomplete. Panics if it is malformed.
pub fn take(bytes: &mut &[u8], to_head: bool) -> Option<Answer> {
    let mut rest = *bytes;
    let mut answer = take_head(&mut rest)?;
    let (length, coding) = (answer.field("content-length"), answer.field("transfer-encoding"));
    assert!(length.is_none() || coding.is_none(), "Content-Length and Transfer-Encoding in one response");
    let bodiless = answer.status < 200 || answer.status == 204;
    assert!(!bodiless || (length.is_none() && coding.is_none()), "framing fields in a response without a body");
    if to_head || bodiless || answer.status == 304 {
        *bytes = rest;
        return Some(answer);
    }
    if coding.is_some() {
        assert_eq!(Some(&b"chunked"[..]), coding);
        (answer.body, answer.trailers) = take_chunks(&mut rest)?;
    } else {
        let length = length.map_or(rest.len(), number);
        answer.body = take_some(&mut rest, length)?.to_vec();
    }
    *bytes = rest;
    Some(answer)
}

fn take_head(rest: &mut &[u8]) -> Option<Answer> {
    let status_line = take_line(rest)?;
    let code = status_line.strip_prefix(b"HTTP/1.1 ").expect("a status line");
    assert_eq!(Some(&b' '), code.get(3));
    let status = number(&code[..3]) as u16;
    assert!((100..600).contains(&status));
    let mut fields = take_fields(rest)?;
    let dates = fields.iter().filter(|(name, _)| name == b"Date").count();
    assert_eq!(usize::from(status >= 200), dates, "every final response has one Date");
    fields.retain(|(name, value)| name != b"Date" || value.len() != 29 || !value.ends_with(b" GMT"));
    Some(Answer { status, fields, body: Vec::new(), trailers: Vec::new() })
}

fn take_fields(rest: &mut &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut fields = Vec::new();
    loop {
        let line = take_line(rest)?;
        if line.is_empty() {
            return Some(fields);
        }
        let colon = line.iter().position(|&byte| byte == b':').expect("a colon");
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        check_field(name, value);
        fields.push((name.to_vec(), value.to_vec()));
    }
}

type Body = (Vec<u8>, Vec<(Vec<u8>, Vec<u8>)>);

fn take_chunks(rest: &mut &[u8]) -> Option<Body> {
    let mut body = Vec::new();
    loop {
        let size = take_line(rest)?;
        let size = std::str::from_utf8(size).ok().and_then(|size| usize::from_str_radix(size, 16).ok());
        match size.expect("a chunk size") {
            0 => return Some((body, take_fields(rest)?)),
            size => body.extend_from_slice(take_some(rest, size)?),
        }
        assert_eq!(b"", take_line(rest)?, "CR LF after a chunk");
    }
}

fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let newline = rest.iter().position(|&byte| byte == b'\n')?;
    let line = rest[..newline].strip_suffix(b"\r").expect("CR LF");
    assert!(!line.contains(&b'\r') && !line.contains(&0));
    *rest = &rest[newline + 1..];
    Some(line)
}

fn take_some<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (part, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(part)
}

fn number(digits: &[u8]) -> usize {
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).expect("a number")
}
