//! The contract between the engine and a wire protocol.
//!
//! A wire turns the bytes of one connection into [`Event`]s and the commands of handlers into bytes. It has no socket
//! and no timer: the engine owns both, and calls the wire. HTTP/1 is a wire ([`crate::http1::Http1`]); a handler that
//! frames its responses itself ([`FramedBy::Handler`]), as one written for twisted.web does, uses the same verbs.
//!
//! ```text
//! transport  --bytes-->  feed  ---> cx.inbox (Event)  ---> handler
//! transport  <--bytes--  cx.out <--- respond, begin, write, end  <--- commands of the handler
//! ```
//!
//! # The verbs
//!
//! | verb | the engine calls it | the wire |
//! |---|---|---|
//! | [`feed`](Wire::feed) | when bytes were read; with no bytes, when the queue of responses has room again | parses, and pushes `Head`, `Data`, `End`, `BadBody` |
//! | [`receive`](Wire::receive) | when a handler reads the body | lets `Data` and `End` follow |
//! | [`consumed`](Wire::consumed) | when a handler has read a part of the body | may let more of it follow |
//! | [`interim`](Wire::interim) | for a 1xx response | appends it to `cx.out` |
//! | [`respond`](Wire::respond) | for a whole response | appends it, and ends the exchange |
//! | [`begin`](Wire::begin) | for the head of a streamed response | appends the head |
//! | [`write`](Wire::write) | for a part of the body, or bytes after an upgrade | appends the part, framed |
//! | [`end`](Wire::end) | for the end of a streamed response | appends what ends the body, and ends the exchange |
//! | [`open_tunnel`](Wire::open_tunnel) | when the exchange becomes a tunnel | stops parsing; `Data` carries raw bytes |
//! | [`close_after_response`](Wire::close_after_response) | when a handler wants the connection closed | makes this response the last |
//! | [`begin_drain`](Wire::begin_drain) | when a graceful shutdown begins | makes the last request that was read the last |
//! | [`turn_away`](Wire::turn_away) | on a new connection for which the engine has no room | appends a refusal, and closes |
//! | [`time_out`](Wire::time_out) | when the head or the body came too slowly | may append a refusal, and closes |
//! | [`abort`](Wire::abort) | when the connection is lost or closed | pushes `Gone` for each running exchange, and closes |
//! | [`take_input`](Wire::take_input) | when the socket leaves the engine | returns what it has not parsed |
//!
//! # The questions
//!
//! After every verb the engine reads [`request_phase`](Wire::request_phase), [`response_phase`](Wire::response_phase) and
//! [`ending`](Wire::ending), and decides from them whether to read, which deadline applies and whether to close. A
//! command reaches the wire only if [`check`](Wire::check) allows its exchange.
//!
//! | request phase | reads | deadline |
//! |---|---|---|
//! | `Fresh`, `Head` | yes | `head_timeout` |
//! | `Idle` | yes | `idle_timeout` |
//! | `Body`, as long as `reads` | yes | `body_timeout` and `body_rate` |
//! | `Tunnel`, as long as `reads` | yes | none |
//! | `Complete` | no | none |
//! | `Closed` | yes, and drops it | `linger_timeout` |
//!
//! # Rules
//!
//! - A wire never blocks, and never does I/O. `cx.out` may grow past [`Limits::write_buffer`]. While it is larger, a
//!   wire parses no further request.
//! - A verb that returns an error has appended nothing, with two exceptions: [`CommandError::Excess`] has appended what
//!   fits, and [`CommandError::Length`] from `respond` with [`FramedBy::Handler`] has appended the head. If such a
//!   `respond`, or `write`, or `end` returns `Length`, the engine aborts the connection.
//! - Events of one exchange are pushed in order: `Head`, then the body as far as it was received, then `Gone` if the
//!   response is not complete.

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

/// One connection's side of a wire protocol, without its socket. The documentation of the module states when the engine
/// calls each method.
pub trait Wire: Debug + Default {
    /// The bytes that a client gets if the engine is full and cannot keep the connection open long enough to use a
    /// wire.
    const OVERLOADED: &'static [u8];

