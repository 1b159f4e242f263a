//! `ValueWithFields`: a handler's return value and the header fields that middleware has added to its response.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

/// A str or bytes that a handler has returned, and the header fields that middleware has added to its response.
/// Middleware uses it instead of a `Response`, because creating and checking a `Response` costs more than sending it.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct ValueWithFields {
    #[pyo3(get)]
    pub value: Py<PyAny>,
    #[pyo3(get)]
    pub fields: Py<PyTuple>,
    /// The Content-Type of the response. None means the Content-Type of the handler.
    #[pyo3(get)]
    pub content_type: Option<Py<PyString>>,
}

#[pymethods]
impl ValueWithFields {
    /// Raises UnicodeEncodeError for text that UTF-8 cannot encode.
    #[new]
    #[pyo3(signature = (value, fields, content_type = None, /))]
    fn new(value: &Bound<'_, PyAny>, fields: Py<PyTuple>, content_type: Option<Py<PyString>>) -> PyResult<Self> {
        if let Ok(text) = value.cast_exact::<PyString>() {
            text.to_str()?;
        } else if !value.is_exact_instance_of::<PyBytes>() {
            return Err(PyTypeError::new_err("The value is str or bytes."));
        }
        Ok(ValueWithFields { value: value.clone().unbind(), fields, content_type })
    }
}
