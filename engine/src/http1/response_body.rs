//! Writes the body of the current response, and checks that the handler observes its framing (RFC 9112, section 6).

use bytes::Bytes;

use super::encode;
use super::response_fields;
use super::response_framing::ResponseFraming;
use crate::exchange::{Body, CommandError};
use crate::head::FieldRef;
use crate::outbox::{OpenFiles, Outbox};

/// The last chunk of a chunked body without trailers (RFC 9112, section 7.1).
const LAST_CHUNK: &[u8; 5] = b"0\r\n\r\n";

/// The framing of the current response body, and how much of it was written.
#[derive(Debug)]
pub(super) struct ResponseBody {
    pub framing: ResponseFraming,
    /// How many body bytes were written so far.
    pub written: u64,
    /// Whether the body is an event stream, which does not end by itself.
    pub is_event_stream: bool,
}

impl Default for ResponseBody {
    fn default() -> Self {
        ResponseBody { framing: ResponseFraming::Omitted, written: 0, is_event_stream: false }
    }
}

impl ResponseBody {
    /// Writes a part of the body.
    pub fn write(&mut self, data: Bytes, out: &mut Outbox) -> Result<(), CommandError> {
        let size = data.len() as u64;
        if size == 0 {
            return Ok(());
        }
        match &mut self.framing {
            ResponseFraming::Length { announced, left } => {
                *left = take(*announced, *left, size)?;
                out.push(data);
            }
            ResponseFraming::Chunked => {
                encode::chunk_size(out.tail(), data.len());
                out.push(data);
                out.tail().extend_from_slice(b"\r\n");
            }
            ResponseFraming::FramedByHandler(last) => {
                for &byte in data.iter().rev().take(last.len()).rev() {
                    last.rotate_left(1);
                    last[4] = byte;
                }
                out.push(data);
            }
            ResponseFraming::UntilClose => out.push(data),
            ResponseFraming::Omitted => return Ok(()),
        }
        self.written += size;
        Ok(())
    }

    /// Writes a part of the body up to the announced length. Returns [`CommandError::Excess`] if the part is longer.
    pub fn write_within_length(&mut self, mut data: Bytes, out: &mut Outbox) -> Result<(), CommandError> {
        let size = data.len() as u64;
        match self.framing {
            ResponseFraming::Length { announced, left } if left < size => {
                data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                self.write(data, out)?;
                Err(CommandError::Excess { announced, written: announced - left + size })
            }
            _ => self.write(data, out),
        }
    }

    /// Writes a part of the body from a file. The framing must be `Content-Length`.
    pub fn write_file(&mut self, part: Body<'_>, out: &mut Outbox, files: &OpenFiles) -> Result<(), CommandError> {
        match (&mut self.framing, part) {
            (ResponseFraming::Length { announced, left }, Body::File { file, offset, length }) => {
                *left = take(*announced, *left, length)?;
                self.written += length;
                out.push_file(file, offset, length, files);
                Ok(())
            }
            _ => Err(CommandError::NotStarted),
        }
    }

    /// Writes the whole body. The caller has checked that it has the announced length.
    pub fn write_whole(&mut self, body: Body<'_>, out: &mut Outbox, files: &OpenFiles) {
        self.written += body.len();
        if let ResponseFraming::Length { left, .. } = &mut self.framing {
            *left = 0;
        }
        match body {
            Body::Slice(bytes) => out.tail().extend_from_slice(bytes),
            Body::Shared(bytes) => out.push(bytes),
            Body::File { file, offset, length } => out.push_file(file, offset, length, files),
        }
    }

    /// Ends the body. Returns an error if it is shorter than announced.
    pub fn end(&mut self, trailers: &[FieldRef<'_>], out: &mut Outbox) -> Result<(), CommandError> {
        match self.framing {
            ResponseFraming::Length { announced, left } if left > 0 => {
                Err(CommandError::Length { announced, written: announced - left })
            }
            ResponseFraming::Chunked => {
                response_fields::check_trailers(trailers)?;
                let tail = out.tail();
                tail.extend_from_slice(b"0\r\n");
                for (name, value) in trailers {
                    encode::field_line(tail, name, value);
                }
                tail.extend_from_slice(b"\r\n");
                Ok(())
            }
            // If the last chunk is missing, the client would read the next response as a chunk.
            ResponseFraming::FramedByHandler(last) if &last != LAST_CHUNK => {
                Err(CommandError::Length { announced: self.written, written: self.written })
            }
            _ => Ok(()),
        }
    }
}

/// Returns how many bytes are left to write after `size` more bytes. Returns an error if they exceed the announced
/// length.
fn take(announced: u64, left: u64, size: u64) -> Result<u64, CommandError> {
    left.checked_sub(size).ok_or(CommandError::Length { announced, written: announced - left + size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(framing: ResponseFraming) -> (ResponseBody, Outbox) {
        (ResponseBody { framing, ..Default::default() }, Outbox::default())
    }

    #[test]
    fn rfc9112_6_2_a_body_has_its_announced_length() {
        let (mut body, mut out) = body(ResponseFraming::Length { announced: 5, left: 5 });
        assert_eq!(Ok(()), body.write("abc".into(), &mut out));
        assert_eq!(Err(CommandError::Length { announced: 5, written: 3 }), body.end(&[], &mut out));
        let outcome = body.write("def".into(), &mut out);
        assert_eq!(Err(CommandError::Length { announced: 5, written: 6 }), outcome);
        assert_eq!(b"abc", &out.tail()[..]);
        let outcome = body.write_within_length("def".into(), &mut out);
        assert_eq!(Err(CommandError::Excess { announced: 5, written: 6 }), outcome);
        assert_eq!(Ok(()), body.end(&[], &mut out));
        assert_eq!((b"abcde", 5), (&out.tail()[..].try_into().unwrap(), body.written));
    }

    #[test]
    fn rfc9112_7_1_chunks_and_trailers() {
        let (mut body, mut out) = body(ResponseFraming::Chunked);
        for part in ["abc", "", "0123456789"] {
            assert_eq!(Ok(()), body.write(part.into(), &mut out));
        }
        assert_eq!(Ok(()), body.end(&[(b"X", b"y")], &mut out));
        let expected = "3\r\nabc\r\na\r\n0123456789\r\n0\r\nX: y\r\n\r\n";
        assert_eq!((expected, 13), (std::str::from_utf8(out.tail()).unwrap(), body.written));
    }

    #[test]
    fn rfc9112_7_1_a_handler_that_frames_chunks_must_end_them() {
        let (mut body, mut out) = body(ResponseFraming::FramedByHandler([0; 5]));
        assert_eq!(Ok(()), body.write("1\r\na\r\n0\r\n".into(), &mut out));
        assert!(matches!(body.end(&[], &mut out), Err(CommandError::Length { .. })));
        assert_eq!(Ok(()), body.write("\r\n".into(), &mut out));
        assert_eq!(Ok(()), body.end(&[], &mut out));
    }

    #[test]
    fn rfc9110_6_4_1_an_omitted_body_is_not_sent() {
        let (mut body, mut out) = body(ResponseFraming::Omitted);
        assert_eq!(Ok(()), body.write("abc".into(), &mut out));
        assert_eq!((true, 0), (out.is_empty(), body.written));
    }
}
