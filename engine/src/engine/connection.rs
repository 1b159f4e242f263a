//! A connection: a socket or a pipe, its wire, what is to be sent, and the clock against it.

use rustix::io::Errno;

use crate::driver::wheel::Wheel;
use crate::exchange::HalfClose;
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::peer::Peer;
use crate::proxies::protocol::Source;
use crate::transport::Transport;
use crate::wire::{RequestPhase, Wire};

#[derive(Debug)]
pub(super) struct Connection<W> {
    /// Generation and slot: how events and timers name it.
    pub token: u64,
    pub transport: Transport,
    /// Who is at the other end, a proxy or the client.
    pub peer: Peer,
    pub via: Via,
    pub wire: W,
    pub out: Outbox,
    /// The socket may have bytes that were not read (edge-triggered readiness is told once).
    pub readable: bool,
    /// The client has closed its side, as the driver says; bytes before that may be unread.
    pub peer_closed: bool,
    /// The end of the client's bytes was read.
    pub ended: bool,
    /// The socket is broken, as by a reset.
    pub broken: bool,
    /// The client was seen to close its side while the socket was whole. What breaks it afterwards is of no account: a
    /// client that has left resets whatever is still sent to it.
    pub peer_closed_in_order: bool,
    /// The client takes nothing any more, as the driver says: it has reset the connection, or closed both sides.
    pub peer_closed_both: bool,
    /// What the listener, or the owner, has said about clients that close their sending side.
    pub half_close: HalfClose,
    /// What the handler of one exchange has said about that; the exchange is named by its serial number.
    pub half_close_of: Option<(u32, HalfClose)>,
    /// The exchange for which it was decided that it goes on after the end of its client's bytes.
    pub survives_half_close: Option<u32>,
    /// The kernel (or the owner of the pipe) takes no more for now.
    pub blocked: bool,
    /// A writer was told to wait.
    pub writer_paused: bool,
    /// It is in the engine's list of the unsent.
    pub unsent: bool,
    /// It is in the engine's list of those to go on with.
    pub resuming: bool,
    /// Our side is shut down; what comes is dropped.
    pub lingering: bool,
    /// Bytes dropped so.
    dropped: u64,
    /// When lingering ends, whatever the client sends, in milliseconds.
    linger_until: u64,
    /// It came when the engine was full, and counts for nothing: its only response is a refusal.
    pub turned_away: bool,
    /// How long it may be idle, in milliseconds, where its owner has said so. That bounds each silence within a request,
    /// too: for twisted.web, a connection without a whole request is idle.
    pub idle_timeout: Option<u64>,
    /// Until when the head that has begun must be whole, in milliseconds.
    head_until: u64,
    /// Its owner answers what is refused with 400.
    pub delegates_refusals: bool,
    timeout: Timeout,
    deadline: u64,
    /// The tick at which the wheel holds it, 0 where it does not.
    scheduled: u64,
    pace: Pace,
}

/// How a body keeps to its rate.
#[derive(Debug)]
struct Pace {
    /// Whose body it is; none is of `u64::MAX`.
    serial: u64,
    /// Its bytes that are paid for.
    seen: u64,
    /// Until when they are fast enough, in microseconds.
    until: u64,
    /// When somebody ceased to wait for it, in milliseconds.
    left: u64,
}

/// What the PROXY protocol has to do with a connection.
#[derive(Debug)]
pub(super) enum Via {
    /// Nothing.
    Nobody,
    /// It begins with a header, of which this much is here.
    Awaited(Vec<u8>),
    /// A header told for whom the peer has connected.
    Told(Box<Source>),
    /// A header told that the peer has connected for itself.
    Own,
}

impl Via {
    /// The client, as a proxy says.
    pub fn client(&self) -> Option<&Peer> {
        match self {
            Via::Told(source) => Some(&source.client),
            _ => None,
        }
    }

    /// Whether header fields may come from a proxy. Where a proxy passes bytes on they are its client's, who may be
    /// another proxy, but is none on a UNIX socket of ours.
    pub fn lets_fields_tell(&self) -> bool {
        match self {
            Via::Nobody | Via::Awaited(_) => true,
            Via::Told(source) => !matches!(source.client, Peer::Unix(_)),
            Via::Own => false,
        }
    }
}

