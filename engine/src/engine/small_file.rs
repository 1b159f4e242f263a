//! Reads small files into memory before they are sent, because one copy costs less than a descriptor that stays open.

use crate::exchange::{Body, CommandError, Status};
use crate::head::FieldRef;

/// Files up to this size in bytes are read into memory before they are sent.
pub(super) const SMALL_FILE: u64 = 16 * 1024;

/// Reads the content of a file of at most `most` bytes. Returns any other body unchanged.
///
/// If the file has become shorter than `length`, the body is shorter too. If the handler has announced a length, a
/// shorter file is an error.
pub(super) fn load<'a>(
    body: Body<'a>,
    status: Status<'_>,
    fields: &[FieldRef<'_>],
    most: u64,
) -> Result<Body<'a>, CommandError> {
    let Body::File { file, offset, length } = &body else { return Ok(body) };
    if *length > most {
        return Ok(body);
    }
    let announced = status.code == 206 || fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-length"));
    let mut bytes = vec![0; *length as usize];
    let mut read = 0;
    while read < bytes.len() {
        match rustix::io::pread(file, &mut bytes[read..], offset + read as u64) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) if !announced => bytes.truncate(read),
            Ok(count) if count > 0 => read += count,
            _ => return Err(CommandError::Length { announced: *length, written: read as u64 }),
        }
    }
    Ok(Body::Shared(bytes.into()))
}
