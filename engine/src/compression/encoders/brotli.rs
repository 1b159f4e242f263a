//! Brotli (RFC 7932), by the crate `brotli`.

use std::io::{self, Write as _};

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;

use super::WINDOW_LOG;

/// The size of the encoder's buffer for output, in bytes.
const BUFFER: usize = 4 * 1024;

/// Encodes one body with Brotli. None after the end of the body.
pub struct BrotliEncoder(Option<Box<CompressorWriter<Vec<u8>>>>);

impl BrotliEncoder {
    pub fn new(level: u32, size: Option<u64>) -> Self {
        let params = BrotliEncoderParams {
            quality: level as i32,
            lgwin: WINDOW_LOG as i32,
            size_hint: size.map_or(0, |size| usize::try_from(size).unwrap_or(0)),
            ..BrotliEncoderParams::default()
        };
        BrotliEncoder(Some(Box::new(CompressorWriter::with_params(Vec::new(), BUFFER, &params))))
    }

    pub fn encode(&mut self, part: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.run(out, |encoder| encoder.write_all(part))
    }

    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.run(out, CompressorWriter::flush)
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        if let Some(encoder) = self.0.take() {
            out.append(&mut encoder.into_inner());
        }
        Ok(())
    }

    fn run(
        &mut self,
        out: &mut Vec<u8>,
        call: impl FnOnce(&mut CompressorWriter<Vec<u8>>) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(encoder) = &mut self.0 else { return Err(io::ErrorKind::WriteZero.into()) };
        let outcome = call(encoder);
        out.append(encoder.get_mut());
        outcome
    }
}
