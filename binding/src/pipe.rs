//! `Pipe`: a connection without a socket.

use std::sync::atomic::Ordering;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use ropewalk_engine::PipeId;

use crate::engine::Engine;
use crate::sync::lock;
use crate::turn;

/// A connection without a socket: bytes go in by `feed` and come out by the sink.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct Pipe {
    pub engine: Py<Engine>,
    pub id: PipeId,
}

#[pymethods]
impl Pipe {
    #[pyo3(signature = (data, /))]
    fn feed(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        self.act(py, |engine| engine.feed_pipe(self.id, data))
    }

    fn eof(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, |engine| engine.end_pipe(self.id))
    }

    fn lost(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, |engine| engine.disconnect_pipe(self.id))
    }

    /// The sink is full: keep what is written and let writers wait.
    fn pause(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, |engine| engine.set_pipe_blocked(self.id, true))
    }

    fn resume(&self, py: Python<'_>) -> PyResult<()> {
        self.act(py, |engine| engine.set_pipe_blocked(self.id, false))
    }

    /// Serve at once what waits, unless a turn is being run. True where another turn would find more.
    fn run_turn(&self, py: Python<'_>) -> PyResult<bool> {
        self.act(py, |_| ())?;
        let engine = self.engine.get();
        Ok(!engine.busy.load(Ordering::Relaxed) && lock(&engine.core).has_work())
    }

    /// How many bytes have come that belong to no request yet, or to a body that nobody wants yet.
    #[getter]
    fn pending(&self) -> usize {
        lock(&self.engine.get().core).pipe_backlog(self.id)
    }

    /// Pass on at once what was written to it, unless a turn is being run. Nothing else is served.
    fn serve_events(&self, py: Python<'_>) -> PyResult<()> {
        turn::serve_pipe_events(self.engine.bind(py), self.id, |_| ())
    }

    /// Pass on at once what was written to it, while a turn is being run too. Nothing is served.
    fn flush_output(&self, py: Python<'_>) -> PyResult<()> {
        turn::flush_pipe_output(self.engine.bind(py), self.id)
    }

    /// Close it behind what was written, whether an answer is complete or not.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        turn::serve_pipe_events(self.engine.bind(py), self.id, |engine| engine.close_connection(self.id.connection()))
    }

    /// The way to the other end is gone; nothing but that is served.
    fn disconnect(&self, py: Python<'_>) -> PyResult<()> {
        turn::serve_pipe_events(self.engine.bind(py), self.id, |engine| engine.disconnect_pipe(self.id))
    }

    /// Let it be idle for so many seconds (0: for ever), whatever the limits say. Within a request, each silence may be as
    /// long at most, and no longer than the limits say.
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
    /// Does something to the pipe, and serves at once what comes of it.
    fn act(&self, py: Python<'_>, act: impl FnOnce(&mut ropewalk_engine::Engine)) -> PyResult<()> {
        turn::pump(self.engine.bind(py), act)
    }
}
