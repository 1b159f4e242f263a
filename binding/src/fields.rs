//! Converts the header fields of a response from Python.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use ropewalk_engine::head::FieldRef;

use crate::errors;

/// The header fields of a response. Their names and values are borrowed from Python objects.
pub struct Fields<'py>(Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>);

impl<'py> Fields<'py> {
    /// Reads an iterable of pairs of name and value.
    pub fn from_pairs(pairs: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut fields = Vec::new();
        for pair in pairs.try_iter()? {
            fields.push(pair?.extract()?);
        }
        Ok(Fields(fields))
    }

    /// Reads an iterable of pairs, or a dict from name to list of values.
    pub fn from_pairs_or_dict(fields: &Bound<'py, PyAny>) -> PyResult<Self> {
        let Ok(by_name) = fields.cast_exact::<PyDict>() else { return Self::from_pairs(fields) };
        let mut pairs = Vec::with_capacity(by_name.len());
        for (name, values) in by_name {
            let Ok(values) = values.cast_exact::<PyList>() else {
                for value in values.try_iter()? {
                    pairs.push((name.clone(), value?));
                }
                continue;
            };
            pairs.extend(values.iter().map(|value| (name.clone(), value)));
        }
        Ok(Fields(pairs))
    }

    pub fn refs(&self) -> PyResult<Vec<FieldRef<'_>>> {
        self.0.iter().map(|(name, value)| Ok((octets(name)?, octets(value)?))).collect()
    }
}

/// Returns the bytes of a name or value. A str must be ASCII (RFC 9110, section 5.5).
pub fn octets<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes());
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        if text.is_ascii() {
            return Ok(text.as_bytes());
        }
        let message = format!("The header text {text:?} is not ASCII; encode it to bytes.");
        return Err(errors::raise(value.py(), errors::INVALID_FIELD, message));
    }
    Err(PyTypeError::new_err(format!("A header is str or bytes, not {}.", value.get_type().name()?)))
}