    /// Parses bytes from the client. With no bytes, continues to parse the bytes that were kept.
    fn feed(&mut self, data: &[u8], cx: &mut WireContext<'_>);

    /// Lets the body of the request follow, up to `limit` bytes.
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

    /// Sends the head of a streamed response, whose body has `length` bytes, if that is known.
    fn begin(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
        framed_by: FramedBy,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError>;

    /// Sends a part of the body, or bytes after an upgrade.
    fn write(&mut self, part: Body<'_>, framed_by: FramedBy, cx: &mut WireContext<'_>) -> Result<(), CommandError>;

    /// Ends a streamed response, or a tunnel.
    fn end(&mut self, trailers: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError>;

    /// Makes the exchange a tunnel for bytes of another protocol. With `fields`, sends the response that announces the
    /// protocol. Without `fields`, the handler sends any response itself.
    fn open_tunnel(&mut self, fields: Option<&[FieldRef<'_>]>, cx: &mut WireContext<'_>) -> Result<(), CommandError>;

    /// Closes the connection after the response to the current request.
    fn close_after_response(&mut self);

    /// Closes the connection after the response to the last request that has arrived.
    fn begin_drain(&mut self);

    /// Refuses a connection on which nothing was read, because the engine is full.
    fn turn_away(&mut self, cx: &mut WireContext<'_>);

    /// Ends a request that arrives too slowly. Returns true if a refusal must be sent before the connection closes.
    fn time_out(&mut self, cx: &mut WireContext<'_>) -> bool;

    /// Ends the running exchanges and parses nothing more. If no head was sent, the access log shows `status`.
    fn abort(&mut self, reason: GoneReason, status: u16, cx: &mut WireContext<'_>);

    /// Takes the bytes that were not parsed.
    fn take_input(&mut self) -> Vec<u8>;

    /// Checks that the handler of an exchange may send commands. Returns the error `Complete` after the response, or
    /// `Gone` if the exchange was aborted.
    fn check(&self, serial: u32) -> Result<(), CommandError>;

    /// The number of the current exchange on its connection.
    fn serial(&self) -> u32;

    /// What the wire expects from the client next.
    fn request_phase(&self, limits: &Limits) -> RequestPhase;

    /// What the wire expects from the handler next.
    fn response_phase(&self) -> ResponsePhase;

    /// Whether the connection ends.
    fn ending(&self) -> Ending;

    /// How many bytes are kept for later parsing.
    fn buffered(&self) -> usize;

    /// The number of the exchange whose response is not complete.
    #[inline]
    fn running(&self) -> Option<u32> {
        self.response_phase().is_running().then(|| self.serial())
    }
}

/// Who frames a response, that is, decides its `Content-Length`, chunks and `Connection`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FramedBy {
    /// The wire. A handler that writes more than it announced gets [`CommandError::Length`].
    Wire,
    /// The handler, whose head and body are sent as they are. Bytes past its `Content-Length` are
    /// [`CommandError::Excess`].
    Handler,
}

/// The result of [`Wire::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Nothing: the body follows already, or there is none.
    Unchanged,
    /// The body of the request follows.
    Body,
    /// Bytes of another protocol follow.
    Tunnel,
}

/// What a wire expects from its client next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestPhase {
    /// The first byte of the connection.
    Fresh,
    /// The first byte of the next request.
    Idle,
    /// The rest of a head.
    Head,
    /// The rest of a body.
    Body {
        /// How many bytes of it have arrived.
        received: u64,
        /// Whether the engine should read more of it now.
        reads: bool,
        /// Whether a handler wants it.
        wanted: bool,
        /// Whether bytes of the body wait for the handler.
        unread: bool,
    },
    /// Bytes of another protocol.
    Tunnel {
        /// Whether the engine should read more of them now.
        reads: bool,
        /// Whether such bytes wait for the handler.
        unread: bool,
    },
    /// Nothing, as long as the response is not complete.
    Complete,
    /// The end of the connection. Bytes before it are dropped.
    Closed,
}

impl RequestPhase {
    /// Whether the connection reads bytes from the client now.
    #[inline]
    pub fn reads(self) -> bool {
        match self {
            RequestPhase::Fresh | RequestPhase::Idle | RequestPhase::Head | RequestPhase::Closed => true,
            RequestPhase::Body { reads, .. } | RequestPhase::Tunnel { reads, .. } => reads,
            RequestPhase::Complete => false,
        }
    }

    /// Whether a head, or the rest of one, comes next.
    #[inline]
    pub fn awaits_head(self) -> bool {
        matches!(self, RequestPhase::Fresh | RequestPhase::Idle | RequestPhase::Head)
    }

    /// Whether a handler wants the rest of a body.
    #[inline]
    pub fn lacks_body(self) -> bool {
        matches!(self, RequestPhase::Body { wanted: true, .. })
    }

    /// Whether bytes wait for a handler that wants them.
    #[inline]
    pub fn has_unread(self) -> bool {
        matches!(self, RequestPhase::Body { unread: true, .. } | RequestPhase::Tunnel { unread: true, .. })
    }
}

/// What a wire expects from its handler next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponsePhase {
    /// Nothing: there is no request.
    Idle,
    /// A response.
    Waiting {
        /// Whether only its head is sent, as for a HEAD request.
        head_only: bool,
    },
    /// The rest of a response whose head was sent.
    Streaming {
        /// Whether it is a stream of events, which does not end by itself.
        events: bool,
        /// Whether the end of the connection ends it.
        until_close: bool,
    },
    /// Bytes of another protocol.
    Tunnel,
    /// Nothing: the response is complete, and the request is not.
    Done,
}

impl ResponsePhase {
    /// Whether the response to a request is not complete.
    #[inline]
    pub fn is_running(self) -> bool {
        !matches!(self, ResponsePhase::Idle | ResponsePhase::Done)
    }

    /// Whether the head of the response was sent.
    #[inline]
    pub fn has_started(self) -> bool {
        !matches!(self, ResponsePhase::Idle | ResponsePhase::Waiting { .. })
    }

    /// Whether the response is a stream of events.
    #[inline]
    pub fn sends_events(self) -> bool {
        matches!(self, ResponsePhase::Streaming { events: true, .. })
    }

    /// Whether the end of the connection ends the response.
    #[inline]
    pub fn ends_by_closing(self) -> bool {
        matches!(self, ResponsePhase::Streaming { until_close: true, .. })
    }
}

/// How the engine ends a connection on which the wire sends nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Not yet.
    No,
    /// Close when all is sent.
    Plain,
    /// Send all, shut down our side, then read and drop further bytes (RFC 9112, section 9.6).
    Lingering,
}

/// The parts of the engine that a wire may use during a call.
#[derive(Debug)]
pub struct WireContext<'a> {
    /// Slot and generation of the connection.
    pub connection: u64,
    /// The other end of the connection, a proxy or the client.
    pub peer: &'a Address,
    /// The client that the PROXY protocol header names; else the peer.
    pub client: &'a Address,
    /// Whether the connection is secure.
    pub secure: bool,
    /// Which proxies are trusted.
    pub proxies: Option<&'a Proxies>,
    /// Whether the fields of a head may name the client. They may if they can come from a trusted proxy.
    pub trusts_fields: bool,
    /// The queue for events.
    pub inbox: &'a mut VecDeque<Event>,
    /// The queue for bytes to the client.
    pub out: &'a mut Outbox,
    /// Counts the files that are open.
    pub files: &'a OpenFiles,
    /// The limits of the engine.
    pub limits: &'a Limits,
    /// The counters of the engine.
    pub counters: &'a mut Counters,
    /// The time.
    pub clock: &'a Clock,
    /// The access log, if there is one.
    pub access: Option<&'a mut AccessLogBuffer>,
    /// Whether a graceful shutdown is running.
    pub draining: bool,
    /// Whether each refused message is reported.
    pub debug: bool,
    /// Whether the connection is a pipe.
    pub is_pipe: bool,
    /// Whether the owner of the pipe sends refusals with status 400 itself: see [`WireContext::delegate_refusal`].
    pub delegates_refusals: bool,
    /// Whether the wire has left a refusal to the owner of the pipe.
    pub(crate) refusal_delegated: bool,
    /// Which methods are served.
    pub methods: Methods,
}

impl WireContext<'_> {
    /// Returns the id of an exchange on this connection.
    pub fn exchange(&self, serial: u32) -> ExchangeId {
        ExchangeId { connection: self.connection, serial }
    }

    /// Leaves a refusal to the owner of the pipe. Earlier output is passed to the owner first.
    pub fn delegate_refusal(&mut self) {
        self.refusal_delegated = true;
    }
}
