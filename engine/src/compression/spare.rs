//! Keeps encoders of whole bodies for the next response, because a new one costs more than a small body.

use std::io;

use super::coding::Coding;
use super::encoders::Encoder;
use super::settings::Compression;

/// One spare encoder for each coding that allows it.
#[derive(Debug, Default)]
pub struct SpareEncoders([Option<Encoder>; Coding::ALL.len()]);

impl SpareEncoders {
    /// Encodes a whole body.
    pub fn encode(&mut self, coding: Coding, settings: &Compression, body: &[u8]) -> io::Result<Vec<u8>> {
        let size = Some(body.len() as u64);
        let spare = self.0[coding as usize].take();
        let spare = spare.and_then(|mut encoder| encoder.reset(size).then_some(encoder));
        let mut encoder = match spare {
            Some(encoder) => encoder,
            None => Encoder::new(coding, settings.level(coding), size)?,
        };
        let mut out = Vec::with_capacity(body.len() / 4 + 64);
        encoder.encode(body, &mut out)?;
        encoder.finish(&mut out)?;
        self.0[coding as usize] = Some(encoder);
        Ok(out)
    }

    /// Drops the encoders, whose level may have changed.
    pub fn clear(&mut self) {
        *self = SpareEncoders::default();
    }
}
