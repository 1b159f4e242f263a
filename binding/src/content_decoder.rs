//! `ContentDecoder`: decodes a body with a content coding.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropewalk_engine::compression::{BodyDecoder, Coding, DecodeError};

use crate::errors;

/// Decodes a body with a content coding: "gzip", "br" or "zstd".
#[pyclass(module = "ropewalk._engine")]
pub struct ContentDecoder {
    decoder: BodyDecoder,
}

#[pymethods]
impl ContentDecoder {
    /// Raises ValueError for another coding.
    #[new]
    #[pyo3(signature = (coding, /))]
    fn new(coding: &str) -> PyResult<Self> {
        let known = Coding::named(coding.trim().as_bytes());
        let known = known.ok_or_else(|| PyValueError::new_err(format!("The coding {coding:?} is not supported.")))?;
        Ok(ContentDecoder { decoder: BodyDecoder::new(known).map_err(errors::system)?.trusting() })
    }

    /// Decode a part of the body, without a limit. Raises ValueError if it is malformed.
    #[pyo3(signature = (part, /))]
    fn decode<'py>(&mut self, py: Python<'py>, part: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = self.decoder.decode(part, u64::MAX).map_err(|error| failure(&error))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Check that the body is complete. Raises ValueError if it is not.
    fn finish(&mut self) -> PyResult<()> {
        self.decoder.finish().map_err(|error| failure(&error))
    }
}

fn failure(error: &DecodeError) -> PyErr {
    PyValueError::new_err(match error {
        DecodeError::TooLarge => "The decoded body is too large.",
        DecodeError::Malformed => "The body is malformed or incomplete.",
    })
}
