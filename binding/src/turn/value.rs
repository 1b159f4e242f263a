//! Converts a handler's return value to a response, if the conversion needs no Python code.
//!
//! `ropewalk.calling.value_to_response` does the same for the results of coroutines and Deferreds, and `Response.of`
//! does so inside middleware. `tests/unit/calling/test_value_to_response.py` tests all three with one table.

use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};

use crate::engine::Engine;
use crate::engine_handler::{EngineHandler, pending};
use crate::entered_context::EnteredContext;
use crate::exchange::response_sender::WholeBody;
use crate::exchange::{Exchange, respond};
use crate::fields::octets;
use crate::first_segment::{FirstSegmentRunner, is_coroutine};
use crate::value_with_fields::ValueWithFields;
use crate::value_with_status::ValueWithStatus;

/// Statuses whose responses have no body. `Response.send` refuses a body for them.
const BODILESS: [u16; 3] = [204, 205, 304];

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
    if !request.borrow().prepared {
        match send_plain(engine, request, handler, &value) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            // The response could not be sent because the client has disconnected. This is not an error of the handler.
            Err(_) if request.borrow().is_gone() => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    callbacks.call_method1(intern!(py, "send_value"), (request, value))?;
    Ok(())
}

/// Sends a value whose conversion needs no Python code. Returns false if the value needs Python code.
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
    if engine.response.as_ref().is_some_and(|class| value.get_type().is(class)) {
        return send_response(request, value);
    }
    if let Ok(with_fields) = value.cast_exact::<ValueWithFields>() {
        return send_with_fields(request, handler, with_fields.get());
    }
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
            // The error is ignored here. `send_value` encodes the value again, and reports which part of it causes the
            // error.
            Err(error) if error.is_instance_of::<PyException>(py) => {}
            Err(interrupt) => return Err(interrupt),
        }
    }
    Ok(false)
}

/// Sends a str or bytes with the header fields that middleware has added.
#[inline(never)] // for the same reason as `drive`
fn send_with_fields(
    request: &Bound<'_, Exchange>,
    handler: &EngineHandler,
    with_fields: &ValueWithFields,
) -> PyResult<bool> {
    let py = request.py();
    let (body, kind) = match with_fields.value.bind(py).cast_exact::<PyBytes>() {
        Ok(bytes) => (WholeBody::Bytes(bytes), &handler.bytes_type),
        Err(_) => {
            let text = with_fields.value.bind(py).cast::<PyString>()?;
            (WholeBody::Copied(text.to_str()?.as_bytes()), &handler.text_type)
        }
    };
    let kind = with_fields.content_type.as_ref().unwrap_or(kind);
    let added = with_fields.fields.bind(py);
    let mut lines = Vec::with_capacity(added.len());
    for line in added.iter() {
        let line = line.cast_into::<PyTuple>()?;
        lines.push((line.get_item(0)?, line.get_item(1)?));
    }
    let mut fields = Vec::with_capacity(lines.len() + 1);
    fields.push(content_type(kind.to_str(py)?));
    for (name, value) in &lines {
        fields.push((octets(name)?, octets(value)?));
    }
    respond(request, 200, &fields, body)?;
    Ok(true)
}

/// Runs a coroutine up to its first wait. Returns its value, or `PENDING` if it waits.
#[inline(never)] // to keep the path of plain functions short
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

/// Sends a `Response` whose only header field is a known Content-Type, and whose body is str or bytes. Returns false
/// for any other response, which `Response.send` sends.
fn send_response(request: &Bound<'_, Exchange>, response: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = request.py();
    if !response.getattr(intern!(py, "_headers"))?.is_none() || !response.getattr(intern!(py, "_reason"))?.is_none() {
        return Ok(false);
    }
    let status = response.getattr(intern!(py, "status"))?;
    let status = match status.cast_exact::<PyInt>().map(|status| status.extract::<u16>()) {
        Ok(Ok(status)) if (200..=599).contains(&status) && !BODILESS.contains(&status) => status,
        _ => return Ok(false),
    };
    let kind = response.getattr(intern!(py, "_kind"))?.cast_into::<PyString>()?;
    let body = response.getattr(intern!(py, "body"))?;
    let body = if let Ok(text) = body.cast_exact::<PyString>() {
        WholeBody::Copied(text.to_str()?.as_bytes())
    } else if let Ok(bytes) = body.cast_exact::<PyBytes>() {
        WholeBody::Bytes(bytes)
    } else {
        return Ok(false);
    };
    respond(request, status, &[content_type(kind.to_str()?)], body)?;
    Ok(true)
}

fn content_type(value: &str) -> (&[u8], &[u8]) {
    (b"Content-Type", value.as_bytes())
}
