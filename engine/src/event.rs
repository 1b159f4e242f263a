//! What an engine reports: events of connections, exchanges and pipes, in the order in which they happen.

use std::fmt;

use bytes::Bytes;

use crate::address::Address;
use crate::exchange::{ConnectionId, ExchangeId, PipeId};
use crate::head::{Field, Head};

/// One event. An engine reports its events in order.
#[derive(Debug)]
pub enum Event {
    /// A connection to a socket was opened; the address is that of its other end. Reported only after
    /// [`crate::Engine::report_connections`].
    Opened(ConnectionId, Address),
    /// All was sent on a connection that was reported as opened, and our side of it is closed. Further bytes from its
    /// client are dropped until [`Event::Closed`].
    Lingering(ConnectionId),
    /// A connection that was reported as opened has ended, after all events of its exchanges.
    Closed(ConnectionId, CloseReason),
    /// The head of a request was read. The events of its body follow only after [`crate::Engine::receive`].
    Head(ExchangeId, Box<Head>),
    /// A part of the body of the request, or raw bytes after an upgrade.
    Data(ExchangeId, Bytes),
    /// The body is complete.
    End(ExchangeId, Vec<Field>),
    /// The body is bad. A response may still be sent, and the connection closes after it.
    BadBody(ExchangeId, BodyFault),
    /// The queue of the response is below its low-water mark again.
    Writable(ExchangeId),
    /// The client has closed its sending side, and the exchange continues because of [`crate::HalfClose::Respond`].
    HalfClosed(ExchangeId),
    /// The exchange has ended before its response was complete.
    Gone(ExchangeId, GoneReason),
    /// Output that the owner of a pipe must send to the client.
    PipeOutput(PipeId, Bytes),
    /// A message on a pipe is refused with status 400. The owner of the pipe sends the refusal.
    Refused(PipeId),
    /// The owner of a pipe stops (`false`) or resumes (`true`) feeding it.
    PipeFlow(PipeId, bool),
    /// All output was written to a pipe. Its owner closes its own side, and feeds further bytes until the pipe is
    /// closed.
    PipeEnding(PipeId),
    /// The pipe has ended. Its owner sends the remaining output and closes (`true`), or aborts.
    PipeClosed(PipeId, bool),
    /// A message for the log.
    Report(Report),
    /// A graceful shutdown has ended.
    Drained {
        /// How many exchanges were cut at its deadline.
        cut: usize,
    },
}

impl Event {
    /// The exchange to which the event belongs, or None.
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

    /// Whether the event belongs to the body of an exchange, or to the raw bytes after an upgrade.
    pub(crate) fn is_of_body(&self, id: ExchangeId) -> bool {
        matches!(self, Event::Data(of, _) | Event::End(of, _) | Event::BadBody(of, _) if *of == id)
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// After its last response, or because its client has left.
    Done,
    /// By a reset, or another error of the socket.
    Lost,
    /// At a deadline, or because the server stops.
    Cut,
    /// By its handler.
    Aborted,
}

impl From<GoneReason> for CloseReason {
    /// How the connection ends when an exchange ends for this reason.
    fn from(reason: GoneReason) -> Self {
        match reason {
            // The engine sends a refusal, or closes after the queued output.
            GoneReason::ClientLeft | GoneReason::BodyTimeout => CloseReason::Done,
            GoneReason::ClientReset => CloseReason::Lost,
            GoneReason::WriteTimeout | GoneReason::Stopped => CloseReason::Cut,
            GoneReason::Aborted => CloseReason::Aborted,
        }
    }
}

/// Why a body is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// It has more bytes than the limit.
    TooLarge,
    /// Its chunks break RFC 9112, section 7.1.
    Malformed(&'static str),
}

/// Why an exchange has ended before its response was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneReason {
    /// The client has closed the connection.
    ClientLeft,
    /// The client has reset the connection, or another error has broken the socket.
    ClientReset,
    /// The body has stalled, or was slower than its limit.
    BodyTimeout,
    /// The client has read nothing of the response for too long.
    WriteTimeout,
    /// A graceful shutdown has reached its deadline, or the engine was closed.
    Stopped,
    /// The handler has aborted it, or has broken the framing of its response.
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

/// A message for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The severity of the message.
    pub severity: Severity,
    /// A code from the error catalogue, or "" for a notice.
    pub code: &'static str,
    /// One sentence.
    pub message: String,
}

/// How serious a [`Report`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Severity {
    Debug,
    Info,
    Warn,
    Error,
}
