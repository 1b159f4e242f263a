//! `Engine`: the loop between the engine's events and Python's handlers.
//!
//! The engine is borrowed only between the lines: never while Python runs. So a handler may call any command from
//! wherever it is, and an event that a command brings about waits in the inbox until the loop comes round to it.

use std::collections::HashMap;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyType};
use ropewalk_engine::access::Style;
use ropewalk_engine::clock::monotonic_micros;
use ropewalk_engine::exchange::Event;
use ropewalk_engine::http1::method::Method;
use ropewalk_engine::{ExchangeId, GoneReason, Head, ListenerId, Peer, PipeId, Report, Severity};

use crate::body::Mode;
use crate::convert;
use crate::endpoint::{Endpoint, pending};
use crate::errors;
use crate::exchange::{Answer, Exchange, Link, answer, path};
use crate::limits::Limits;
use crate::pipe::Pipe;

/// Microseconds after which a handler is said to have held up the reactor.
const BLOCKING: u64 = 500_000;
/// Bytes of the access log after which its writer is told.
const LOG_READY: usize = 64 * 1024;
/// Nothing is armed.
const UNARMED: u64 = u64::MAX;

/// Listening sockets, connections and their exchanges behind one descriptor.
#[pyclass(frozen, weakref, module = "ropewalk._engine")]
pub struct Engine {
    core: Mutex<ropewalk_engine::Engine>,
    pub(crate) service: Py<PyAny>,
    pub(crate) limits: Limits,
    request: Py<PyType>,
    encode_json: Py<PyAny>,
    /// Exchanges whose answer is not complete, outside of the turn that brought them.
    live: Mutex<HashMap<ExchangeId, Py<Exchange>>>,
    /// Endpoints of static paths, by method.
    memo: Mutex<Vec<HashMap<Box<[u8]>, Py<Endpoint>>>>,
    sinks: Mutex<HashMap<PipeId, Py<PyAny>>>,
    /// The thread that runs the turns.
    thread: OnceLock<ThreadId>,
    /// A turn is being run.
    busy: AtomicBool,
    /// The deadline, in milliseconds of the engine's clock, that the service knows of.
    armed: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// The engine, for as long as Python does not run. Raises WrongThread.
    pub fn core(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, ropewalk_engine::Engine>> {
        if self.thread.get().is_some_and(|&thread| thread != std::thread::current().id()) {
            let message = "The engine was called from another thread than its reactor's.".to_owned();
            return Err(errors::raise(py, errors::WRONG_THREAD, message));
        }
        Ok(lock(&self.core))
    }

    /// Runs a command that may have moved the engine's next deadline.
    pub fn command<R>(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&mut ropewalk_engine::Engine) -> R,
    ) -> PyResult<R> {
        let outcome = command(&mut *self.core(py)?);
        if !self.busy.load(Ordering::Relaxed) {
            self.arm(py)?;
        }
        Ok(outcome)
    }

    /// The answer of an exchange is complete.
    pub fn forget(&self, id: ExchangeId) {
        let forgotten = lock(&self.live).remove(&id);
        drop(forgotten);
    }

    /// Runs a turn that starts with something, unless one is being run already.
    pub fn pump(
        slf: &Bound<'_, Self>,
        start: impl FnOnce(&mut ropewalk_engine::Engine) -> std::io::Result<()>,
    ) -> PyResult<()> {
        let py = slf.py();
        let this = slf.get();
        this.thread.get_or_init(|| std::thread::current().id());
        {
            let mut core = this.core(py)?;
            if !this.busy.load(Ordering::Relaxed) {
                core.begin_turn();
            }
            start(&mut core).map_err(errors::system)?;
        }
        if this.busy.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        Self::run(slf);
        this.busy.store(false, Ordering::Relaxed);
        this.arm(py)
    }

