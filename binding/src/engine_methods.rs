//! The methods of `Engine` that Python calls.

use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyType};
use ropewalk_engine::access_format::Format;
use ropewalk_engine::access_log::{AccessLogBuffer, Style};
use ropewalk_engine::compression::{Coding, Compression};
use ropewalk_engine::method::Methods;
use ropewalk_engine::proxies::{Family, Proxies, Trusted};
use ropewalk_engine::redaction::Redaction;
use ropewalk_engine::{HalfClose, ListenerId};

use crate::address;
use crate::connection::Connection;
use crate::descriptors::duplicate;
use crate::engine::{Engine, UNARMED};
use crate::entered_context::is_context;
use crate::errors;
use crate::exchange::Exchange;
use crate::handler_cache::HandlerCache;
use crate::limits::Limits;
use crate::object_map::ObjectMap;
use crate::pipe::Pipe;
use crate::sync::lock;
use crate::thread::BoundThread;
use crate::turn;

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (callbacks, limits = None))]
    fn new(py: Python<'_>, callbacks: Bound<'_, PyAny>, limits: Option<Limits>) -> PyResult<Self> {
        let limits = limits.unwrap_or(Limits(ropewalk_engine::Limits::default()));
        let request = callbacks.getattr(intern!(py, "request"))?.cast_into::<PyType>()?;
        if !request.is_subclass_of::<Exchange>()? {
            return Err(PyTypeError::new_err("EngineCallbacks.request is a subclass of Exchange."));
        }
        let owners_serve = callbacks.hasattr(intern!(py, "opened"))?;
        let mut core = ropewalk_engine::Engine::new(limits.0.clone()).map_err(errors::system)?;
        if owners_serve {
            core.set_methods(Methods::Any);
            core.report_connections();
        }
        Ok(Engine {
            core: Mutex::new(core),
            request: request.unbind(),
            encode_json: callbacks.getattr(intern!(py, "encode_json"))?.unbind(),
            json_types: callbacks.getattr(intern!(py, "json_types"))?.unbind(),
            response: callbacks.getattr_opt(intern!(py, "response"))?.map(Bound::unbind),
            callbacks: callbacks.unbind(),
            limits,
            exchanges: ObjectMap::new(),
            handlers: HandlerCache::new(),
            owners: ObjectMap::new(),
            owners_serve,
            context: Mutex::new(None),
            notes_requests: AtomicBool::new(false),
            compresses: AtomicBool::new(false),
            note_request: Mutex::new(None),
            thread: BoundThread::unbound(),
            busy: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            armed: AtomicU64::new(UNARMED),
            turn_loop: Mutex::default(),
            log_lines_lost: AtomicU64::new(0),
        })
    }

    /// The descriptor that the event loop watches for reading.
    fn fileno(&self) -> i32 {
        lock(&self.core).descriptor().as_raw_fd()
    }

    /// Run one turn of limited length: read the sockets, call the handlers, send the responses.
    fn turn(slf: &Bound<'_, Self>) -> PyResult<()> {
        turn::pump(slf, |engine| {
            let outcome = engine.poll();
            turn::report_poll(engine, outcome);
        })
    }

    /// Handle expired deadlines. The timer that `EngineCallbacks.arm` has set calls this.
    fn tick(slf: &Bound<'_, Self>) -> PyResult<()> {
        slf.get().armed.store(UNARMED, Ordering::Relaxed);
        Self::turn(slf)
    }

    /// Bind the engine to this thread. No other thread may use the engine afterwards.
    fn bind_thread(&self) {
        self.thread.bind();
    }

    /// Run each request in a copy of this context (PEP 567).
    #[pyo3(signature = (context, /))]
    fn use_context(&self, context: Bound<'_, PyAny>) -> PyResult<()> {
        if !is_context(&context) {
            return Err(PyTypeError::new_err("context must be a contextvars.Context."));
        }
        let former = lock(&self.context).replace(context.unbind());
        drop(former);
        Ok(())
    }

    /// Call `EngineCallbacks.arm` again for the next deadline, because no timer runs for the last call.
    fn rearm(&self, py: Python<'_>) -> PyResult<()> {
        self.armed.store(UNARMED, Ordering::Relaxed);
        self.arm(py)
    }

    /// In a forked child, forget the parent's connections and continue to accept on its listeners. If this fails, every
    /// later use of the engine raises Forked (RW508).
    fn after_fork_in_child(&self) {
        let mid_turn = self.busy.load(Ordering::Relaxed) && self.thread.admits();
        self.busy.store(mid_turn, Ordering::Relaxed);
        self.thread.unbind();
        self.log_lines_lost.store(0, Ordering::Relaxed);
        self.exchanges.leak();
        self.owners.leak();
        // If another thread held the lock when the process was forked, no thread of the child can release the lock, so
        // the engine is closed.
        let renewed = self.core.try_lock().is_ok_and(|mut core| core.after_fork_in_child(mid_turn).is_ok());
        if !renewed {
            self.thread.close();
        }
    }

    /// In the parent of a new child process, record whether the child accepts on its copies of the listening sockets.
    #[pyo3(signature = (*, children_serve))]
    fn after_fork_in_parent(&self, children_serve: bool) {
        lock(&self.core).after_fork_in_parent(children_serve);
    }

    /// Whether the current thread may call the engine: the engine is bound to this thread, or to no thread.
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

    /// The number of exchanges whose response is incomplete.
    #[getter]
    fn running_exchanges(&self) -> u64 {
        lock(&self.core).counters().running
    }

    /// Listen on a TCP host and port. With `half_close`, clients may close their sending side and still receive their
    /// responses.
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
        listen(self, py, half_close, |engine| engine.listen_tcp(host, port, backlog, reuse_port))
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
        listen(self, py, half_close, |engine| engine.listen_unix(&path, mode, backlog))
    }

    /// Accept connections on an inherited listening socket. The descriptor is duplicated.
    #[pyo3(signature = (fd, /, *, half_close = false))]
    fn listen_descriptor(&self, py: Python<'_>, fd: i32, half_close: bool) -> PyResult<usize> {
        let socket = duplicate(fd)?;
        listen(self, py, half_close, |engine| engine.listen_inherited(socket))
    }

    #[pyo3(signature = (listener, /))]
    fn address<'py>(&self, py: Python<'py>, listener: usize) -> PyResult<Bound<'py, PyAny>> {
        let local = self.core(py)?.local_address(ListenerId(listener));
        let local = local.ok_or_else(|| PyValueError::new_err("That listener is closed."))?;
        address::to_python(py, &local)
    }

    #[pyo3(signature = (listener, /))]
    fn stop_listening(&self, py: Python<'_>, listener: usize) -> PyResult<()> {
        self.core(py)?.stop_listening(ListenerId(listener));
        Ok(())
    }

    /// Serve an accepted stream socket for its owner. The descriptor is duplicated. `data` holds the bytes that were
    /// already read from the socket. If the engine is full, closes the connection and returns None.
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
            this.owners.insert(id, owner);
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
        let (client, server) = (address::from_python(client)?, address::from_python(server)?);
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
        slf.get().owners.insert(id.connection(), sink);
        Ok(Pipe { engine: slf.clone().unbind(), id })
    }

    /// Trust proxies at these addresses. `headers` names the fields that they send ("x-forwarded" or "forwarded"). With
    /// `protocol`, they send PROXY protocol headers.
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

    /// Set how responses are compressed, and whether they are if neither the response nor its handler says so. `codings`
    /// are names with levels, the preferred one first. Raises ValueError for an unknown name.
    #[pyo3(signature = (on, /, *, codings, min_size, file_size, streams, types))]
    fn set_compression(
        &self,
        on: bool,
        codings: Vec<(String, u32)>,
        min_size: u64,
        file_size: u64,
        streams: usize,
        types: Vec<String>,
    ) -> PyResult<()> {
        let known = |(name, level): (String, u32)| match Coding::named(name.as_bytes()) {
            Some(coding) => Ok((coding, level)),
            None => Err(PyValueError::new_err(format!("There is no coding {name:?}."))),
        };
        let codings = codings.into_iter().map(known).collect::<PyResult<Vec<_>>>()?;
        let types = types.into_iter().map(|name| name.to_ascii_lowercase().into_bytes().into()).collect();
        lock(&self.core).set_compression(Compression { codings, min_size, file_size, streams, types });
        self.compresses.store(on, Ordering::Relaxed);
        Ok(())
    }

    /// The number of encoders of streams and large bodies that are in use.
    #[getter]
    fn encoders(&self) -> usize {
        lock(&self.core).encoders()
    }

    #[pyo3(signature = (seconds = None, /))]
    fn drain(slf: &Bound<'_, Self>, seconds: Option<f64>) -> PyResult<()> {
        let millis = seconds.map(|seconds| (seconds.max(0.0) * 1000.0) as u64);
        turn::pump(slf, |engine| engine.drain(millis))
    }

    /// Stop listening and abort every connection. Returns the number of aborted exchanges. All events are handled
    /// before this method returns or, if it is called during a turn, at the end of the turn.
    fn close(slf: &Bound<'_, Self>) -> PyResult<usize> {
        let mut cut = 0;
        turn::pump(slf, |engine| {
            cut = engine.close_all();
            slf.get().closing.store(true, Ordering::Relaxed);
        })?;
        Ok(cut)
    }

    /// Empty the handler cache after the resource tree has changed. Then `EngineCallbacks.resolve` is called again for
    /// every path.
    fn forget_handlers(&self) {
        self.handlers.clear();
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

    /// Count access log lines that were taken from the engine and could not be written. Any thread may call this.
    #[pyo3(signature = (count, /))]
    fn count_lost_log_lines(&self, count: u64) {
        self.log_lines_lost.fetch_add(count, Ordering::Relaxed);
    }

    /// Set the format of the access log: "combined", "timed" or "json"; "template", with `template`; or "fields", with
    /// `fields`. None turns the log off. `secrets` are names whose values are not logged. Returns the names of those
    /// fields of the format that `set_log_field` sets. If the format is invalid, raises ValueError, which says what is
    /// wrong.
    #[pyo3(signature = (style, /, *, template = "", fields = Vec::new(), secrets = Vec::new()))]
    fn set_access_log(
        &self,
        style: Option<&str>,
        template: &str,
        fields: Vec<String>,
        secrets: Vec<String>,
    ) -> PyResult<Vec<String>> {
        let style = parse_style(style, template, &fields)?;
        let own = own_fields(style.as_ref());
        lock(&self.core).set_access_log(style, Redaction::new(secrets.iter().map(String::as_str)));
        Ok(own)
    }

    /// Check a format as `set_access_log` does, and return what it returns.
    #[staticmethod]
    #[pyo3(signature = (style, /, *, template = "", fields = Vec::new()))]
    fn check_access_log(style: &str, template: &str, fields: Vec<String>) -> PyResult<Vec<String>> {
        Ok(own_fields(parse_style(Some(style), template, &fields)?.as_ref()))
    }

    /// Call a function with each request before its handler, in the context of the request. None ends these calls.
    #[pyo3(signature = (function, /))]
    fn note_requests(&self, function: Option<Py<PyAny>>) {
        self.notes_requests.store(function.is_some(), Ordering::Relaxed);
        let former = std::mem::replace(&mut *lock(&self.note_request), function);
        drop(former);
    }

    fn take_access_log<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let taken = lock(&self.core).access_log().map(AccessLogBuffer::take);
        PyBytes::new(py, &taken.unwrap_or_default())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callbacks)?;
        visit.call(&self.request)?;
        visit.call(&self.encode_json)?;
        visit.call(&self.json_types)?;
        visit.call(&self.response)?;
        for context in self.context.try_lock().iter() {
            visit.call(&**context)?;
        }
        for function in self.note_request.try_lock().iter() {
            visit.call(&**function)?;
        }
        self.handlers.traverse(&visit)?;
        self.exchanges.traverse(&visit)?;
        self.owners.traverse(&visit)
    }

    fn __clear__(&self) {
        let context = lock(&self.context).take();
        drop(context);
        self.note_requests(None);
        self.exchanges.clear();
        self.owners.clear();
        self.handlers.clear();
    }

    /// Also accept requests with an unregistered method. CONNECT and TRACE are still refused.
    fn allow_unregistered_methods(&self) {
        lock(&self.core).set_methods(Methods::Conventional);
    }

    /// Set whether every refused request is reported at debug level.
    #[pyo3(signature = (on, /))]
    fn set_debug(&self, on: bool) {
        lock(&self.core).set_debug(on);
    }
}

