//! `Outbox`: the bytes that a connection has not sent yet. Small pieces are joined. Large pieces and regions of files
//! are kept without a copy. A transport takes the bytes out.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// Up to this size in bytes, a piece is copied to the buffer. For a larger piece, the copy would cost more than an
/// additional slice in the system call.
const SMALL: usize = 8 * 1024;

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    File { file: OwnedFd, offset: u64, left: u64, _ticket: FileTicket },
}

/// Counts the open files of exchanges. Each open file uses a descriptor that a connection could use.
#[derive(Debug, Clone, Default)]
pub struct OpenFiles(Arc<AtomicUsize>);

impl OpenFiles {
    /// The number of open files.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds one to the number of open files, until the ticket is dropped.
    pub fn hold(&self) -> FileTicket {
        self.0.fetch_add(1, Ordering::Relaxed);
        FileTicket(self.clone())
    }
}

/// A ticket for one open file. Dropping it subtracts one from the number of open files.
#[derive(Debug)]
pub struct FileTicket(OpenFiles);

impl Drop for FileTicket {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The queue of bytes for one client. The bytes of `tail` come after those of `queue`.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Piece>,
    tail: Vec<u8>,
    /// How many bytes of `tail` were already sent.
    tail_sent: usize,
    /// The number of bytes in `queue`.
    queued: u64,
}

