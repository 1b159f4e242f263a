//! What an engine reports: events of connections, exchanges and pipes, in the order in which they happen.

use std::fmt;

use bytes::Bytes;

use crate::exchange::{ConnectionId, ExchangeId, PipeId};
use crate::head::{Field, Head};
use crate::peer::Peer;

/// What happened, in order.
#[derive(Debug)]
pub enum Event {
    /// A socket is connected, and who is at its other end. Told where [`crate::Engine::report_connections`] asks for it.
    Opened(ConnectionId, Peer),
    /// All was sent on a connection that was announced, and our side of it is closed. What its client still sends is read
    /// and dropped until [`Event::Closed`], which is no concern of the connection's owner.
    Lingering(ConnectionId),
    /// A connection that was announced is over, behind all that was told of its exchanges.
    Closed(ConnectionId, CloseReason),
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
    PipeOutput(PipeId, Bytes),
    /// What came on a pipe is refused with 400, and its owner answers that.
    Refused(PipeId),
    /// The owner of a pipe shall stop (`false`) or resume (`true`) feeding it.
    PipeFlow(PipeId, bool),
    /// All is said on a pipe: its owner ends its own side, and goes on feeding what comes until the pipe is closed.
    PipeEnding(PipeId),
    /// The pipe is over: flushed (`true`), or to be aborted.
    PipeClosed(PipeId, bool),
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
pub enum CloseReason {
    /// After its last answer, or with its client.
    Done,
    /// By a reset, or whatever else breaks a socket.
    Lost,
    /// It ran out of time, or the server stopped.
    Cut,
    /// A handler aborted it.
    Aborted,
}

impl From<GoneReason> for CloseReason {
    /// How the connection ends with which an exchange ends for this reason.
    fn from(reason: GoneReason) -> Self {
        match reason {
            // A refusal, or a close after what was sent: the end that an owner of a timer of its own would bring about.
            GoneReason::ClientLeft | GoneReason::BodyTimeout => CloseReason::Done,
            GoneReason::ClientReset => CloseReason::Lost,
            GoneReason::WriteTimeout | GoneReason::Stopped => CloseReason::Cut,
            GoneReason::Aborted => CloseReason::Aborted,
        }
    }
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// More bytes than the limit.
    TooLarge,
    /// Chunked framing that RFC 9112, section 7.1, does not allow.
    Malformed(&'static str),
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
            GoneReason::WriteTimeout => "the client was too slow to read the response",
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
