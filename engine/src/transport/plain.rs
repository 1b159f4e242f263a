//! A socket without encryption. Queued bytes are passed to the kernel unchanged.

use std::cell::OnceCell;
use std::io::IoSlice;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags};

use super::Flushed;
use crate::address::Address;
use crate::driver::socket;
use crate::outbox::{Front, Outbox};

/// The maximum number of slices that one system call sends.
const SLICES: usize = 32;
/// The maximum number of bytes of a file that one system call sends.
const FILE_STEP: u64 = 512 * 1024;
/// The maximum number of bytes that one flush sends, so that one client on a fast link does not occupy the whole turn.
const FLUSH_STEP: u64 = 2 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Plain {
    socket: OwnedFd,
    /// The server's address on this connection. It is read when it is first needed.
    local: OnceCell<Address>,
}

impl Plain {
    pub fn new(socket: OwnedFd) -> Self {
        Plain { socket, local: OnceCell::new() }
    }

    #[inline]
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub fn into_socket(self) -> OwnedFd {
        self.socket
    }

    pub fn local(&self) -> Address {
        self.local.get_or_init(|| socket::local_address(self.socket.as_fd())).clone()
    }

    pub fn flush(&mut self, out: &mut Outbox) -> Result<Flushed, Errno> {
        let mut flushed = Flushed { sent: 0, blocked: false };
        while !out.is_empty() && flushed.sent < FLUSH_STEP {
            match self.send_once(out) {
                Ok(count) => {
                    out.advance(count);
                    flushed.sent += count;
                }
                Err(Errno::AGAIN) => {
                    flushed.blocked = true;
                    break;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(flushed)
    }

    /// Makes one system call. Returns how many bytes the kernel has accepted.
    fn send_once(&self, out: &Outbox) -> Result<u64, Errno> {
        let count = match out.front() {
            Front::Tail(bytes) => rustix::net::send(&self.socket, bytes, SendFlags::NOSIGNAL)?,
            Front::File { file, offset, left } => {
                let mut position = offset;
                let step = left.min(FILE_STEP) as usize;
                let count = rustix::fs::sendfile(&self.socket, file, Some(&mut position), step)?;
                if count == 0 {
                    return Err(Errno::IO);
                }
                count
            }
            Front::Pieces => {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let (used, file_follows) = out.fill(&mut slices);
                let more = if file_follows { SendFlags::MORE } else { SendFlags::empty() };
                let flags = SendFlags::NOSIGNAL | more;
                rustix::net::sendmsg(&self.socket, &slices[..used], &mut SendAncillaryBuffer::default(), flags)?
            }
        };
        Ok(count as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::outbox::OpenFiles;
    use crate::outbox::tests::file;

    fn pair() -> (Plain, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Plain::new(ours.into()), theirs)
    }

    #[test]
    fn small_pieces_large_pieces_and_files_arrive_in_order() {
        let (mut plain, mut client) = pair();
        let mut out = Outbox::default();
        out.tail().extend_from_slice(b"head ");
        out.push(vec![b'x'; 10_000].into());
        out.push_file(file(b"0123456789"), 4, 2, &OpenFiles::default());
        out.tail().extend_from_slice(b" tail");
        let flushed = plain.flush(&mut out).unwrap();
        assert_eq!(Flushed { sent: 10_012, blocked: false }, flushed);
        drop(plain);
        let mut received = Vec::new();
        client.read_to_end(&mut received).unwrap();
        assert_eq!([b"head ", &vec![b'x'; 10_000][..], b"45 tail"].concat(), received);
    }

    #[test]
    fn a_client_that_reads_nothing_blocks() {
        let (mut plain, client) = pair();
        let mut out = Outbox::default();
        out.push(vec![b'x'; 8 * 1024 * 1024].into());
        let mut sent = 0;
        loop {
            let flushed = plain.flush(&mut out).unwrap();
            sent += flushed.sent;
            if flushed.blocked {
                break;
            }
        }
        assert_eq!(8 * 1024 * 1024, sent + out.len());
        drop(client);
        assert!(plain.flush(&mut out).is_err());
    }

    #[test]
    fn a_file_that_is_shorter_than_announced_is_an_error() {
        let (mut plain, _client) = pair();
        let mut out = Outbox::default();
        out.push_file(file(b"abc"), 0, 5, &OpenFiles::default());
        assert_eq!(Err(Errno::IO), plain.flush(&mut out));
    }
}
