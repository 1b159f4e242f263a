//! What a connection has still to send: small pieces are gathered, large ones are kept as they came, files stay files.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags};

/// Up to this size a piece is copied next to its neighbours; past it the copy costs more than another slice.
const SMALL: usize = 8 * 1024;
/// Slices of one system call.
const SLICES: usize = 32;
/// The most bytes of a file that one call sends.
const FILE_STEP: u64 = 512 * 1024;
/// The most bytes of one flush, so that one client on a fast link does not hold the turn.
const FLUSH_STEP: u64 = 2 * 1024 * 1024;

#[derive(Debug)]
enum Piece {
    Bytes(Bytes),
    File { file: OwnedFd, offset: u64, left: u64, _ticket: FileTicket },
}

/// Counts the files that exchanges hold open: each takes a descriptor from the connections.
#[derive(Debug, Clone, Default)]
pub struct OpenFiles(Arc<AtomicUsize>);

impl OpenFiles {
    /// How many are open.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts another one, until the ticket is dropped.
    pub fn hold(&self) -> FileTicket {
        self.0.fetch_add(1, Ordering::Relaxed);
        FileTicket(self.clone())
    }
}

/// Counts for one open file until it is dropped.
#[derive(Debug)]
pub struct FileTicket(OpenFiles);

impl Drop for FileTicket {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A queue of bytes for one client. `tail` comes after all of `queue`.
#[derive(Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Piece>,
    tail: Vec<u8>,
    /// Bytes of `tail` that are sent already.
    tail_sent: usize,
    /// Bytes in `queue`.
    queued: u64,
}

/// How a flush ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// Bytes handed to the kernel.
    pub sent: u64,
    /// Whether the kernel would take no more.
    pub blocked: bool,
}

impl Outbox {
    /// How many bytes are queued.
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

    /// Whether nothing was ever put in, so that a buffer may be lent to it.
    pub fn is_pristine(&self) -> bool {
        self.tail.capacity() == 0 && self.queue.is_empty()
    }

    /// Lends a buffer, to save an allocation a request.
    pub fn lend(&mut self, buffer: Vec<u8>) {
        self.tail = buffer;
    }

    /// Takes the buffer back once all is sent.
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        if !self.is_empty() || self.tail.capacity() == 0 {
            return None;
        }
        self.tail_sent = 0;
        let mut buffer = std::mem::take(&mut self.tail);
        buffer.clear();
        Some(buffer)
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
        self.seal();
        self.queued += length;
        self.queue.push_back(Piece::File { file, offset, left: length, _ticket: open.hold() });
    }

    /// Whether a file waits to be sent.
    pub fn holds_file(&self) -> bool {
        self.queue.iter().any(|piece| matches!(piece, Piece::File { .. }))
    }

    /// Takes everything out as bytes, for an owner who does the sending; files are read.
    pub fn drain(&mut self) -> Result<Option<Bytes>, Errno> {
        self.seal();
        let Some(piece) = self.queue.pop_front() else { return Ok(None) };
        let bytes = match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::File { file, offset, left, _ticket } => {
                let mut buffer = vec![0; left.min(64 * 1024) as usize];
                let count = rustix::io::pread(&file, &mut buffer, offset)?;
                if count == 0 && left > 0 {
                    return Err(Errno::IO);
                }
                buffer.truncate(count);
                let left = left - count as u64;
                if left > 0 {
                    let offset = offset + count as u64;
                    self.queue.push_front(Piece::File { file, offset, left, _ticket });
                }
                Bytes::from(buffer)
            }
        };
        self.queued -= bytes.len() as u64;
        Ok(Some(bytes))
    }

    /// Sends as much as the kernel takes. A file that turns out shorter than announced is [`Errno::IO`].
    pub fn flush(&mut self, socket: BorrowedFd<'_>) -> Result<Flushed, Errno> {
        let mut flushed = Flushed { sent: 0, blocked: false };
        while !self.is_empty() && flushed.sent < FLUSH_STEP {
            match self.send_once(socket) {
                Ok(count) => flushed.sent += count,
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

    fn send_once(&mut self, socket: BorrowedFd<'_>) -> Result<u64, Errno> {
        if self.queue.is_empty() {
            let count = rustix::net::send(socket, &self.tail[self.tail_sent..], SendFlags::NOSIGNAL)?;
            self.sent(count as u64);
            return Ok(count as u64);
        }
        if let Some(Piece::File { file, offset, left, .. }) = self.queue.front_mut() {
            let mut position = *offset;
            let step = (*left).min(FILE_STEP) as usize;
            let count = rustix::fs::sendfile(socket, file.as_fd(), Some(&mut position), step)?;
            if count == 0 {
                return Err(Errno::IO);
            }
            self.sent(count as u64);
            return Ok(count as u64);
        }
        let mut more = SendFlags::NOSIGNAL;
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut used = 0;
        for piece in &self.queue {
            match piece {
                Piece::Bytes(bytes) if used < SLICES => {
                    slices[used] = IoSlice::new(bytes);
                    used += 1;
                }
                Piece::Bytes(_) => break,
                Piece::File { .. } => {
                    more |= SendFlags::MORE;
                    break;
                }
            }
        }
        if used == self.queue.len() && used < SLICES && self.tail.len() > self.tail_sent {
            slices[used] = IoSlice::new(&self.tail[self.tail_sent..]);
            used += 1;
        }
        let count = rustix::net::sendmsg(socket, &slices[..used], &mut SendAncillaryBuffer::default(), more)?;
        self.sent(count as u64);
        Ok(count as u64)
    }

    /// Takes sent bytes off the front.
    fn sent(&mut self, mut count: u64) {
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

    /// Moves what `tail` holds to the end of the queue.
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
