//! gzip (RFC 1952), by zlib-rs.

use std::io;

use flate2::{Compress, FlushCompress, Status};

/// The window of deflate, as the logarithm of bytes. 32 KiB is the most that deflate allows.
const WINDOW_LOG: u8 = 15;
/// How many bytes are added to the output at a time.
const STEP: usize = 4 * 1024;

/// Encodes one body with gzip.
pub struct GzipEncoder(Box<Compress>);

impl GzipEncoder {
    pub fn new(level: u32) -> Self {
        GzipEncoder(Box::new(Compress::new_gzip(flate2::Compression::new(level), WINDOW_LOG)))
    }

    pub fn encode(&mut self, part: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        self.run(part, FlushCompress::None, out)
    }

    pub fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.run(&[], FlushCompress::Sync, out)
    }

    pub fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.run(&[], FlushCompress::Finish, out)
    }

    pub fn reset(&mut self) -> bool {
        self.0.reset();
        true
    }

    fn run(&mut self, mut part: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> io::Result<()> {
        loop {
            out.reserve(STEP);
            let before = self.0.total_in();
            let status = self.0.compress_vec(part, out, flush).map_err(io::Error::other)?;
            part = &part[(self.0.total_in() - before) as usize..];
            // Deflate has written all that it has if it has left room in the output.
            let has_room = out.len() < out.capacity();
            if status == Status::StreamEnd || (part.is_empty() && has_room && flush != FlushCompress::Finish) {
                return Ok(());
            }
        }
    }
}
