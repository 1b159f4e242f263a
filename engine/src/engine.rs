//! `Engine`: connects the listeners, the connections, their wires and the driver. A wire is the protocol of one
//! connection (see `wire.rs`).
//!
//! This file holds the type and its configuration. Each submodule holds one concern.

mod accept_backoff;
mod accepting;
mod adopting;
mod back_pressure;
mod body_rate;
mod capacity;
mod closing;
mod commands;
mod compressing;
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
use std::sync::Arc;

use crate::access_log::{AccessLogBuffer, Style};
use crate::clock::Clock;
use crate::compression::SpareEncoders;
use crate::counters::Counters;
use crate::driver::{Driver, Epoll, Ready};
use crate::event::Event;
use crate::http1::Http1;
use crate::limits::Limits;
use crate::method::Methods;
use crate::outbox::FileTicket;
use crate::redaction::Redaction;
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

/// Serves listening sockets, connections and their exchanges. The caller's event loop watches only the engine's one
/// descriptor.
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
    /// Events that the caller has not taken yet.
    inbox: VecDeque<Event>,
    /// Connections with delayed output, so that the responses of a turn are sent together.
    send_queue: SendQueue,
    /// Connections from which this poll or a later one must still read, or to which it must still send.
    resuming: VecDeque<u64>,
    /// Connections whose client has closed its sending side before its response was complete.
    half_closed: VecDeque<u64>,
    /// Connections whose sending side the engine has closed, and whose clients may still send.
    lingering: Lingering,
    /// Connections whose response has input that is not compressed yet.
    compressing: VecDeque<u64>,
    /// Encoders for whole bodies.
    spare_encoders: SpareEncoders,
    /// Counts the encoders of streams and large bodies. Each has a copy.
    encoder_ticket: Arc<()>,
    counters: Counters,
    access: Option<AccessLogBuffer>,
    report_limit: ReportLimit,
    in_turn: bool,
    /// The connection that the engine is handling. If the engine panics meanwhile, this connection is dropped.
    current: Option<u64>,
    /// A reused buffer for the driver's reports.
    ready: Vec<Ready>,
    /// A reused buffer for the bytes of one read.
    scratch: Vec<u8>,
}

/// The maximum number of bytes that one read returns.
const SCRATCH: usize = 64 * 1024;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Makes an engine without listeners.
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
            compressing: VecDeque::new(),
            spare_encoders: SpareEncoders::default(),
            encoder_ticket: Arc::default(),
            counters: Counters::default(),
            access: None,
            report_limit: ReportLimit::default(),
            in_turn: false,
            current: None,
            ready: Vec::new(),
            scratch: vec![0; SCRATCH],
        })
    }

    /// The descriptor that the caller's event loop must watch for reading.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.driver.descriptor()
    }

    /// The limits of the engine.
    pub fn limits(&self) -> &Limits {
        &self.settings.limits
    }

    /// Counts the file of an exchange as a descriptor in use.
    pub fn count_open_file(&self) -> FileTicket {
        self.capacity.files.hold()
    }

    /// The number of open connections.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The current time as the Date field of a response shows it, in Unix seconds.
    pub fn unix_time(&self) -> i64 {
        self.clock.unix()
    }

    /// Returns a copy of the counters.
    pub fn counters(&self) -> Counters {
        Counters { open: self.connections.len() as u64, ..self.counters.clone() }
    }

    /// Sets the format of the access log, and the names whose values the log hides. If `style` is None, the log is off.
    pub fn set_access_log(&mut self, style: Option<Style>, redaction: Redaction) {
        self.access = style.map(|style| AccessLogBuffer::new(style, redaction));
    }

    /// The access log, or None if it is off.
    pub fn access_log(&mut self) -> Option<&mut AccessLogBuffer> {
        self.access.as_mut()
    }

    /// From now on, adds an event when a connection on a socket is opened, and another one when it has ended.
    pub fn report_connections(&mut self) {
        self.settings.reports_connections = true;
    }

    /// Sets which methods are accepted.
    pub fn set_methods(&mut self, methods: Methods) {
        self.settings.methods = methods;
    }

    /// Sets whether each refused message is reported to the log.
    pub fn set_debug(&mut self, on: bool) {
        self.settings.debug = on;
    }

    /// Calls the wire of a connection with the parts of the engine that the wire needs.
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

    /// Reads the clock. Does nothing during a turn, because the start of the turn has read the clock.
    fn refresh_clock(&mut self) {
        if !self.in_turn {
            self.clock.refresh();
        }
    }

    /// Requests a turn if a command outside a turn has left work.
    fn wake_if_needed(&mut self) {
        if !self.in_turn && self.has_work() {
            self.wake();
        }
    }

    /// Whether another turn is needed to finish the work.
    pub fn has_work(&self) -> bool {
        !(self.inbox.is_empty() && self.send_queue.is_empty() && self.half_closed.is_empty())
            || self.has_backlog()
            || self.compresses()
    }

    fn wake(&mut self) {
        // A write to an eventfd fails if its counter is full. This counter never is, because `wake` writes to it at
        // most once between two polls.
        if let Err(error) = self.driver.wake() {
            self.report(crate::Severity::Error, "RW505", format!("the engine cannot wake itself: {error}"));
        }
    }

    /// Reports an event that clients can cause repeatedly. Each code is reported at most once in 10 seconds.
    fn report_limited(&mut self, severity: crate::Severity, code: &'static str, message: String) {
        if self.report_limit.allows(code, self.clock.millis()) {
            self.report(severity, code, message);
        }
    }

    /// Adds a report, which the caller writes to the log.
    pub fn report(&mut self, severity: crate::Severity, code: &'static str, message: String) {
        self.inbox.push_back(Event::Report(crate::Report { severity, code, message }));
    }
}
