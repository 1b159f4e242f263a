//! `ValueWithStatus`: a value that a handler has returned, and the status with which it is sent.

use pyo3::prelude::*;

/// A value that a handler has returned, and the status with which it is sent. Without it, a typed handler with a status
/// would have to make a `Response`, which costs more than to encode a small value.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct ValueWithStatus {
    #[pyo3(get)]
    pub value: Py<PyAny>,
    #[pyo3(get)]
    pub status: u16,
}

#[pymethods]
impl ValueWithStatus {
    #[new]
    #[pyo3(signature = (value, status, /))]
    fn new(value: Py<PyAny>, status: u16) -> Self {
        ValueWithStatus { value, status }
    }
}
