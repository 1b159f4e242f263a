//! `Engine`: listening sockets, connections and their exchanges as one object of Python.

use std::collections::HashMap;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};
use ropewalk_engine::access::{AccessLog, Style};
use ropewalk_engine::clock::monotonic_micros;
use ropewalk_engine::method::Methods;
use ropewalk_engine::proxies::{Family, Proxies, Trusted};
use ropewalk_engine::{ConnectionId, ExchangeId, FileTicket, HalfClose, ListenerId, Peer, Pressure};

use crate::connection::Connection;
use crate::convert;
use crate::errors;
use crate::exchange::Exchange;
use crate::limits::Limits;
use crate::memo::Memo;
use crate::pipe::Pipe;
use crate::thread::BoundThread;
use crate::turn::report_poll;

/// Nothing is armed.
const UNARMED: u64 = u64::MAX;

/// Listening sockets, connections and their exchanges behind one descriptor.
#[pyclass(frozen, weakref, module = "ropewalk._engine")]
pub struct Engine {
    pub(crate) core: Mutex<ropewalk_engine::Engine>,
    pub(crate) service: Py<PyAny>,
    pub(crate) limits: Limits,
    pub(crate) request: Py<PyType>,
    pub(crate) encode_json: Py<PyAny>,
    /// Types whose instances `encode_json` takes, besides dict and list.
    pub(crate) json_types: Py<PyAny>,
    /// Exchanges whose answer is not complete, outside of the turn that brought them.
    pub(crate) live: Mutex<HashMap<ExchangeId, Py<Exchange>>>,
    /// Endpoints of static paths, by method.
    pub(crate) memo: Memo,
    /// Who holds a connection: the sink of a pipe, or what the service gave when a socket was opened.
    pub(crate) owners: Mutex<HashMap<ConnectionId, Py<PyAny>>>,
    /// The owner of its connection is given every exchange, and the service resolves none.
    pub(crate) owners_begin: bool,
    /// The thread that runs the turns.
    pub(crate) thread: BoundThread,
    /// A turn is being run.
    pub(crate) busy: AtomicBool,
    /// The deadline, in milliseconds of the engine's clock, that the service knows of.
    armed: AtomicU64,
    /// Lines of the access log that its writer could not write.
    log_lines_lost: AtomicU64,
}

