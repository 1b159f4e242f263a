//! Decodes the bodies of requests, with a limit for the result.

use std::io::{self, Write};

use brotli::DecompressorWriter;
use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

use super::coding::Coding;

/// How many bytes are added to the result at a time.
const STEP: usize = 16 * 1024;
/// The largest window of Zstandard that is accepted, as the logarithm of bytes: 8 MiB (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;
/// The first seven bits of a body of Brotli that asks for a window of up to 1 GiB. RFC 7932, section 9.1, does not allow
/// them, but the decoder does.
const LARGE_WINDOW: u8 = 0x11;
/// Bodies up to this size in bytes may have any ratio.
const FREE: u64 = 1024 * 1024;
/// How many times as large as the received bytes a larger body may be. Text reaches 5 to 20. A bomb of gzip reaches
/// 1000, one of Brotli far more.
const RATIO: u64 = 100;

/// Why a body could not be decoded.
#[derive(Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The result is larger than its limit, or far larger than the received bytes.
    TooLarge,
    /// The body is not in the coding that its `Content-Encoding` names.
    Malformed,
}

/// Decodes one body.
pub struct BodyDecoder {
    decoder: Decoder,
    /// How many times as large as the received bytes the result may be, above [`FREE`].
    ratio: u64,
    received: u64,
    decoded: u64,
}

enum Decoder {
    /// The decoder of the current member. None before the first one, and after the end of each (RFC 1952, 2.2).
    Gzip(Option<Box<Decompress>>),
    Brotli(Box<DecompressorWriter<Limited>>),
    /// The decoder, and whether a frame is complete.
    Zstd(ZstdDecoder<'static>, bool),
}

/// The result of a step, which must not exceed its limit.
#[derive(Default)]
struct Limited {
    bytes: Vec<u8>,
    most: usize,
}

impl BodyDecoder {
    /// Makes a decoder.
    pub fn new(coding: Coding) -> io::Result<Self> {
        let decoder = match coding {
            Coding::Gzip => Decoder::Gzip(None),
            Coding::Brotli => Decoder::Brotli(Box::new(DecompressorWriter::new(Limited::default(), STEP))),
            Coding::Zstd => {
                let mut decoder = ZstdDecoder::new()?;
                decoder.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG))?;
                Decoder::Zstd(decoder, false)
            }
        };
        Ok(BodyDecoder { decoder, ratio: RATIO, received: 0, decoded: 0 })
    }

    /// Allows any ratio, for bodies of trusted senders.
    pub fn trusting(mut self) -> Self {
        self.ratio = u64::MAX;
        self
    }

    /// Decodes a part of the body. `limit` is the maximum size of the whole result in bytes.
    pub fn decode(&mut self, part: &[u8], limit: u64) -> Result<Vec<u8>, DecodeError> {
        if let (Decoder::Brotli(_), 0, Some(first)) = (&self.decoder, self.received, part.first()) {
            if first & 0x7f == LARGE_WINDOW {
                return Err(DecodeError::Malformed);
            }
        }
        self.received += part.len() as u64;
        let most = limit.min(FREE.max(self.received.saturating_mul(self.ratio)));
        let room = usize::try_from(most.saturating_sub(self.decoded)).unwrap_or(usize::MAX);
        let bytes = self.decoder.decode(part, room)?;
        self.decoded += bytes.len() as u64;
        Ok(bytes)
    }

    /// Checks that the body is complete.
    pub fn finish(&mut self) -> Result<(), DecodeError> {
        let is_complete = self.received == 0
            || match &mut self.decoder {
                Decoder::Gzip(member) => member.is_none(),
                Decoder::Brotli(decoder) => decoder.close().is_ok(),
                Decoder::Zstd(_, is_complete) => *is_complete,
            };
        if is_complete { Ok(()) } else { Err(DecodeError::Malformed) }
    }
}

