//! `EngineHandler`: the Python callable that handles a request, and the options with which the engine calls it.

use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use ropewalk_engine::HalfClose;

/// The Python callable that handles a request, and the options with which the engine calls it.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct EngineHandler {
    #[pyo3(get)]
    pub call: Py<PyAny>,
    /// Whether the handler is called when the whole body has arrived. Otherwise it is called when the head has arrived.
    #[pyo3(get)]
    pub whole_body: bool,
    #[pyo3(get)]
    pub body_limit: Option<u64>,
    /// Whether the path parameters are passed to the handler.
    #[pyo3(get)]
    pub pass_params: bool,
    /// Whether the path and the method alone select this handler, so that it may be cached under them.
    #[pyo3(get, name = "static")]
    pub is_static: bool,
    /// The Content-Type of a response whose body is a str. Handlers with the same Content-Type share one string object,
    /// so that 10,000 handlers fit into the CPU cache.
    #[pyo3(get)]
    pub text_type: Py<PyString>,
    /// The Content-Type of a response whose body is bytes.
    #[pyo3(get)]
    pub bytes_type: Py<PyString>,
    /// Whether the response is compressed. None for the engine's choice.
    #[pyo3(get)]
    pub compress: Option<bool>,
    /// Whether a request body with a content coding is decoded. If false, the handler gets the body as it was sent.
    #[pyo3(get)]
    pub decompress: bool,
    /// What happens if the client closes its sending side before the response is complete.
    pub half_close: HalfClose,
}

#[pymethods]
impl EngineHandler {
    #[new]
    #[pyo3(signature = (
        call,
        *,
        whole_body = false,
        body_limit = None,
        pass_params = false,
        r#static = false,
        text_type = "text/plain; charset=utf-8",
        bytes_type = "application/octet-stream",
        compress = None,
        decompress = false,
        half_close = "cancel",
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords, in Python")]
    fn new(
        call: Bound<'_, PyAny>,
        whole_body: bool,
        body_limit: Option<u64>,
        pass_params: bool,
        r#static: bool,
        text_type: &str,
        bytes_type: &str,
        compress: Option<bool>,
        decompress: bool,
        half_close: &str,
    ) -> PyResult<Self> {
        let py = call.py();
        Ok(EngineHandler {
            call: call.unbind(),
            whole_body,
            body_limit,
            pass_params,
            is_static: r#static,
            text_type: PyString::intern(py, text_type).unbind(),
            bytes_type: PyString::intern(py, bytes_type).unbind(),
            compress,
            decompress,
            half_close: match half_close {
                "cancel" => HalfClose::Cancel,
                "respond" => HalfClose::Respond,
                "finish" => HalfClose::Finish,
                other => {
                    let known = "\"cancel\", \"respond\" or \"finish\"";
                    return Err(PyValueError::new_err(format!("half_close is {known}, not {other:?}.")));
                }
            },
        })
    }

    /// What happens if the client closes its sending side before the response is complete. "cancel" ends the exchange
    /// if its response has not begun. "respond" calls the exchange's `on_half_close`. "finish" does nothing.
    #[getter]
    fn half_close(&self) -> &'static str {
        match self.half_close {
            HalfClose::Cancel => "cancel",
            HalfClose::Respond => "respond",
            HalfClose::Finish => "finish",
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.call)
    }
}

/// The type of `PENDING`.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct Pending;

#[pymethods]
impl Pending {
    fn __repr__(&self) -> &'static str {
        "PENDING"
    }
}

static PENDING: PyOnceLock<Py<Pending>> = PyOnceLock::new();

/// The value that `EngineCallbacks.drive` returns for a suspended coroutine.
pub fn pending(py: Python<'_>) -> PyResult<&Py<Pending>> {
    PENDING.get_or_try_init(py, || Py::new(py, Pending))
}
