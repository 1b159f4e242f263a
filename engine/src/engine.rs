//! The engine: connections and listeners, what happened to them, and what shall happen.
//!
//! This file holds the object and its configuration; the modules below hold one concern each.

mod accepting;
mod closing;
mod commands;
mod connection;
mod connection_commands;
mod forking;
mod half_close;
mod lingering;
mod pipes;
mod proxy_header;
mod reading;
mod recovery;
mod sending;
mod shutdown;
mod small_file;
mod timeouts;
mod turn;

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;

use slab::Slab;

use crate::access::{AccessLog, Style};
use crate::batching::Batching;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::driver::listener::Listener;
use crate::driver::wheel::Wheel;
use crate::driver::{Driver, Epoll, Ready};
use crate::event::Event;
use crate::exchange::HalfClose;
use crate::http1::Http1;
use crate::limits::Limits;
use crate::method::Methods;
use crate::outbox::{FileTicket, OpenFiles};
use crate::proxies::Proxies;
use crate::wire::{Context, Wire};
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

/// 80% of the descriptors that the process may have.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map_or(usize::MAX, |current| (current / 5 * 4) as usize)
}
