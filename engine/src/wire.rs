//! The interface between the engine and a wire protocol.
//!
//! A wire converts the bytes of one connection to [`Event`]s, and the commands of handlers to bytes. It has no socket and
//! no timer. The engine owns both, and calls the methods of the wire. HTTP/1 is a wire ([`crate::http1::Http1`]). A
//! handler that frames its responses itself ([`FramedBy::Handler`]), for example a twisted.web handler, uses the same
//! methods.
//!
//! ```text
//! transport  --bytes-->  feed  ---> cx.inbox (Event)  ---> handler
//! transport  <--bytes--  cx.out <--- respond, begin, write, end  <--- the handler's commands
//! ```
//!
//! # Methods that the engine calls
//!
//! | method | when the engine calls it | what the wire does |
//! |---|---|---|
//! | [`feed`](Wire::feed) | when bytes were read; without bytes, when the response queue has space again | parses, and adds `Head`, `Data`, `End` and `BadBody` |
//! | [`receive`](Wire::receive) | when a handler reads the body | starts to add `Data` and `End` |
//! | [`consumed`](Wire::consumed) | when a handler has read a part of the body | may add more `Data` |
//! | [`interim`](Wire::interim) | for a 1xx response | appends the response to `cx.out` |
//! | [`respond`](Wire::respond) | for a whole response | appends the response, and ends the exchange |
//! | [`begin`](Wire::begin) | for the head of a streamed response | appends the head |
//! | [`write`](Wire::write) | for a part of the body, or bytes after an upgrade | appends the framed part |
//! | [`end`](Wire::end) | for the end of a streamed response | appends the end of the body, and ends the exchange |
//! | [`open_tunnel`](Wire::open_tunnel) | when the exchange becomes a tunnel | stops parsing; `Data` carries raw bytes |
//! | [`close_after_response`](Wire::close_after_response) | when a handler wants the connection to close | makes the connection close after this response |
//! | [`begin_drain`](Wire::begin_drain) | when a graceful shutdown begins | makes the connection close after the last request that has arrived |
//! | [`turn_away`](Wire::turn_away) | on a new connection while the engine is full | appends a refusal, and closes |
//! | [`time_out`](Wire::time_out) | when a head or a body arrives too slowly | may append a refusal, and closes |
//! | [`abort`](Wire::abort) | when the connection is lost or closed | adds `Gone` for each running exchange, and closes |
//! | [`take_input`](Wire::take_input) | when the owner takes the socket out of the engine | returns the bytes that it has not parsed |
//!
//! # State that the engine reads
//!
//! After each of these calls, the engine reads [`request_phase`](Wire::request_phase),
//! [`response_phase`](Wire::response_phase) and [`ending`](Wire::ending). From them it decides whether to read, which
//! deadline applies and whether to close. A command reaches the wire only if [`check`](Wire::check) allows it for the
//! exchange.
//!
//! | request phase | does the engine read? | deadline |
//! |---|---|---|
//! | `Fresh`, `Head` | yes | `head_timeout` |
//! | `Idle` | yes | `idle_timeout` |
//! | `Body`, while `reads` is true | yes | `body_timeout` and `body_rate` |
//! | `Tunnel`, while `reads` is true | yes | none |
//! | `Complete` | no | none |
//! | `Closed` | yes, and drops the bytes | `linger_timeout` |
//!
//! # Rules
//!
//! - A wire never blocks, and never does I/O. `cx.out` may grow past [`Limits::write_buffer`]. While it is larger, a
//!   wire parses no further request.
//! - A method that returns an error has appended nothing, with two exceptions. If it returns [`CommandError::Excess`], it
//!   has appended the announced bytes. If `respond` with [`FramedBy::Handler`] returns [`CommandError::Length`], it has
//!   appended the head. If such a `respond`, `write` or `end` returns `Length`, the engine aborts the connection.
//! - The events of one exchange are added in this order: `Head`, then the received parts of the body, then `Gone` if the
//!   response is incomplete.

use std::collections::VecDeque;
use std::fmt::Debug;

use crate::access_log::AccessLogBuffer;
use crate::address::Address;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::event::{Event, GoneReason};
use crate::exchange::{Body, CommandError, ExchangeId, Status};
use crate::head::FieldRef;
use crate::limits::Limits;
use crate::method::Methods;
use crate::outbox::{OpenFiles, Outbox};
use crate::proxies::Proxies;

/// The wire protocol of one connection, without the socket. The module documentation states when the engine calls each
/// method.
pub trait Wire: Debug + Default {
    /// The response to a client that connects when the engine is so full that it must close the connection at once,
    /// without a wire.
    const OVERLOADED: &'static [u8];