impl Decoder {
    /// Decodes a part. The result has at most `room` bytes.
    fn decode(&mut self, mut part: &[u8], room: usize) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::new();
        match self {
            Decoder::Gzip(member) => {
                while !part.is_empty() {
                    let decoder = member.get_or_insert_with(|| Box::new(Decompress::new_gzip(15)));
                    let before = (decoder.total_in(), out.len());
                    out.reserve(STEP);
                    let status = decoder.decompress_vec(part, &mut out, FlushDecompress::None);
                    let status = status.map_err(|_| DecodeError::Malformed)?;
                    let read = (decoder.total_in() - before.0) as usize;
                    part = &part[read..];
                    if status == Status::StreamEnd {
                        *member = None;
                    } else if read == 0 && out.len() == before.1 {
                        return Err(DecodeError::Malformed);
                    }
                    check_room(&out, room)?;
                }
                // The decoder may hold a part of the result that had no room.
                while let Some(decoder) = member.as_mut() {
                    let before = out.len();
                    out.reserve(STEP);
                    let status = decoder.decompress_vec(&[], &mut out, FlushDecompress::None);
                    if status.map_err(|_| DecodeError::Malformed)? == Status::StreamEnd {
                        *member = None;
                    }
                    check_room(&out, room)?;
                    if out.len() == before {
                        break;
                    }
                }
            }
            Decoder::Brotli(decoder) => {
                decoder.get_mut().most = room;
                let outcome = decoder.write_all(part);
                out.append(&mut decoder.get_mut().bytes);
                outcome.map_err(|error| match error.kind() {
                    io::ErrorKind::FileTooLarge => DecodeError::TooLarge,
                    _ => DecodeError::Malformed,
                })?;
            }
            Decoder::Zstd(decoder, is_complete) => {
                let mut input = InBuffer::around(part);
                loop {
                    out.reserve(STEP);
                    let end = out.len();
                    let mut output = OutBuffer::around_pos(&mut out, end);
                    let left = decoder.run(&mut input, &mut output).map_err(|_| DecodeError::Malformed)?;
                    check_room(&out, room)?;
                    *is_complete = left == 0;
                    if input.pos() == part.len() && out.len() < out.capacity() {
                        break;
                    }
                }
            }
        }
        Ok(out)
    }
}

fn check_room(out: &[u8], room: usize) -> Result<(), DecodeError> {
    if out.len() > room { Err(DecodeError::TooLarge) } else { Ok(()) }
}

impl Write for Limited {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + part.len() > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::encoders::Encoder;
    use super::*;

    fn encoded(coding: Coding, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(coding, 5, None).unwrap();
        encoder.encode(body, &mut out).unwrap();
        encoder.finish(&mut out).unwrap();
        out
    }

    fn decoded(coding: Coding, parts: &[&[u8]], limit: u64) -> Result<Vec<u8>, DecodeError> {
        let mut decoder = BodyDecoder::new(coding).unwrap();
        let mut result = Vec::new();
        for part in parts {
            result.extend(decoder.decode(part, limit)?);
        }
        decoder.finish()?;
        Ok(result)
    }

    fn text(size: usize) -> Vec<u8> {
        (0..).flat_map(|number: u32| format!("line {number}\n").into_bytes()).take(size).collect()
    }

    #[test]
    fn bodies_in_parts_of_every_size() {
        for coding in Coding::ALL {
            for size in [0, 1, 5000, 300_000] {
                let body = text(size);
                let encoded = encoded(coding, &body);
                for part in [1, 7, encoded.len()] {
                    let parts: Vec<&[u8]> = encoded.chunks(part).collect();
                    assert_eq!(Ok(body.clone()), decoded(coding, &parts, u64::MAX), "{coding:?} {size} {part}");
                }
            }
        }
    }

