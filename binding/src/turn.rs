//! The loop between the engine's events and Python's handlers.
//!
//! The engine is borrowed only between the lines: never while Python runs. So a handler may call any command from
//! wherever it is, and an event that a command brings about waits in the inbox until the loop comes round to it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use pyo3::{ffi, intern};
use ropewalk_engine::clock::monotonic_micros;
use ropewalk_engine::event::Event;
use ropewalk_engine::{
    ConnectionId, ExchangeId, GoneReason, HalfClose, Head, Peer, PipeId, Pressure, Report, Severity,
};

use crate::body::Mode;
use crate::connection::Connection;
use crate::context::Context;
use crate::convert;
use crate::endpoint::{Endpoint, pending};
use crate::engine::{Engine, lock};
use crate::exchange::{Exchange, Link, ResponseBody, respond};

/// Microseconds after which a handler is said to have held up the reactor.
const BLOCKING: u64 = 500_000;
/// Microseconds of a turn after which the sockets are polled again, so that a client with a small request does not wait
/// for those with large ones.
const POLL_EVERY: u64 = 200;
/// Bytes of the access log after which its writer is told.
const LOG_READY: usize = 64 * 1024;
impl Engine {
    /// Runs a turn that starts with something, unless one is being run already.
    pub fn pump(slf: &Bound<'_, Self>, start: impl FnOnce(&mut ropewalk_engine::Engine)) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        this.thread.bind_first();
        // A reactor lets go of a reader that raises, and nobody would be served any more.
        let begun = catch_unwind(AssertUnwindSafe(|| {
            let mut core = this.core(py)?;
            if !this.busy.load(Ordering::Relaxed) {
                core.begin_turn();
            }
            start(&mut core);
            Ok::<_, PyErr>(())
        }));
        match begun {
            Ok(outcome) => outcome?,
            Err(_) => this.recover_from_panic(),
        }
        if this.busy.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        if catch_unwind(AssertUnwindSafe(|| Self::run(slf))).is_err() {
            this.recover_from_panic();
        }
        this.busy.store(false, Ordering::Relaxed);
        this.arm(py)
    }