    /// Parses bytes from the client. If `data` is empty, continues to parse the bytes that were kept.
    fn feed(&mut self, data: &[u8], cx: &mut WireContext<'_>);

    /// Starts to deliver the body of the request, up to `limit` bytes.
    fn receive(&mut self, limit: u64, cx: &mut WireContext<'_>) -> Result<Received, CommandError>;

    /// Records that the handler has read `count` bytes of the body.
    fn consumed(&mut self, count: u64, cx: &mut WireContext<'_>);

    /// Sends an interim response (RFC 9110, section 15.2).
    fn interim(&mut self, status: u16, fields: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError>;

    /// Sends a whole response.
    fn respond(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
        framed_by: FramedBy,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError>;

    /// Sends the head of a streamed response. `length` is the length of the body in bytes, if it is known.
    fn begin(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
        framed_by: FramedBy,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError>;

    /// Sends a part of the body, or raw bytes after an upgrade.
    fn write(&mut self, part: Body<'_>, framed_by: FramedBy, cx: &mut WireContext<'_>) -> Result<(), CommandError>;

    /// Ends a streamed response, or a tunnel.
    fn end(&mut self, trailers: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError>;

    /// Makes the exchange a tunnel for the bytes of another protocol. With `fields`, sends the 101 response. Without
    /// `fields`, the handler sends any response itself.
    fn open_tunnel(&mut self, fields: Option<&[FieldRef<'_>]>, cx: &mut WireContext<'_>) -> Result<(), CommandError>;

    /// Makes the connection close after the response to the current request.
    fn close_after_response(&mut self);

    /// Makes the connection close after the response to the last request that has arrived.
    fn begin_drain(&mut self);

    /// Refuses a connection because the engine is full. Nothing was read from it.
    fn turn_away(&mut self, cx: &mut WireContext<'_>);

    /// Ends a request that arrives too slowly. Returns whether a refusal must be sent before the connection closes.
    fn time_out(&mut self, cx: &mut WireContext<'_>) -> bool;

    /// Aborts the running exchanges and stops parsing. If no head was sent, the access log shows `status`.
    fn abort(&mut self, reason: GoneReason, status: u16, cx: &mut WireContext<'_>);

    /// Sets a field of the current exchange's line in the access log. `value` is JSON.
    fn set_log_field(&mut self, name: &str, value: &[u8], cx: &mut WireContext<'_>);

    /// The time at which the head of the current exchange was complete, in microseconds.
    fn began(&self) -> u64;

    /// Removes the unparsed bytes and returns them.
    fn take_input(&mut self) -> Vec<u8>;

    /// Checks that the handler of this exchange may send commands. Returns the error `Complete` if its response is
    /// complete, or `Gone` if the exchange was aborted.
    fn check(&self, serial: u32) -> Result<(), CommandError>;

    /// The number of the current exchange on its connection.
    fn serial(&self) -> u32;

    /// What the wire expects from the client next.
    fn request_phase(&self, limits: &Limits) -> RequestPhase;

    /// What the wire expects from the handler next.
    fn response_phase(&self) -> ResponsePhase;

    /// Whether and how the engine must end the connection.
    fn ending(&self) -> Ending;

    /// The number of bytes that are kept for later parsing.
    fn buffered(&self) -> usize;

    /// The number of the exchange whose response is incomplete, or None.
    #[inline]
    fn running(&self) -> Option<u32> {
        self.response_phase().is_running().then(|| self.serial())
    }
}

/// Who frames a response: who sets its `Content-Length` and `Connection`, and writes its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramedBy {
    /// The wire frames the response. A handler that writes more than it announced gets [`CommandError::Length`].
    Wire,
    /// The handler frames the response, and its head and body are sent unchanged. If it writes more than its
    /// `Content-Length`, it gets [`CommandError::Excess`].
    Handler,
}

/// The result of [`Wire::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Nothing changes, because the body is already delivered, or there is no body.
    Unchanged,
    /// The wire starts to deliver the request body.
    Body,
    /// The wire starts to deliver bytes of another protocol.
    Tunnel,
}

/// What a wire expects from the client next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPhase {
    /// The wire expects the first byte of a new connection.
    Fresh,
    /// The wire expects the first byte of the next request.
    Idle,
    /// The wire expects the rest of a head.
    Head,
    /// The wire expects the rest of a body.
    Body {
        /// How many bytes of the body have arrived.
        received: u64,
        /// Whether the engine should read more of the body now.
        reads: bool,
        /// Whether a handler has requested the body.
        wanted: bool,
        /// Whether body bytes wait for the handler.
        unread: bool,
    },
    /// The wire expects bytes of another protocol from the client.
    Tunnel {
        /// Whether the engine should read more bytes now.
        reads: bool,
        /// Whether bytes wait for the handler.
        unread: bool,
    },
    /// The wire expects nothing until the response is complete.
    Complete,
    /// The wire expects the end of the connection. Bytes that arrive before it are dropped.
    Closed,
}

impl RequestPhase {
    /// Whether the engine reads bytes from the client in this phase.
    #[inline]
    pub fn reads(self) -> bool {
        match self {
            RequestPhase::Fresh | RequestPhase::Idle | RequestPhase::Head | RequestPhase::Closed => true,
            RequestPhase::Body { reads, .. } | RequestPhase::Tunnel { reads, .. } => reads,
            RequestPhase::Complete => false,
        }
    }

    /// Whether the wire expects a head, or the rest of one.
    #[inline]
    pub fn awaits_head(self) -> bool {
        matches!(self, RequestPhase::Fresh | RequestPhase::Idle | RequestPhase::Head)
    }

    /// Whether a handler waits for the rest of a body.
    #[inline]
    pub fn lacks_body(self) -> bool {
        matches!(self, RequestPhase::Body { wanted: true, .. })
    }

    /// Whether bytes wait for a handler that has requested them.
    #[inline]
    pub fn has_unread(self) -> bool {
        matches!(self, RequestPhase::Body { unread: true, .. } | RequestPhase::Tunnel { unread: true, .. })
    }
}

/// What a wire expects from the handler next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponsePhase {
    /// The wire expects nothing, because there is no request.
    Idle,
    /// The wire expects a response to the request.
    Waiting {
        /// Whether only the head of the response is sent, as for a HEAD request.
        head_only: bool,
    },
    /// The wire expects the rest of a response whose head was sent.
    Streaming {
        /// Whether the body is an event stream, which does not end by itself.
        events: bool,
        /// Whether the end of the connection ends the body.
        until_close: bool,
    },
    /// The wire expects bytes of another protocol from the handler.
    Tunnel,
    /// The wire expects nothing, because the response is complete. The request is incomplete.
    Done,
}

impl ResponsePhase {
    /// Whether a request was read whose response is incomplete.
    #[inline]
    pub fn is_running(self) -> bool {
        !matches!(self, ResponsePhase::Idle | ResponsePhase::Done)
    }

    /// Whether the head of the response was sent.
    #[inline]
    pub fn has_started(self) -> bool {
        !matches!(self, ResponsePhase::Idle | ResponsePhase::Waiting { .. })
    }

    /// Whether the response is an event stream.
    #[inline]
    pub fn sends_events(self) -> bool {
        matches!(self, ResponsePhase::Streaming { events: true, .. })
    }

    /// Whether the end of the connection ends the body of the response.
    #[inline]
    pub fn ends_by_closing(self) -> bool {
        matches!(self, ResponsePhase::Streaming { until_close: true, .. })
    }
}

/// Whether and how the engine must end a connection, because the wire sends nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The connection does not end yet.
    No,
    /// Close the connection when all output is sent.
    Plain,
    /// When all output is sent, shut down the server's side, then read and drop further bytes (RFC 9112, section 9.6).
    Lingering,
}

/// The parts of the engine that a wire may use during a call.
#[derive(Debug)]
pub struct WireContext<'a> {
    /// The slot and generation of the connection.
    pub connection: u64,
    /// The peer's address: that of a proxy or of the client.
    pub peer: &'a Address,
    /// The client's address: the one that the PROXY protocol header names, or else the peer's.
    pub client: &'a Address,
    /// Whether the client uses TLS.
    pub secure: bool,
    /// Which proxies are trusted.
    pub proxies: Option<&'a Proxies>,
    /// Whether the fields of a head may report the client, because a trusted proxy may have sent them.
    pub trusts_fields: bool,
    /// The queue to which the wire appends events.
    pub inbox: &'a mut VecDeque<Event>,
    /// The queue to which the wire appends bytes for the client.
    pub out: &'a mut Outbox,
    /// Counts the files that are open.
    pub files: &'a OpenFiles,
    /// The limits of the engine.
    pub limits: &'a Limits,
    /// The counters of the engine.
    pub counters: &'a mut Counters,
    /// The engine's clock.
    pub clock: &'a Clock,
    /// The access log, or None if it is off.
    pub access: Option<&'a mut AccessLogBuffer>,
    /// Whether a graceful shutdown is running.
    pub draining: bool,
    /// Whether each refused message is reported to the log.
    pub debug: bool,
    /// Whether the connection is a pipe.
    pub is_pipe: bool,
    /// Whether the owner of the pipe sends refusals with status 400 itself. See [`WireContext::delegate_refusal`].
    pub delegates_refusals: bool,
    /// Whether the wire has asked the owner of the pipe to send a refusal.
    pub(crate) refusal_delegated: bool,
    /// Which request methods are accepted.
    pub methods: Methods,
}

impl WireContext<'_> {
    /// Returns the id of an exchange on this connection.
    pub fn exchange(&self, serial: u32) -> ExchangeId {
        ExchangeId { connection: self.connection, serial }
    }

    /// Asks the owner of the pipe to send a refusal. Earlier output is passed to the owner first.
    pub fn delegate_refusal(&mut self) {
        self.refusal_delegated = true;
    }
}
