//! One request and its answer: the small contract at which every wire meets every handler.
//!
//! Events out, commands in. A wire (HTTP/1.1 today) turns bytes into [`Event`]s; a handler answers through the
//! commands of the engine, each of which names the exchange by its [`ExchangeId`]. An exchange goes
//!
//! ```text
//! Head -> (Data)* -> End                     the request, body events only while somebody receives
//! answer | begin -> (write)* -> end          the answer
//! ```
//!
//! and is over when the answer is complete, or when a [`Event::Gone`] says that it never will be.
//!
//! Events of one exchange are served in the order in which they happened: a command returns what belongs to their sequence
//! (only [`crate::Engine::receive`] does) where none of them can be queued.

use std::fmt;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::method::Method;
use crate::proxies::Origin;

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

impl ExchangeId {
    /// The connection on which it takes place.
    pub fn connection(self) -> ConnectionId {
        ConnectionId(self.connection)
    }
}

/// What happened, in order.
#[derive(Debug)]
pub enum Event {
    /// A socket is connected, and who is at its other end. Told where [`crate::Engine::announce`] asks for it.
    Opened(ConnectionId, Peer),
    /// All was sent on a connection that was announced, and our side of it is closed. What its client still sends is read
    /// and dropped until [`Event::Closed`], which is no concern of the connection's owner.
    Lingering(ConnectionId),
    /// A connection that was announced is over, behind all that was told of its exchanges.
    Closed(ConnectionId, Closing),
    /// A request head is in. Its body (if any) does not flow before [`crate::Engine::receive`].
    Head(ExchangeId, Box<Head>),
    /// A part of the body of the request, or raw bytes after an upgrade.
    Data(ExchangeId, Bytes),
    /// The body is complete.
    End(ExchangeId, Vec<Field>),
    /// The body turned out to be bad; an answer may still be sent, and the connection closes after it.
    BadBody(ExchangeId, BodyFault),
    /// The queue of the answer is below its low-water mark again.
    Writable(ExchangeId),
    /// The client has closed its sending side, and the exchange goes on as [`HalfClose::Respond`] has it.
    HalfClosed(ExchangeId),
    /// The exchange is over though its answer is not complete.
    Gone(ExchangeId, GoneReason),
    /// Bytes for the owner of a pipe.
    PipeOutput(crate::PipeId, Bytes),
    /// What came on a pipe is refused with 400, and its owner answers that.
    Refused(crate::PipeId),
    /// The owner of a pipe shall stop (`false`) or resume (`true`) feeding it.
    PipeFlow(crate::PipeId, bool),
    /// All is said on a pipe: its owner ends its own side, and goes on feeding what comes until the pipe is closed.
    PipeEnding(crate::PipeId),
    /// The pipe is over: flushed (`true`), or to be aborted.
    PipeClosed(crate::PipeId, bool),
    /// Something for the log.
    Report(Report),
    /// The drain is over.
    Drained {
        /// How many exchanges were cut at its deadline.
        cut: usize,
    },
}

impl Event {
    /// The exchange that it is about, if it is about one.
    pub fn exchange(&self) -> Option<ExchangeId> {
        match self {
            Event::Head(id, _)
            | Event::Data(id, _)
            | Event::End(id, _)
            | Event::BadBody(id, _)
            | Event::Writable(id)
            | Event::HalfClosed(id)
            | Event::Gone(id, _) => Some(*id),
            _ => None,
        }
    }

    /// Whether it tells of the body of an exchange, or of the raw bytes after it.
    pub(crate) fn is_of_body(&self, id: ExchangeId) -> bool {
        matches!(self, Event::Data(of, _) | Event::End(of, _) | Event::BadBody(of, _) if *of == id)
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// After its last answer, or with its client.
    Done,
    /// By a reset, or whatever else breaks a socket.
    Lost,
    /// It ran out of time, or the server stopped.
    Cut,
    /// A handler aborted it.
    Aborted,
}

/// What becomes of an exchange whose client closes its sending side (a FIN) before the response is complete.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HalfClose {
    /// One that waits for its response is over. A response under way is sent whole, as long as it does not pause for
    /// longer than [`Limits::half_close_timeout`](crate::Limits).
    #[default]
    Cancel,
    /// One that waits is told by [`Event::HalfClosed`], and its response is still sent.
    Respond,
    /// It goes on as if nothing had happened.
    Finish,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// More bytes than the limit.
    TooLarge,
    /// Chunked framing that RFC 9112, section 7.1, does not allow.
    Malformed(&'static str),
}

impl From<GoneReason> for Closing {
    /// How the connection ends with which an exchange ends for this reason.
    fn from(reason: GoneReason) -> Self {
        match reason {
            // A refusal, or a close after what was sent: the end that an owner of a timer of its own would bring about.
            GoneReason::ClientLeft | GoneReason::BodyTimeout => Closing::Done,
            GoneReason::ClientReset => Closing::Lost,
            GoneReason::WriteTimeout | GoneReason::Stopped => Closing::Cut,
            GoneReason::Aborted => Closing::Aborted,
        }
    }
}

/// Why an exchange ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneReason {
    /// The client closed the connection.
    ClientLeft,
    /// The client reset the connection, or whatever else breaks a socket.
    ClientReset,
    /// The body stalled or was slower than its limit.
    BodyTimeout,
    /// The client took nothing of the answer for too long.
    WriteTimeout,
    /// A drain met its deadline, or the engine was closed.
    Stopped,
    /// The handler itself aborted it, or broke the framing of its answer.
    Aborted,
}

