//! `Exchange`: one request and its answer. `ropewalk.Request` derives from it.

use std::sync::OnceLock;

use bytes::Bytes;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use ropewalk_engine::event::{BodyFault, Event};
use ropewalk_engine::{
    Body as EngineBody, CloseReason, CommandError, ExchangeId, GoneReason, Head, Peer, Pressure, Status, Version,
};

use crate::asgi;
use crate::body::{Body, Mode};
use crate::convert::{self, Fields};
use crate::endpoint::Endpoint;
use crate::engine::Engine;
use crate::errors;

/// Bodies up to this size are copied next to their head; larger ones are sent from where they are.
const COPIED: usize = 16 * 1024;

/// One request and its answer. `Request` derives from it.
#[pyclass(subclass, module = "ropewalk._engine")]
#[derive(Default)]
pub struct Exchange {
    pub(crate) link: Option<Link>,
    pub(crate) body: Body,
    pub(crate) endpoint: Option<Py<Endpoint>>,
    pub(crate) params: Option<Py<PyDict>>,
    pub(crate) status: Option<u16>,
    /// A reason phrase of the handler's own, and the status that it is for.
    reason: Option<Box<(u16, Vec<u8>)>>,
    pub(crate) started: bool,
    pub(crate) finished: bool,
    /// Why the exchange ended early, from the moment at which that shows.
    pub(crate) gone: OnceLock<GoneReason>,
    /// How its connection ends with it, where the exchange ended early. Known when `on_gone` is called.
    pub(crate) ending: Option<CloseReason>,
    /// Call `on_done` at the end of the answer.
    #[pyo3(get, set)]
    pub(crate) notify_done: bool,
    /// Give every value of the handler to `Service.deliver`.
    #[pyo3(get, set)]
    pub(crate) prepared: bool,
    bytes_sent: u64,
}

/// What joins an exchange to its engine.
pub(crate) struct Link {
    pub engine: Py<Engine>,
    pub id: ExchangeId,
    pub head: Box<Head>,
    /// Our end, asked for once.
    pub local: OnceLock<Peer>,
    /// Whoever holds the connection in Python, where somebody does.
    pub owner: Option<Py<PyAny>>,
}

impl Link {
    /// Our end of the connection.
    fn server(&self) -> &Peer {
        self.local.get_or_init(|| self.engine.get().local(self.id))
    }
}

impl Exchange {
    pub(crate) fn link(&self) -> PyResult<&Link> {
        self.link.as_ref().ok_or_else(|| PyRuntimeError::new_err("This exchange was not made by an engine."))
    }

