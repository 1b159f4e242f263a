//! Converts the value of a handler to a response, for values that need no Python code.
//!
//! `ropewalk.calling.value_to_response` does the same for coroutines and Deferreds, and `Response.of` does so inside
//! middleware. `tests/unit/calling/test_value_to_response.py` checks all three with one table.

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use crate::engine::Engine;
use crate::engine_handler::{EngineHandler, pending};
use crate::entered_context::EnteredContext;
use crate::exchange::response_sender::WholeBody;
use crate::exchange::{Exchange, respond};
use crate::first_segment::{FirstSegmentRunner, is_coroutine};
use crate::value_with_status::ValueWithStatus;

/// Responds with a value. Coroutines and values of other types are passed to the callbacks.
pub fn respond_with<'py>(
    engine: &Engine,
    request: &Bound<'py, Exchange>,
    handler: &EngineHandler,
    value: Bound<'py, PyAny>,
    context: &EnteredContext<'py>,
) -> PyResult<()> {
    let py = request.py();
    let callbacks = engine.callbacks.bind(py);
    let value = if is_coroutine(&value) { drive(engine, request, value, context)? } else { value };
    if value.is(pending(py)?) {
        return Ok(());
    }
    if request.borrow().prepared || !send_plain(engine, request, handler, &value)? {
        callbacks.call_method1(intern!(py, "send_value"), (request, value))?;
    }
    Ok(())
}

/// Sends a value that needs no Python code. Returns whether it is one.
fn send_plain(
    engine: &Engine,
    request: &Bound<'_, Exchange>,
    handler: &EngineHandler,
    value: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let py = request.py();
    let (value, status) = match value.cast_exact::<ValueWithStatus>() {
        Ok(with_status) => (with_status.get().value.bind(py), with_status.get().status),
        Err(_) => (value, 200),
    };
    if let Ok(text) = value.cast_exact::<PyString>() {
        let body = WholeBody::Copied(text.to_str()?.as_bytes());
        respond(request, status, &[content_type(handler.text_type.to_str(py)?)], body)?;
        return Ok(true);
    }
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        let body = WholeBody::Bytes(bytes);
        respond(request, status, &[content_type(handler.bytes_type.to_str(py)?)], body)?;
        return Ok(true);
    }
    if value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PyList>()
        || value.is_instance(engine.json_types.bind(py))?
    {
        match engine.encode_json.bind(py).call1((value,)) {
            Ok(encoded) => {
                let body = WholeBody::Bytes(encoded.cast::<PyBytes>()?);
                respond(request, status, &[content_type("application/json")], body)?;
                return Ok(true);
            }
            // `send_value` encodes the value again, to report which part of it causes the error.
            Err(error) if error.is_instance_of::<PyException>(py) => {}
            Err(interrupt) => return Err(interrupt),
        }
    }
    Ok(false)
}

/// Runs a coroutine to its first wait. Returns its value, or `PENDING` if it waits.
#[inline(never)] // so that responses of plain functions cost no more
fn drive<'py>(
    engine: &Engine,
    request: &Bound<'py, Exchange>,
    coroutine: Bound<'py, PyAny>,
    context: &EnteredContext<'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = request.py();
    let drive = engine.callbacks.bind(py).getattr(intern!(py, "drive"))?;
    match drive.cast::<FirstSegmentRunner>() {
        Ok(runner) => {
            let runner = runner.get();
            let event_loop = engine.running_loop(py, runner)?;
            match runner.run(request, &coroutine, &context.context, event_loop)? {
                Some(value) => Ok(value),
                None => Ok(pending(py)?.bind(py).clone().into_any()),
            }
        }
        Err(_) => drive.call1((request, coroutine, &context.context)),
    }
}

fn content_type(value: &str) -> (&[u8], &[u8]) {
    (b"Content-Type", value.as_bytes())
}
