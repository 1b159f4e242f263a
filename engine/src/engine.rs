//! The engine: connections and listeners, what happened to them, and what shall happen.
//!
//! This file holds the public face and the commands; `turn.rs` takes in what the sockets have, `closing.rs` knows how
//! connections end, `pipes.rs` the ones without a socket, `owners.rs` what somebody may do to a whole connection.

mod closing;
mod connection;
mod forking;
mod owners;
mod pipes;
mod proxied;
mod small_file;
mod turn;

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use bytes::Bytes;
use slab::Slab;

use crate::access::{AccessLog, Style};
use crate::batching::Batching;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::driver::listener::Listener;
use crate::driver::wheel::Wheel;
use crate::driver::{Driver, Epoll, Ready, Token, Watch, socket};
use crate::event::{Event, GoneReason};
use crate::exchange::{Body, CommandError, ConnectionId, ExchangeId, HalfClose, Pressure, Status};
use crate::head::FieldRef;
use crate::http1::Http1;
use crate::limits::Limits;
use crate::method::Methods;
use crate::outbox::{FileTicket, OpenFiles};
use crate::peer::Peer;
use crate::proxies::Proxies;
use crate::wire::{Context, FramedBy, Received, Wire};

use connection::Connection;

/// Names a listening socket of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(pub usize);

/// Listening sockets, connections and their exchanges behind one descriptor.
#[derive(Debug)]
pub struct Engine<D: Driver = Epoll, W: Wire = Http1> {
    driver: D,
    limits: Limits,
    /// The limit of connections, resolved.
    capacity: usize,
    /// How many descriptors connections and the files of their answers may have together.
    descriptors: usize,
    clock: Clock,
    wheel: Wheel,
    connections: Slab<Connection<W>>,
    files: OpenFiles,
    /// Tells connections apart that had the same slot.
    generation: u64,
    /// In a forked child: the last generation of its parent's connections.
    inherited: u64,
    listeners: Slab<Listening>,
    inbox: VecDeque<Event>,
    /// Connections with something to send that may wait until the inbox is empty.
    unsent: Vec<u64>,
    /// Connections whose client has closed its side while an answer was due.
    leaving: VecDeque<u64>,
    /// Connections that go on where they stopped at their share.
    resuming: VecDeque<u64>,
    /// Connections that linger, the oldest first; those that are over meanwhile may be among them.
    lingering: VecDeque<u64>,
    /// Connections that came when the engine was full and are open until their clients have read that.
    turned_away_open: usize,
    drain: Option<Drain>,
    counters: Counters,
    access: Option<AccessLog>,
    proxies: Option<Proxies>,
    debug: bool,
    /// Whether connections to sockets are told of.
    announces: bool,
    methods: Methods,
    /// When a kind of line was last put into the log that is not to fill it.
    told: Vec<(&'static str, u64)>,
    in_turn: bool,
    batching: Batching,
    /// What the wheel has let out and nobody has looked at.
    due: VecDeque<(u64, u64)>,
    /// Scratch: what the driver reports, and the bytes of one read.
    ready: Vec<Ready>,
    scratch: Vec<u8>,
    /// Whom the engine did something for last, to know it if that panics.
    working: Option<u64>,
    /// Buffers to lend to connections while they answer.
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Listening {
    listener: Listener,
    /// While descriptors are short: when to try again, and how long the wait after that.
    retry: Option<(u64, u64)>,
    /// In a drain: when to close it, provided that descriptors are not short.
    closing: Option<u64>,
    /// What clients may do that close their sending side.
    half_close: HalfClose,
}

impl Listening {
    fn is_short(&self) -> bool {
        self.retry.is_some_and(|(at, _)| at != u64::MAX)
    }

    /// When something is to be done about it.
    fn deadline(&self) -> Option<u64> {
        if self.is_short() { self.retry.map(|(at, _)| at) } else { self.closing }
    }
}

#[derive(Debug, Clone, Copy)]
struct Drain {
    deadline: u64,
    over: bool,
}

/// How often at the most a line of one kind is told that clients can bring about, in milliseconds.
const TELL_AGAIN: u64 = 10_000;
/// Bytes of one read.
const SCRATCH: usize = 64 * 1024;
/// How much later than we do the kernel gives up a client that takes nothing, in milliseconds.
const KERNEL_LATER: u64 = 3_000;
/// Buffers kept to be lent.
const SPARE: usize = 16;
/// Listeners are watched under tokens with this bit; connections have it clear.
const LISTENER: u64 = 1 << 63;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// An engine that listens nowhere yet.
    pub fn new(limits: Limits) -> io::Result<Self> {
        let clock = Clock::default();
        let capacity = if limits.connections > 0 { limits.connections as usize } else { descriptors() };
        Ok(Engine {
            driver: D::open()?,
            capacity,
            descriptors: descriptors().max(capacity),
            limits,
            wheel: Wheel::new(clock.millis()),
            clock,
            connections: Slab::new(),
            files: OpenFiles::default(),
            generation: 0,
            inherited: 0,
            listeners: Slab::new(),
            inbox: VecDeque::new(),
            unsent: Vec::new(),
            leaving: VecDeque::new(),
            resuming: VecDeque::new(),
            lingering: VecDeque::new(),
            turned_away_open: 0,
            drain: None,
            counters: Counters::default(),
            access: None,
            proxies: None,
            debug: false,
            announces: false,
            methods: Methods::default(),
            told: Vec::new(),
            in_turn: false,
            batching: Batching::default(),
            ready: Vec::new(),
            due: VecDeque::new(),
            scratch: vec![0; SCRATCH],
            working: None,
            spare: Vec::new(),
        })
    }

    /// The descriptor to watch for reading.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.driver.descriptor()
    }

