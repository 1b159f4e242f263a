//! `ValueWithStatus`: a handler's return value and the status of its response.

use pyo3::prelude::*;

/// A handler's return value and the status of its response. A typed handler with a status uses it instead of a
/// `Response`, because creating a `Response` costs more than encoding a small value.
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