/// The next bytes to send.
#[derive(Debug)]
pub(crate) enum Front<'a> {
    /// Small pieces. Nothing else is queued.
    Tail(&'a [u8]),
    /// Pieces in memory. [`Outbox::fill`] lists them.
    Pieces,
    /// A region of a file.
    File { file: BorrowedFd<'a>, offset: u64, left: u64 },
}

impl Outbox {
    /// The number of queued bytes.
    pub fn len(&self) -> u64 {
        self.queued + (self.tail.len() - self.tail_sent) as u64
    }

    /// Whether nothing is queued.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buffer to which heads and small pieces are appended.
    pub fn tail(&mut self) -> &mut Vec<u8> {
        &mut self.tail
    }

    /// Appends bytes: a small piece is copied, a large one is kept as it is.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.len() <= SMALL {
            self.tail.extend_from_slice(&bytes);
        } else {
            self.seal();
            self.queued += bytes.len() as u64;
            self.queue.push_back(Piece::Bytes(bytes));
        }
    }

    /// Appends a region of a file.
    pub fn push_file(&mut self, file: OwnedFd, offset: u64, length: u64, open: &OpenFiles) {
        // An empty region must not be queued. At the front, it would look like a file that has become shorter.
        if length == 0 {
            return;
        }
        self.seal();
        self.queued += length;
        self.queue.push_back(Piece::File { file, offset, left: length, _ticket: open.hold() });
    }

    /// Whether a region of a file is queued.
    pub fn holds_file(&self) -> bool {
        self.queue.iter().any(|piece| matches!(piece, Piece::File { .. }))
    }

    // Methods that lend a buffer to the queue, to save one allocation per request

    /// Whether the queue has no buffer, so that a buffer may be lent to it.
    pub(crate) fn lacks_buffer(&self) -> bool {
        self.tail.capacity() == 0 && self.queue.is_empty()
    }

    /// Lends a buffer to the queue.
    pub(crate) fn lend(&mut self, buffer: Vec<u8>) {
        self.tail = buffer;
    }

    /// Returns the lent buffer, if all bytes are sent.
    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        if !self.is_empty() || self.tail.capacity() == 0 {
            return None;
        }
        self.tail_sent = 0;
        let mut buffer = std::mem::take(&mut self.tail);
        buffer.clear();
        Some(buffer)
    }

    // Methods that read and remove the first pieces of the queue

    /// The next bytes to be sent.
    #[inline]
    pub(crate) fn front(&self) -> Front<'_> {
        match self.queue.front() {
            None => Front::Tail(&self.tail[self.tail_sent..]),
            Some(Piece::Bytes(_)) => Front::Pieces,
            Some(Piece::File { file, offset, left, .. }) => {
                Front::File { file: file.as_fd(), offset: *offset, left: *left }
            }
        }
    }

    /// Lists the pieces at the front that are in memory. Returns the number of slices, and whether a file follows them.
    pub(crate) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> (usize, bool) {
        let mut used = 0;
        for piece in &self.queue {
            match piece {
                Piece::Bytes(bytes) if used < slices.len() => {
                    slices[used] = IoSlice::new(bytes);
                    used += 1;
                }
                Piece::Bytes(_) => return (used, false),
                Piece::File { .. } => return (used, true),
            }
        }
        if used < slices.len() && self.tail.len() > self.tail_sent {
            slices[used] = IoSlice::new(&self.tail[self.tail_sent..]);
            used += 1;
        }
        (used, false)
    }

    /// Removes the first piece and returns it, if it is in memory.
    pub(crate) fn pop_bytes(&mut self) -> Option<Bytes> {
        self.seal();
        match self.queue.pop_front()? {
            Piece::Bytes(bytes) => {
                self.queued -= bytes.len() as u64;
                Some(bytes)
            }
            file => {
                self.queue.push_front(file);
                None
            }
        }
    }

    /// Removes `count` bytes from the front, because the transport has sent them.
    pub(crate) fn advance(&mut self, mut count: u64) {
        while count > 0 {
            match self.queue.front_mut() {
                None => {
                    self.tail_sent += count as usize;
                    if self.tail_sent == self.tail.len() {
                        self.tail.clear();
                        self.tail_sent = 0;
                    }
                    return;
                }
                Some(Piece::Bytes(bytes)) => {
                    let taken = count.min(bytes.len() as u64);
                    bytes::Buf::advance(bytes, taken as usize);
                    self.queued -= taken;
                    count -= taken;
                    if bytes.is_empty() {
                        self.queue.pop_front();
                    }
                }
                Some(Piece::File { offset, left, .. }) => {
                    let taken = count.min(*left);
                    *offset += taken;
                    *left -= taken;
                    self.queued -= taken;
                    count -= taken;
                    if *left == 0 {
                        self.queue.pop_front();
                    }
                }
            }
        }
    }

    /// Moves the content of `tail` to the end of `queue`.
    fn seal(&mut self) {
        if self.tail.len() > self.tail_sent {
            let mut tail = Bytes::from(std::mem::take(&mut self.tail));
            bytes::Buf::advance(&mut tail, self.tail_sent);
            self.queued += tail.len() as u64;
            self.queue.push_back(Piece::Bytes(tail));
        }
        self.tail_sent = 0;
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns an open file with this content and without a name.
    pub(crate) fn file(content: &[u8]) -> OwnedFd {
        let file = rustix::fs::memfd_create("ropewalk-test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        rustix::io::write(&file, content).unwrap();
        file
    }

    #[test]
    fn small_pieces_share_a_buffer_and_large_ones_do_not() {
        let mut out = Outbox::default();
        out.push(Bytes::from_static(b"a"));
        out.push(Bytes::from_static(b"b"));
        assert!(matches!(out.front(), Front::Tail(b"ab")));
        out.push(vec![b'x'; SMALL + 1].into());
        out.push(Bytes::from_static(b"c"));
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!((3, false), out.fill(&mut slices));
        assert_eq!([2, SMALL + 1, 1], [slices[0].len(), slices[1].len(), slices[2].len()]);
        assert_eq!(SMALL as u64 + 4, out.len());
    }

    #[test]
    fn what_was_sent_is_taken_off_across_pieces() {
        let mut out = Outbox::default();
        out.push(Bytes::from_static(b"ab"));
        out.push_file(file(b"0123456789"), 1, 4, &OpenFiles::default());
        out.push(Bytes::from_static(b"cd"));
        out.advance(4);
        assert!(matches!(out.front(), Front::File { offset: 3, left: 2, .. }));
        out.advance(3);
        assert!(matches!(out.front(), Front::Tail(b"d")));
        out.advance(1);
        assert!(out.is_empty());
    }

    #[test]
    fn a_file_is_counted_until_it_is_sent() {
        let files = OpenFiles::default();
        let mut out = Outbox::default();
        out.push_file(file(b"abc"), 0, 3, &files);
        assert_eq!((1, true), (files.count(), out.holds_file()));
        out.advance(3);
        assert_eq!((0, false), (files.count(), out.holds_file()));
    }

    #[test]
    fn an_empty_region_of_a_file_is_nothing() {
        let mut out = Outbox::default();
        out.push_file(file(b"abc"), 0, 0, &OpenFiles::default());
        assert!(matches!(out.front(), Front::Tail(b"")));
    }

    #[test]
    fn a_lent_buffer_is_taken_back_when_all_is_sent() {
        let mut out = Outbox::default();
        assert!(out.lacks_buffer());
        out.lend(Vec::with_capacity(64));
        out.tail().extend_from_slice(b"abc");
        assert_eq!(None, out.reclaim());
        out.advance(3);
        assert_eq!(Some((0, 64)), out.reclaim().map(|buffer| (buffer.len(), buffer.capacity())));
    }
}
