//! An exchange is one request and its response. This file defines the ids, and the values and errors of commands.
//!
//! A wire converts bytes to [`crate::Event`]s. A handler responds with the commands of the engine. Each command names the
//! exchange by its [`ExchangeId`]. The events and commands of an exchange have this order:
//!
//! ```text
//! Head -> (Data)* -> End                     the request; the body follows only after `receive`
//! respond | begin -> (write)* -> end         the response
//! ```
//!
//! The exchange ends when the response is complete, or with a [`crate::Event::Gone`].
//!
//! The events of one exchange are handled in the order in which they happened. To keep this order, the command
//! [`crate::Engine::receive`] returns events only if no event of the exchange is queued. No other command returns
//! events.

use std::os::fd::OwnedFd;

use bytes::Bytes;

/// The id of one exchange. During the life of a connection, no id is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId {
    /// The slot and generation of the connection.
    pub(crate) connection: u64,
    /// The number of the request on its connection (HTTP/1), or the number of the stream.
    pub(crate) serial: u32,
}

/// The id of one connection. No other connection of the engine ever has the same id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u64);

/// The id of a pipe of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PipeId(pub(crate) u64);

impl ExchangeId {
    /// The connection that carries the exchange.
    pub fn connection(self) -> ConnectionId {
        ConnectionId(self.connection)
    }
}

impl PipeId {
    /// The connection id of the pipe.
    pub fn connection(self) -> ConnectionId {
        ConnectionId(self.0)
    }
}

/// What happens to an exchange if the client closes its sending side (sends a FIN) before the response is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HalfClose {
    /// The exchange ends if its response has not begun. Otherwise the response is sent, unless it pauses for longer
    /// than [`Limits::half_close_timeout`](crate::Limits).
    #[default]
    Cancel,
    /// If the response has not begun, the engine reports [`crate::Event::HalfClosed`], and the handler can still
    /// respond.
    Respond,
    /// The exchange continues.
    Finish,
}

/// The body of a response, or one part of the body.
#[derive(Debug)]
pub enum Body<'a> {
    /// Bytes that are copied to the buffer that holds the head.
    Slice(&'a [u8]),
    /// Bytes that are sent without a copy if they are large.
    Shared(Bytes),
    /// A region of an open regular file.
    File {
        /// The open file. It is closed when the region is sent.
        file: OwnedFd,
        /// The offset at which the region starts.
        offset: u64,
        /// The length of the region in bytes.
        length: u64,
    },
}

impl Body<'_> {
    /// The length of the body in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Body::Slice(bytes) => bytes.len() as u64,
            Body::Shared(bytes) => bytes.len() as u64,
            Body::File { length, .. } => *length,
        }
    }

    /// Whether the body is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a writer may continue to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// The writer may continue.
    Low,
    /// The queue exceeds its high-water mark, so the writer must wait. Later, an [`crate::Event::Writable`] follows.
    High,
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// The response is complete already.
    Complete,
    /// The exchange has ended early.
    Gone,
    /// The head of the response was sent already.
    Started,
    /// The head of the response was not sent yet.
    NotStarted,
    /// The handler set a status that cannot be sent with this command.
    Status(u16),
    /// The handler sent a body with a status that never has one.
    NoBody(u16),
    /// The handler set a field name, a field value or a reason phrase that cannot be sent.
    Field(String),
    /// The body does not have the announced length. If the head was sent, the connection closes (RFC 9112, section 8).
    Length {
        /// The length that `Content-Length` announced.
        announced: u64,
        /// How many body bytes the handler wrote.
        written: u64,
    },
    /// The handler frames the body itself and wrote more bytes than it announced. The announced number of bytes is
    /// sent, and then the connection closes.
    Excess {
        /// The length that `Content-Length` announced.
        announced: u64,
        /// How many body bytes the handler wrote.
        written: u64,
    },
    /// The request body is larger than the limit.
    BodyTooLarge {
        /// The body limit in bytes.
        limit: u64,
    },
}

/// The status of a response (RFC 9110, section 15), and a reason phrase if it is not the registered one. HTTP/1 sends
/// the phrase, and clients ignore it (RFC 9112, section 4). HTTP/2 has no reason phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status<'a> {
    /// The status code, from 100 to 599.
    pub code: u16,
    /// The reason phrase. `None` means the registered phrase.
    pub reason: Option<&'a [u8]>,
}

impl From<u16> for Status<'_> {
    fn from(code: u16) -> Self {
        Status { code, reason: None }
    }
}