    /// Runs a command of the engine, and tells the binding that its deadline may have changed.
    fn command<R>(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&mut ropewalk_engine::Engine, ExchangeId) -> Result<R, CommandError>,
    ) -> PyResult<R> {
        if let Some(&reason) = self.gone.get() {
            return Err(errors::disconnected(py, reason));
        }
        let link = self.link()?;
        let engine = link.engine.get();
        engine.command(py, |engine| command(engine, link.id))?.map_err(|error| {
            if error == CommandError::Gone && engine.is_inherited(link.id) {
                return errors::raise(py, errors::OF_PARENT, "The request came to the parent of this process.".into());
            }
            if error == CommandError::Gone {
                self.gone.get_or_init(|| GoneReason::ClientLeft);
            }
            errors::command(py, error)
        })
    }

    /// As `command`, for what belongs to an answer that is not complete.
    fn answering<R>(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&mut ropewalk_engine::Engine, ExchangeId) -> Result<R, CommandError>,
    ) -> PyResult<R> {
        if self.finished && self.gone.get().is_none() {
            return Err(errors::command(py, CommandError::Complete));
        }
        self.command(py, command)
    }

    fn limit(&self, py: Python<'_>, limit: Option<u64>) -> PyResult<u64> {
        let of_route = self.endpoint.as_ref().and_then(|endpoint| endpoint.get().body_limit);
        Ok(limit.or(of_route).unwrap_or(self.link()?.engine.bind(py).get().limits.0.body_size))
    }

    /// Lets the body flow in some mode.
    pub(crate) fn open_body(&mut self, py: Python<'_>, mode: Mode, limit: Option<u64>) -> PyResult<()> {
        if self.body.complete || !self.link()?.head.has_body() && self.status != Some(101) {
            self.body.complete = true;
            return Ok(());
        }
        let limit = self.limit(py, limit)?;
        self.body.limit = limit;
        let waiting = self.body.len() as u64;
        if self.body.mode == Mode::Streamed && mode != Mode::Streamed && waiting > 0 {
            // Whoever gathers a body holds nothing back.
            self.command(py, |engine, id| engine.consumed(id, waiting))?;
        }
        if self.body.mode == Mode::Untouched || mode != Mode::Streamed {
            self.body.mode = mode;
        }
        let arrived = self.command(py, |engine, id| engine.receive(id, Some(limit)))?;
        let engine = self.link()?.engine.clone_ref(py);
        let mut size = 0;
        for event in arrived {
            match event {
                Event::Data(_, part) => {
                    size += part.len() as u64;
                    self.body.add(py, part, self.spool_size(py)?, || engine.get().count_open_file());
                }
                Event::End(_, trailers) => self.body.finish(py, trailers),
                Event::BadBody(_, fault) => self.body.fault = Some(fault),
                _ => {}
            }
        }
        if size > 0 && self.body.mode != Mode::Streamed {
            self.command(py, |engine, id| engine.consumed(id, size))?;
        }
        match self.body_error(py) {
            Some(error) if mode != Mode::Streamed => Err(error),
            _ => Ok(()),
        }
    }

    /// What is wrong with the body, if anything is.
    pub(crate) fn body_error(&self, py: Python<'_>) -> Option<PyErr> {
        if let Some(failure) = &self.body.failure {
            return Some(failure.clone_ref(py));
        }
        Some(match self.body.fault? {
            BodyFault::TooLarge => errors::too_large(py, self.body.limit),
            BodyFault::Malformed(reason) => {
                errors::raise(py, errors::BAD_BODY, format!("The body is malformed: {reason}."))
            }
        })
    }

    fn spool_size(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(self.link()?.engine.bind(py).get().limits.0.spool_size)
    }

    fn status_line(&self, code: u16) -> Status<'_> {
        let reason = self.reason.as_deref().filter(|(of, _)| *of == code).map(|(_, reason)| &reason[..]);
        Status { code, reason }
    }

    /// From here raw bytes go both ways.
    fn become_raw(&mut self, py: Python<'_>) -> PyResult<()> {
        self.status = Some(101);
        self.started = true;
        self.body = Body::default();
        // At once, so that what came behind the head is kept even if the client has closed its side.
        self.open_body(py, Mode::Streamed, Some(u64::MAX))
    }

    /// The end of an answer, whoever brought it about.
    fn mark_finished(&mut self) {
        self.started = true;
        self.finished = true;
    }
}

