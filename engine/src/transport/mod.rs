//! Transports carry the bytes between a connection and its client, below the wire protocol.
//!
//! ```text
//! driver (readiness)   transport (bytes)            wire (messages)
//! socket readable  ->  read: the client's bytes -> Wire::feed
//! socket writable  ->  flush                     <- Outbox
//! ```
//!
//! | | [`Plain`] | [`Pipe`] |
//! |---|---|---|
//! | bytes come from | a socket, from which the engine reads | the owner of the pipe, who passes them in |
//! | bytes go to | the socket | the owner, as events |
//! | the server's sending side is closed by | `shutdown(2)` | an event |
//!
//! A transport that encrypts, such as TLS, would be another variant of [`Transport`] around a socket. It would read and
//! flush as [`Plain`] does. The engine and the wires would not change.

mod pipe;
mod plain;

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::address::Address;
use crate::driver::socket::{self, Read};
use crate::outbox::Outbox;

pub(crate) use pipe::{Pipe, next_bytes};
pub(crate) use plain::Plain;

/// Carries the bytes of one connection.
#[derive(Debug)]
pub(crate) enum Transport {
    /// A socket. The bytes are not encrypted.
    Plain(Plain),
    /// No socket. The owner of the pipe carries the bytes.
    Pipe(Pipe),
}

/// The result of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flushed {
    /// How many bytes the kernel accepted.
    pub sent: u64,
    /// Whether the kernel accepts no more bytes for now.
    pub blocked: bool,
}

impl Transport {
    /// Makes a transport for a connected socket.
    pub fn plain(socket: OwnedFd) -> Self {
        Transport::Plain(Plain::new(socket))
    }

    pub fn is_pipe(&self) -> bool {
        matches!(self, Transport::Pipe(_))
    }

    /// Whether the bytes are encrypted between the server and the client.
    pub fn is_secure(&self) -> bool {
        match self {
            Transport::Plain(_) => false,
            Transport::Pipe(pipe) => pipe.secure,
        }
    }

    /// The server's address on this connection.
    pub fn local(&self) -> Address {
        match self {
            Transport::Plain(plain) => plain.local(),
            Transport::Pipe(pipe) => pipe.local.clone(),
        }
    }

    pub fn socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Transport::Plain(plain) => Some(plain.socket()),
            Transport::Pipe(_) => None,
        }
    }

    /// Returns the socket, or None for a pipe.
    pub fn into_socket(self) -> Option<OwnedFd> {
        match self {
            Transport::Plain(plain) => Some(plain.into_socket()),
            Transport::Pipe(_) => None,
        }
    }

    /// Reads once. Returns None for a pipe, because the owner of the pipe passes in the bytes.
    #[inline]
    pub fn read(&mut self, buffer: &mut [u8]) -> Option<Read> {
        match self {
            Transport::Plain(plain) => Some(socket::read(plain.socket(), buffer)),
            Transport::Pipe(_) => None,
        }
    }

    /// Sends as many bytes as the kernel accepts. Returns the error [`Errno::IO`] if a file has become shorter. A pipe
    /// sends nothing here.
    #[inline]
    pub fn flush(&mut self, out: &mut Outbox) -> Result<Flushed, Errno> {
        match self {
            Transport::Plain(plain) => plain.flush(out),
            Transport::Pipe(_) => Ok(Flushed { sent: 0, blocked: false }),
        }
    }

    /// Closes the server's sending side.
    pub fn shut_down_writing(&self) {
        if let Some(socket) = self.socket() {
            socket::shut_down_writing(socket.as_fd());
        }
    }

    /// Makes the connection end with a reset, which drops the bytes that the kernel has not sent.
    pub fn reset_on_close(&self) {
        if let Some(socket) = self.socket() {
            socket::drop_unsent(socket.as_fd());
        }
    }

    /// Returns the pending error of the socket, or None. The kernel reports each error only once.
    pub fn take_error(&self) -> Option<Errno> {
        self.socket().and_then(socket::take_error)
    }
}