    /// Serves events until there are none or the turn has had its share. What fails is reported and does not end it.
    fn run(slf: &Bound<'_, Self>) {
        let this = slf.get();
        let started = monotonic_micros();
        let mut before = started;
        let mut events = this.limits.0.turn_events;
        loop {
            let event = lock(&this.core).next_event();
            let Some(event) = event else {
                let mut core = lock(&this.core);
                core.settle();
                if core.has_events() {
                    continue;
                }
                break;
            };
            let who = Self::serve(slf, event).unwrap_or_else(|error| {
                error.write_unraisable(slf.py(), None);
                None
            });
            let now = monotonic_micros();
            if now - before > BLOCKING {
                unraisable(this.tell_blocking(slf.py(), who, now - before), slf);
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
            unraisable(this.service.bind(slf.py()).call_method0(intern!(slf.py(), "access_ready")), slf);
        }
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
                let streamed = {
                    let mut inner = exchange.borrow_mut();
                    inner.body.add(py, bytes, this.limits.0.spool_size)?;
                    inner.body.mode == Mode::Streamed
                };
                if streamed {
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
                    inner.body.finish(py, trailers)?;
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
                if let Some(exchange) = this.find(py, id) {
                    this.tell(&exchange, "on_writable");
                }
            }
            Event::Gone(id, reason) => this.lose(py, id, reason)?,
            Event::PipeOutput(id, bytes) => this.tell_sink(py, id, "write", Some(&bytes)),
            Event::PipeFlow(id, flowing) => {
                this.tell_sink(py, id, if flowing { "resume_reading" } else { "pause_reading" }, None);
            }
            Event::PipeClosed(id, orderly) => {
                this.tell_sink(py, id, if orderly { "close" } else { "abort" }, None);
                let sink = lock(&this.sinks).remove(&id);
                drop(sink);
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
        let (peer, secure) = lock(&this.core).peer(id).unwrap_or((Peer::Unknown, false));
        let known = this.remembered(py, &head);
        let request = this.request.bind(py).call0()?.cast_into::<Exchange>()?;
        request.borrow_mut().link = Some(Link { engine: slf.clone().unbind(), id, head, peer, secure });

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
        let whole = endpoint.get().whole_body;
        request.borrow_mut().endpoint = Some(endpoint.clone_ref(py));
        if whole && request.borrow().link()?.head.framing() != ropewalk_engine::exchange::Framing::None {
            let opened = request.borrow_mut().open_body(py, Mode::BeforeCall, None);
            if let Err(error) = opened {
                this.fail(&request, error)?;
            }
        } else {
            this.call(&request, &endpoint, &context)?;
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
        if exchange.borrow().body.fault.is_some() {
            // `take` knows how to say what is wrong.
            let error = exchange.call_method0(intern!(py, "take")).err();
            self.fail(exchange, error.unwrap_or_else(|| PyValueError::new_err("the body is bad")))?;
        } else {
            self.call(exchange, &endpoint, &context)?;
        }
        Ok(Some(endpoint))
    }

    fn remembered(&self, py: Python<'_>, head: &Head) -> Option<Py<Endpoint>> {
        lock(&self.memo)[head.method().index()].get(path(head)).map(|endpoint| endpoint.clone_ref(py))
    }

    fn resolve(&self, request: &Bound<'_, Exchange>) -> PyResult<Py<Endpoint>> {
        let py = request.py();
        let endpoint = self.service.bind(py).call_method1(intern!(py, "resolve"), (request,))?;
        let endpoint = endpoint.cast_into::<Endpoint>()?;
        if endpoint.get().is_static {
            let inner = request.borrow();
            let head = &inner.link()?.head;
            if !path(head).contains(&b'%') {
                lock(&self.memo)[head.method().index()].insert(path(head).into(), endpoint.clone().unbind());
            }
        }
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
            let value = service.call_method1(intern!(py, "drive"), (request, value, &context.context))?;
            if value.is(pending(py)?) {
                return Ok(());
            }
            value
        } else {
            value
        };
        if !request.borrow().prepared {
            if let Ok(text) = value.cast_exact::<PyString>() {
                let fields: [(&[u8], &[u8]); 1] = [(b"Content-Type", endpoint.text_type.as_bytes())];
                return answer(request, 200, &fields, Answer::Copied(text.to_str()?.as_bytes()));
            }
            if let Ok(bytes) = value.cast_exact::<PyBytes>() {
                let fields: [(&[u8], &[u8]); 1] = [(b"Content-Type", endpoint.bytes_type.as_bytes())];
                return answer(request, 200, &fields, Answer::Bytes(bytes));
            }
            if value.is_exact_instance_of::<PyDict>() || value.is_exact_instance_of::<PyList>() {
                let encoded = self.encode_json.bind(py).call1((value,))?;
                let fields: [(&[u8], &[u8]); 1] = [(b"Content-Type", b"application/json")];
                return answer(request, 200, &fields, Answer::Bytes(encoded.cast::<PyBytes>()?));
            }
        }
        self.service.bind(py).call_method1(intern!(py, "deliver"), (request, value))?;
        Ok(())
    }

    /// Has Python answer for an exception.
    fn fail(&self, request: &Bound<'_, Exchange>, error: PyErr) -> PyResult<()> {
        let py = request.py();
        let failed = self.service.bind(py).call_method1(intern!(py, "fail"), (request, error.value(py)));
        if let Err(error) = failed {
            error.write_unraisable(py, Some(request));
            request.borrow_mut().abort(py)?;
        }
        Ok(())
    }

    /// Remembers an exchange whose answer is not complete.
    fn keep(&self, request: &Bound<'_, Exchange>, id: ExchangeId) {
        let unfinished = {
            let inner = request.borrow();
            !inner.finished && inner.gone.is_none()
        };
        if unfinished {
            lock(&self.live).insert(id, request.clone().unbind());
        }
    }

    fn find<'py>(&self, py: Python<'py>, id: ExchangeId) -> Option<Bound<'py, Exchange>> {
        lock(&self.live).get(&id).map(|exchange| exchange.bind(py).clone())
    }

