//! `TaskCore`: the native part of a task. `FirstSegmentRunner` sets it for each request without running Python code.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// The native part of a task: its coroutine and how to run it. `ropewalk.calling.Task` derives from it.
#[pyclass(subclass, module = "ropewalk._engine")]
#[derive(Default)]
pub struct TaskCore {
    #[pyo3(get, set)]
    pub(crate) coroutine: Option<Py<PyAny>>,
    #[pyo3(get, set)]
    pub(crate) context: Option<Py<PyAny>>,
    /// The event loop that runs the coroutine. None on a reactor without asyncio.
    #[pyo3(get, set, name = "loop")]
    pub(crate) event_loop: Option<Py<PyAny>>,
    /// Whether the task has state, such as a name, that must be kept when the coroutine waits.
    #[pyo3(get, set)]
    pub(crate) marked: bool,
}

#[pymethods]
impl TaskCore {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        TaskCore::default()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.coroutine)?;
        visit.call(&self.context)?;
        visit.call(&self.event_loop)
    }

    fn __clear__(&mut self) {
        self.coroutine = None;
        self.context = None;
        self.event_loop = None;
    }
}