fn listen(
    engine: &Engine,
    py: Python<'_>,
    half_close: bool,
    listen: impl FnOnce(&mut ropewalk_engine::Engine) -> std::io::Result<ListenerId>,
) -> PyResult<usize> {
    let mut core = engine.core(py)?;
    let id = listen(&mut core).map_err(errors::system)?;
    if half_close {
        core.set_listener_half_close(id, HalfClose::Finish);
    }
    Ok(id.0)
}

fn parse_style(style: Option<&str>, template: &str, fields: &[String]) -> PyResult<Option<Style>> {
    Ok(Some(match style {
        None => return Ok(None),
        Some("combined") => Style::Combined,
        Some("timed") => Style::Timed,
        Some("json") => Style::Json,
        Some("template") => Style::Custom(Format::template(template).map_err(PyValueError::new_err)?),
        Some("fields") => {
            Style::Custom(Format::json(fields.iter().map(String::as_str)).map_err(PyValueError::new_err)?)
        }
        Some(other) => {
            return Err(PyValueError::new_err(format!(
                "An access log is \"combined\", \"timed\", \"json\", \"template\" or \"fields\", not {other:?}."
            )));
        }
    }))
}

/// The names of those fields of a format that `set_log_field` sets.
fn own_fields(style: Option<&Style>) -> Vec<String> {
    match style {
        Some(Style::Custom(format)) => format.own_names().map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
