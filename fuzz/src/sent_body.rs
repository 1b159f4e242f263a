//! The body of a request as its client sent it. The parts that the engine delivers are compared with it.

use ropewalk_engine::http1::chunked::{Chunked, Step};
use ropewalk_engine::{Head, Limits};

/// Where the body is in the bytes that were sent on its connection. Each method takes these bytes as `stream`.
pub struct SentBody {
    begins: usize,
    framing: Framing,
    /// How many bytes of the body were delivered.
    delivered: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunked,
    /// There is no body, or it has ended: all bytes that follow are raw.
    Raw,
}

impl SentBody {
    /// The body after a head that begins at `start`.
    pub fn after_head(head: &Head, stream: &[u8], start: usize) -> Self {
        // One empty line may come first (RFC 9112, section 2.2).
        let start = start + if stream[start..].starts_with(b"\r\n") { 2 } else { 0 };
        let length = stream[start..].windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let framing = match head.length() {
            _ if !head.has_body() => Framing::Length(0),
            Some(length) => Framing::Length(length as usize),
            None => Framing::Chunked,
        };
        SentBody { begins: start + length + 4, framing, delivered: 0 }
    }

    /// Checks that a part is the next bytes of the body, or raw bytes after it.
    pub fn check_part(&mut self, part: &[u8], stream: &[u8], limits: &Limits) {
        let (mut expected, end) = self.decode(stream, limits);
        expected.extend_from_slice(end.map_or(b"", |end| &stream[end..]));
        assert!(expected[self.delivered..].starts_with(part), "{part:?} is not what comes next of {expected:?}");
        self.delivered += part.len();
    }

    /// Checks at the end that the whole body was delivered.
    pub fn check_end(&self, stream: &[u8], limits: &Limits) {
        let (body, end) = self.decode(stream, limits);
        assert_eq!((body.len(), true), (self.delivered, end.is_some()));
    }

    /// Records that the bytes after the body are delivered from now on, because they belong to another protocol.
    pub fn become_raw(&mut self, stream: &[u8], limits: &Limits) {
        let begins = self.end(stream, limits).expect("a whole request before an upgrade");
        *self = SentBody { begins, framing: Framing::Raw, delivered: 0 };
    }

    /// Where the body ends, or None if it was not sent completely.
    pub fn end(&self, stream: &[u8], limits: &Limits) -> Option<usize> {
        self.decode(stream, limits).1
    }

    /// Decodes the body as far as it was sent. Returns it, and where it ends.
    fn decode(&self, stream: &[u8], limits: &Limits) -> (Vec<u8>, Option<usize>) {
        let mut rest = &stream[self.begins..];
        match self.framing {
            Framing::Raw => (Vec::new(), Some(self.begins)),
            Framing::Length(length) => {
                let end = (rest.len() >= length).then_some(self.begins + length);
                (rest[..length.min(rest.len())].to_vec(), end)
            }
            Framing::Chunked => {
                let (mut decoder, mut body) = (Chunked::default(), Vec::new());
                loop {
                    match decoder.step(&mut rest, limits) {
                        Ok(Step::Data(count)) => {
                            body.extend_from_slice(&rest[..count]);
                            decoder.consumed(count);
                            rest = &rest[count..];
                        }
                        Ok(Step::Done) => return (body, Some(stream.len() - rest.len())),
                        Ok(Step::More) | Err(_) => return (body, None),
                    }
                }
            }
        }
    }
}
