//! `Connection`: the Python object with which the owner of a connected socket inspects and closes the connection.

use std::os::fd::{AsRawFd as _, IntoRawFd as _};

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropewalk_engine::{Address, CloseReason, ConnectionId};

use crate::address;
use crate::engine::Engine;
use crate::sync::lock;

/// A connected socket that the engine serves. Its owner in Python inspects and closes it through this object.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct Connection {
    pub engine: Py<Engine>,
    pub id: ConnectionId,
}

#[pymethods]
impl Connection {
    /// The peer's address: `(host, port)`, the path of a UNIX socket, or None.
    #[getter]
    fn peer<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address::to_python(py, &self.addresses().0)
    }

    /// The server's address on this connection.
    #[getter]
    fn server<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        address::to_python(py, &self.addresses().1)
    }

    /// The descriptor of the socket, or -1 if it is closed.
    fn fileno(&self) -> i32 {
        lock(&self.engine.get().core).connection_descriptor(self.id).map_or(-1, |descriptor| descriptor.as_raw_fd())
    }

    /// Set how many seconds the connection may be idle (0: no limit), instead of `Limits.idle_timeout`. During a
    /// request, the same number also limits each pause of the client, in addition to the other limits.
    #[pyo3(signature = (seconds, /))]
    fn set_idle_timeout(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        self.engine.get().command(py, |engine| engine.set_idle_timeout(self.id, (seconds.max(0.0) * 1000.0) as u64))
    }

    /// Close the connection after the queued output is sent, even if a response is not complete.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.engine.get().command(py, |engine| engine.close_connection(self.id))
    }

    /// Close the connection now, with a reset.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        self.engine.get().command(py, |engine| engine.abort_connection(self.id))
    }

    /// Take the socket out of the engine. Returns its descriptor, which the caller must close, and the bytes that the
    /// engine has read from it. Raises RuntimeError if a request is being handled on it, or output is queued.
    fn release<'py>(&self, py: Python<'py>) -> PyResult<(i32, Bound<'py, PyBytes>)> {
        let released = self.engine.get().command(py, |engine| engine.release(self.id))?;
        let owner = self.engine.get().owners.remove(&self.id);
        drop(owner);
        let (socket, read) = released.ok_or_else(|| PyRuntimeError::new_err("The connection is in use."))?;
        Ok((socket.into_raw_fd(), PyBytes::new(py, &read)))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)
    }
}

impl Connection {
    fn addresses(&self) -> (Address, Address) {
        let addresses = lock(&self.engine.get().core).addresses(self.id);
        addresses.map_or((Address::Unknown, Address::Unknown), |(peer, local, _)| (peer, local))
    }
}

/// Returns the string with which Python code names the reason why a connection ended.
pub fn close_reason(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Done => "done",
        CloseReason::Lost => "lost",
        CloseReason::Cut => "cut",
        CloseReason::Aborted => "aborted",
    }
}