    fn lose(&self, py: Python<'_>, id: ExchangeId, reason: GoneReason) -> PyResult<()> {
        let Some(exchange) = lock(&self.live).remove(&id) else { return Ok(()) };
        let exchange = exchange.bind(py);
        {
            let mut inner = exchange.borrow_mut();
            inner.gone = Some(reason);
            inner.finished = true;
        }
        let told = exchange.call_method1(intern!(py, "on_gone"), (reason.to_string(),));
        unraisable(told, exchange);
        Ok(())
    }

    /// Calls a method of a request that takes nothing. What it raises is its own failure, not the loop's.
    fn tell(&self, exchange: &Bound<'_, Exchange>, method: &str) {
        unraisable(exchange.call_method0(method), exchange.as_any());
    }

    fn tell_sink(&self, py: Python<'_>, id: PipeId, method: &str, bytes: Option<&[u8]>) {
        let sink = lock(&self.sinks).get(&id).map(|sink| sink.clone_ref(py));
        let Some(sink) = sink else { return };
        let sink = sink.bind(py);
        let told = match bytes {
            Some(bytes) => sink.call_method1(method, (PyBytes::new(py, bytes),)),
            None => sink.call_method0(method),
        };
        unraisable(told, sink);
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

    /// Has the service call `tick` in time for the engine's next deadline, where it would be too late.
    fn arm(&self, py: Python<'_>) -> PyResult<()> {
        let (next, now) = {
            let core = lock(&self.core);
            (core.next_deadline(), core.now())
        };
        let Some(next) = next else { return Ok(()) };
        if next >= self.armed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.armed.store(next, Ordering::Relaxed);
        let seconds = next.saturating_sub(now) as f64 / 1000.0;
        self.service.bind(py).call_method1(intern!(py, "arm"), (seconds,))?;
        Ok(())
    }
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (service, limits = None))]
    fn new(py: Python<'_>, service: Bound<'_, PyAny>, limits: Option<Limits>) -> PyResult<Self> {
        let limits = limits.unwrap_or(Limits(ropewalk_engine::Limits::default()));
        let request = service.getattr(intern!(py, "request"))?.cast_into::<PyType>()?;
        if !request.is_subclass_of::<Exchange>()? {
            return Err(pyo3::exceptions::PyTypeError::new_err("Service.request is a subclass of Exchange."));
        }
        let core = ropewalk_engine::Engine::new(limits.0.clone()).map_err(errors::system)?;
        Ok(Engine {
            core: Mutex::new(core),
            request: request.unbind(),
            encode_json: service.getattr(intern!(py, "encode_json"))?.unbind(),
            service: service.unbind(),
            limits,
            live: Mutex::default(),
            memo: Mutex::new((0..Method::COUNT).map(|_| HashMap::new()).collect()),
            sinks: Mutex::default(),
            thread: OnceLock::new(),
            busy: AtomicBool::new(false),
            armed: AtomicU64::new(UNARMED),
        })
    }

    /// The descriptor to watch for reading.
    fn fileno(&self) -> i32 {
        lock(&self.core).descriptor().as_raw_fd()
    }

    /// Run one bounded turn: take in what the sockets have, call the handlers, send the answers.
    fn turn(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::pump(slf, ropewalk_engine::Engine::poll)
    }

    /// The wish made by `Service.arm` has come due.
    fn tick(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().armed.store(UNARMED, Ordering::Relaxed);
        Self::turn(slf)
    }

    #[getter]
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    #[getter]
    fn connections(&self) -> usize {
        lock(&self.core).connections()
    }

    /// Exchanges whose answer is not complete.
    #[getter]
    fn running(&self) -> u64 {
        lock(&self.core).counters().running
    }

    #[pyo3(signature = (host, port, *, backlog = None, reuse_port = false))]
    fn listen_tcp(
        &self,
        py: Python<'_>,
        host: &str,
        port: u16,
        backlog: Option<u32>,
        reuse_port: bool,
    ) -> PyResult<usize> {
        let id = self.core(py)?.listen_tcp(host, port, backlog, reuse_port).map_err(errors::system)?;
        Ok(id.0)
    }

    #[pyo3(signature = (path, *, mode = None, backlog = None))]
    fn listen_unix(&self, py: Python<'_>, path: PathBuf, mode: Option<u32>, backlog: Option<u32>) -> PyResult<usize> {
        let id = self.core(py)?.listen_unix(&path, mode, backlog).map_err(errors::system)?;
        Ok(id.0)
    }

    /// Accept on a listening socket inherited from elsewhere. The descriptor is duplicated.
    #[pyo3(signature = (fd, /))]
    fn listen_descriptor(&self, py: Python<'_>, fd: i32) -> PyResult<usize> {
        let id = self.core(py)?.listen_inherited(duplicate(fd)?).map_err(errors::system)?;
        Ok(id.0)
    }

    #[pyo3(signature = (listener, /))]
    fn address<'py>(&self, py: Python<'py>, listener: usize) -> PyResult<Bound<'py, PyAny>> {
        let local = self.core(py)?.local_address(ListenerId(listener));
        let local = local.ok_or_else(|| PyValueError::new_err("That listener is closed."))?;
        convert::address(py, &local)
    }

    #[pyo3(signature = (listener, /))]
    fn stop_listening(&self, py: Python<'_>, listener: usize) -> PyResult<()> {
        self.core(py)?.stop_listening(ListenerId(listener));
        Ok(())
    }

    /// Take over an accepted stream socket (the descriptor is duplicated) and what was read from it.
    #[pyo3(signature = (fd, data = None, /))]
    fn adopt(&self, py: Python<'_>, fd: i32, data: Option<&[u8]>) -> PyResult<()> {
        let socket = duplicate(fd)?;
        self.command(py, |engine| engine.adopt(socket, data.unwrap_or_default()))?.map_err(errors::system)
    }

    #[pyo3(signature = (sink, *, client = None, server = None, secure = false))]
    fn open_pipe(
        slf: &Bound<'_, Self>,
        sink: Py<PyAny>,
        client: Option<&Bound<'_, PyAny>>,
        server: Option<&Bound<'_, PyAny>>,
        secure: bool,
    ) -> PyResult<Pipe> {
        let (client, server) = (convert::peer(client)?, convert::peer(server)?);
        let id = slf.get().command(slf.py(), |engine| engine.open_pipe(client, server, secure))?;
        lock(&slf.get().sinks).insert(id, sink);
        Ok(Pipe { engine: slf.clone().unbind(), id })
    }

    #[pyo3(signature = (seconds = None, /))]
    fn drain(slf: &Bound<'_, Self>, seconds: Option<f64>) -> PyResult<()> {
        let millis = seconds.map(|seconds| (seconds.max(0.0) * 1000.0) as u64);
        Self::pump(slf, |engine| {
            engine.drain(millis);
            Ok(())
        })
    }

    /// Stop listening and abort every connection; how many exchanges were cut.
    fn close(slf: &Bound<'_, Self>) -> PyResult<usize> {
        let mut cut = 0;
        Self::pump(slf, |engine| {
            cut = engine.close_all();
            Ok(())
        })?;
        Ok(cut)
    }

    /// Ask `Service.resolve` again for every path: the tree has changed.
    fn forget_endpoints(&self) {
        let forgotten: Vec<_> = lock(&self.memo).iter_mut().map(std::mem::take).collect();
        drop(forgotten);
    }

    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = lock(&self.core).counters();
        let shown = PyDict::new(py);
        for (name, value) in counters.totals() {
            shown.set_item(name, value)?;
        }
        shown.set_item("answers", counters.answers.to_vec())?;
        shown.set_item("latency", counters.latency.to_vec())?;
        Ok(shown)
    }

    /// "combined", "json" or None.
    #[pyo3(signature = (style, /))]
    fn set_access_log(&self, style: Option<&str>) -> PyResult<()> {
        let style = match style {
            None => None,
            Some("combined") => Some(Style::Combined),
            Some("json") => Some(Style::Json),
            Some(other) => {
                return Err(PyValueError::new_err(format!("An access log is \"combined\" or \"json\", not {other:?}.")));
            }
        };
        lock(&self.core).set_access_log(style);
        Ok(())
    }

    fn take_access_log<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let taken = lock(&self.core).access_log().map(ropewalk_engine::access::AccessLog::take);
        PyBytes::new(py, &taken.unwrap_or_default())
    }

    /// Report every refused message at debug level.
    #[pyo3(signature = (on, /))]
    fn set_debug(&self, on: bool) {
        lock(&self.core).set_debug(on);
    }
}

/// A copy of the current context, current until it is dropped (PEP 567).
struct Context<'py> {
    context: Bound<'py, PyAny>,
}

impl<'py> Context<'py> {
    fn enter(py: Python<'py>) -> PyResult<Self> {
        // SAFETY: both take no borrowed pointer but the one just made, and Python is attached.
        let context = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent())? };
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } < 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(Context { context })
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: it was entered in `enter` and is left once, in the order of nesting.
        if unsafe { ffi::PyContext_Exit(self.context.as_ptr()) } < 0 {
            PyErr::fetch(self.context.py()).write_unraisable(self.context.py(), None);
        }
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

/// A descriptor of our own for a file that Python has open.
pub fn duplicate(fd: i32) -> PyResult<OwnedFd> {
    if fd < 0 {
        return Err(PyValueError::new_err("That is not a descriptor."));
    }
    // SAFETY: it is borrowed for the length of this call, and checked by the kernel.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    borrowed.try_clone_to_owned().map_err(errors::system)
}