    /// The limits it was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a file that somebody opens for an exchange among the descriptors that are in use.
    pub fn count_open_file(&self) -> FileTicket {
        self.files.hold()
    }

    /// Whether another connection would be one too many.
    fn is_full(&self) -> bool {
        let open = self.connections.len() - self.turned_away_open;
        open >= self.capacity || open + self.files.count() >= self.descriptors
    }

    /// Connections open now.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Unix seconds of the Date of a response that is made now.
    pub fn unix_time(&self) -> i64 {
        self.clock.unix()
    }

    /// What it has counted so far.
    pub fn counters(&self) -> Counters {
        Counters { open: self.connections.len() as u64, ..self.counters.clone() }
    }

    /// Starts an access log, or ends it.
    pub fn set_access_log(&mut self, style: Option<Style>) {
        self.access = style.map(AccessLog::new);
    }

    /// The access log, if there is one.
    pub fn access_log(&mut self) -> Option<&mut AccessLog> {
        self.access.as_mut()
    }

    /// Has every connection to a socket told of when it is opened and when it is closed.
    pub fn report_connections(&mut self) {
        self.announces = true;
    }

    /// Says which methods are served.
    pub fn set_methods(&mut self, methods: Methods) {
        self.methods = methods;
    }

    /// Whether every refused message is reported.
    pub fn set_debug(&mut self, on: bool) {
        self.debug = on;
    }

    // Listening

    /// Listens on TCP; an empty host means every address.
    pub fn listen_tcp(
        &mut self,
        host: &str,
        port: u16,
        backlog: Option<u32>,
        reuse_port: bool,
    ) -> io::Result<ListenerId> {
        self.listen(Listener::tcp(host, port, self.backlog(backlog), reuse_port)?)
    }

    /// Listens on a UNIX socket.
    pub fn listen_unix(&mut self, path: &Path, mode: Option<u32>, backlog: Option<u32>) -> io::Result<ListenerId> {
        self.listen(Listener::unix(path, mode, self.backlog(backlog))?)
    }

    /// Accepts on an inherited listening socket.
    pub fn listen_inherited(&mut self, socket: OwnedFd) -> io::Result<ListenerId> {
        self.listen(Listener::inherited(socket)?)
    }