/// Which deadline applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timeout {
    None,
    Head,
    Idle,
    Body,
    Write,
    Linger,
    /// The client has closed its sending side, and the response to it pauses.
    HalfClosed,
    /// Nothing is asked, and the engine drains.
    DrainGrace,
}

impl<W: Wire> Connection<W> {
    pub fn new(token: u64, transport: Transport, peer: Peer) -> Self {
        Connection {
            token,
            transport,
            peer,
            via: Via::Nobody,
            wire: W::default(),
            out: Outbox::default(),
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
            linger_until: u64::MAX,
            turned_away: false,
            idle_timeout: None,
            head_until: u64::MAX,
            delegates_refusals: false,
            timeout: Timeout::None,
            deadline: u64::MAX,
            scheduled: 0,
            pace: Pace { serial: u64::MAX, seen: 0, until: 0, left: 0 },
        }
    }

    pub fn is_pipe(&self) -> bool {
        self.transport.is_pipe()
    }

    pub fn is_secure(&self) -> bool {
        self.transport.is_secure() || matches!(&self.via, Via::Told(source) if source.secure)
    }

    pub fn local(&self) -> Peer {
        if let Via::Told(source) = &self.via {
            if source.server != Peer::Unknown {
                return source.server.clone();
            }
        }
        self.transport.local()
    }

    /// Whether bytes from the client would be of use now. Whoever does not take answers may not ask for more of them.
    pub fn wants_input(&self, limits: &Limits) -> bool {
        let phase = self.wire.request_phase(limits);
        phase.reads() && !(phase.awaits_head() && self.out.len() > limits.write_buffer)
    }

    /// Counts bytes that a lingering connection drops. False where they are more than may be.
    pub fn drop_input(&mut self, count: usize, limits: &Limits) -> bool {
        self.dropped += count as u64;
        self.dropped <= limits.linger_size
    }

    /// Sets the deadline anew after something happened; `progress` says that the client took part of an answer, or sent
    /// something that is dropped.
    pub fn rearm(&mut self, now: u64, progress: bool, draining: bool, limits: &Limits, wheel: &mut Wheel) {
        let phase = self.wire.request_phase(limits);
        let timeout = self.current_timeout(phase, draining);
        let changed = timeout != self.timeout;
        if changed && self.timeout == Timeout::Body {
            self.pace.left = now;
        }
        self.timeout = timeout;
        match timeout {
            Timeout::None => self.deadline = u64::MAX,
            Timeout::Idle => self.deadline = after(now, self.idle_timeout.unwrap_or(limits.idle_timeout)),
            Timeout::Head => {
                if changed {
                    self.head_until = after(now, limits.head_timeout);
                }
                self.deadline = self.head_until.min(after(now, self.idle_timeout.unwrap_or(0)));
            }
            Timeout::Linger => {
                if changed {
                    self.linger_until = after(now, limits.linger_time);
                }
                if draining {
                    // Once the earliest of these is set, bytes from the client do not extend it.
                    self.linger_until = self.linger_until.min(now + limits.drain_grace);
                }
                if changed || progress {
                    self.deadline = after(now, limits.linger_timeout);
                }
                self.deadline = self.deadline.min(self.linger_until);
            }
            Timeout::Write if changed || progress => self.deadline = after(now, limits.write_timeout),
            // A stream of events does not end by itself: to wait for more would keep those that have left.
            Timeout::HalfClosed if self.wire.response_phase().sends_events() => self.deadline = now,
            Timeout::HalfClosed if changed || progress => self.deadline = after(now, limits.half_close_timeout),
            Timeout::DrainGrace if changed => self.deadline = now + limits.drain_grace,
            Timeout::Write | Timeout::HalfClosed | Timeout::DrainGrace => {}
            Timeout::Body => {
                let received = if let RequestPhase::Body { received, .. } = phase { received } else { 0 };
                let slow = self.rate_deadline(now, received, changed, limits);
                self.deadline =
                    after(now, limits.body_timeout).min(after(now, self.idle_timeout.unwrap_or(0))).min(slow);
            }
        }
        self.schedule(wheel);
    }

