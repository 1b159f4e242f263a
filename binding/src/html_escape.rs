//! `HTMLEscape`: escapes the values that a template writes into a page.

use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyString};

/// Escapes the values that a template writes into a page, as `markupsafe.escape` does, but returns a plain str.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct HTMLEscape {
    /// Escapes a value that is neither a str nor a number.
    other: Py<PyAny>,
}

#[pymethods]
impl HTMLEscape {
    #[new]
    #[pyo3(signature = (other, /))]
    fn new(other: Py<PyAny>) -> Self {
        HTMLEscape { other }
    }

    /// Return the text of a value, escaped for HTML. If the class of the value is not exactly str, int or float, return
    /// the result of `other`.
    #[pyo3(signature = (value, /))]
    fn __call__<'py>(&self, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        if let Ok(text) = value.cast_exact::<PyString>() {
            // A str with half of a surrogate pair cannot be encoded as UTF-8.
            let Ok(utf8) = text.to_str() else { return self.other.bind(py).call1((value,)) };
            return Ok(escaped(utf8).map_or_else(|| value.clone(), |made| PyString::new(py, &made).into_any()));
        }
        if value.is_exact_instance_of::<PyInt>() || value.is_exact_instance_of::<PyFloat>() {
            return Ok(value.str()?.into_any());
        }
        self.other.bind(py).call1((value,))
    }
}

/// Returns the escaped text, or None if no character needs to be escaped.
fn escaped(text: &str) -> Option<String> {
    let first = text.bytes().position(|byte| entity(byte).is_some())?;
    let mut made = String::with_capacity(text.len() + 32);
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate().skip(first) {
        if let Some(entity) = entity(byte) {
            made.push_str(&text[start..at]);
            made.push_str(entity);
            start = at + 1;
        }
    }
    made.push_str(&text[start..]);
    Some(made)
}

/// The entity that replaces a character with a meaning in HTML. None for all other characters.
fn entity(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\'' => Some("&#39;"),
        b'"' => Some("&#34;"),
        _ => None,
    }
}