    /// Does something to a pipe and serves what comes of it for itself, unless a turn is being run. Nobody else's handler
    /// is called: whoever asks for this may be one.
    pub fn serve_pipe_events(
        slf: &Bound<'_, Self>,
        pipe: PipeId,
        act: impl FnOnce(&mut ropewalk_engine::Engine),
    ) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        act(&mut *this.core(py)?);
        if this.busy.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        loop {
            let event = lock(&this.core).next_pipe_event(pipe);
            let Some(event) = event else { break };
            let exchange = event.exchange();
            match catch_unwind(AssertUnwindSafe(|| Self::serve(slf, event))) {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => error.write_unraisable(py, None),
                Err(_) => this.panicked(py, exchange),
            }
        }
        this.busy.store(false, Ordering::Relaxed);
        this.arm(py)
    }

    /// Passes on what was written to a pipe. Nothing is served, so that a handler may ask for it in the middle of a turn.
    pub fn flush_pipe_output(slf: &Bound<'_, Self>, pipe: PipeId) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        loop {
            let bytes = this.core(py)?.next_pipe_output(pipe);
            let Some(bytes) = bytes else { return Ok(()) };
            this.tell_owner(py, pipe.connection(), "write", Some(PyBytes::new(py, &bytes).into_any()));
        }
    }

    /// Goes on after a panic in the engine; where even that panics, without anybody who was connected.
    fn recover_from_panic(&self) {
        let recovered = catch_unwind(AssertUnwindSafe(|| {
            let mut core = lock(&self.core);
            core.report(Severity::Error, "RW505", "the engine has panicked; it goes on with the next".to_owned());
            core.recover_from_panic();
            core.end_turn();
        }));
        if recovered.is_err() {
            lock(&self.core).drop_connections();
        }
    }

    /// Serves events until there are none or the turn has had its share. What fails is reported and does not end it.
    fn run(slf: &Bound<'_, Self>) {
        let this = slf.get();
        let started = monotonic_micros();
        let mut before = started;
        let mut polled = started;
        let mut took = 0;
        let mut events = this.limits.0.turn_events;
        lock(&this.core).start_batching(started);
        loop {
            let event = {
                let mut core = lock(&this.core);
                core.event_handled(took, before);
                if before - polled > POLL_EVERY {
                    Self::poll_again(&mut core);
                    polled = before;
                }
                core.next_event()
            };
            let Some(event) = event else {
                let mut core = lock(&this.core);
                core.flush_queued();
                if !core.has_events() && core.has_backlog() {
                    Self::poll_again(&mut core);
                    polled = before;
                }
                if core.has_events() {
                    continue;
                }
                break;
            };
            let exchange = event.exchange();
            // A panic in Rust code that a handler calls, its own extension modules included, comes up here.
            let who = match catch_unwind(AssertUnwindSafe(|| Self::serve(slf, event))) {
                Ok(Ok(who)) => who,
                Ok(Err(error)) => {
                    error.write_unraisable(slf.py(), None);
                    None
                }
                Err(_) => {
                    this.panicked(slf.py(), exchange);
                    None
                }
            };
            let now = monotonic_micros();
            took = now - before;
            if took > BLOCKING {
                unraisable(this.tell_blocking(slf.py(), who, took), slf);
            }
            before = now;
            events = events.saturating_sub(1);
            if events == 0 || now - started > this.limits.0.turn_time * 1000 {
                break;
            }
        }
        let log_ready = {
            let mut core = lock(&this.core);
            core.end_turn();
            core.access_log().is_some_and(|log| log.len() > LOG_READY)
        };
        if log_ready {
            unraisable(this.service.bind(slf.py()).call_method0(intern!(slf.py(), "access_log_ready")), slf);
        }
    }

    /// Cuts off whoever was served when something panicked.
    fn panicked(&self, py: Python<'_>, exchange: Option<ExchangeId>) {
        let mut core = lock(&self.core);
        let message = "a panic while a request was served; its connection is closed".to_owned();
        core.report(Severity::Error, "RW505", message);
        if let Some(id) = exchange {
            // It may be over already.
            let _ = core.abort(id);
            drop(core);
            unraisable(self.lose(py, id, GoneReason::Aborted), self.service.bind(py));
        }
    }

    fn poll_again(core: &mut ropewalk_engine::Engine) {
        let outcome = core.poll_again();
        report_poll(core, outcome);
    }

    /// Serves one event; the endpoint it went to, if it went to one.
    fn serve(slf: &Bound<'_, Self>, event: Event) -> PyResult<Option<Py<Endpoint>>> {
        let py = slf.py();
        let this = slf.get();
        match event {
            Event::Head(id, head) => return Self::serve_head(slf, id, head),
            Event::Data(id, bytes) => {
                let Some(exchange) = this.find(py, id) else { return Ok(None) };
                let size = bytes.len() as u64;
                let (mode, failed) = {
                    let mut inner = exchange.borrow_mut();
                    let failed_before = inner.body.failure.is_some();
                    inner.body.add(py, bytes, this.limits.0.spool_size, || this.count_open_file());
                    (inner.body.mode, inner.body.failure.is_some() && !failed_before)
                };
                if failed {
                    return this.body_over(&exchange, mode);
                }
                if mode == Mode::Streamed {
                    this.tell(&exchange, "on_readable");
                } else {
                    // An exchange that is over meanwhile needs no more of its body.
                    let _ = lock(&this.core).consumed(id, size);
                }
            }
            Event::End(id, trailers) => {
                let Some(exchange) = this.find(py, id) else { return Ok(None) };
                let mode = {
                    let mut inner = exchange.borrow_mut();
                    let failed_before = inner.body.failure.is_some();
                    inner.body.finish(py, trailers);
                    if failed_before {
                        return Ok(None);
                    }
                    inner.body.mode
                };
                return this.body_over(&exchange, mode);
            }
            Event::BadBody(id, fault) => {
                let Some(exchange) = this.find(py, id) else { return Ok(None) };
                let mode = {
                    let mut inner = exchange.borrow_mut();
                    inner.body.fault = Some(fault);
                    inner.body.mode
                };
                return this.body_over(&exchange, mode);
            }
            Event::Writable(id) => {
                // Whoever has filled the queue again since was told so at once, and another event will follow.
                if let (Some(exchange), Pressure::Low) = (this.find(py, id), this.pressure(id)) {
                    this.tell(&exchange, "on_writable");
                }
            }
            Event::HalfClosed(id) => {
                if let Some(exchange) = this.find(py, id) {
                    this.tell(&exchange, "on_half_close");
                }
            }
            Event::Gone(id, reason) => this.lose(py, id, reason)?,
            Event::Opened(id, peer) => Self::serve_opened(slf, id, &peer)?,
            Event::Lingering(id) => this.tell_owner(py, id, "lingers", None),
            Event::Closed(id, closing) => {
                this.tell_owner(py, id, "closed", Some(PyString::new(py, convert::closing(closing)).into_any()));
                this.disown(id);
            }
            Event::PipeOutput(id, bytes) => {
                this.tell_owner(py, id.connection(), "write", Some(PyBytes::new(py, &bytes).into_any()));
            }
            Event::Refused(id) => this.tell_owner(py, id.connection(), "refuse", None),
            Event::PipeFlow(id, flowing) => {
                this.tell_owner(py, id.connection(), if flowing { "resume_reading" } else { "pause_reading" }, None);
            }
            Event::PipeEnding(id) => this.tell_owner(py, id.connection(), "end_writing", None),
            Event::PipeClosed(id, orderly) => {
                this.tell_owner(py, id.connection(), if orderly { "close" } else { "abort" }, None);
                this.disown(id.connection());
            }
            Event::Report(report) => this.report(py, &report)?,
            Event::Drained { cut } => {
                this.service.bind(py).call_method1(intern!(py, "drained"), (cut,))?;
            }
        }
        Ok(None)
    }

    /// A new exchange: makes its request, finds its endpoint, and calls it now or when the body is whole.
    fn serve_head(slf: &Bound<'_, Self>, id: ExchangeId, head: Box<Head>) -> PyResult<Option<Py<Endpoint>>> {
        let py = slf.py();
        let this = slf.get();
        let known = if this.owners_begin { None } else { this.memo.find(py, &head) };
        let owner = lock(&this.owners).get(&id.connection()).map(|owner| owner.clone_ref(py));
        let request = this.request.bind(py).call0()?.cast_into::<Exchange>()?;
        request.borrow_mut().link =
            Some(Link { engine: slf.clone().unbind(), id, head, local: OnceLock::new(), owner });
        if this.owners_begin {
            let link = request.borrow().link()?.owner.as_ref().map(|owner| owner.clone_ref(py));
            let Some(owner) = link else { return Ok(None) };
            if let Err(error) = owner.bind(py).call_method1(intern!(py, "begin"), (&request,)) {
                this.fail(&request, error)?;
            }
            this.keep(&request, id);
            return Ok(None);
        }

        let context = Context::enter(py)?;
        let endpoint = match known {
            Some(endpoint) => endpoint,
            None => match this.resolve(&request) {
                Ok(endpoint) => endpoint,
                Err(error) => {
                    this.fail(&request, error)?;
                    this.keep(&request, id);
                    return Ok(None);
                }
            },
        };
        request.borrow_mut().endpoint = Some(endpoint.clone_ref(py));
        let half_close = endpoint.get().half_close;
        if half_close != HalfClose::Cancel {
            // A client that is gone already needs no more of this.
            let _ = lock(&this.core).set_half_close(id, half_close);
        }
        if !endpoint.get().whole_body || !request.borrow().link()?.head.has_body() {
            this.call(&request, &endpoint, &context)?;
        } else {
            let opened = request.borrow_mut().open_body(py, Mode::BeforeCall, None);
            let complete = request.borrow().body.complete;
            match opened {
                Err(error) => this.fail(&request, error)?,
                Ok(()) if complete => this.call(&request, &endpoint, &context)?,
                Ok(()) => {}
            }
        }
        this.keep(&request, id);
        Ok(Some(endpoint))
    }

    /// The whole body of a request is there, or never will be.
    fn body_over(&self, exchange: &Bound<'_, Exchange>, mode: Mode) -> PyResult<Option<Py<Endpoint>>> {
        let py = exchange.py();
        if mode != Mode::BeforeCall {
            self.tell(exchange, "on_readable");
            return Ok(None);
        }
        let endpoint = exchange.borrow().endpoint.as_ref().map(|endpoint| endpoint.clone_ref(py));
        let Some(endpoint) = endpoint else { return Ok(None) };
        let context = Context::enter(py)?;
        let error = exchange.borrow().body_error(py);
        match error {
            Some(error) => self.fail(exchange, error)?,
            None => self.call(exchange, &endpoint, &context)?,
        }
        Ok(Some(endpoint))
    }

    fn resolve(&self, request: &Bound<'_, Exchange>) -> PyResult<Py<Endpoint>> {
        let py = request.py();
        let endpoint = self.service.bind(py).call_method1(intern!(py, "resolve"), (request,))?;
        let endpoint = endpoint.cast_into::<Endpoint>()?;
        self.memo.keep(&request.borrow().link()?.head, &endpoint);
        Ok(endpoint.unbind())
    }

    /// Calls the handler and answers with what it gives.
    fn call(&self, request: &Bound<'_, Exchange>, endpoint: &Py<Endpoint>, context: &Context<'_>) -> PyResult<()> {
        let py = request.py();
        let target = endpoint.get();
        let value = if target.pass_params {
            let params = request.borrow_mut().params.get_or_insert_with(|| PyDict::new(py).unbind()).clone_ref(py);
            target.call.bind(py).call((request,), Some(params.bind(py)))
        } else {
            target.call.bind(py).call1((request,))
        };
        let concluded = value.and_then(|value| self.conclude(request, target, value, context));
        match concluded {
            Ok(()) => Ok(()),
            Err(error) => self.fail(request, error),
        }
    }

    /// Answers with a handler's value, where that can be done here.
    fn conclude(
        &self,
        request: &Bound<'_, Exchange>,
        endpoint: &Endpoint,
        value: Bound<'_, PyAny>,
        context: &Context<'_>,
    ) -> PyResult<()> {
        let py = request.py();
        let value = if is_coroutine(&value) {
            let service = self.service.bind(py);
            service.call_method1(intern!(py, "drive"), (request, value, &context.context))?
        } else {
            value
        };
        if value.is(pending(py)?) {
            return Ok(());
        }
        if !request.borrow().prepared {
            if let Ok(text) = value.cast_exact::<PyString>() {
                let fields: [(&[u8], &[u8]); 1] = [(b"Content-Type", endpoint.text_type.to_str(py)?.as_bytes())];
                return respond(request, 200, &fields, ResponseBody::Copied(text.to_str()?.as_bytes()));
            }
            if let Ok(bytes) = value.cast_exact::<PyBytes>() {
                let fields: [(&[u8], &[u8]); 1] = [(b"Content-Type", endpoint.bytes_type.to_str(py)?.as_bytes())];
                return respond(request, 200, &fields, ResponseBody::Bytes(bytes));
            }
            if value.is_exact_instance_of::<PyDict>()
                || value.is_exact_instance_of::<PyList>()
                || value.is_instance(self.json_types.bind(py))?
            {
                match self.encode_json.bind(py).call1((&value,)) {
                    Ok(encoded) => {
                        let fields: [(&[u8], &[u8]); 1] = [(b"Content-Type", b"application/json")];
                        return respond(request, 200, &fields, ResponseBody::Bytes(encoded.cast::<PyBytes>()?));
                    }
                    // `deliver` tries again: it has the value, and can say where in it the cause is.
                    Err(error) if error.is_instance_of::<PyException>(py) => {}
                    Err(interrupt) => return Err(interrupt),
                }
            }
        }
        self.service.bind(py).call_method1(intern!(py, "deliver"), (request, value))?;
        Ok(())
    }

    /// Has Python answer for an exception.
    fn fail(&self, request: &Bound<'_, Exchange>, error: PyErr) -> PyResult<()> {
        let py = request.py();
        // `into_value` keeps the traceback, `value` does not.
        let failed = self.service.bind(py).call_method1(intern!(py, "fail"), (request, error.into_value(py)));
        if let Err(error) = failed {
            error.write_unraisable(py, Some(request));
            request.borrow_mut().abort(py)?;
        }
        Ok(())
    }

    /// Remembers an exchange whose answer is not complete.
    fn keep(&self, request: &Bound<'_, Exchange>, id: ExchangeId) {
        // Another thread may be using it, which it should not do, and is about to be refused.
        if request.try_borrow().map_or(true, |inner| !inner.finished) {
            lock(&self.live).insert(id, request.clone().unbind());
        }
    }

    fn find<'py>(&self, py: Python<'py>, id: ExchangeId) -> Option<Bound<'py, Exchange>> {
        lock(&self.live).get(&id).map(|exchange| exchange.bind(py).clone())
    }

    fn lose(&self, py: Python<'_>, id: ExchangeId, reason: GoneReason) -> PyResult<()> {
        let Some(exchange) = lock(&self.live).remove(&id) else { return Ok(()) };
        let exchange = exchange.bind(py);
        let spool = {
            let mut inner = exchange.borrow_mut();
            inner.gone.get_or_init(|| reason);
            inner.ending = Some(reason.into());
            inner.finished = true;
            inner.body.spool.take()
        };
        if let Some(spool) = spool {
            unraisable(spool.call_method0(py, intern!(py, "close")), exchange);
        }
        let told = exchange.call_method1(intern!(py, "on_gone"), (reason.to_string(),));
        unraisable(told, exchange);
        Ok(())
    }

    /// Calls a method of a request that takes nothing. What it raises is its own failure, not the loop's.
    fn tell(&self, exchange: &Bound<'_, Exchange>, method: &str) {
        unraisable(exchange.call_method0(method), exchange.as_any());
    }

    /// A connection that was announced: whoever the service says holds it. Where it fails to, nobody can.
    fn serve_opened(slf: &Bound<'_, Self>, id: ConnectionId, peer: &Peer) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        let connection = Bound::new(py, Connection { engine: slf.clone().unbind(), id })?;
        let client = convert::address(py, peer)?;
        match this.service.bind(py).call_method1(intern!(py, "opened"), (&connection, client)) {
            Ok(owner) => {
                // It may be over, or with somebody else, by now.
                if !owner.is_none() && lock(&this.core).endpoints(id).is_some() {
                    lock(&this.owners).insert(id, owner.unbind());
                }
                Ok(())
            }
            Err(error) => {
                lock(&this.core).abort_connection(id);
                Err(error)
            }
        }
    }

    fn tell_owner(&self, py: Python<'_>, id: ConnectionId, method: &str, told: Option<Bound<'_, PyAny>>) {
        let owner = lock(&self.owners).get(&id).map(|owner| owner.clone_ref(py));
        let Some(owner) = owner else { return };
        let owner = owner.bind(py);
        let told = match told {
            Some(told) => owner.call_method1(method, (told,)),
            None => owner.call_method0(method),
        };
        unraisable(told, owner);
    }

    pub(crate) fn disown(&self, id: ConnectionId) {
        let owner = lock(&self.owners).remove(&id);
        drop(owner);
    }

    fn report(&self, py: Python<'_>, report: &Report) -> PyResult<()> {
        let level = match report.severity {
            Severity::Debug => "debug",
            Severity::Info => "info",
            Severity::Warn => "warn",
            Severity::Error => "error",
        };
        let service = self.service.bind(py);
        service.call_method1(intern!(py, "report"), (level, report.code, &report.message))?;
        Ok(())
    }

    fn tell_blocking(&self, py: Python<'_>, endpoint: Option<Py<Endpoint>>, micros: u64) -> PyResult<()> {
        let who = match endpoint {
            None => "A callback".to_owned(),
            Some(endpoint) => {
                let describe = py.import("ropewalk.errors")?;
                let call = endpoint.get().call.bind(py);
                let name: String = describe.call_method1("describe", (call,))?.extract()?;
                let place: String = describe.call_method1("place", (call,))?.extract()?;
                format!("{name} ({place})")
            }
        };
        let message = format!("{who} held up the reactor for {:.1} s.", micros as f64 / 1e6);
        self.report(py, &Report { severity: Severity::Warn, code: "RW306", message })
    }
}

/// Tells of a poll that failed; what is served already goes on.
pub fn report_poll(core: &mut ropewalk_engine::Engine, outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        core.report(Severity::Error, "RW505", format!("the sockets cannot be polled: {error}"));
    }
}

fn is_coroutine(value: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a comparison of types.
    unsafe { ffi::PyCoro_CheckExact(value.as_ptr()) != 0 }
}

/// Reports what nobody above could handle.
fn unraisable<T>(told: PyResult<T>, whom: &Bound<'_, PyAny>) {
    if let Err(error) = told {
        error.write_unraisable(whom.py(), Some(whom));
    }
}
