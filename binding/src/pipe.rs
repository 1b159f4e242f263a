//! `Pipe`: a connection without a socket, whose bytes Python code passes in and out.

use std::sync::atomic::Ordering;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use ropewalk_engine::PipeId;

use crate::engine::Engine;
use crate::sync::lock;
use crate::turn;

/// A connection without a socket. `feed` takes the client's bytes, and the sink receives the server's bytes.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct Pipe {
    pub engine: Py<Engine>,
    pub id: PipeId,
}

#[pymethods]
impl Pipe {
    #[pyo3(signature = (data, /))]
    fn feed(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        self.pump(py, |engine| engine.feed_pipe(self.id, data))
    }

    /// Record that the client has closed its sending side.
    fn eof(&self, py: Python<'_>) -> PyResult<()> {
        self.pump(py, |engine| engine.end_pipe(self.id))
    }

    /// Record that the connection is lost.
    fn lost(&self, py: Python<'_>) -> PyResult<()> {
        self.pump(py, |engine| engine.disconnect_pipe(self.id))
    }

    /// Hold back the output and make writers wait, because the sink is full.
    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        self.pump(py, |engine| engine.set_pipe_blocked(self.id, true))
    }

    /// Continue to pass output to the sink, because the sink has space again.
    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.pump(py, |engine| engine.set_pipe_blocked(self.id, false))
    }

    /// Run a turn of the engine now, unless a turn is running. Returns whether another turn is needed.
    fn run_turn(&self, py: Python<'_>) -> PyResult<bool> {
        self.pump(py, |_| ())?;
        let engine = self.engine.get();
        Ok(!engine.busy.load(Ordering::Relaxed) && lock(&engine.core).has_work())
    }

    /// The number of received bytes that no handler has used. They belong to no request yet, or to a body that no
    /// handler has requested.
    #[getter]
    fn pending(&self) -> usize {
        lock(&self.engine.get().core).pipe_backlog(self.id)
    }

    /// Handle the events of this pipe now, unless a turn is running. Does not handle events of other connections.
    fn serve_events(&self, py: Python<'_>) -> PyResult<()> {
        turn::serve_pipe_events(self.engine.bind(py), self.id, |_| ())
    }

    /// Pass the waiting output to the sink now, even while a turn is running. Handles no events.
    fn flush_output(&self, py: Python<'_>) -> PyResult<()> {
        turn::flush_pipe_output(self.engine.bind(py), self.id)
    }

    /// Close the pipe after its output is sent, even if a response is incomplete. Does not handle events of other
    /// connections.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        turn::serve_pipe_events(self.engine.bind(py), self.id, |engine| engine.close_connection(self.id.connection()))
    }

    /// Record that the connection is lost, as `lost` does. Does not handle events of other connections.
    fn disconnect(&self, py: Python<'_>) -> PyResult<()> {
        turn::serve_pipe_events(self.engine.bind(py), self.id, |engine| engine.disconnect_pipe(self.id))
    }

    /// Set how many seconds the pipe may be idle (0: no limit), instead of `Limits.idle_timeout`. During a request, the
    /// same number also limits each pause of the client, in addition to the other limits.
    #[pyo3(signature = (seconds, /))]
    fn set_idle_timeout(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        let id = self.id.connection();
        self.engine.get().command(py, |engine| engine.set_idle_timeout(id, (seconds.max(0.0) * 1000.0) as u64))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.engine)
    }
}

impl Pipe {
    /// Runs a command on the pipe, and then a turn of the engine.
    fn pump(&self, py: Python<'_>, command: impl FnOnce(&mut ropewalk_engine::Engine)) -> PyResult<()> {
        turn::pump(self.engine.bind(py), command)
    }
}