    #[test]
    fn incomplete_bodies_and_other_bytes_are_malformed() {
        for coding in Coding::ALL {
            let whole = encoded(coding, &text(5000));
            for end in [1, whole.len() / 2, whole.len() - 1] {
                assert_eq!(
                    Err(DecodeError::Malformed),
                    decoded(coding, &[&whole[..end]], u64::MAX),
                    "{coding:?} {end}"
                );
            }
            for other in [&b"plain text that is not compressed"[..], &[0xff; 100]] {
                assert_eq!(Err(DecodeError::Malformed), decoded(coding, &[other], u64::MAX), "{coding:?}");
                assert_eq!(Err(DecodeError::Malformed), decoded(coding, &[&whole, other], u64::MAX), "{coding:?}");
            }
        }
    }

    #[test]
    fn the_result_is_limited() {
        for coding in Coding::ALL {
            let body = text(200_000);
            let encoded = encoded(coding, &body);
            assert_eq!(Ok(body), decoded(coding, &[&encoded], 200_000), "{coding:?}");
            assert_eq!(Err(DecodeError::TooLarge), decoded(coding, &[&encoded], 199_999), "{coding:?}");
            let parts: Vec<&[u8]> = encoded.chunks(100).collect();
            assert_eq!(Err(DecodeError::TooLarge), decoded(coding, &parts, 199_999), "{coding:?}");
        }
    }

    #[test]
    fn a_bomb_is_too_large_at_any_limit() {
        for coding in Coding::ALL {
            let bomb = encoded(coding, &vec![0; 20_000_000]);
            assert!(bomb.len() < 40_000, "{coding:?}");
            assert_eq!(Err(DecodeError::TooLarge), decoded(coding, &[&bomb], u64::MAX), "{coding:?}");
        }
        for coding in Coding::ALL {
            let small = encoded(coding, &vec![0; 1_000_000]);
            assert!(decoded(coding, &[&small], u64::MAX).is_ok(), "{coding:?}");
        }
    }

    #[test]
    fn hostile_bodies_neither_panic_nor_exceed_the_limit() {
        let mut state = 1_u32;
        let mut roll = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as usize % sides
        };
        for coding in Coding::ALL {
            let whole = encoded(coding, &text(3000));
            for _ in 0..1000 {
                let mut body = whole.clone();
                for _ in 0..=roll(3) {
                    let place = roll(body.len());
                    match roll(3) {
                        0 => body[place] = roll(256) as u8,
                        1 => body.truncate(place + 1),
                        _ => body.insert(place, roll(256) as u8),
                    }
                }
                let parts: Vec<&[u8]> = body.chunks(1 + roll(body.len())).collect();
                let result = decoded(coding, &parts, 5000);
                assert!(result.is_err() || result.is_ok_and(|result| result.len() <= 5000), "{coding:?}");
            }
        }
    }

    #[test]
    fn rfc7932_9_1_a_large_window_is_malformed() {
        let params = brotli::enc::BrotliEncoderParams { large_window: true, lgwin: 28, ..Default::default() };
        let mut body = Vec::new();
        brotli::BrotliCompress(&mut &text(5000)[..], &mut body, &params).unwrap();
        assert_eq!(LARGE_WINDOW, body[0] & 0x7f);
        assert_eq!(Err(DecodeError::Malformed), decoded(Coding::Brotli, &[&body], u64::MAX));
    }

    #[test]
    fn rfc9659_3_a_window_of_zstd_is_limited() {
        let mut encoder = zstd::stream::raw::Encoder::new(3).unwrap();
        encoder.set_parameter(zstd::stream::raw::CParameter::WindowLog(ZSTD_WINDOW_LOG + 1)).unwrap();
        let mut out = Vec::with_capacity(1000);
        let mut output = OutBuffer::around(&mut out);
        encoder.run(&mut InBuffer::around(b"text"), &mut output).unwrap();
        encoder.finish(&mut output, true).unwrap();
        assert_eq!(Err(DecodeError::Malformed), decoded(Coding::Zstd, &[&out], u64::MAX));
    }

    #[test]
    fn rfc1952_2_2_several_members() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let both = [encoded(coding, b"one "), encoded(coding, b"two")].concat();
            assert_eq!(Ok(b"one two".to_vec()), decoded(coding, &[&both], 100), "{coding:?}");
        }
    }
}
