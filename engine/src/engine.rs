//! The engine: it ties listeners, connections, their wires and the driver together.
//!
//! This file holds the object and its configuration; the modules below hold one concern each.

mod accepting;
mod closing;
mod commands;
mod connection;
mod connection_commands;
mod connections;
mod deadline;
mod drain;
mod forking;
mod half_close;
mod lingering;
mod listeners;
mod pipes;
mod proxy_header;
mod reading;
mod recovery;
mod report_limit;
mod send_queue;
mod sending;
mod shutdown;
mod small_file;
mod timeouts;
mod turn;

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;

use crate::access::{AccessLog, Style};
use crate::clock::Clock;
use crate::counters::Counters;
use crate::driver::wheel::Wheel;
use crate::driver::{Driver, Epoll, Ready};
use crate::event::Event;
use crate::http1::Http1;
use crate::limits::Limits;
use crate::method::Methods;
use crate::outbox::{FileTicket, OpenFiles};
use crate::proxies::Proxies;
use crate::wire::{Context, Wire};

use connections::Connections;
use drain::Drain;
use lingering::Lingering;
use listeners::Listeners;
use report_limit::ReportLimit;
use send_queue::SendQueue;

pub use listeners::ListenerId;

/// Listening sockets, connections and their exchanges, with one descriptor to watch.
#[derive(Debug)]
pub struct Engine<D: Driver = Epoll, W: Wire = Http1> {
    driver: D,
    limits: Limits,
    /// How many connections may be open.
    capacity: usize,
    /// How many descriptors connections and the files of their responses may have together.
    descriptors: usize,
    clock: Clock,
    wheel: Wheel,
    connections: Connections<W>,
    files: OpenFiles,
    listeners: Listeners,
    inbox: VecDeque<Event>,
    send_queue: SendQueue,
    /// Connections whose client has closed its sending side while a response was due.
    half_closed: VecDeque<u64>,
    /// Connections that were interrupted because their share of a poll was used up.
    resuming: VecDeque<u64>,
    lingering: Lingering,
    drain: Drain,
    counters: Counters,
    access: Option<AccessLog>,
    proxies: Option<Proxies>,
    debug: bool,
    /// Whether there are events for the opening and the end of connections to sockets.
    reports_connections: bool,
    methods: Methods,
    report_limit: ReportLimit,
    in_turn: bool,
    /// Tokens and ticks that the wheel has returned and that were not handled.
    due: VecDeque<(u64, u64)>,
    /// A buffer for what the driver reports.
    ready: Vec<Ready>,
    /// A buffer for the bytes of one read.
    scratch: Vec<u8>,
    /// The connection that the engine works on, which is dropped if that panics.
    current: Option<u64>,
}

/// Bytes of one read.
const SCRATCH: usize = 64 * 1024;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// An engine without listeners.
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
            connections: Connections::default(),
            files: OpenFiles::default(),
            listeners: Listeners::default(),
            inbox: VecDeque::new(),
            send_queue: SendQueue::default(),
            half_closed: VecDeque::new(),
            resuming: VecDeque::new(),
            lingering: Lingering::default(),
            drain: Drain::Off,
            counters: Counters::default(),
            access: None,
            proxies: None,
            debug: false,
            reports_connections: false,
            methods: Methods::default(),
            report_limit: ReportLimit::default(),
            in_turn: false,
            ready: Vec::new(),
            due: VecDeque::new(),
            scratch: vec![0; SCRATCH],
            current: None,
        })
    }

    /// The descriptor to watch for reading.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.driver.descriptor()
    }

    /// Its limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a file that is opened for an exchange as a descriptor in use.
    pub fn count_open_file(&self) -> FileTicket {
        self.files.hold()
    }

    /// Whether there is no room for another connection.
    fn is_full(&self) -> bool {
        let open = self.connections.len() - self.lingering.turned_away();
        open >= self.capacity || open + self.files.count() >= self.descriptors
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The Date of a response that is sent now, in Unix seconds.
    pub fn unix_time(&self) -> i64 {
        self.clock.unix()
    }

    /// The counters.
    pub fn counters(&self) -> Counters {
        Counters { open: self.connections.len() as u64, ..self.counters.clone() }
    }

    /// Turns the access log on or off.
    pub fn set_access_log(&mut self, style: Option<Style>) {
        self.access = style.map(AccessLog::new);
    }

    /// The access log, if there is one.
    pub fn access_log(&mut self) -> Option<&mut AccessLog> {
        self.access.as_mut()
    }

    /// Adds events for the opening and the end of each connection to a socket.
    pub fn report_connections(&mut self) {
        self.reports_connections = true;
    }

    /// Sets which methods are served.
    pub fn set_methods(&mut self, methods: Methods) {
        self.methods = methods;
    }

    /// Sets whether each refused message is reported.
    pub fn set_debug(&mut self, on: bool) {
        self.debug = on;
    }

    /// Calls the wire of a connection with what it needs of the engine.
    fn with_wire<R>(&mut self, slot: usize, work: impl FnOnce(&mut W, &mut Context<'_>) -> R) -> R {
        let connection = &mut self.connections[slot];
        let is_pipe = connection.is_pipe();
        let mut context = Context {
            connection: connection.token,
            secure: connection.is_secure(),
            peer: &connection.peer,
            client: connection.proxy_header.client().unwrap_or(&connection.peer),
            proxies: self.proxies.as_ref(),
            trusts_fields: connection.proxy_header.allows_forwarding_fields(),
            inbox: &mut self.inbox,
            out: &mut connection.out,
            files: &self.files,
            limits: &self.limits,
            counters: &mut self.counters,
            clock: &self.clock,
            access: self.access.as_mut(),
            draining: self.drain.has_begun(),
            debug: self.debug,
            is_pipe,
            delegates_refusals: connection.delegates_refusals,
            refusal_delegated: false,
            methods: self.methods,
        };
        self.current = Some(context.connection);
        let outcome = work(&mut connection.wire, &mut context);
        let refusal_delegated = context.refusal_delegated;
        if refusal_delegated {
            self.pass_refusal(slot);
        }
        outcome
    }

    /// Reads the clock, except within a turn.
    fn refresh_clock(&mut self) {
        if !self.in_turn {
            self.clock.refresh();
        }
    }

    /// Asks for a turn if a command outside a turn has left work.
    fn wake_if_needed(&mut self) {
        if !self.in_turn && self.has_work() {
            self.wake();
        }
    }

    /// Whether work waits for a turn.
    pub fn has_work(&self) -> bool {
        !(self.inbox.is_empty() && self.send_queue.is_empty() && self.half_closed.is_empty()) || self.has_backlog()
    }

    fn wake(&mut self) {
        // The driver's eventfd cannot fill up: `wake` writes once until the next poll.
        if let Err(error) = self.driver.wake() {
            self.report(crate::Severity::Error, "RW505", format!("the engine cannot wake itself: {error}"));
        }
    }

    /// Reports what clients can bring about again and again: at most once in some seconds for each code.
    fn report_limited(&mut self, severity: crate::Severity, code: &'static str, message: String) {
        if self.report_limit.allows(code, self.clock.millis()) {
            self.report(severity, code, message);
        }
    }

    /// Adds a report for the log.
    pub fn report(&mut self, severity: crate::Severity, code: &'static str, message: String) {
        self.inbox.push_back(Event::Report(crate::Report { severity, code, message }));
    }
}

/// 80% of the descriptors that the process may have.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map_or(usize::MAX, |current| (current / 5 * 4) as usize)
}
