//! A byte stream without a socket. Its owner carries the bytes, for example TLS in memory, a reactor transport or the
//! test client.

use bytes::Bytes;
use rustix::io::Errno;

use crate::address::Address;
use crate::outbox::{Front, Outbox};

/// The maximum number of bytes of a file that are read at once.
const FILE_STEP: u64 = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Pipe {
    /// Whether the owner of the pipe encrypts the bytes.
    pub secure: bool,
    /// The server's address on this connection.
    pub local: Address,
    /// Whether the owner may pass in bytes. False after the engine has asked the owner to stop.
    pub flowing: bool,
}

impl Pipe {
    /// Makes a pipe whose owner may pass in bytes.
    pub fn new(local: Address, secure: bool) -> Self {
        Pipe { secure, local, flowing: true }
    }
}

/// Removes the next bytes from the queue, for the owner to send. Returns the error [`Errno::IO`] if a file has become
/// shorter.
pub(crate) fn next_bytes(out: &mut Outbox) -> Result<Option<Bytes>, Errno> {
    let Front::File { file, offset, left } = out.front() else { return Ok(out.pop_bytes()) };
    let mut buffer = vec![0; left.min(FILE_STEP) as usize];
    let count = rustix::io::pread(file, &mut buffer, offset)?;
    if count == 0 {
        return Err(Errno::IO);
    }
    buffer.truncate(count);
    out.advance(count as u64);
    Ok(Some(buffer.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::OpenFiles;
    use crate::outbox::tests::file;

    #[test]
    fn bytes_come_out_in_order_and_files_are_read() {
        let files = OpenFiles::default();
        let mut out = Outbox::default();
        out.tail().extend_from_slice(b"head ");
        out.push_file(file(b"0123456789"), 2, 3, &files);
        out.tail().extend_from_slice(b" tail");
        let all: Vec<Bytes> = std::iter::from_fn(|| next_bytes(&mut out).unwrap()).collect();
        assert_eq!([&b"head "[..], b"234", b" tail"], all[..]);
        assert_eq!((0, true), (files.count(), out.is_empty()));
    }

    #[test]
    fn a_file_that_is_shorter_than_announced_is_an_error() {
        let mut out = Outbox::default();
        out.push_file(file(b"abc"), 0, 5, &OpenFiles::default());
        assert_eq!(Ok(Some(Bytes::from_static(b"abc"))), next_bytes(&mut out));
        assert_eq!(Err(Errno::IO), next_bytes(&mut out));
    }
}
