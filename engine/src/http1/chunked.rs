//! Decodes the chunked transfer coding (RFC 9112, section 7.1).
//!
//! ```text
//! Size -(digit)-> Size -(;)-> Extension -(CR)-> SizeLf -(LF, size > 0)-> Data -> DataCr -> DataLf -> Size
//!                                                      \-(LF, size = 0)-> Trailer -(empty line)-> Done
//! ```
//!
//! Extensions are skipped, but they must be well formed (section 7.1.1). If a server and a proxy disagree about where
//! the line of an extension ends, a client can smuggle a request past the proxy.

use bytes::Bytes;
use memchr::memchr;

use crate::head::Field;
use crate::limits::Limits;
use crate::token::is_token;

/// The decoder of one chunked body.
#[derive(Debug, Default)]
pub struct Chunked {
    state: State,
    /// While the size of a chunk is read, the value of the digits so far. Afterwards, the number of bytes of the chunk
    /// that are still to come.
    size: u64,
    digits: u8,
    /// The total size of the chunk extensions so far, in bytes.
    extensions: u64,
    trailers: Option<Box<Trailers>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Extension(Extension),
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailer,
    Done,
}

/// The position within a chunk extension, `BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ]`: the part that
/// was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extension {
    Semicolon,
    Name,
    NameSpace,
    Equals,
    Value,
    Quoted,
    Escape,
    QuoteEnd,
    ValueSpace,
}

#[derive(Debug, Default)]
struct Trailers {
    line: Vec<u8>,
    size: u64,
    fields: Vec<Field>,
    lines: u64,
}

/// The result of [`Chunked::step`].
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The rest of the input starts with this many bytes of data. The caller must take them and call `consumed`.
    Data(usize),
    /// The decoder needs more input.
    More,
    /// The body is complete.
    Done,
}