    /// Says what becomes of the exchanges of clients that connect to a listener, and close their sending side. Other than
    /// [`HalfClose::Cancel`] it stands over what [`Engine::set_half_close`] says.
    pub fn set_listener_half_close(&mut self, id: ListenerId, choice: HalfClose) {
        if let Some(listening) = self.listeners.get_mut(id.0) {
            listening.half_close = choice;
        }
    }

    /// Where a listener listens.
    pub fn local_address(&self, id: ListenerId) -> Option<Peer> {
        self.listeners.get(id.0).map(|listening| listening.listener.local.clone())
    }

    /// Closes a listener; its connections live on.
    pub fn stop_listening(&mut self, id: ListenerId) {
        if let Some(Listening { listener, .. }) = self.listeners.try_remove(id.0) {
            // It may be out of the driver already, while descriptors are short. An inherited socket lives on elsewhere,
            // so that closing ours does not take it out.
            let _ = self.driver.forget(listener.socket());
            listener.close();
        }
    }

    /// Takes over a connected stream socket and what was read from it already; None where it was turned away.
    pub fn adopt(&mut self, socket: OwnedFd, data: &[u8]) -> io::Result<Option<ConnectionId>> {
        let (peer, _) = socket::prepare(socket.as_fd())?;
        bound_sending(&self.limits, &peer, socket.as_fd());
        self.refresh();
        let token = self.open(socket, peer, HalfClose::Cancel)?;
        if let (Some(token), false) = (token, data.is_empty()) {
            self.feed(token, data);
        }
        self.rest();
        Ok(token.map(ConnectionId))
    }

    fn listen(&mut self, listener: Listener) -> io::Result<ListenerId> {
        let entry = self.listeners.vacant_entry();
        let key = entry.key();
        self.driver.watch(listener.socket(), Token(LISTENER | key as u64), Watch::Accept)?;
        bound_sending(&self.limits, &listener.local, listener.socket());
        entry.insert(Listening { listener, retry: None, closing: None, half_close: HalfClose::Cancel });
        Ok(ListenerId(key))
    }

    fn backlog(&self, wanted: Option<u32>) -> i32 {
        wanted.map_or(self.limits.backlog, u64::from).min(i32::MAX as u64) as i32
    }

    // Exchanges

    /// Our end of an exchange, or what a proxy says that its client has connected to.
    pub fn local(&self, id: ExchangeId) -> Option<Peer> {
        Some(self.connections[self.token_slot(id.connection)?].local())
    }

    /// Lets the body of a request flow, up to a limit in bytes.
    ///
    /// The first call returns what of the body is here already, to save small bodies the way through the inbox. It can:
    /// no body event of the exchange exists before it. A later call changes the limit and returns nothing: earlier parts
    /// may still be queued, in the inbox or with the caller, and what returned here would overtake them. Raw bytes after
    /// [`Engine::take_over`] return at once only where nothing of the body is queued.
    pub fn receive(&mut self, id: ExchangeId, limit: Option<u64>) -> Result<Vec<Event>, CommandError> {
        self.command(id, |engine, slot| {
            let limit = limit.unwrap_or(engine.limits.body_size);
            let before = engine.inbox.len();
            let received = engine.work(slot, |wire, cx| wire.receive(limit, cx))?;
            if received == Received::Unchanged {
                return Ok(Vec::new());
            }
            let is_raw = received == Received::Tunnel;
            engine.flush(slot);
            engine.continue_reading(id.connection);
            let queued = || engine.inbox.iter().take(before).any(|event| event.is_of_body(id));
            if is_raw && queued() {
                return Ok(Vec::new());
            }
            debug_assert!(is_raw || !queued(), "a part of a body was told before anybody received it");
            let rest = engine.inbox.iter().skip(before).position(|event| !event.is_of_body(id));
            let end = rest.map_or(engine.inbox.len(), |rest| before + rest);
            Ok(engine.inbox.drain(before..end).collect())
        })
    }

