//! The methods of `Exchange` that Python calls. The Python class `ropewalk.Request` derives from `Exchange`.

use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use ropewalk_engine::access_log::twisted_combined_line;
use ropewalk_engine::{Pressure, Status};

use crate::address;
use crate::asgi;
use crate::connection::close_reason;
use crate::descriptors::{duplicate, own};
use crate::engine_handler::EngineHandler;
use crate::exchange::engine_ref::EngineRef;
use crate::exchange::incoming_body::Mode;
use crate::exchange::response_sender::WholeBody;
use crate::exchange::{Exchange, completed, relay, respond};
use crate::fields::Fields;
use crate::request_head;
use crate::sync::lock;

#[pymethods]
impl Exchange {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Exchange::default()
    }

    // Methods for the head of the request

    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(request_head::method(py, &self.engine_ref()?.head))
    }

    /// A tuple: the method, the target and the version as they were sent, whether the connection is persistent, and the
    /// body's length (None if the body is chunked).
    #[getter]
    fn start_and_framing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        request_head::start_and_framing(py, &self.engine_ref()?.head)
    }

    #[getter]
    fn target<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.engine_ref()?.head.target()))
    }

    #[getter]
    fn raw_path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, request_head::path(&self.engine_ref()?.head)))
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(PyString::new(py, &request_head::decoded_path(&self.engine_ref()?.head)))
    }

    #[getter]
    fn query_string<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, self.engine_ref()?.head.query()))
    }

    #[getter]
    fn http_version<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(request_head::version(py, &self.engine_ref()?.head).clone())
    }

    #[getter]
    fn scheme<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(request_head::scheme(py, &self.engine_ref()?.head).clone())
    }

    #[getter]
    fn host<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        Ok(request_head::latin1(py, self.engine_ref()?.head.host()))
    }

    /// The current time as the Date field of a response shows it, in seconds since 1970.
    #[getter]
    fn unix_date(&self, py: Python<'_>) -> PyResult<i64> {
        Ok(self.engine_ref()?.engine.get().core(py)?.unix_time())
    }

    /// The client's address. It may be the address that a trusted proxy reports.
    #[getter]
    fn client<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address::to_python(py, request_head::client(&self.engine_ref()?.head))
    }

    /// The peer's address: that of the client or of a proxy.
    #[getter]
    fn peer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address::to_python(py, self.engine_ref()?.head.peer())
    }

    /// The server's address on this connection.
    #[getter]
    fn server<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address::to_python(py, self.engine_ref()?.server())
    }

    /// The owner of the connection: the sink of a pipe, or the object that `EngineCallbacksWithOwners.opened` returned.
    /// None if the connection has no owner.
    #[getter]
    fn owner<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(self.engine_ref()?.owner.as_ref().map(|owner| owner.bind(py).clone()))
    }

    #[getter]
    fn content_length(&self) -> PyResult<Option<u64>> {
        Ok(self.engine_ref()?.head.length())
    }

    #[getter]
    fn has_body(&self) -> PyResult<bool> {
        Ok(self.engine_ref()?.head.has_body())
    }

    #[getter]
    fn service<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.engine_ref()?.engine.get().callbacks.bind(py).clone())
    }

    #[getter]
    fn engine_handler<'py>(&self, py: Python<'py>) -> Option<Bound<'py, EngineHandler>> {
        self.engine_handler.as_ref().map(|handler| handler.bind(py).clone())
    }

    #[getter]
    fn params<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyDict> {
        self.params.get_or_insert_with(|| PyDict::new(py).unbind()).bind(py).clone()
    }

    #[setter]
    fn set_params(&mut self, params: Py<PyDict>) {
        self.params = Some(params);
    }

    /// The value of a field, or None if the field is absent. The values of several field lines are joined by ", " (RFC
    /// 9110, section 5.3).
    #[pyo3(signature = (name, /))]
    fn header<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyString>>> {
        Ok(request_head::header(py, &self.engine_ref()?.head, name))
    }

    /// The values of all field lines with this name, in order.
    #[pyo3(signature = (name, /))]
    fn values<'py>(&self, py: Python<'py>, name: &[u8]) -> PyResult<Bound<'py, PyList>> {
        let values = self.engine_ref()?.head.values(name).map(|value| PyBytes::new(py, value));
        PyList::new(py, values.collect::<Vec<_>>())
    }

    /// The value of a cookie (RFC 6265, section 5.4), in ISO 8859-1. None unless the cookie occurs exactly once in the
    /// Cookie fields.
    #[pyo3(signature = (name, /))]
    fn only_cookie<'py>(&self, py: Python<'py>, name: &[u8]) -> PyResult<Option<Bound<'py, PyString>>> {
        Ok(request_head::only_cookie(&self.engine_ref()?.head, name).map(|value| request_head::latin1(py, value)))
    }

    /// Return an access log line in the combined format, as `twisted.web` writes it, with this request's referrer and
    /// user agent. Returns None if any value must be escaped.
    #[pyo3(signature = (host, timestamp, request_line, status, size, /))]
    fn combined_log_line(
        &self,
        host: &str,
        timestamp: &str,
        request_line: [Bound<'_, PyBytes>; 3],
        status: i64,
        size: u64,
    ) -> PyResult<Option<String>> {
        let [method, target, version] = &request_line;
        let request_line = [method.as_bytes(), target.as_bytes(), version.as_bytes()];
        Ok(twisted_combined_line(&self.engine_ref()?.head, host, timestamp, request_line, status, size))
    }

    /// Set a field of this request's line in the access log. `value` is JSON. Does nothing after the end of the
    /// response, or if the log has no place for the field.
    #[pyo3(signature = (name, value, /))]
    fn set_log_field(&self, name: &str, value: &[u8]) -> PyResult<()> {
        let engine_ref = self.engine_ref()?;
        lock(&engine_ref.engine.get().core).set_log_field(engine_ref.id, name, value);
        Ok(())
    }

    /// The seconds since the head of the request was complete. None after the end of the response.
    #[getter]
    fn elapsed(&self) -> PyResult<Option<f64>> {
        let engine_ref = self.engine_ref()?;
        let micros = lock(&engine_ref.engine.get().core).elapsed(engine_ref.id);
        Ok(micros.map(|micros| micros as f64 / 1e6))
    }

    /// Every field line in order, as a pair of name and value. Names are in lower case.
    fn raw_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        request_head::raw_headers(py, &self.engine_ref()?.head)
    }

    /// Set the keys of an ASGI scope that come from the request head: `http_version`, `method`, `scheme`, `path`,
    /// `raw_path`, `query_string`, `headers`, `client` and `server`.
    fn fill_asgi_scope(&self, py: Python<'_>, scope: &Bound<'_, PyDict>) -> PyResult<()> {
        let engine_ref = self.engine_ref()?;
        asgi::fill_scope(py, scope, &engine_ref.head, engine_ref.server())
    }

    // Methods for the request's body

    /// Start to receive the body, and send 100 Continue if the client expects it. Raises BodyTooLarge if Content-Length
    /// exceeds the limit.
    #[pyo3(signature = (limit = None, /))]
    fn receive(&mut self, py: Python<'_>, limit: Option<u64>) -> PyResult<()> {
        self.open_body(py, Mode::Streamed, self.lowered(limit))
    }

    /// Start to receive the body as `receive` does, and call `on_readable` once, when the body is complete.
    #[pyo3(signature = (limit = None, /))]
    fn collect(&mut self, py: Python<'_>, limit: Option<u64>) -> PyResult<()> {
        self.open_body(py, Mode::Collected, self.lowered(limit))
    }

    /// Start to collect the body as `collect` does. Returns the whole body if it has arrived and is in memory, else
    /// None. Does nothing if the body is streamed or the connection carries raw bytes.
    #[pyo3(signature = (limit = None, /))]
    fn collect_and_take<'py>(&mut self, py: Python<'py>, limit: Option<u64>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        if self.streamed || self.is_raw() {
            return Ok(None);
        }
        self.open_body(py, Mode::Collected, self.lowered(limit))?;
        if self.body.complete && self.body.spool.is_none() { self.take(py) } else { Ok(None) }
    }

    /// Take the body bytes that have arrived. Returns b"" at the end of the body, and None if no bytes have arrived
    /// yet. Raises BodyTooLarge, BadBody or Disconnected.
    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let raw = self.is_raw();
        self.body.read(py, EngineRef::of(&self.engine_ref)?, raw, self.response.finished)
    }

    /// The temporary file of a collected body that is larger than `Limits.spool_size`, at position 0. None for other
    /// bodies.
    #[getter]
    fn spool<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.body.spool.as_ref().map(|file| file.bind(py).clone())
    }

    #[getter]
    fn body_complete(&self) -> PyResult<bool> {
        Ok(self.body.is_complete(self.engine_ref()?, self.is_raw()))
    }

    fn trailers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let pairs = self.body.trailers.iter().map(|(name, value)| (PyBytes::new(py, name), PyBytes::new(py, value)));
        PyList::new(py, pairs.collect::<Vec<_>>())
    }

    // Methods for the response

    /// Whether the head of the response was sent, or queued.
    #[getter]
    fn started(&self) -> bool {
        self.response.started
    }

    /// Whether the response is complete, or the exchange has ended early.
    #[getter]
    fn finished(&self) -> bool {
        self.response.finished || self.is_gone()
    }

    /// Whether the exchange ended before its response was complete.
    #[getter]
    fn gone(&self) -> bool {
        self.is_gone()
    }

    /// How the connection ends, if the exchange ended early: "done", "lost", "cut" or "aborted". None before `on_gone`
    /// is called.
    #[getter]
    fn ending(&self) -> Option<&'static str> {
        self.ending.map(close_reason)
    }

    #[getter]
    fn status(&self) -> Option<u16> {
        self.response.status
    }

    #[getter]
    fn bytes_sent(&self) -> u64 {
        self.response.bytes_sent
    }

    /// Whether the response may be compressed: as `compress`, the handler or the engine says.
    #[getter(compresses)]
    fn py_compresses(&self) -> bool {
        self.compresses()
    }

    /// Set a reason phrase to send instead of the registered one, if the response has this status (RFC 9112, section
    /// 4).
    #[pyo3(signature = (status, reason, /))]
    fn set_reason(&mut self, status: u16, reason: &[u8]) {
        self.response.set_reason(status, reason);
    }

    /// Send a whole response. The engine adds Content-Length, Date and Connection.
    #[pyo3(signature = (status, fields, body, /))]
    fn respond(slf: &Bound<'_, Self>, status: u16, fields: &Bound<'_, PyAny>, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::from_pairs(fields)?;
        let fields = fields.refs()?;
        if let Ok(text) = body.cast::<PyString>() {
            return respond(slf, status, &fields, WholeBody::Copied(text.to_str()?.as_bytes()));
        }
        let bytes =
            body.cast::<PyBytes>().map_err(|_| PyTypeError::new_err("The body of a response is bytes or str."))?;
        respond(slf, status, &fields, WholeBody::Bytes(bytes))
    }

    /// Send a whole response whose body is a region of an open regular file. The descriptor is duplicated.
    #[pyo3(signature = (status, fields, fd, offset, length, /))]
    fn respond_file(
        slf: &Bound<'_, Self>,
        status: u16,
        fields: &Bound<'_, PyAny>,
        fd: i32,
        offset: u64,
        length: u64,
    ) -> PyResult<()> {
        let fields = Fields::from_pairs(fields)?;
        respond(slf, status, &fields.refs()?, WholeBody::File(duplicate(fd)?, offset, length))
    }

    /// Send an interim (1xx) response before the final one, such as 103 Early Hints (RFC 8297).
    #[pyo3(signature = (status, fields, /))]
    fn interim(slf: &Bound<'_, Self>, status: u16, fields: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::from_pairs(fields)?;
        let fields = fields.refs()?;
        let exchange = slf.try_borrow()?;
        exchange.response.command(slf.py(), exchange.engine_ref()?, |engine, id| engine.interim(id, status, &fields))
    }

    /// Send the head of a streamed response. It has Content-Length if `length` is given. Otherwise the body is chunked
    /// on HTTP/1.1, and ended by the end of the connection on HTTP/1.0.
    #[pyo3(signature = (status, fields, length = None, /))]
    fn begin(slf: &Bound<'_, Self>, status: u16, fields: &Bound<'_, PyAny>, length: Option<u64>) -> PyResult<()> {
        let fields = Fields::from_pairs(fields)?;
        let fields = fields.refs()?;
        let exchange = &mut *slf.try_borrow_mut()?;
        let compresses = exchange.compresses();
        let Exchange { engine_ref, response, .. } = exchange;
        response.begin(slf.py(), EngineRef::of(engine_ref)?, compresses, status, &fields, length)
    }

    /// Whether a writer should wait until `on_writable` is called.
    #[getter]
    fn pressure(&self) -> PyResult<bool> {
        Ok(self.engine_ref()?.pressure() == Pressure::High)
    }

    /// Send a part of the body. Returns False if the queue exceeds its high-water mark. Then `on_writable` is called
    /// when the queue has space again.
    #[pyo3(signature = (data, /))]
    fn write(&mut self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<bool> {
        self.response.write(py, EngineRef::of(&self.engine_ref)?, data)
    }

    /// End a streamed response.
    #[pyo3(signature = (trailers = None, /))]
    fn end(slf: &Bound<'_, Self>, trailers: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let fields = trailers.map(Fields::from_pairs).transpose()?;
        let fields = fields.as_ref().map(Fields::refs).transpose()?.unwrap_or_default();
        {
            let Exchange { engine_ref, response, .. } = &mut *slf.try_borrow_mut()?;
            response.end(slf.py(), EngineRef::of(engine_ref)?, &fields)?;
        }
        completed(slf)
    }

    /// Reset the stream. On HTTP/1, close the connection at once.
    pub(crate) fn abort(&mut self, py: Python<'_>) -> PyResult<()> {
        if self.finished() {
            return Ok(());
        }
        self.engine_ref()?.command(py, |engine, id| engine.abort(id))
    }

    /// Send `Connection: close` with this response, and close the connection after it.
    fn close_after(&self, py: Python<'_>) -> PyResult<()> {
        self.response.command(py, self.engine_ref()?, |engine, id| engine.close_after_response(id))
    }

    /// Send a 101 response and switch to another protocol. Afterwards `take` and `write` carry raw bytes, and `end`
    /// closes the connection.
    #[pyo3(signature = (fields, /))]
    fn upgrade(slf: &Bound<'_, Self>, fields: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::from_pairs(fields)?;
        let fields = fields.refs()?;
        let mut exchange = slf.try_borrow_mut()?;
        exchange.response.command(slf.py(), exchange.engine_ref()?, |engine, id| engine.upgrade(id, &fields))?;
        exchange.become_raw(slf.py())
    }

    // Methods for responses that the handler formats as HTTP/1 itself

    /// Send a whole response without changes. `fields` is a dict from name to list of values, or a list of pairs.
    #[pyo3(signature = (status, reason, fields, body, /))]
    fn relay(
        slf: &Bound<'_, Self>,
        status: u16,
        reason: &[u8],
        fields: &Bound<'_, PyAny>,
        body: &Bound<'_, PyBytes>,
    ) -> PyResult<()> {
        let fields = Fields::from_pairs_or_dict(fields)?;
        let fields = fields.refs()?;
        let status = Status { code: status, reason: Some(reason) };
        {
            let Exchange { engine_ref, response, .. } = &mut *slf.try_borrow_mut()?;
            relay::respond(response, slf.py(), EngineRef::of(engine_ref)?, status, &fields, body)?;
        }
        completed(slf)
    }

    /// Send the head of a response without changes. `relay_write` must then send its body, in the framing that the head
    /// declares.
    #[pyo3(signature = (status, reason, fields, /))]
    fn relay_head(&mut self, py: Python<'_>, status: u16, reason: &[u8], fields: &Bound<'_, PyAny>) -> PyResult<()> {
        let fields = Fields::from_pairs_or_dict(fields)?;
        let fields = fields.refs()?;
        let status = Status { code: status, reason: Some(reason) };
        relay::begin(&mut self.response, py, EngineRef::of(&self.engine_ref)?, status, &fields)
    }

    /// Send body bytes without framing. Returns False if the queue exceeds its high-water mark. Then `on_writable` is
    /// called when the queue has space again.
    #[pyo3(signature = (data, /))]
    fn relay_write(&mut self, py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<bool> {
        relay::write(&mut self.response, py, EngineRef::of(&self.engine_ref)?, data)
    }

    /// Send a region of an open regular file. The response must have `Content-Length`. The engine takes ownership of
    /// the descriptor, and always closes it.
    #[pyo3(signature = (fd, offset, length, /))]
    fn relay_file(&mut self, py: Python<'_>, fd: i32, offset: u64, length: u64) -> PyResult<bool> {
        let file = own(fd)?;
        relay::write_file(&mut self.response, py, EngineRef::of(&self.engine_ref)?, file, offset, length)
    }

    /// End a response whose head `relay_head` has sent.
    fn relay_end(slf: &Bound<'_, Self>) -> PyResult<()> {
        {
            let Exchange { engine_ref, response, .. } = &mut *slf.try_borrow_mut()?;
            relay::end(response, slf.py(), EngineRef::of(engine_ref)?)?;
        }
        completed(slf)
    }

    /// Switch to another protocol as `upgrade` does, but without a response. Afterwards `take` and `relay_write` carry
    /// raw bytes.
    fn switch_without_response(&mut self, py: Python<'_>) -> PyResult<()> {
        self.response.command(py, self.engine_ref()?, |engine, id| engine.switch_without_response(id))?;
        if self.body_complete()? {
            return self.become_raw(py);
        }
        self.response.start(101);
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine_handler)?;
        visit.call(&self.params)?;
        visit.call(&self.body.spool)?;
        let Some(engine_ref) = &self.engine_ref else { return Ok(()) };
        visit.call(&engine_ref.owner)?;
        visit.call(&engine_ref.engine)
    }

    fn __clear__(&mut self) {
        self.engine_handler = None;
        self.params = None;
        self.body.spool = None;
    }

    // The engine calls these methods. `Request` overrides them.

    fn on_readable(&self) {}

    fn on_writable(&self) {}

    fn on_half_close(&self) {}

    #[pyo3(signature = (reason, /))]
    fn on_gone(&self, reason: &str) {
        let _ = reason;
    }

    fn on_done(&self) {}
}