impl Chunked {
    /// Removes framing from the start of `input`. Stops at data, at the end of the body, or at the end of the input.
    pub fn step(&mut self, input: &mut &[u8], limits: &Limits) -> Result<Step, &'static str> {
        loop {
            let Some(&byte) = input.first() else {
                return Ok(if self.state == State::Done { Step::Done } else { Step::More });
            };
            match self.state {
                State::Data => return Ok(Step::Data(input.len().min(self.size as usize))),
                State::Done => return Ok(Step::Done),
                State::Trailer => {
                    if self.trailer(input, limits)? {
                        self.state = State::Done;
                        return Ok(Step::Done);
                    }
                    continue;
                }
                State::Size => self.size_byte(byte)?,
                State::Extension(last) => self.extension_byte(last, byte, limits)?,
                State::SizeLf => {
                    expect(byte, b'\n', "a chunk size does not end with CR LF")?;
                    self.state = if self.size == 0 { State::Trailer } else { State::Data };
                }
                State::DataCr => {
                    expect(byte, b'\r', "chunk data does not end with CR LF")?;
                    self.state = State::DataLf;
                }
                State::DataLf => {
                    expect(byte, b'\n', "chunk data does not end with CR LF")?;
                    self.state = State::Size;
                    self.digits = 0;
                    self.size = 0;
                }
            }
            *input = &input[1..];
        }
    }

    /// Records that the caller has taken `length` bytes of data.
    pub fn consumed(&mut self, length: usize) {
        self.size -= length as u64;
        if self.size == 0 {
            self.state = State::DataCr;
        }
    }

    /// Returns the trailer fields, without the fields that are forbidden in trailers (RFC 9110, section 6.5.1).
    pub fn into_trailers(self) -> Vec<Field> {
        self.trailers.map(|trailers| trailers.fields).unwrap_or_default()
    }

    fn size_byte(&mut self, byte: u8) -> Result<(), &'static str> {
        match (byte as char).to_digit(16) {
            Some(digit) => {
                if self.digits >= 15 {
                    return Err("a chunk size is too large");
                }
                self.digits += 1;
                self.size = self.size * 16 + u64::from(digit);
            }
            None if self.digits == 0 => return Err("a chunk size is not a hexadecimal number"),
            None if byte == b'\r' => self.state = State::SizeLf,
            None if byte == b';' => self.state = State::Extension(Extension::Semicolon),
            None => return Err("a chunk size is not a hexadecimal number"),
        }
        Ok(())
    }

    fn extension_byte(&mut self, last: Extension, byte: u8, limits: &Limits) -> Result<(), &'static str> {
        use Extension::{Equals, Escape, Name, NameSpace, QuoteEnd, Quoted, Semicolon, Value, ValueSpace};
        let next = match (last, byte) {
            (Name | Value | QuoteEnd, b'\r') => {
                self.state = State::SizeLf;
                return Ok(());
            }
            (Quoted, b'"') => QuoteEnd,
            (Quoted, b'\\') => Escape,
            (Quoted | Escape, b'\t' | b' '..=b'~' | 0x80..) => Quoted,
            (Name | NameSpace | Value | QuoteEnd | ValueSpace, b';') => Semicolon,
            (Name | NameSpace, b'=') => Equals,
            (Equals, b'"') => Quoted,
            (Semicolon | Equals, b' ' | b'\t') => last,
            (Name | NameSpace, b' ' | b'\t') => NameSpace,
            (Value | QuoteEnd | ValueSpace, b' ' | b'\t') => ValueSpace,
            (Semicolon | Name, _) if is_token(byte) => Name,
            (Equals | Value, _) if is_token(byte) => Value,
            _ => return Err("a chunk extension is not well formed"),
        };
        self.state = State::Extension(next);
        self.extensions += 1;
        if self.extensions > limits.chunk_extensions {
            return Err("the chunk extensions are too long");
        }
        Ok(())
    }

    /// Reads one trailer line. Returns true for the empty line, which ends the trailer section.
    fn trailer(&mut self, input: &mut &[u8], limits: &Limits) -> Result<bool, &'static str> {
        let trailers = self.trailers.get_or_insert_default();
        let end = memchr(b'\n', input).map_or(input.len(), |newline| newline + 1);
        let (part, rest) = input.split_at(end);
        trailers.size += part.len() as u64;
        if trailers.size > limits.trailer_size {
            return Err("the trailer section is too large");
        }
        trailers.line.extend_from_slice(part);
        *input = rest;
        if trailers.line.last() != Some(&b'\n') {
            return Ok(false);
        }
        let line = std::mem::take(&mut trailers.line);
        let line = line.strip_suffix(b"\r\n").ok_or("a trailer line ends with a bare line feed")?;
        if line.is_empty() {
            return Ok(true);
        }
        trailers.lines += 1;
        if trailers.lines > limits.trailer_fields {
            return Err("too many trailer fields");
        }
        if let Some(field) = trailer_field(line)? {
            trailers.fields.push(field);
        }
        Ok(false)
    }
}

fn expect(byte: u8, wanted: u8, reason: &'static str) -> Result<(), &'static str> {
    if byte == wanted { Ok(()) } else { Err(reason) }
}

fn trailer_field(line: &[u8]) -> Result<Option<Field>, &'static str> {
    let colon = memchr(b':', line).ok_or("a trailer line has no colon")?;
    let name = &line[..colon];
    if name.is_empty() || !name.iter().copied().all(is_token) {
        return Err("a trailer name is not a token");
    }
    let value = trim_space(&line[colon + 1..]);
    if value.iter().any(|&byte| byte != b'\t' && (byte < 0x20 || byte == 0x7f)) {
        return Err("a trailer value has control characters");
    }
    let name = name.to_ascii_lowercase();
    if !may_trail(&name) {
        return Ok(None);
    }
    Ok(Some((Bytes::from(name), Bytes::copy_from_slice(value))))
}

/// Removes spaces and tabs at both ends of a value, but no other whitespace (OWS; RFC 9110, section 5.6.3).
fn trim_space(value: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = value.iter().position(|byte| !space(byte)) else { return &[] };
    let end = value.iter().rposition(|byte| !space(byte)).map_or(value.len(), |last| last + 1);
    &value[start..end]
}

