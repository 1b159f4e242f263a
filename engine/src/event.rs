//! `Event`: what an engine reports about connections, exchanges and pipes, in the order in which it happens.

use std::fmt;

use bytes::Bytes;

use crate::address::Address;
use crate::exchange::{ConnectionId, ExchangeId, PipeId};
use crate::head::{Field, Head};

/// An event that an engine reports. Events are reported in the order in which they happen.
#[derive(Debug)]
pub enum Event {
    /// A connection on a socket was opened. The address is that of the peer. This is reported only after
    /// [`crate::Engine::report_connections`] was called.
    Opened(ConnectionId, Address),
    /// All output was sent on a connection that was reported as opened, and the server's side is closed. Further bytes
    /// from the client are dropped until [`Event::Closed`].
    Lingering(ConnectionId),
    /// A connection that was reported as opened has ended. This is reported after all events of its exchanges.
    Closed(ConnectionId, CloseReason),
    /// The head of a request was read. The events of its body are reported only after [`crate::Engine::receive`].
    Head(ExchangeId, Box<Head>),
    /// A part of the request body, or raw bytes after an upgrade.
    Data(ExchangeId, Bytes),
    /// The request body is complete. The fields are its trailers.
    End(ExchangeId, Vec<Field>),
    /// The request body is invalid. The handler may still send a response, and the connection closes after it.
    BadBody(ExchangeId, BodyFault),
    /// At most half of `write_buffer` is still queued, so the handler may write again.
    Writable(ExchangeId),
    /// The client has closed its sending side. The exchange continues because of [`crate::HalfClose::Respond`].
    HalfClosed(ExchangeId),
    /// The exchange has ended before its response was complete.
    Gone(ExchangeId, GoneReason),
    /// Output that the owner of a pipe must send to the client.
    PipeOutput(PipeId, Bytes),
    /// A message on a pipe is refused with status 400. The owner of the pipe must send the refusal.
    Refused(PipeId),
    /// The owner of a pipe must stop (`false`) or resume (`true`) passing in bytes.
    PipeFlow(PipeId, bool),
    /// All output was passed to the owner of a pipe. The owner closes its own sending side, and passes in further bytes
    /// until the pipe is closed.
    PipeEnding(PipeId),
    /// The pipe has ended. If the value is `true`, the owner sends the remaining output and closes its transport. If it
    /// is `false`, the owner aborts its transport.
    PipeClosed(PipeId, bool),
    /// A message for the log, which the caller writes.
    Report(Report),
    /// A graceful shutdown has ended.
    Drained {
        /// How many exchanges were aborted at the deadline of the shutdown.
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

    /// Whether the event reports a part or the end of this exchange's body, or raw bytes after an upgrade.
    pub(crate) fn is_of_body(&self, id: ExchangeId) -> bool {
        matches!(self, Event::Data(of, _) | Event::End(of, _) | Event::BadBody(of, _) if *of == id)
    }
}

/// Why a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// It closed after its last response, or because the client disconnected.
    Done,
    /// The client reset it, or its socket had another error.
    Lost,
    /// A deadline passed, or the server stopped.
    Cut,
    /// Its handler aborted it.
    Aborted,
}

impl From<GoneReason> for CloseReason {
    /// Returns why the connection ends when an exchange ends for this reason.
    fn from(reason: GoneReason) -> Self {
        match reason {
            // After a body timeout, the engine sends a refusal if no response has begun, and closes the connection
            // without a reset.
            GoneReason::ClientLeft | GoneReason::BodyTimeout => CloseReason::Done,
            GoneReason::ClientReset => CloseReason::Lost,
            GoneReason::WriteTimeout | GoneReason::Stopped => CloseReason::Cut,
            GoneReason::Aborted => CloseReason::Aborted,
        }
    }
}

/// Why a request body is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFault {
    /// The body has more bytes than the limit.
    TooLarge,
    /// The chunks of the body break RFC 9112, section 7.1. The text says how.
    Malformed(&'static str),
}

/// Why an exchange ended before its response was complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneReason {
    /// The client has closed the connection.
    ClientLeft,
    /// The client has reset the connection, or another error has broken the socket.
    ClientReset,
    /// The request body stalled, or arrived more slowly than the limit allows.
    BodyTimeout,
    /// The client did not read the response for too long.
    WriteTimeout,
    /// A graceful shutdown reached its deadline, or the engine was closed.
    Stopped,
    /// The handler aborted the exchange, or broke the framing of its response.
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
    /// How serious the message is.
    pub severity: Severity,
    /// A code from the error catalogue. It is empty for a notice.
    pub code: &'static str,
    /// The message, in one sentence.
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
