//! A connection: its transport, its wire, its output queue and its deadline.

use rustix::io::Errno;

use super::deadline::{Deadline, Facts, Timeout};
use super::proxy_header::ProxyHeader;
use crate::address::Address;
use crate::compression::CompressedBody;
use crate::driver::wheel::Wheel;
use crate::exchange::HalfClose;
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::transport::Transport;
use crate::wire::{RequestPhase, Wire};

#[derive(Debug)]
pub(super) struct Connection<W> {
    /// The slot and generation of the connection. Events and timers name the connection by this token.
    pub token: u64,
    pub transport: Transport,
    /// The address of the peer: a proxy or the client.
    pub peer: Address,
    pub proxy_header: ProxyHeader,
    pub wire: W,
    pub out: Outbox,
    /// The body of the response, if it is compressed in parts.
    pub compressed: Option<Box<CompressedBody>>,
    deadline: Deadline,

    /// Whether the socket may have bytes that were not read. The driver reports readiness once (edge-triggered).
    pub readable: bool,
    /// Whether the driver has reported that the client has closed its sending side. Earlier bytes of the client may be
    /// unread.
    pub peer_closed: bool,
    /// Whether the client has closed its sending side, and all its bytes were read.
    pub ended: bool,
    /// Whether the socket is broken, for example by a reset.
    pub broken: bool,
    /// Whether the client has closed its sending side before any error of the socket. If so, a later error can be
    /// ignored, because a client that has disconnected resets the connection when bytes are sent to it.
    pub peer_closed_in_order: bool,
    /// Whether the driver has reported that the client receives nothing more, because it has reset the connection or
    /// closed both directions.
    pub peer_closed_both: bool,

    /// What happens to an exchange when the client closes its sending side, as the listener or the owner has chosen.
    pub half_close: HalfClose,
    /// The choice that a handler has made for its own exchange, and the number of that exchange.
    pub half_close_of: Option<(u32, HalfClose)>,
    /// The number of the exchange that continues although its client has closed its sending side.
    pub survives_half_close: Option<u32>,

    /// Whether the kernel, or the owner of the pipe, accepts no more bytes for now.
    pub blocked: bool,
    /// Whether a writer has received [`crate::Pressure::High`] and waits for [`crate::Event::Writable`].
    pub writer_paused: bool,
    /// Whether the connection is in the engine's `send_queue`.
    pub unsent: bool,
    /// Whether the connection is in the engine's list `resuming`.
    pub resuming: bool,
    /// Whether the server's side is closed. If so, further bytes from the client are dropped.
    pub lingering: bool,
    /// The number of bytes from the client that were dropped.
    dropped: u64,
    /// Whether the connection was accepted while the engine was full. If so, it does not count as open, and its only
    /// response is a refusal.
    pub turned_away: bool,
    /// The idle timeout in milliseconds that the owner of the connection has set. It also limits each pause of the
    /// client during a request, because twisted.web treats a connection without a complete request as idle.
    pub idle_timeout: Option<u64>,
    /// Whether the owner of the pipe sends refusals with status 400 itself.
    pub delegates_refusals: bool,
}

impl<W: Wire> Connection<W> {
    pub fn new(token: u64, transport: Transport, peer: Address) -> Self {
        Connection {
            token,
            transport,
            peer,
            proxy_header: ProxyHeader::None,
            wire: W::default(),
            out: Outbox::default(),
            compressed: None,
            deadline: Deadline::default(),
            readable: false,
            peer_closed: false,
            ended: false,
            broken: false,
            peer_closed_in_order: false,
            peer_closed_both: false,
            half_close: HalfClose::Cancel,
            half_close_of: None,
            survives_half_close: None,
            blocked: false,
            writer_paused: false,
            unsent: false,
            resuming: false,
            lingering: false,
            dropped: 0,
            turned_away: false,
            idle_timeout: None,
            delegates_refusals: false,
        }
    }

    pub fn is_pipe(&self) -> bool {
        self.transport.is_pipe()
    }

    pub fn is_secure(&self) -> bool {
        self.transport.is_secure() || self.proxy_header.is_secure()
    }

    /// The address to which the client has connected.
    pub fn local(&self) -> Address {
        self.proxy_header.server().cloned().unwrap_or_else(|| self.transport.local())
    }

    /// Counts bytes that a lingering connection drops. Returns false if there are more than the limit.
    pub fn drop_input(&mut self, count: usize, limits: &Limits) -> bool {
        self.dropped += count as u64;
        self.dropped <= limits.linger_size
    }

    // Deadline

    /// Updates the deadline after any change. `progress` means that the client has read a part of a response, or has
    /// sent bytes that are dropped.
    pub fn update_deadline(&mut self, now: u64, progress: bool, draining: bool, limits: &Limits, wheel: &mut Wheel) {
        let phase = self.wire.request_phase(limits);
        let timeout = self.timeout(phase, draining);
        let received = if let RequestPhase::Body { received, .. } = phase { received } else { 0 };
        let facts = Facts {
            now,
            progress,
            draining,
            limits,
            idle_timeout: self.idle_timeout,
            body: (self.wire.serial(), received),
            sends_events: self.wire.response_phase().sends_events(),
        };
        self.deadline.update(timeout, &facts, self.token, wheel);
    }

    /// Handles the connection when the timer wheel returns it at `tick`. Returns the timeout that has passed, or None.
    pub fn expired(&mut self, tick: u64, now: u64, wheel: &mut Wheel) -> Option<Timeout> {
        self.deadline.expired(tick, now, self.token, wheel)
    }

    /// Marks the connection as not scheduled, because the turn that had scheduled it was not completed.
    pub fn forget_schedule(&mut self) {
        self.deadline.forget_schedule();
        self.resuming = false;
        self.unsent = false;
        if let Some(body) = &mut self.compressed {
            body.queued = false;
        }
    }

    /// Whether the client has reset the connection instead of closing it. This call takes the socket's pending error,
    /// which the kernel reports only once.
    pub fn was_reset(&self) -> bool {
        if self.is_pipe() {
            return false;
        }
        let cancels = self.half_close() == HalfClose::Cancel;
        if self.peer_closed_in_order && cancels {
            return false;
        }
        // The kernel reports a reset as EPIPE if it follows a FIN, otherwise as ECONNRESET.
        self.broken || self.transport.take_error().is_some_and(|error| error != Errno::PIPE || !cancels)
    }
}
