//! One request and its response: ids, and the values and errors of commands.
//!
//! Events out, commands in. A wire turns bytes into [`crate::Event`]s. A handler responds with the commands of the
//! engine, each of which names the exchange by its [`ExchangeId`]. An exchange is
//!
//! ```text
//! Head -> (Data)* -> End                     the request; its body only after `receive`
//! respond | begin -> (write)* -> end         the response
//! ```
//!
//! It ends when the response is complete, or with a [`crate::Event::Gone`].
//!
//! Events of one exchange are handled in the order in which they happened. Only the command [`crate::Engine::receive`]
//! returns events, and only when no event of the exchange can be queued.

use std::os::fd::OwnedFd;

use bytes::Bytes;

/// Names one exchange for as long as the engine lives; never reused within a connection's lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId {
    /// Slot and generation of the connection.
    pub(crate) connection: u64,
    /// The number of the request on its connection (HTTP/1), or of the stream.
    pub(crate) serial: u32,
}

/// Names one connection for as long as the engine lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u64);

/// Names a pipe of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PipeId(pub(crate) u64);

impl ExchangeId {
    /// The connection that carries the exchange.
    pub fn connection(self) -> ConnectionId {
        ConnectionId(self.connection)
    }
}

impl PipeId {
    /// The pipe as a connection.
    pub fn connection(self) -> ConnectionId {
        ConnectionId(self.0)
    }
}

/// What happens to an exchange whose client closes its sending side (a FIN) before the response is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HalfClose {
    /// It ends if its response has not begun. Else the response is sent, as long as it does not pause for longer than
    /// [`Limits::half_close_timeout`](crate::Limits).
    #[default]
    Cancel,
    /// If its response has not begun, a [`crate::Event::HalfClosed`] follows, and the response is still sent.
    Respond,
    /// It continues.
    Finish,
}

/// The body of a response, or a part of it.
#[derive(Debug)]
pub enum Body<'a> {
    /// A part that is copied next to the head.
    Slice(&'a [u8]),
    /// A part that is sent without a copy, if it is large.
    Shared(Bytes),
    /// A region of an open regular file.
    File {
        /// The file; it is closed when the region is sent.
        file: OwnedFd,
        /// Where the region starts.
        offset: u64,
        /// Its length in bytes.
        length: u64,
    },
}

impl Body<'_> {
    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Body::Slice(bytes) => bytes.len() as u64,
            Body::Shared(bytes) => bytes.len() as u64,
            Body::File { length, .. } => *length,
        }
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a writer may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// The writer may continue.
    Low,
    /// The queue is over its high-water mark: an [`crate::Event::Writable`] follows.
    High,
}

/// Why a command was not carried out.
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
    /// A status that cannot be sent here.
    Status(u16),
    /// A response of this status never has a body.
    NoBody(u16),
    /// A field name, a field value or a reason phrase that cannot be sent.
    Field(String),
    /// The body does not have the announced length. If the head was sent, the connection is closed (RFC 9112, section
    /// 8).
    Length {
        /// The length in `Content-Length`.
        announced: u64,
        /// How many bytes were written.
        written: u64,
    },
    /// The body is longer than announced, in a response that its handler frames. The announced length is sent, and then
    /// the connection closes.
    Excess {
        /// The length in `Content-Length`.
        announced: u64,
        /// How many bytes were written.
        written: u64,
    },
    /// The body is larger than the limit.
    BodyTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

/// The status of a response (RFC 9110, section 15), with a reason phrase if it is not the registered one. HTTP/1 carries the
/// phrase, and clients ignore it (RFC 9112, section 4). HTTP/2 has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status<'a> {
    /// 100 to 599.
    pub code: u16,
    /// `None` for the registered phrase.
    pub reason: Option<&'a [u8]>,
}

impl From<u16> for Status<'_> {
    fn from(code: u16) -> Self {
        Status { code, reason: None }
    }
}
