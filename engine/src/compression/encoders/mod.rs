//! The encoders: one file a coding, with the same methods.

mod brotli;
mod gzip;
mod zstd;

use std::fmt;
use std::io;

use self::brotli::BrotliEncoder;
use self::gzip::GzipEncoder;
use self::zstd::ZstdEncoder;
use super::coding::Coding;

/// The size of the window of a coding, as the logarithm of bytes: 128 KiB. It bounds the memory of an encoder and of the
/// client's decoder.
const WINDOW_LOG: u32 = 17;

/// Encodes one body.
pub enum Encoder {
    /// An encoder of gzip.
    Gzip(GzipEncoder),
    /// An encoder of Brotli.
    Brotli(BrotliEncoder),
    /// An encoder of Zstandard.
    Zstd(ZstdEncoder),
}

impl Encoder {
    /// Makes an encoder. `size` is the size of the body in bytes, if it is known.
    pub fn new(coding: Coding, level: u32, size: Option<u64>) -> io::Result<Self> {
        let (least, most) = coding.levels();
        let level = level.clamp(least, most);
        Ok(match coding {
            Coding::Gzip => Encoder::Gzip(GzipEncoder::new(level)),
            Coding::Brotli => Encoder::Brotli(BrotliEncoder::new(level, size)),
            Coding::Zstd => Encoder::Zstd(ZstdEncoder::new(level, size)?),
        })
    }

    /// The coding of the encoder.
    pub fn coding(&self) -> Coding {
        match self {
            Encoder::Gzip(_) => Coding::Gzip,
            Encoder::Brotli(_) => Coding::Brotli,
            Encoder::Zstd(_) => Coding::Zstd,
        }
    }

    /// Encodes a part of the body. Appends what is ready to `out`; the rest waits in the encoder.
    pub fn encode(&mut self, part: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.encode(part, out),
            Encoder::Brotli(encoder) => encoder.encode(part, out),
            Encoder::Zstd(encoder) => encoder.encode(part, out),
        }
    }

    /// Appends all that waits, so that the client can decode every part that was encoded.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.flush(out),
            Encoder::Brotli(encoder) => encoder.flush(out),
            Encoder::Zstd(encoder) => encoder.flush(out),
        }
    }

    /// Appends the end of the body.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Encoder::Gzip(encoder) => encoder.finish(out),
            Encoder::Brotli(encoder) => encoder.finish(out),
            Encoder::Zstd(encoder) => encoder.finish(out),
        }
    }

    /// Prepares the encoder for another body, which costs less than a new encoder. Returns false if it cannot be used
    /// again.
    pub fn reset(&mut self, size: Option<u64>) -> bool {
        match self {
            Encoder::Gzip(encoder) => encoder.reset(),
            Encoder::Brotli(_) => false,
            Encoder::Zstd(encoder) => encoder.reset(size),
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Encoder").field(&self.coding()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    /// Decodes a body that may be incomplete. Returns what can be decoded, and whether the body is complete.
    fn decoded(coding: Coding, body: &[u8]) -> (Vec<u8>, bool) {
        let mut result = Vec::new();
        let complete = match coding {
            Coding::Gzip => {
                let mut decoder = flate2::write::GzDecoder::new(&mut result);
                decoder.write_all(body).unwrap();
                decoder.flush().unwrap();
                decoder.try_finish().is_ok()
            }
            Coding::Brotli => ::brotli::Decompressor::new(body, 4096).read_to_end(&mut result).is_ok(),
            Coding::Zstd => ::zstd::stream::read::Decoder::new(body).unwrap().read_to_end(&mut result).is_ok(),
        };
        (result, complete)
    }

    fn text(size: usize) -> Vec<u8> {
        (0..).flat_map(|number: u32| format!("{{\"id\": {number}}},").into_bytes()).take(size).collect()
    }

    #[test]
    fn every_coding_encodes_bodies_of_every_size() {
        for coding in Coding::ALL {
            for size in [0, 1, 100, 1024, 70_000, 400_000] {
                let body = text(size);
                let mut encoder = Encoder::new(coding, 4, Some(size as u64)).unwrap();
                let mut out = Vec::new();
                for part in body.chunks(30_000) {
                    encoder.encode(part, &mut out).unwrap();
                }
                encoder.finish(&mut out).unwrap();
                assert_eq!((body, true), decoded(coding, &out), "{coding:?} {size}");
                assert!(size < 1024 || out.len() < size / 2, "{coding:?} {size}: {}", out.len());
            }
        }
    }

    #[test]
    fn every_level_works() {
        for coding in Coding::ALL {
            for level in 0..=22 {
                let mut out = Vec::new();
                let mut encoder = Encoder::new(coding, level, None).unwrap();
                encoder.encode(&text(5000), &mut out).unwrap();
                encoder.finish(&mut out).unwrap();
                assert_eq!((text(5000), true), decoded(coding, &out), "{coding:?} {level}");
            }
        }
    }

    #[test]
    fn a_flushed_part_can_be_decoded_at_once() {
        for coding in Coding::ALL {
            let mut encoder = Encoder::new(coding, 5, None).unwrap();
            let (mut out, mut whole) = (Vec::new(), Vec::new());
            for part in [&b"data: 1\n\n"[..], b"data: 2\n\n", &text(200_000), b"", b"data: 3\n\n"] {
                encoder.encode(part, &mut out).unwrap();
                encoder.flush(&mut out).unwrap();
                whole.extend_from_slice(part);
                let (shown, complete) = decoded(coding, &out);
                assert_eq!((whole.len(), false), (shown.len(), complete), "{coding:?}");
            }
            encoder.finish(&mut out).unwrap();
            assert_eq!((whole, true), decoded(coding, &out), "{coding:?}");
        }
    }

    #[test]
    fn an_encoder_is_used_again_even_after_an_incomplete_body() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let mut encoder = Encoder::new(coding, 5, Some(9)).unwrap();
            encoder.encode(b"lost", &mut Vec::new()).unwrap();
            assert!(encoder.reset(Some(5)));
            let mut out = Vec::new();
            encoder.encode(b"whole", &mut out).unwrap();
            encoder.finish(&mut out).unwrap();
            assert_eq!((b"whole".to_vec(), true), decoded(coding, &out), "{coding:?}");
        }
    }
}