/// Locks a mutex that no other thread holds for long, and that outlives a panic.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// The engine, for as long as Python does not run. Raises WrongThread.
    pub fn core(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, ropewalk_engine::Engine>> {
        if !self.thread.admits() {
            if self.thread.is_closed() {
                let message = "The engine could not be set up anew in this process, which was forked.".to_owned();
                return Err(errors::raise(py, errors::FORKED, message));
            }
            let message = "The engine was called from another thread than its reactor's.".to_owned();
            return Err(errors::raise(py, errors::WRONG_THREAD, message));
        }
        Ok(lock(&self.core))
    }

    /// Runs a command that may have moved the engine's next deadline.
    pub fn command<R>(&self, py: Python<'_>, command: impl FnOnce(&mut ropewalk_engine::Engine) -> R) -> PyResult<R> {
        let outcome = command(&mut *self.core(py)?);
        if !self.busy.load(Ordering::Relaxed) {
            self.arm(py)?;
        }
        Ok(outcome)
    }

    /// Counts a temporary file among the descriptors in use.
    pub fn count_open_file(&self) -> FileTicket {
        lock(&self.core).count_open_file()
    }

    /// Our end of an exchange; any thread may ask.
    pub fn local(&self, id: ExchangeId) -> Peer {
        lock(&self.core).local(id).unwrap_or(Peer::Unknown)
    }

    /// Whether a writer should wait; any thread may ask.
    pub fn pressure(&self, id: ExchangeId) -> Pressure {
        lock(&self.core).pressure(id)
    }

    /// Whether an exchange began in the process that this one was forked from.
    pub fn is_inherited(&self, id: ExchangeId) -> bool {
        lock(&self.core).is_inherited(id)
    }

    /// The answer of an exchange is complete.
    pub fn forget(&self, id: ExchangeId) {
        let forgotten = lock(&self.live).remove(&id);
        drop(forgotten);
    }

    fn listen(
        &self,
        py: Python<'_>,
        half_close: bool,
        listen: impl FnOnce(&mut ropewalk_engine::Engine) -> std::io::Result<ListenerId>,
    ) -> PyResult<usize> {
        let mut core = self.core(py)?;
        let id = listen(&mut core).map_err(errors::system)?;
        if half_close {
            core.set_listener_half_close(id, HalfClose::Finish);
        }
        Ok(id.0)
    }

    /// Has the service call `tick` in time for the engine's next deadline, where it would be too late.
    pub(crate) fn arm(&self, py: Python<'_>) -> PyResult<()> {
        let next = lock(&self.core).next_deadline();
        let Some(next) = next else { return Ok(()) };
        if next >= self.armed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.armed.store(next, Ordering::Relaxed);
        let seconds = next.saturating_sub(monotonic_micros() / 1000) as f64 / 1000.0;
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
            return Err(PyTypeError::new_err("Service.request is a subclass of Exchange."));
        }
        let owners_begin = service.hasattr(intern!(py, "opened"))?;
        let mut core = ropewalk_engine::Engine::new(limits.0.clone()).map_err(errors::system)?;
        if owners_begin {
            core.set_methods(Methods::Any);
            core.report_connections();
        }
        Ok(Engine {
            core: Mutex::new(core),
            request: request.unbind(),
            encode_json: service.getattr(intern!(py, "encode_json"))?.unbind(),
            json_types: service.getattr(intern!(py, "json_types"))?.unbind(),
            service: service.unbind(),
            limits,
            live: Mutex::default(),
            memo: Memo::new(),
            owners: Mutex::default(),
            owners_begin,
            thread: BoundThread::unbound(),
            busy: AtomicBool::new(false),
            armed: AtomicU64::new(UNARMED),
            log_lines_lost: AtomicU64::new(0),
        })
    }

    /// The descriptor to watch for reading.
    fn fileno(&self) -> i32 {
        lock(&self.core).descriptor().as_raw_fd()
    }

    /// Run one bounded turn: take in what the sockets have, call the handlers, send the answers.
    fn turn(slf: &Bound<'_, Self>) -> PyResult<()> {
        Self::pump(slf, |engine| {
            let outcome = engine.poll();
            report_poll(engine, outcome);
        })
    }

    /// The wish made by `Service.arm` has come due.
    fn tick(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().armed.store(UNARMED, Ordering::Relaxed);
        Self::turn(slf)
    }

    /// From here this thread runs the turns, and no other may use the engine.
    fn bind_thread(&self) {
        self.thread.bind();
    }

    /// Make the wish for a `tick` again: the service has not heeded the last one.
    fn rearm(&self, py: Python<'_>) -> PyResult<()> {
        self.armed.store(UNARMED, Ordering::Relaxed);
        self.arm(py)
    }

    /// This process is a forked child: leave the parent its connections, and accept on the same listeners.
    fn after_fork_in_child(&self) {
        let mid_turn = self.busy.load(Ordering::Relaxed) && self.thread.admits();
        self.busy.store(mid_turn, Ordering::Relaxed);
        self.thread.unbind();
        self.log_lines_lost.store(0, Ordering::Relaxed);
        // What the parent's requests hold must not be ended here: that would run code of its handlers a second time.
        if let (Ok(mut live), Ok(mut owners)) = (self.live.try_lock(), self.owners.try_lock()) {
            std::mem::forget((std::mem::take(&mut *live), std::mem::take(&mut *owners)));
        }
        // A lock that another thread held will never be released.
        let renewed = self.core.try_lock().is_ok_and(|mut core| core.after_fork_in_child(mid_turn).is_ok());
        if !renewed {
            self.thread.close();
        }
    }

    /// This process has a new child, which has copies of its listening sockets.
    #[pyo3(signature = (*, children_serve))]
    fn after_fork_in_parent(&self, children_serve: bool) {
        lock(&self.core).after_fork_in_parent(children_serve);
    }

    /// Whether this is the thread that runs the turns.
    #[getter]
    fn on_engine_thread(&self) -> bool {
        self.thread.admits()
    }

    #[getter]
    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    #[getter]
    fn connections(&self) -> usize {
        lock(&self.core).connections()
    }

    /// Whether a turn has something to do already.
    #[getter]
    fn waits(&self) -> bool {
        lock(&self.core).has_work()
    }

    /// Exchanges whose answer is not complete.
    #[getter]
    fn running_exchanges(&self) -> u64 {
        lock(&self.core).counters().running
    }

    /// Accept on TCP. With `half_close`, here and below, clients may close their sending side and wait for responses.
    #[pyo3(signature = (host, port, *, backlog = None, reuse_port = false, half_close = false))]
    fn listen_tcp(
        &self,
        py: Python<'_>,
        host: &str,
        port: u16,
        backlog: Option<u32>,
        reuse_port: bool,
        half_close: bool,
    ) -> PyResult<usize> {
        self.listen(py, half_close, |engine| engine.listen_tcp(host, port, backlog, reuse_port))
    }

    #[pyo3(signature = (path, *, mode = None, backlog = None, half_close = false))]
    fn listen_unix(
        &self,
        py: Python<'_>,
        path: PathBuf,
        mode: Option<u32>,
        backlog: Option<u32>,
        half_close: bool,
    ) -> PyResult<usize> {
        self.listen(py, half_close, |engine| engine.listen_unix(&path, mode, backlog))
    }

    /// Accept on a listening socket inherited from elsewhere. The descriptor is duplicated.
    #[pyo3(signature = (fd, /, *, half_close = false))]
    fn listen_descriptor(&self, py: Python<'_>, fd: i32, half_close: bool) -> PyResult<usize> {
        let socket = duplicate(fd)?;
        self.listen(py, half_close, |engine| engine.listen_inherited(socket))
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

    /// Take over an accepted stream socket (the descriptor is duplicated) and what was read from it, for its owner.
    /// None where the engine is full and has turned it away.
    #[pyo3(signature = (fd, data = None, /, *, owner = None, half_close = false))]
    fn adopt(
        slf: &Bound<'_, Self>,
        fd: i32,
        data: Option<&[u8]>,
        owner: Option<Py<PyAny>>,
        half_close: bool,
    ) -> PyResult<Option<Connection>> {
        let socket = duplicate(fd)?;
        let this = slf.get();
        let adopted = this.command(slf.py(), |engine| engine.adopt(socket, data.unwrap_or_default()))?;
        let Some(id) = adopted.map_err(errors::system)? else { return Ok(None) };
        if half_close {
            lock(&this.core).set_connection_half_close(id, HalfClose::Finish);
        }
        if let Some(owner) = owner {
            lock(&this.owners).insert(id, owner);
        }
        Ok(Some(Connection { engine: slf.clone().unbind(), id }))
    }

    #[pyo3(signature = (sink, *, client = None, server = None, secure = false, half_close = false))]
    fn open_pipe(
        slf: &Bound<'_, Self>,
        sink: Py<PyAny>,
        client: Option<&Bound<'_, PyAny>>,
        server: Option<&Bound<'_, PyAny>>,
        secure: bool,
        half_close: bool,
    ) -> PyResult<Pipe> {
        let (client, server) = (convert::peer(client)?, convert::peer(server)?);
        let delegates_refusals = sink.bind(slf.py()).hasattr(intern!(slf.py(), "refuse"))?;
        let id = slf.get().command(slf.py(), |engine| {
            let id = engine.open_pipe(client, server, secure);
            if delegates_refusals {
                engine.delegate_refusals(id.connection());
            }
            if half_close {
                engine.set_connection_half_close(id.connection(), HalfClose::Finish);
            }
            id
        })?;
        lock(&slf.get().owners).insert(id.connection(), sink);
        Ok(Pipe { engine: slf.clone().unbind(), id })
    }

    /// Believe proxies at these addresses, and what they say by fields ("x-forwarded", "forwarded") or PROXY headers.
    #[pyo3(signature = (addresses, *, headers = None, host = false, protocol = false))]
    fn trust_proxies(&self, addresses: Vec<String>, headers: Option<&str>, host: bool, protocol: bool) -> PyResult<()> {
        let mut trusted = Trusted::default();
        for address in addresses {
            trusted.add(&address).map_err(|error| PyValueError::new_err(format!("{error}.")))?;
        }
        let headers = match headers {
            None => None,
            Some("x-forwarded") => Some(Family::XForwarded),
            Some("forwarded") => Some(Family::Forwarded),
            Some(other) => {
                let message = format!("The fields of proxies are \"x-forwarded\" or \"forwarded\", not {other:?}.");
                return Err(PyValueError::new_err(message));
            }
        };
        lock(&self.core).set_proxies(Some(Proxies { trusted, headers, host, protocol }));
        Ok(())
    }

    #[pyo3(signature = (seconds = None, /))]
    fn drain(slf: &Bound<'_, Self>, seconds: Option<f64>) -> PyResult<()> {
        let millis = seconds.map(|seconds| (seconds.max(0.0) * 1000.0) as u64);
        Self::pump(slf, |engine| engine.drain(millis))
    }

    /// Stop listening and abort every connection; how many exchanges were cut.
    fn close(slf: &Bound<'_, Self>) -> PyResult<usize> {
        let mut cut = 0;
        Self::pump(slf, |engine| cut = engine.close_all())?;
        Ok(cut)
    }

    /// Ask `Service.resolve` again for every path: the tree has changed.
    fn forget_endpoints(&self) {
        self.memo.clear();
    }

    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = lock(&self.core).counters();
        let shown = PyDict::new(py);
        for (name, value) in counters.totals() {
            shown.set_item(name, value)?;
        }
        shown.set_item("log_lines_lost", self.log_lines_lost.load(Ordering::Relaxed))?;
        shown.set_item("responses", counters.responses.to_vec())?;
        shown.set_item("latency", counters.latency.to_vec())?;
        Ok(shown)
    }

    /// Counts lines of the access log that were taken and never written. Any thread may call it.
    #[pyo3(signature = (count, /))]
    fn count_lost_log_lines(&self, count: u64) {
        self.log_lines_lost.fetch_add(count, Ordering::Relaxed);
    }

    /// "combined", "timed", "json" or None.
    #[pyo3(signature = (style, /))]
    fn set_access_log(&self, style: Option<&str>) -> PyResult<()> {
        let style = match style {
            None => None,
            Some("combined") => Some(Style::Combined),
            Some("timed") => Some(Style::Timed),
            Some("json") => Some(Style::Json),
            Some(other) => {
                return Err(PyValueError::new_err(format!(
                    "An access log is \"combined\", \"timed\" or \"json\", not {other:?}."
                )));
            }
        };
        lock(&self.core).set_access_log(style);
        Ok(())
    }

    fn take_access_log<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let taken = lock(&self.core).access_log().map(AccessLog::take);
        PyBytes::new(py, &taken.unwrap_or_default())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.service)?;
        visit.call(&self.request)?;
        visit.call(&self.encode_json)?;
        visit.call(&self.json_types)?;
        self.memo.traverse(&visit)?;
        // What is locked is in use, and so not garbage.
        for exchange in self.live.try_lock().iter().flat_map(|live| live.values()) {
            visit.call(exchange)?;
        }
        for owner in self.owners.try_lock().iter().flat_map(|owners| owners.values()) {
            visit.call(owner)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let live = std::mem::take(&mut *lock(&self.live));
        let owners = std::mem::take(&mut *lock(&self.owners));
        drop((live, owners));
        self.memo.clear();
    }

    /// Let in methods that are registered nowhere, but CONNECT and TRACE.
    fn allow_unregistered_methods(&self) {
        lock(&self.core).set_methods(Methods::Conventional);
    }

    /// Report every refused message at debug level.
    #[pyo3(signature = (on, /))]
    fn set_debug(&self, on: bool) {
        lock(&self.core).set_debug(on);
    }
}

/// A descriptor that Python gives away.
pub fn take_over(fd: i32) -> PyResult<OwnedFd> {
    if fd < 0 {
        return Err(PyValueError::new_err("That is not a descriptor."));
    }
    // SAFETY: the caller has opened it, and neither uses nor closes it any more.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
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
