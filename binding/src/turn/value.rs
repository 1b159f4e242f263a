//! From the value of a handler to a response, for the values that need no Python code.
//!
//! `ropewalk.calling.value_to_response` does the same for coroutines and Deferreds, and `Response.of` inside middleware;
//! `tests/unit/calling/test_value_to_response.py` holds all three to one table.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use pyo3::{ffi, intern};

use crate::context::Context;
use crate::endpoint::{Endpoint, pending};
use crate::engine::Engine;
use crate::exchange::response::ResponseBody;
use crate::exchange::{Exchange, respond};

/// Responds with a value, or has the service drive a coroutine or deliver a value of another type.
pub fn respond_with(
    engine: &Engine,
    request: &Bound<'_, Exchange>,
    endpoint: &Endpoint,
    value: Bound<'_, PyAny>,
    context: &Context<'_>,
) -> PyResult<()> {
    let py = request.py();
    let service = engine.service.bind(py);
    let value = if is_coroutine(&value) {
        service.call_method1(intern!(py, "drive"), (request, value, &context.context))?
    } else {
        value
    };
    if value.is(pending(py)?) {
        return Ok(());
    }
    if !request.borrow().prepared {
        if let Ok(text) = value.cast_exact::<PyString>() {
            let body = ResponseBody::Copied(text.to_str()?.as_bytes());
            return respond(request, 200, &[content_type(endpoint.text_type.to_str(py)?)], body);
        }
        if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            let body = ResponseBody::Bytes(bytes);
            return respond(request, 200, &[content_type(endpoint.bytes_type.to_str(py)?)], body);
        }
        if value.is_exact_instance_of::<PyDict>()
            || value.is_exact_instance_of::<PyList>()
            || value.is_instance(engine.json_types.bind(py))?
        {
            match engine.encode_json.bind(py).call1((&value,)) {
                Ok(encoded) => {
                    let body = ResponseBody::Bytes(encoded.cast::<PyBytes>()?);
                    return respond(request, 200, &[content_type("application/json")], body);
                }
                // `deliver` encodes it again, and reports which part of the value is the cause.
                Err(error) if error.is_instance_of::<PyException>(py) => {}
                Err(interrupt) => return Err(interrupt),
            }
        }
    }
    service.call_method1(intern!(py, "deliver"), (request, value))?;
    Ok(())
}

fn content_type(value: &str) -> (&[u8], &[u8]) {
    (b"Content-Type", value.as_bytes())
}

fn is_coroutine(value: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a comparison of types.
    unsafe { ffi::PyCoro_CheckExact(value.as_ptr()) != 0 }
}