    /// The reader of a body has taken so many bytes.
    pub fn consumed(&mut self, id: ExchangeId, count: u64) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.work(slot, |wire, cx| wire.consumed(count, cx));
            engine.look_after(slot, false);
            Ok(())
        })
    }

    /// A whole response. It is sent at once, or with others of the turn: where requests are pipelined, or where
    /// [`crate::batching`] allows it.
    pub fn respond<'s>(
        &mut self,
        id: ExchangeId,
        status: impl Into<Status<'s>>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
    ) -> Result<(), CommandError> {
        let status = status.into();
        self.command(id, |engine, slot| {
            let body = small_file::load(body, status, fields)?;
            engine.lend(slot);
            engine.work(slot, |wire, cx| wire.respond(status, fields, body, FramedBy::Wire, cx))?;
            engine.send(slot);
            Ok(())
        })
    }

    /// An interim answer, sent at once.
    pub fn interim(&mut self, id: ExchangeId, status: u16, fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.work(slot, |wire, cx| wire.interim(status, fields, cx))?;
            engine.flush(slot);
            Ok(())
        })
    }

    /// The head of a streamed answer; it leaves with the first part of the body, or with the turn.
    pub fn begin<'s>(
        &mut self,
        id: ExchangeId,
        status: impl Into<Status<'s>>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
    ) -> Result<(), CommandError> {
        let status = status.into();
        self.command(id, |engine, slot| {
            engine.lend(slot);
            engine.work(slot, |wire, cx| wire.begin(status, fields, length, FramedBy::Wire, cx))?;
            engine.send_later(slot);
            Ok(())
        })
    }

    /// A part of the body of a streamed answer, or raw bytes after an upgrade.
    pub fn write(&mut self, id: ExchangeId, data: Bytes) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.lend(slot);
            engine.framed(slot, |wire, cx| wire.write(Body::Shared(data), FramedBy::Wire, cx))?;
            let high = engine.limits.write_buffer;
            let connection = &engine.connections[slot];
            // What a pipe is given at once would wait in the inbox, where nobody counts it.
            if connection.is_pipe() || (engine.in_turn && connection.out.len() <= high) {
                engine.send_later(slot);
            } else {
                engine.flush(slot);
            }
            engine.press(id)
        })
    }

    /// Whether whoever has just written should wait; if so, an event tells when not any more.
    fn press(&mut self, id: ExchangeId) -> Result<Pressure, CommandError> {
        let Some(slot) = self.token_slot(id.connection) else { return Err(CommandError::Gone) };
        let connection = &mut self.connections[slot];
        connection.told_high |= connection.out.len() > self.limits.write_buffer;
        Ok(if connection.told_high { Pressure::High } else { Pressure::Low })
    }

    /// Whether a writer should wait for [`Event::Writable`].
    pub fn pressure(&self, id: ExchangeId) -> Pressure {
        let slot = self.token_slot(id.connection);
        if slot.is_some_and(|slot| self.connections[slot].told_high) { Pressure::High } else { Pressure::Low }
    }

    /// The end of a streamed answer, or of an upgraded connection.
    pub fn end(&mut self, id: ExchangeId, trailers: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.lend(slot);
            engine.framed(slot, |wire, cx| wire.end(trailers, cx))?;
            engine.send(slot);
            Ok(())
        })
    }

    /// 101: from here the exchange carries raw bytes. What is still queued of the body of the request is dropped, since
    /// nobody could tell it from them.
    pub fn upgrade(&mut self, id: ExchangeId, fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.work(slot, |wire, cx| wire.upgrade(Some(fields), cx))?;
            engine.inbox.retain(|event| !event.is_of_body(id));
            engine.send_later(slot);
            Ok(())
        })
    }

    /// A whole answer whose handler frames it, by `Content-Length`, in chunks or by the end of the connection.
    pub fn relay(
        &mut self,
        id: ExchangeId,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
    ) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.lend(slot);
            let outcome = engine.framed(slot, |wire, cx| wire.respond(status, fields, body, FramedBy::Handler, cx));
            if let Ok(()) | Err(CommandError::Excess { .. }) = outcome {
                engine.send(slot);
            }
            outcome
        })
    }

    /// The head of such an answer. It leaves with what follows, or with the turn, as do all its parts.
    pub fn relay_head(
        &mut self,
        id: ExchangeId,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
    ) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.lend(slot);
            engine.work(slot, |wire, cx| wire.begin(status, fields, None, FramedBy::Handler, cx))?;
            engine.send_later(slot);
            Ok(())
        })
    }

    /// A part of its body as it shall go out, or raw bytes after [`Engine::take_over`].
    pub fn relay_write(&mut self, id: ExchangeId, data: Bytes) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.lend(slot);
            let outcome = engine.framed(slot, |wire, cx| wire.write(Body::Shared(data), FramedBy::Handler, cx));
            if let Err(error @ CommandError::Excess { .. }) = outcome {
                engine.relayed(id, slot)?;
                return Err(error);
            }
            outcome?;
            engine.relayed(id, slot)
        })
    }

    /// A part of its body out of a file, where `Content-Length` frames it.
    pub fn relay_file(&mut self, id: ExchangeId, part: Body<'_>) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.framed(slot, |wire, cx| wire.write(part, FramedBy::Handler, cx))?;
            engine.relayed(id, slot)
        })
    }

    /// The end of such an answer.
    pub fn relay_end(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.framed(slot, |wire, cx| wire.end(&[], cx))?;
            if !engine.connections[slot].unsent {
                engine.send(slot);
            }
            Ok(())
        })
    }

    /// From here the exchange carries raw bytes, and its handler sends what head it likes.
    pub fn take_over(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| engine.work(slot, |wire, cx| wire.upgrade(None, cx)))
    }

    fn relayed(&mut self, id: ExchangeId, slot: usize) -> Result<Pressure, CommandError> {
        let high = self.limits.write_buffer;
        let connection = &self.connections[slot];
        // What a pipe is given at once would wait in the inbox, where nobody counts it.
        if connection.is_pipe() || connection.out.len() <= high {
            self.send_later(slot);
        } else {
            self.flush(slot);
        }
        self.press(id)
    }

    /// Says what becomes of an exchange whose client closes its sending side, where its listener leaves that open.
    pub fn set_half_close(&mut self, id: ExchangeId, choice: HalfClose) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.connections[slot].half_close_of = Some((id.serial, choice));
            Ok(())
        })
    }

    /// Asks for `Connection: close` on the answer.
    pub fn close_after_response(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.connections[slot].wire.close_after_response();
            Ok(())
        })
    }

    /// Ends the exchange and its connection now.
    pub fn abort(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.give_up(slot);
            Ok(())
        })
    }

    /// Carries out a command on a running exchange.
    fn command<R>(
        &mut self,
        id: ExchangeId,
        command: impl FnOnce(&mut Self, usize) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        self.refresh();
        let slot = self.token_slot(id.connection).ok_or(CommandError::Gone)?;
        self.connections[slot].wire.check(id.serial)?;
        let outcome = command(self, slot);
        self.rest();
        outcome
    }

    /// Runs a command that closes the connection where it breaks the framing of the answer: nothing after that could
    /// be trusted.
    fn framed(
        &mut self,
        slot: usize,
        work: impl FnOnce(&mut W, &mut Context<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let outcome = self.work(slot, work);
        if matches!(outcome, Err(CommandError::Length { .. })) {
            self.give_up(slot);
        }
        outcome
    }

    /// Ends a connection for its handler, behind the answers that are complete.
    fn give_up(&mut self, slot: usize) {
        let token = self.connections[slot].token;
        self.flush(slot);
        if let Some(slot) = self.token_slot(token) {
            self.lose(slot, GoneReason::Aborted);
        }
    }

    /// Lends a buffer to a connection that has none, to save an allocation a request.
    fn lend(&mut self, slot: usize) {
        let out = &mut self.connections[slot].out;
        if out.lacks_buffer() {
            if let Some(buffer) = self.spare.pop() {
                out.lend(buffer);
            }
        }
    }

    /// Lets the wire of a connection work with what it needs of the engine.
    fn work<R>(&mut self, slot: usize, work: impl FnOnce(&mut W, &mut Context<'_>) -> R) -> R {
        let connection = &mut self.connections[slot];
        let is_pipe = connection.is_pipe();
        let mut context = Context {
            connection: connection.token,
            secure: connection.is_secure(),
            peer: &connection.peer,
            client: connection.via.client().unwrap_or(&connection.peer),
            proxies: self.proxies.as_ref(),
            fields_tell: connection.via.lets_fields_tell(),
            inbox: &mut self.inbox,
            out: &mut connection.out,
            files: &self.files,
            limits: &self.limits,
            counters: &mut self.counters,
            clock: &self.clock,
            access: self.access.as_mut(),
            gathered: Vec::new(),
            draining: self.drain.is_some(),
            debug: self.debug,
            is_pipe,
            delegates_refusals: connection.delegates_refusals,
            refusal_delegated: false,
            methods: self.methods,
        };
        self.working = Some(context.connection);
        let outcome = work(&mut connection.wire, &mut context);
        let refusal_delegated = context.refusal_delegated;
        if refusal_delegated {
            self.pass_refusal(slot);
        }
        outcome
    }

    /// Sends now, unless another response may join within this turn: a pipelined one, or one of another connection.
    fn send(&mut self, slot: usize) {
        let connection = &self.connections[slot];
        let may_join = connection.wire.running().is_some() || (self.batching.is_on() && !self.inbox.is_empty());
        if self.in_turn && may_join && connection.out.len() <= self.limits.write_buffer {
            self.send_later(slot);
        } else {
            self.flush(slot);
        }
    }

    /// Sends when the inbox is empty; outside of a turn, in the next one.
    fn send_later(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        if !connection.unsent {
            connection.unsent = true;
            self.unsent.push(connection.token);
        }
    }

    /// Outside of a turn the clock is read anew.
    fn refresh(&mut self) {
        if !self.in_turn {
            self.clock.refresh();
        }
    }

    /// What a command outside of a turn left to be done is done in the next one.
    fn rest(&mut self) {
        if !self.in_turn && self.has_work() {
            self.wake();
        }
    }

    /// Whether a turn has something to do already.
    pub fn has_work(&self) -> bool {
        !(self.inbox.is_empty() && self.unsent.is_empty() && self.leaving.is_empty()) || self.has_backlog()
    }

    fn wake(&mut self) {
        // The eventfd is ours and cannot fill up: `wake` writes once until the next poll.
        if let Err(error) = self.driver.wake() {
            self.report(crate::Severity::Error, "RW505", format!("the engine cannot wake itself: {error}"));
        }
    }

    /// As `report`, for what may happen again and again: at most one line of a kind in some seconds.
    fn report_seldom(&mut self, severity: crate::Severity, code: &'static str, message: String) {
        let now = self.clock.millis();
        match self.told.iter_mut().find(|(kind, _)| *kind == code) {
            Some((_, last)) if now < *last + TELL_AGAIN => return,
            Some((_, last)) => *last = now,
            None => self.told.push((code, now)),
        }
        self.report(severity, code, message);
    }

    /// Puts a line for the log among the events.
    pub fn report(&mut self, severity: crate::Severity, code: &'static str, message: String) {
        self.inbox.push_back(Event::Report(crate::Report { severity, code, message }));
    }

    fn token_slot(&self, token: u64) -> Option<usize> {
        let slot = slot_of(token);
        self.connections.get(slot).is_some_and(|connection| connection.token == token).then_some(slot)
    }
}

fn slot_of(token: u64) -> usize {
    (token & u64::from(u32::MAX)) as usize
}

fn bound_sending(limits: &Limits, address: &Peer, socket: BorrowedFd<'_>) {
    if matches!(address, Peer::Inet(_)) {
        // The kernel's clock is there for what ours no longer sees.
        let stall = if limits.write_timeout == 0 { 0 } else { limits.write_timeout + KERNEL_LATER };
        socket::bound_sending(socket, limits.write_buffer, stall);
    }
}

/// 80% of the descriptors that the process may have.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map_or(usize::MAX, |current| (current / 5 * 4) as usize)
}
