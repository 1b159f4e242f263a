//! One request and its answer: the small contract at which every wire meets every handler.
//!
//! Events out, commands in. A wire (HTTP/1.1 today) turns bytes into [`crate::Event`]s; a handler answers through the
//! commands of the engine, each of which names the exchange by its [`ExchangeId`]. An exchange goes
//!
//! ```text
//! Head -> (Data)* -> End                     the request, body events only while somebody receives
//! answer | begin -> (write)* -> end          the answer
//! ```
//!
//! and is over when the answer is complete, or when a [`crate::Event::Gone`] says that it never will be.
//!
//! Events of one exchange are served in the order in which they happened: a command returns what belongs to their sequence
//! (only [`crate::Engine::receive`] does) where none of them can be queued.

use std::os::fd::OwnedFd;

use bytes::Bytes;

/// Names one exchange for as long as the engine lives; never reused within a connection's lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExchangeId {
    /// Slot and generation of the connection.
    pub(crate) connection: u64,
    /// The number of the request on its connection (HTTP/1.1), or of the stream.
    pub(crate) serial: u32,
}

/// Names one connection for as long as the engine lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub(crate) u64);

/// Names a pipe of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PipeId(pub(crate) u64);

impl ExchangeId {
    /// The connection on which it takes place.
    pub fn connection(self) -> ConnectionId {
        ConnectionId(self.connection)
    }
}

impl PipeId {
    /// The connection that it is.
    pub fn connection(self) -> ConnectionId {
        ConnectionId(self.0)
    }
}

/// What becomes of an exchange whose client closes its sending side (a FIN) before the response is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HalfClose {
    /// One that waits for its response is over. A response under way is sent whole, as long as it does not pause for
    /// longer than [`Limits::half_close_timeout`](crate::Limits).
    #[default]
    Cancel,
    /// One that waits is told by [`crate::Event::HalfClosed`], and its response is still sent.
    Respond,
    /// It goes on as if nothing had happened.
    Finish,
}

/// The body of a whole answer.
#[derive(Debug)]
pub enum Body<'a> {
    /// Copied next to the head.
    Slice(&'a [u8]),
    /// Sent from where it is.
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

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a writer may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// Write on.
    Low,
    /// Over the high-water mark: an [`crate::Event::Writable`] will come.
    High,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// The answer is complete already.
    Complete,
    /// The client (or the connection) is gone.
    Gone,
    /// The head of the answer is out already.
    Started,
    /// There is no head yet.
    NotStarted,
    /// A status that cannot be sent here.
    Status(u16),
    /// An answer of this status never has a body.
    NoBody(u16),
    /// A field whose name or value cannot be sent, or such a reason phrase.
    Field(String),
    /// Bytes that do not fit the announced length. Where the head is out, the connection is closed (RFC 9112, section 8).
    Length {
        /// What `Content-Length` said.
        announced: u64,
        /// What was written.
        written: u64,
    },
    /// More than the announced length, of an answer whose handler frames it. What fits is sent, and the connection closes
    /// after it.
    Excess {
        /// What `Content-Length` said.
        announced: u64,
        /// What was written.
        written: u64,
    },
    /// The body is larger than the limit.
    BodyTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
}

/// The status of an answer (RFC 9110, section 15), and a reason phrase where it is not the registered one. HTTP/1
/// carries the phrase and clients ignore it (RFC 9112, section 4); HTTP/2 has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status<'a> {
    /// 100 to 599.
    pub code: u16,
    /// `None` for the phrase of the registry.
    pub reason: Option<&'a [u8]>,
}

impl From<u16> for Status<'_> {
    fn from(code: u16) -> Self {
        Status { code, reason: None }
    }
}
