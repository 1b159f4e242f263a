//! The engine connects listeners, connections, their wires and the driver.
//!
//! This file holds the type `Engine` and its configuration. Each submodule holds one concern.

mod accept_backoff;
mod accepting;
mod adopting;
mod back_pressure;
mod capacity;
mod closing;
mod commands;
mod connection;
mod connection_commands;
mod connections;
mod deadline;
mod drain;
mod drain_state;
mod forking;
mod half_close;
mod immediate_stop;
mod lingering;
mod listeners;
mod pipes;
mod proxy_header;
mod reading;
mod recovery;
mod report_limit;
mod send_queue;
mod sending;
mod settings;
mod small_file;
mod socket_release;
mod timeouts;
mod timers;
mod turn;

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;

use crate::access_log::{AccessLogBuffer, Style};
use crate::clock::Clock;
use crate::counters::Counters;
use crate::driver::{Driver, Epoll, Ready};
use crate::event::Event;
use crate::http1::Http1;
use crate::limits::Limits;
use crate::method::Methods;
use crate::outbox::FileTicket;
use crate::wire::{Wire, WireContext};

use capacity::Capacity;
use connections::Connections;
use drain_state::Drain;
use lingering::Lingering;
use listeners::Listeners;
use report_limit::ReportLimit;
use send_queue::SendQueue;
use settings::EngineSettings;
use timers::Timers;

pub use listeners::ListenerId;

/// Listening sockets, connections and their exchanges, with one descriptor to watch.
#[derive(Debug)]
pub struct Engine<D: Driver = Epoll, W: Wire = Http1> {
    settings: EngineSettings,
    driver: D,
    listeners: Listeners,
    connections: Connections<W>,
    capacity: Capacity,
    clock: Clock,
    timers: Timers,
    drain: Drain,
    /// Events that the owner of the engine has not taken.
    inbox: VecDeque<Event>,
    /// Connections whose output is delayed, so that the responses of a turn are sent together.
    send_queue: SendQueue,
    /// Connections that have used their share of a poll, and continue in a later one.
    resuming: VecDeque<u64>,
    /// Connections whose client has closed its sending side while a response was due.
    half_closed: VecDeque<u64>,
    /// Connections that are closed on our side.
    lingering: Lingering,
    counters: Counters,
    access: Option<AccessLogBuffer>,
    report_limit: ReportLimit,
    in_turn: bool,
    /// The connection that the engine works on. It is dropped if that work panics.
    current: Option<u64>,
    /// A buffer for what the driver reports.
    ready: Vec<Ready>,
    /// A buffer for the bytes of one read.
    scratch: Vec<u8>,
}

/// Bytes of one read.
const SCRATCH: usize = 64 * 1024;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// An engine without listeners.
    pub fn new(limits: Limits) -> io::Result<Self> {
        let clock = Clock::default();
        Ok(Engine {
            driver: D::open()?,
            listeners: Listeners::default(),
            connections: Connections::default(),
            capacity: Capacity::new(&limits),
            settings: EngineSettings { limits, ..EngineSettings::default() },
            timers: Timers::new(clock.millis()),
            clock,
            drain: Drain::Off,
            inbox: VecDeque::new(),
            send_queue: SendQueue::default(),
            resuming: VecDeque::new(),
            half_closed: VecDeque::new(),
            lingering: Lingering::default(),
            counters: Counters::default(),
            access: None,
            report_limit: ReportLimit::default(),
            in_turn: false,
            current: None,
            ready: Vec::new(),
            scratch: vec![0; SCRATCH],
        })
    }

    /// The descriptor to watch for reading.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.driver.descriptor()
    }

    /// The limits of the engine.
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Counts a file that is opened for an exchange as a descriptor in use.
    pub fn count_open_file(&self) -> FileTicket {
        self.capacity.files.hold()
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The time in the Date field of a response that is sent now, in Unix seconds.
    pub fn unix_time(&self) -> i64 {
        self.clock.unix()
    }

    /// The counters.
    pub fn counters(&self) -> Counters {
        Counters { open: self.connections.len() as u64, ..self.counters.clone() }
    }

    /// Turns the access log on or off.
    pub fn set_access_log(&mut self, style: Option<Style>) {
        self.access = style.map(AccessLogBuffer::new);
    }

    /// The access log, if there is one.
    pub fn access_log(&mut self) -> Option<&mut AccessLogBuffer> {
        self.access.as_mut()
    }

    /// Turns on events for the opening and the end of each connection to a socket.
    pub fn report_connections(&mut self) {
        self.settings.reports_connections = true;
    }

    /// Sets which methods are served.
    pub fn set_methods(&mut self, methods: Methods) {
        self.settings.methods = methods;
    }

    /// Sets whether each refused message is reported.
    pub fn set_debug(&mut self, on: bool) {
        self.settings.debug = on;
    }

    /// Calls the wire of a connection with the parts of the engine that it needs.
    fn with_wire<R>(&mut self, slot: usize, call: impl FnOnce(&mut W, &mut WireContext<'_>) -> R) -> R {
        let connection = &mut self.connections[slot];
        let mut context = WireContext {
            connection: connection.token,
            secure: connection.is_secure(),
            peer: &connection.peer,
            client: connection.proxy_header.client().unwrap_or(&connection.peer),
            proxies: self.settings.proxies.as_ref(),
            trusts_fields: connection.proxy_header.allows_forwarding_fields(),
            inbox: &mut self.inbox,
            out: &mut connection.out,
            files: &self.capacity.files,
            limits: &self.settings.limits,
            counters: &mut self.counters,
            clock: &self.clock,
            access: self.access.as_mut(),
            draining: self.drain.has_begun(),
            debug: self.settings.debug,
            is_pipe: connection.transport.is_pipe(),
            delegates_refusals: connection.delegates_refusals,
            refusal_delegated: false,
            methods: self.settings.methods,
        };
        self.current = Some(context.connection);
        let outcome = call(&mut connection.wire, &mut context);
        if context.refusal_delegated {
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

    /// Requests a turn if a command outside of a turn has left work.
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

    /// Reports an event that clients can cause again and again, at most once every 10 seconds for each code.
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