#[pymethods]
impl Exchange {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Exchange::default()
    }

    // The request

    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(convert::method(py, &self.link()?.head))
    }

    /// What a request begins with: method, target and version as they were sent, whether the client would ask more on
    /// the connection, and the length of the body (None where it comes in chunks).
    #[getter]
    fn start_and_framing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let head = &self.link()?.head;
        let version: &[u8] = if head.version() == Version::Http10 { b"HTTP/1.0" } else { b"HTTP/1.1" };
        let length = if head.has_body() { head.length() } else { Some(0) };
        let method = PyBytes::new(py, head.method_name());
        (method, PyBytes::new(py, head.target()), PyBytes::new(py, version), head.keep_alive(), length)
            .into_pyobject(py)
    }

    #[getter]
    fn target<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.link()?.head.target()))
    }

    #[getter]
    fn raw_path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, path(&self.link()?.head)))
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(PyString::new(py, &convert::decoded_path(path(&self.link()?.head))))
    }

    #[getter]
    fn query_string<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.link()?.head.query()))
    }

    #[getter]
    fn http_version<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(convert::version(py, &self.link()?.head).clone())
    }

    #[getter]
    fn scheme<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(convert::scheme(py, &self.link()?.head).clone())
    }

    #[getter]
    fn host<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(convert::latin1(py, self.link()?.head.host()))
    }

    /// Seconds since 1970 of the Date of a response that is made now.
    #[getter]
    fn unix_date(&self, py: Python<'_>) -> PyResult<i64> {
        let link = self.link()?;
        Ok(link.engine.get().core(py)?.unix_time())
    }

    #[getter]
    fn client<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::address(py, convert::client(&self.link()?.head))
    }

    #[getter]
    fn peer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::address(py, self.link()?.head.peer())
    }

    #[getter]
    fn server<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        convert::address(py, self.link()?.server())
    }

    /// Whoever holds the connection: the sink of a pipe, or what `Service.opened` gave.
    #[getter]
    fn owner<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.link()?.owner.as_ref().map(|owner| owner.bind(py).clone()))
    }

    #[getter]
    fn content_length(&self) -> PyResult<Option<u64>> {
        Ok(self.link()?.head.length())
    }

    #[getter]
    fn has_body(&self) -> PyResult<bool> {
        Ok(self.link()?.head.has_body())
    }

    #[getter]
    fn service<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.link()?.engine.get().service.bind(py).clone())
    }

    #[getter]
    fn endpoint<'py>(&self, py: Python<'py>) -> Option<Bound<'py, Endpoint>> {
        self.endpoint.as_ref().map(|endpoint| endpoint.bind(py).clone())
    }

    #[getter]
    fn params<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyDict> {
        self.params.get_or_insert_with(|| PyDict::new(py).unbind()).bind(py).clone()
    }

    #[setter]
    fn set_params(&mut self, params: Py<PyDict>) {
        self.params = Some(params);
    }

    /// The value of a field, several lines joined by ", " (RFC 9110, section 5.3); None where absent.
    #[pyo3(signature = (name, /))]
    fn header<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyString>>> {
        let head = &self.link()?.head;
        let mut values = head.values(name.as_bytes());
        let Some(first) = values.next() else { return Ok(None) };
        let Some(second) = values.next() else { return Ok(Some(convert::latin1(py, first))) };
        let mut joined = first.to_vec();
        for value in std::iter::once(second).chain(values) {
            joined.extend_from_slice(b", ");
            joined.extend_from_slice(value);
        }
        Ok(Some(convert::latin1(py, &joined)))
    }

    /// The values of the lines of one field, in order.
    #[pyo3(signature = (name, /))]
    fn values<'py>(&self, py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let values = self.link()?.head.values(name).map(|value| PyBytes::new(py, value));
        PyList::new(py, values.collect::<Vec<_>>())
    }

    /// A line of an access log in the combined format, as Twisted writes it, for a request line and an answer that may
    /// be other than they were here. None where something in it has to be escaped.
    #[pyo3(signature = (host, stamp, asked, status, size, /))]
    fn combined_log_line<'py>(
        &self,
        py: Python<'py>,
        host: &str,
        stamp: &str,
        asked: [Bound<'py, PyBytes>; 3],
        status: i64,
        size: u64,
    ) -> PyResult<Option<Bound<'py, PyString>>> {
        let head = &self.link()?.head;
        let last = |name: &'static [u8]| head.values(name).next_back().filter(|value| !value.is_empty());
        let told = [last(b"referer"), last(b"user-agent")].map(|value| value.unwrap_or(b"-"));
        let asked = [asked[0].as_bytes(), asked[1].as_bytes(), asked[2].as_bytes()];
        if !asked.iter().chain(&told).all(|text| text.iter().all(|&byte| stands_for_itself(byte))) {
            return Ok(None);
        }
        let [method, target, version] = asked.map(String::from_utf8_lossy);
        let [referrer, agent] = told.map(String::from_utf8_lossy);
        let size = if size == 0 { "-".to_owned() } else { size.to_string() };
        let line = format!(
            "\"{host}\" - - {stamp} \"{method} {target} {version}\" {status} {size} \"{referrer}\" \"{agent}\""
        );
        Ok(Some(PyString::new(py, &line)))
    }

    /// Every field line in order, names in lower case.
    fn raw_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        convert::raw_headers(py, &self.link()?.head)
    }

    /// Set what the head tells in an ASGI scope: `http_version`, `method`, `scheme`, `path`, `raw_path`, `query_string`,
    /// `headers`, `client` and `server`.
    fn fill_asgi_scope(&self, py: Python<'_>, scope: &Bound<'_, PyDict>) -> PyResult<()> {
        let link = self.link()?;
        asgi::fill_scope(py, scope, &link.head, link.server())
    }

    // Its body

    /// Let the body come (sends 100 Continue where asked for). Raises BodyTooLarge at once where the length says so.
    #[pyo3(signature = (limit = None, /))]
    fn receive(&mut self, py: Python<'_>, limit: Option<u64>) -> PyResult<()> {
        self.open_body(py, Mode::Streamed, limit)
    }

    /// As `receive`, and call `on_readable` once, when the body is whole.
    #[pyo3(signature = (limit = None, /))]
    fn collect(&mut self, py: Python<'_>, limit: Option<u64>) -> PyResult<()> {
        self.open_body(py, Mode::Collected, limit)
    }

    /// What has arrived and was not taken: b"" at the end of the body, None where nothing is there yet.
    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let size = self.body.len();
        if size > 0 && (self.body.complete || self.body.mode == Mode::Streamed) {
            let bytes = self.body.take(py)?;
            if self.body.mode == Mode::Streamed && self.gone.get().is_none() && !self.finished {
                let link = self.link()?;
                // An exchange that ended meanwhile has nothing more to give; that shows at the next call.
                let _ = link.engine.get().command(py, |engine| engine.consumed(link.id, size as u64))?;
            }
            return Ok(Some(bytes));
        }
        if let Some(error) = self.body_error(py) {
            return Err(error);
        }
        if self.body_complete()? {
            return Ok(Some(PyBytes::new(py, b"")));
        }
        match self.gone.get() {
            Some(&reason) => Err(errors::disconnected(py, reason)),
            None => Ok(None),
        }
    }

    /// The temporary file that holds a collected body past `Limits.spool_size`, at its start; else None.
    #[getter]
    fn spool<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.body.spool.as_ref().map(|file| file.bind(py).clone())
    }

    #[getter]
    fn body_complete(&self) -> PyResult<bool> {
        Ok(self.body.complete || (!self.link()?.head.has_body() && self.status != Some(101)))
    }

    fn trailers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pairs = self.body.trailers.iter().map(|(name, value)| (PyBytes::new(py, name), PyBytes::new(py, value)));
        PyList::new(py, pairs.collect::<Vec<_>>())
    }

    // The answer

    /// Whether the head of the answer is out (or handed to the engine).
    #[getter]
    fn started(&self) -> bool {
        self.started
    }

    /// Whether the answer is complete, or the client is gone.
    #[getter]
    fn finished(&self) -> bool {
        self.finished || self.gone.get().is_some()
    }

    /// Whether the client left before the answer was complete.
    #[getter]
    fn gone(&self) -> bool {
        self.gone.get().is_some()
    }

    /// How the connection ends with an exchange that ended early: "done", "lost", "cut" or "aborted". None before `on_gone`.
    #[getter]
    fn ending(&self) -> Option<&'static str> {
        self.ending.map(convert::closing)
    }

    #[getter]
    fn status(&self) -> Option<u16> {
        self.status
    }

    #[getter]
    fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }

    /// Send this reason phrase, if the answer gets this status, in place of the registered one (RFC 9112, section 4).
    #[pyo3(signature = (status, reason, /))]
    fn set_reason(&mut self, status: u16, reason: &[u8]) {
        self.reason = Some(Box::new((status, reason.to_vec())));
    }

    /// A whole answer. The engine adds Content-Length, Date and Connection.
    #[pyo3(signature = (status, fields, body, /))]
    fn respond(slf: &Bound<'_, Self>, status: u16, fields: &Bound<'_, PyAny>, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::take(fields)?;
        let fields = fields.refs()?;
        if let Ok(text) = body.cast::<PyString>() {
            return respond(slf, status, &fields, ResponseBody::Copied(text.to_str()?.as_bytes()));
        }
        let bytes =
            body.cast::<PyBytes>().map_err(|_| PyTypeError::new_err("The body of an answer is bytes or str."))?;
        respond(slf, status, &fields, ResponseBody::Bytes(bytes))
    }

    /// A whole answer whose body is a region of an open regular file. The descriptor is duplicated.
    #[pyo3(signature = (status, fields, fd, offset, length, /))]
    fn respond_file(
        slf: &Bound<'_, Self>,
        status: u16,
        fields: &Bound<'_, PyAny>,
        fd: i32,
        offset: u64,
        length: u64,
    ) -> PyResult<()> {
        let fields = Fields::take(fields)?;
        respond(slf, status, &fields.refs()?, ResponseBody::File(crate::engine::duplicate(fd)?, offset, length))
    }

    /// A 1xx answer before the final one, such as 103 Early Hints (RFC 8297).
    #[pyo3(signature = (status, fields, /))]
    fn interim(slf: &Bound<'_, Self>, status: u16, fields: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::take(fields)?;
        let fields = fields.refs()?;
        slf.try_borrow()?.answering(slf.py(), |engine, id| engine.interim(id, status, &fields))
    }

    /// The head of a streamed answer: by length where given, else chunked (close-delimited on HTTP/1.0).
    #[pyo3(signature = (status, fields, length = None, /))]
    fn begin(slf: &Bound<'_, Self>, status: u16, fields: &Bound<'_, PyAny>, length: Option<u64>) -> PyResult<()> {
        let fields = Fields::take(fields)?;
        let fields = fields.refs()?;
        let mut exchange = slf.try_borrow_mut()?;
        let line = exchange.status_line(status);
        exchange.answering(slf.py(), |engine, id| engine.begin(id, line, &fields, length))?;
        exchange.status = Some(status);
        exchange.started = true;
        Ok(())
    }

    /// Whether a writer should wait until `on_writable` is called.
    #[getter]
    fn pressure(&self) -> PyResult<bool> {
        let link = self.link()?;
        Ok(link.engine.get().pressure(link.id) == Pressure::High)
    }

    /// A part of the body. False: the queue is over its high-water mark, `on_writable` will be called.
    #[pyo3(signature = (data, /))]
    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<bool> {
        let bytes = shared(data);
        let size = bytes.len() as u64;
        let pressure = self.answering(py, |engine, id| engine.write(id, bytes))?;
        self.bytes_sent += size;
        Ok(pressure == Pressure::Low)
    }

    #[pyo3(signature = (trailers = None, /))]
    fn end(slf: &Bound<'_, Self>, trailers: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let fields = trailers.map(Fields::take).transpose()?;
        let fields = fields.as_ref().map(Fields::refs).transpose()?.unwrap_or_default();
        {
            let mut exchange = slf.try_borrow_mut()?;
            exchange.answering(slf.py(), |engine, id| engine.end(id, &fields))?;
            exchange.mark_finished();
        }
        over(slf)
    }

    /// Close the connection now (HTTP/1) or reset the stream.
    pub(crate) fn abort(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.finished || self.gone.get().is_some() {
            return Ok(());
        }
        self.command(py, |engine, id| engine.abort(id))
    }

    /// Ask for `Connection: close` on this answer.
    fn close_after(&self, py: Python<'_>) -> PyResult<()> {
        self.answering(py, |engine, id| engine.close_after_response(id))
    }

    /// Answer 101 and take over the connection: from here `take` and `write` carry raw bytes, and `end` closes.
    #[pyo3(signature = (fields, /))]
    fn upgrade(slf: &Bound<'_, Self>, fields: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::take(fields)?;
        let fields = fields.refs()?;
        let mut exchange = slf.try_borrow_mut()?;
        exchange.answering(slf.py(), |engine, id| engine.upgrade(id, &fields))?;
        exchange.become_raw(slf.py())
    }

    /// Send a whole answer as it is given: nothing is added but `Connection: close` where that is due. `fields` are
    /// values by name, or pairs.
    #[pyo3(signature = (status, reason, fields, body, /))]
    fn relay(
        slf: &Bound<'_, Self>,
        status: u16,
        reason: &[u8],
        fields: &Bound<'_, PyAny>,
        body: &Bound<'_, PyBytes>,
    ) -> PyResult<()> {
        let fields = Fields::take_any(fields)?;
        let fields = fields.refs()?;
        let status = Status { code: status, reason: Some(reason) };
        {
            let bytes = body.as_bytes();
            let whole = if bytes.len() <= COPIED { EngineBody::Slice(bytes) } else { EngineBody::Shared(shared(body)) };
            let mut exchange = slf.try_borrow_mut()?;
            let mut cut = false;
            let outcome = exchange.answering(slf.py(), |engine, id| {
                let outcome = engine.relay(id, status, &fields, whole);
                cut = matches!(outcome, Err(CommandError::Excess { .. }));
                outcome
            });
            exchange.started |= cut; // it is for the caller to end
            outcome?;
            exchange.status = Some(status.code);
            exchange.bytes_sent = bytes.len() as u64;
            exchange.mark_finished();
        }
        over(slf)
    }

    /// Send the head of an answer as it is given. Its body goes by `relay_write`, framed as the head says.
    #[pyo3(signature = (status, reason, fields, /))]
    fn relay_head(&mut self, py: Python<'_>, status: u16, reason: &[u8], fields: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::take_any(fields)?;
        let fields = fields.refs()?;
        let line = Status { code: status, reason: Some(reason) };
        self.answering(py, |engine, id| engine.relay_head(id, line, &fields))?;
        self.status = Some(status);
        self.started = true;
        Ok(())
    }

    /// Send bytes as they are. False: the queue is over its high-water mark, `on_writable` will be called.
    #[pyo3(signature = (data, /))]
    fn relay_write(&mut self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<bool> {
        let bytes = shared(data);
        let size = bytes.len() as u64;
        let pressure = self.answering(py, |engine, id| engine.relay_write(id, bytes))?;
        self.bytes_sent += size;
        Ok(pressure == Pressure::Low)
    }

    /// Send a region of an open regular file, where `Content-Length` frames the answer. The descriptor is taken over, and
    /// closed in any case.
    #[pyo3(signature = (fd, offset, length, /))]
    fn relay_file(&mut self, py: Python<'_>, fd: i32, offset: u64, length: u64) -> PyResult<bool> {
        let part = EngineBody::File { file: crate::engine::take_over(fd)?, offset, length };
        let pressure = self.answering(py, |engine, id| engine.relay_file(id, part))?;
        self.bytes_sent += length;
        Ok(pressure == Pressure::Low)
    }

    /// The end of an answer that began with `relay_head`.
    fn relay_end(slf: &Bound<'_, Self>) -> PyResult<()> {
        {
            let mut exchange = slf.try_borrow_mut()?;
            exchange.answering(slf.py(), |engine, id| engine.relay_end(id))?;
            exchange.mark_finished();
        }
        over(slf)
    }

    /// Take over the connection without an answer: from here `take` and `relay_write` carry raw bytes, and `end` closes.
    fn take_over(&mut self, py: Python<'_>) -> PyResult<()> {
        self.answering(py, |engine, id| engine.take_over(id))?;
        if self.body_complete()? {
            return self.become_raw(py);
        }
        self.status = Some(101);
        self.started = true;
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.endpoint)?;
        visit.call(&self.params)?;
        visit.call(&self.body.spool)?;
        let Some(link) = &self.link else { return Ok(()) };
        visit.call(&link.owner)?;
        visit.call(&link.engine)
    }

    fn __clear__(&mut self) {
        self.endpoint = None;
        self.params = None;
        self.body.spool = None;
    }

    // Called by the engine; `Request` overrides them.

    fn on_readable(&self) {}

    fn on_writable(&self) {}

    fn on_half_close(&self) {}

    #[pyo3(signature = (reason, /))]
    fn on_gone(&self, reason: &str) {
        let _ = reason;
    }

    fn on_done(&self) {}
}