impl fmt::Display for GoneReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GoneReason::ClientLeft => "the client left",
            GoneReason::ClientReset => "the client reset the connection",
            GoneReason::BodyTimeout => "the client was too slow to send the body",
            GoneReason::WriteTimeout => "the client was too slow to read the answer",
            GoneReason::Stopped => "the server stopped",
            GoneReason::Aborted => "the handler aborted the exchange",
        })
    }
}

/// A line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How bad it is.
    pub severity: Severity,
    /// A code of the catalogue of errors, or "" for a plain notice.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

/// How bad a [`Report`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Severity {
    Debug,
    Info,
    Warn,
    Error,
}

/// The version of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Version {
    Http10,
    Http11,
}

/// A field line: name and value as bytes.
pub type Field = (Bytes, Bytes);

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

/// Who is at the other end of a connection, or at ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// An internet address.
    Inet(SocketAddr),
    /// A UNIX socket; most clients have no path.
    Unix(Option<Arc<PathBuf>>),
    /// Not known (a pipe).
    Unknown,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Inet(address) => address.fmt(f),
            // As ss(8) and systemd write a name in the abstract namespace.
            Peer::Unix(Some(path)) if path.as_os_str().as_encoded_bytes().starts_with(&[0]) => {
                write!(f, "@{}", &path.to_string_lossy()[1..])
            }
            Peer::Unix(Some(path)) => path.display().fmt(f),
            Peer::Unix(None) => f.write_str("a UNIX socket"),
            Peer::Unknown => f.write_str("a pipe"),
        }
    }
}

/// Whether a writer may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pressure {
    /// Write on.
    Low,
    /// Over the high-water mark: an [`Event::Writable`] will come.
    High,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandError {
    /// The answer is complete already.
    Over,
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
    Beyond {
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

/// The head of a request, parsed; names and values are slices of the bytes that came.
#[derive(Debug, Clone)]
pub struct Head {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) method: Method,
    pub(crate) target: Span,
    pub(crate) path: Span,
    pub(crate) query: Span,
    pub(crate) host: Span,
    pub(crate) version: Version,
    pub(crate) fields: Vec<FieldSpan>,
    pub(crate) framing: Framing,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
    /// The other end of the connection, kept here for handlers whose client has left by the time they ask.
    pub(crate) peer: Peer,
    pub(crate) secure: bool,
    /// What proxies say of the request, where they are asked.
    pub(crate) origin: Option<Box<Origin>>,
}

/// Where a part of the head stands in its bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub start: u32,
    pub end: u32,
}

/// Where a field line stands in the bytes of its head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldSpan {
    pub name: Span,
    pub value: Span,
}

/// How the body of a request is framed (RFC 9112, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    /// `Content-Length`, more than 0.
    Length(u64),
    Chunked,
}

impl Head {
    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The name of the method as it was sent.
    pub fn method_name(&self) -> &[u8] {
        &self.bytes[..(self.target.start as usize).saturating_sub(1)]
    }

    /// The request target as it was sent.
    pub fn target(&self) -> &[u8] {
        self.slice(self.target)
    }

    /// The path of the target, still percent-encoded; `*` for the asterisk form.
    pub fn path(&self) -> &[u8] {
        self.slice(self.path)
    }

    /// What follows the `?`, or nothing.
    pub fn query(&self) -> &[u8] {
        self.slice(self.query)
    }

    /// The host and port the request is for: what a believed proxy says, else the authority of an absolute target, else
    /// the Host field.
    pub fn host(&self) -> &[u8] {
        let told = self.origin().and_then(|origin| origin.host.as_deref());
        told.unwrap_or_else(|| self.slice(self.host))
    }

    /// Where the request comes from, if proxies in front are asked; else its connection shows that.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    /// Who is at the other end of the connection, a proxy or the client.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether the connection is secure.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The version of the message.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the client would ask more on the connection.
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether a body follows.
    pub fn has_body(&self) -> bool {
        self.framing != Framing::None
    }

    /// The length of the body in bytes, where the head tells it.
    pub fn length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(length) => Some(length),
            Framing::None => self.values(b"content-length").next().map(|_| 0),
            Framing::Chunked => None,
        }
    }

    /// How many field lines there are.
    pub fn field_count(&self) -> usize {
        self.fields.len()
    }

    /// Name and value of every field line, in order.
    pub fn fields(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.slice(field.name), self.slice(field.value)))
    }

    /// The values of the lines of one field, whose name is compared without case.
    pub fn values<'a>(&'a self, name: &'a [u8]) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.fields().filter(move |(candidate, _)| candidate.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn slice(&self, span: Span) -> &[u8] {
        &self.bytes[span.start as usize..span.end as usize]
    }
}
