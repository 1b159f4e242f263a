//! The body of one response that is compressed in parts.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;

use super::encoders::Encoder;
use crate::outbox::FileTicket;

/// The most bytes that are encoded in one step. gzip needs about a millisecond for them.
const STEP: usize = 64 * 1024;

/// A body that is compressed in parts: its encoder, and the input that is not encoded yet.
///
/// ```text
/// push, push_file --> input --advance--> encoder --> output, in parts of the wire
/// end ------------> after the input, the end of the body
/// ```
#[derive(Debug)]
pub struct CompressedBody {
    /// The number of the exchange on its connection.
    pub serial: u32,
    encoder: Encoder,
    input: VecDeque<Input>,
    /// Whether the encoder holds input that the client cannot decode yet.
    unflushed: bool,
    /// Whether the end of the body follows the input, and the trailers.
    end: Option<Trailers>,
    /// Whether the body is in the engine's list of bodies with input.
    pub queued: bool,
    /// Counts the encoders in use.
    _ticket: Arc<()>,
}

type Trailers = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Debug)]
enum Input {
    Bytes(Bytes),
    File { file: OwnedFd, offset: u64, left: u64, _ticket: FileTicket },
}

/// The result of [`CompressedBody::advance`].
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// More input is left.
    More,
    /// All input was encoded, and more may come.
    Waiting,
    /// All input was encoded, and the body has ended.
    Ended(Trailers),
}

impl CompressedBody {
    /// Makes a body without input.
    pub fn new(serial: u32, encoder: Encoder, ticket: Arc<()>) -> Self {
        CompressedBody {
            serial,
            encoder,
            input: VecDeque::new(),
            unflushed: false,
            end: None,
            queued: false,
            _ticket: ticket,
        }
    }

    /// Adds a part of the body.
    pub fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.input.push_back(Input::Bytes(part));
        }
    }

    /// Adds a region of a file.
    pub fn push_file(&mut self, file: OwnedFd, offset: u64, left: u64, ticket: FileTicket) {
        self.input.push_back(Input::File { file, offset, left, _ticket: ticket });
    }

    /// Records that the body ends after the input.
    pub fn end(&mut self, trailers: Trailers) {
        self.end = Some(trailers);
    }

    /// Whether input, or the end of the body, waits to be encoded.
    pub fn has_work(&self) -> bool {
        !self.input.is_empty() || self.end.is_some()
    }

    /// Encodes at most 64 KiB of the input, and appends the result to `out`. Returns an error if a file has become
    /// shorter, or cannot be read.
    pub fn advance(&mut self, out: &mut Vec<u8>) -> io::Result<Progress> {
        let mut room = STEP;
        while room > 0 {
            let Some(input) = self.input.front_mut() else { break };
            self.unflushed = true;
            let is_empty = match input {
                Input::Bytes(bytes) => {
                    let part = bytes.split_to(bytes.len().min(room));
                    self.encoder.encode(&part, out)?;
                    room -= part.len();
                    bytes.is_empty()
                }
                Input::File { file, offset, left, .. } => {
                    let mut part = vec![0; room.min(usize::try_from(*left).unwrap_or(room))];
                    let count = rustix::io::retry_on_intr(|| rustix::io::pread(&*file, &mut part[..], *offset))?;
                    if count == 0 && *left > 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.encoder.encode(&part[..count], out)?;
                    *offset += count as u64;
                    *left -= count as u64;
                    room -= count;
                    *left == 0
                }
            };
            if is_empty {
                self.input.pop_front();
            }
        }
        if !self.input.is_empty() {
            return Ok(Progress::More);
        }
        let Some(trailers) = self.end.take() else { return Ok(Progress::Waiting) };
        self.encoder.finish(out)?;
        self.unflushed = false;
        Ok(Progress::Ended(trailers))
    }

    /// Appends what waits in the encoder, so that the client can decode every part that was written.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if std::mem::take(&mut self.unflushed) {
            self.encoder.flush(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::super::coding::Coding;
    use super::*;
    use crate::outbox::OpenFiles;

    fn body() -> CompressedBody {
        CompressedBody::new(1, Encoder::new(Coding::Gzip, 5, None).unwrap(), Arc::new(()))
    }

    fn unzipped(bytes: &[u8]) -> Vec<u8> {
        let mut result = Vec::new();
        flate2::read::GzDecoder::new(bytes).read_to_end(&mut result).unwrap();
        result
    }

    fn file(content: &[u8]) -> OwnedFd {
        let directory = std::env::temp_dir();
        let name = directory.join(format!("ropewalk-{}-{:p}", std::process::id(), content));
        let mut file = std::fs::File::create_new(&name).unwrap();
        file.write_all(content).unwrap();
        let opened = std::fs::File::open(&name).unwrap();
        std::fs::remove_file(name).unwrap();
        opened.into()
    }

    #[test]
    fn a_large_part_is_encoded_in_steps() {
        let mut body = body();
        let content = b"0123456789".repeat(15_000);
        body.push(content.clone().into());
        body.end(Vec::new());
        let mut out = Vec::new();
        assert_eq!(Progress::More, body.advance(&mut out).unwrap());
        assert_eq!(Progress::More, body.advance(&mut out).unwrap());
        assert_eq!(Progress::Ended(Vec::new()), body.advance(&mut out).unwrap());
        assert!(!body.has_work());
        assert_eq!(content, unzipped(&out));
    }

    #[test]
    fn a_file_is_read_in_steps_and_must_not_become_shorter() {
        let content = b"0123456789".repeat(10_000);
        let files = OpenFiles::default();
        let mut whole = body();
        whole.push("head ".into());
        whole.push_file(file(&content), 5, 99_995, files.hold());
        whole.end(vec![(b"X".to_vec(), b"y".to_vec())]);
        let mut out = Vec::new();
        assert_eq!(Progress::More, whole.advance(&mut out).unwrap());
        assert_eq!(1, files.count());
        assert_eq!(Progress::Ended(vec![(b"X".to_vec(), b"y".to_vec())]), whole.advance(&mut out).unwrap());
        assert_eq!(0, files.count());
        assert_eq!([b"head ", &content[5..]].concat(), unzipped(&out));

        let mut short = body();
        short.push_file(file(b"abc"), 0, 4, files.hold());
        assert!(short.advance(&mut out).is_err());
    }

    #[test]
    fn only_new_input_is_flushed() {
        let mut body = body();
        let mut out = Vec::new();
        body.flush(&mut out).unwrap();
        assert!(out.is_empty());
        body.push("abc".into());
        assert_eq!(Progress::Waiting, body.advance(&mut out).unwrap());
        body.flush(&mut out).unwrap();
        let size = out.len();
        body.flush(&mut out).unwrap();
        assert_eq!(size, out.len());
    }
}