/// Printable, and neither a quote nor a backslash.
fn stands_for_itself(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\'
}

/// The body of a whole answer as it comes from Python.
pub enum ResponseBody<'a, 'py> {
    Copied(&'a [u8]),
    Bytes(&'a Bound<'py, PyBytes>),
    File(std::os::fd::OwnedFd, u64, u64),
}

/// Sends a whole answer.
pub fn respond(
    exchange: &Bound<'_, Exchange>,
    status: u16,
    fields: &[(&[u8], &[u8])],
    body: ResponseBody<'_, '_>,
) -> PyResult<()> {
    let (body, size) = match body {
        ResponseBody::Copied(bytes) => (EngineBody::Slice(bytes), bytes.len() as u64),
        ResponseBody::Bytes(bytes) if bytes.as_bytes().len() <= COPIED => {
            (EngineBody::Slice(bytes.as_bytes()), bytes.as_bytes().len() as u64)
        }
        ResponseBody::Bytes(bytes) => (EngineBody::Shared(shared(bytes)), bytes.as_bytes().len() as u64),
        ResponseBody::File(file, offset, length) => (EngineBody::File { file, offset, length }, length),
    };
    {
        let py = exchange.py();
        let mut exchange = exchange.try_borrow_mut()?;
        let line = exchange.status_line(status);
        exchange.answering(py, |engine, id| engine.respond(id, line, fields, body))?;
        exchange.status = Some(status);
        exchange.bytes_sent = size;
        exchange.mark_finished();
    }
    over(exchange)
}

/// After a complete answer: the engine lets go of the exchange, and those who asked are told.
fn over(exchange: &Bound<'_, Exchange>) -> PyResult<()> {
    let (notify_done, spool) = {
        let mut inner = exchange.try_borrow_mut()?;
        let link = inner.link()?;
        link.engine.get().forget(link.id);
        (inner.notify_done, inner.body.spool.take())
    };
    if let Some(spool) = spool {
        spool.call_method0(exchange.py(), intern!(exchange.py(), "close"))?;
    }
    if notify_done {
        exchange.call_method0(intern!(exchange.py(), "on_done"))?;
    }
    Ok(())
}

/// Python's bytes as the engine's, without a copy.
fn shared(bytes: &Bound<'_, PyBytes>) -> Bytes {
    if bytes.as_bytes().len() <= 512 {
        return Bytes::copy_from_slice(bytes.as_bytes());
    }
    Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
}

/// The path of the target; empty, in the absolute form, it means `/` (RFC 9112, section 3.2.1).
pub fn path(head: &Head) -> &[u8] {
    if head.path().is_empty() { b"/" } else { head.path() }
}