/// Whether a field with this name is allowed in trailers (RFC 9110, section 6.5.1).
pub fn may_trail(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    !FORBIDDEN.contains(&name.as_slice()) && !name.starts_with(b"x-forwarded-")
}

/// The fields that must not be trailers: fields for framing, routing, request modifiers, authentication and cookies.
const FORBIDDEN: [&[u8]; 22] = [
    b"transfer-encoding",
    b"content-length",
    b"content-encoding",
    b"content-type",
    b"content-range",
    b"trailer",
    b"host",
    b"connection",
    b"keep-alive",
    b"upgrade",
    b"te",
    b"expect",
    b"range",
    b"authorization",
    b"proxy-authorization",
    b"proxy-authenticate",
    b"www-authenticate",
    b"cookie",
    b"set-cookie",
    b"forwarded",
    b"cache-control",
    b"max-forwards",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &[u8], split: usize) -> Result<(Vec<u8>, Vec<Field>, usize), &'static str> {
        let limits = Limits { chunk_extensions: 20, trailer_size: 100, trailer_fields: 3, ..Limits::default() };
        let mut decoder = Chunked::default();
        let mut data = Vec::new();
        let mut used = 0;
        for part in [&body[..split], &body[split..]] {
            let mut input = part;
            loop {
                match decoder.step(&mut input, &limits)? {
                    Step::Data(length) => {
                        data.extend_from_slice(&input[..length]);
                        input = &input[length..];
                        decoder.consumed(length);
                    }
                    Step::More => break,
                    Step::Done => return Ok((data, decoder.into_trailers(), used + part.len() - input.len())),
                }
            }
            used += part.len();
        }
        Err("incomplete")
    }

    #[test]
    fn rfc9112_7_1_every_split() {
        let body = b"4;x=y\r\nWiki\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\nHost: evil\r\n\r\nNEXT";
        for split in 0..body.len() - 4 {
            let (data, trailers, used) = decode(body, split).unwrap();
            assert_eq!(b"Wiki0123456789", data.as_slice());
            assert_eq!(vec![(Bytes::from("x-sum"), Bytes::from("1"))], trailers);
            assert_eq!(body.len() - 4, used);
        }
    }

    #[test]
    fn rfc9112_7_1_1_extensions() {
        for good in ["a", "a=b", " a ;b", "a = b ; c", "a=\"b c\"", "a=\"\\\"; b\"", "a=\"\u{e9}\" ;b", "a=\"\""] {
            let body = format!("1;{good}\r\nx\r\n0;{good}\r\n\r\n");
            let decoded = decode(body.as_bytes(), 3).map(|(data, ..)| data);
            assert_eq!(Ok(b"x".to_vec()), decoded, "{good}");
        }
        for bad in [
            "", " ", "a ", "a=", "a= ", "a=b ", "a b", "a=b c", "a=\"b", "a=\"b\"c", "a=\"\r", "a(", "=b", "a==b",
            "\u{e9}",
        ] {
            let body = format!("1;{bad}\r\nx\r\n0\r\n\r\n");
            let decoded = decode(body.as_bytes(), 0);
            assert!(decoded.is_err() && decoded != Err("incomplete"), "{bad}");
        }
    }

    #[test]
    fn rfc9112_7_1_refused() {
        for bad in [
            &b"-1\r\n"[..],
            b"+1\r\n",
            b"0x1\r\n",
            b"1_0\r\n",
            b" 1\r\n",
            b"1 \r\n",
            b"\r\n",
            b"1\n",
            b"1;\n",
            b"1;\r\na",
            b"1; \r\na",
            b"1;a;\r\na",
            b"1;a\x01\r\n",
            b"1;aaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
            b"1\r\nab",
            b"1\r\na\n",
            b"fffffffffffffffff\r\n",
            b"0\r\nX: 1\n\r\n",
            b"0\r\nX 1\r\n\r\n",
            b"0\r\nX : 1\r\n\r\n",
            b"0\r\na:\r\nb:\r\nc:\r\nd:\r\n\r\n",
        ] {
            let outcome = decode(bad, 0);
            assert!(outcome.is_err() && outcome != Err("incomplete"), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}