    /// Until when a body may go on at no more than `body_rate`: each byte buys its time, and time in which nobody waits
    /// for it is free. What was quick earns no more than the longest silence, or a fast start would pay for hours of
    /// dripping.
    fn rate_deadline(&mut self, now: u64, seen: u64, resumed: bool, limits: &Limits) -> u64 {
        let (serial, pace) = (u64::from(self.wire.serial()), &mut self.pace);
        if serial != pace.serial {
            *pace = Pace { serial, seen, until: (now + limits.body_grace) * 1000, left: now };
        } else if resumed {
            pace.until += (now - pace.left) * 1000;
        }
        let Some(bought) = ((seen - pace.seen) * 1_000_000).checked_div(limits.body_rate) else { return u64::MAX };
        let most = after(now, limits.body_timeout).max(now + limits.body_grace).saturating_mul(1000);
        pace.seen = seen;
        pace.until = (pace.until + bought).min(most);
        pace.until / 1000
    }

    /// The wheel has let it out at `tick`: the clock that has run out, if one has.
    pub fn expired(&mut self, tick: u64, now: u64, wheel: &mut Wheel) -> Option<Timeout> {
        if self.scheduled != tick {
            return None;
        }
        self.scheduled = 0;
        if now >= self.deadline {
            self.deadline = u64::MAX;
            return Some(self.timeout);
        }
        self.schedule(wheel);
        None
    }

    /// The wheel may have let it out and nobody noticed.
    pub fn forget_schedule(&mut self) {
        self.scheduled = 0;
    }

    fn schedule(&mut self, wheel: &mut Wheel) {
        if self.deadline != u64::MAX && (self.scheduled == 0 || Wheel::tick_of(self.deadline) < self.scheduled) {
            self.scheduled = wheel.insert(self.token, self.deadline);
        }
    }

    fn current_timeout(&self, phase: RequestPhase, draining: bool) -> Timeout {
        if !self.out.is_empty() {
            return if self.blocked { Timeout::Write } else { Timeout::None };
        }
        if self.lingering {
            return Timeout::Linger;
        }
        match phase {
            RequestPhase::Idle | RequestPhase::Fresh if draining => Timeout::DrainGrace,
            RequestPhase::Idle => Timeout::Idle,
            RequestPhase::Head | RequestPhase::Fresh => Timeout::Head,
            RequestPhase::Body { reads: true, .. } => Timeout::Body,
            _ if self.pauses_half_closed() => Timeout::HalfClosed,
            _ => Timeout::None,
        }
    }

    /// What a FIN does to the exchange that runs.
    pub fn half_close(&self) -> HalfClose {
        match self.half_close_of {
            Some((serial, choice)) if serial == self.wire.serial() && self.half_close == HalfClose::Cancel => choice,
            _ => self.half_close,
        }
    }

    /// Whether a client that has left has reset the connection, rather than closed it. Asks the kernel for the error of
    /// the socket, which it tells once.
    pub fn was_reset(&self) -> bool {
        if self.is_pipe() {
            return false;
        }
        let told_by_fin = self.half_close() == HalfClose::Cancel;
        if self.peer_closed_in_order && told_by_fin {
            return false;
        }
        // A reset that comes after a FIN is EPIPE, any other one ECONNRESET.
        self.broken || self.transport.take_error().is_some_and(|error| error != Errno::PIPE || !told_by_fin)
    }

    /// Whether a body ends before it is whole.
    pub fn is_cut_off(&self, phase: RequestPhase) -> bool {
        self.ended && phase.lacks_body()
    }

    fn pauses_half_closed(&self) -> bool {
        self.survives_half_close == self.wire.running()
            && self.survives_half_close.is_some()
            && self.wire.response_phase().has_started()
            && self.half_close() != HalfClose::Finish
    }
}

/// A limit of 0 means no deadline.
fn after(now: u64, timeout: u64) -> u64 {
    if timeout == 0 { u64::MAX } else { now + timeout }
}
