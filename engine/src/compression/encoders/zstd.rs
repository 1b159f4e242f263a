//! Zstandard (RFC 8878), by the crate `zstd`. RFC 9659 limits the window to 8 MiB.

use std::io;

use zstd::stream::raw::{CParameter, Encoder, InBuffer, Operation as _, OutBuffer};

use super::WINDOW_LOG;

/// How many bytes are added to the output at a time.
const STEP: usize = 4 * 1024;

/// Encodes one body with Zstandard.
pub struct ZstdEncoder(Encoder<'static>);

impl ZstdEncoder {
    pub fn new(level: u32, size: Option<u64>) -> io::Result<Self> {
        let mut encoder = Encoder::new(level as i32)?;
        encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
        encoder.set_pledged_src_size(size)?;
        Ok(ZstdEncoder(encoder))
    }

    pub fn encode(&mut self, part: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let mut input = InBuffer::around(part);
        while input.pos() < part.len() {
            with_room(out, |room| self.0.run(&mut input, room))?;
        }
        Ok(())
    }

    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        while with_room(out, |room| self.0.flush(room))? > 0 {}
        Ok(())
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        while with_room(out, |room| self.0.finish(room, true))? > 0 {}
        Ok(())
    }

    pub fn reset(&mut self, size: Option<u64>) -> bool {
        self.0.reinit().and_then(|()| self.0.set_pledged_src_size(size)).is_ok()
    }
}

/// Reserves `STEP` bytes of room in `out`, and calls a function that appends to it.
fn with_room(
    out: &mut Vec<u8>,
    call: impl FnOnce(&mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>,
) -> io::Result<usize> {
    out.reserve(STEP);
    let end = out.len();
    call(&mut OutBuffer::around_pos(out, end))
}
