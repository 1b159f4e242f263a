//! Sends responses that the handler formats as HTTP/1 itself. The engine adds only `Connection: close`, if the
//! connection closes.

use std::os::fd::OwnedFd;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropewalk_engine::head::FieldRef;
use ropewalk_engine::{Body, CommandError, Pressure, Status};

use crate::exchange::engine_ref::EngineRef;
use crate::exchange::response_sender::{ResponseSender, shared, whole};

/// Sends a whole response.
pub fn respond(
    response: &mut ResponseSender,
    py: Python<'_>,
    engine_ref: &EngineRef,
    status: Status<'_>,
    fields: &[FieldRef<'_>],
    body: &Bound<'_, PyBytes>,
) -> PyResult<()> {
    let mut excess = false;
    let outcome = response.command(py, engine_ref, |engine, id| {
        let outcome = engine.relay(id, status, fields, whole(body));
        excess = matches!(outcome, Err(CommandError::Excess { .. }));
        outcome
    });
    response.started |= excess; // the head was sent, and the caller ends the response
    outcome?;
    response.status = Some(status.code);
    response.bytes_sent = body.as_bytes().len() as u64;
    response.finish();
    Ok(())
}

/// Sends the head of a response. `write` and `write_file` send its body.
pub fn begin(
    response: &mut ResponseSender,
    py: Python<'_>,
    engine_ref: &EngineRef,
    status: Status<'_>,
    fields: &[FieldRef<'_>],
) -> PyResult<()> {
    response.command(py, engine_ref, |engine, id| engine.relay_head(id, status, fields))?;
    response.start(status.code);
    Ok(())
}

/// Sends bytes without framing. Returns false if the writer should wait.
pub fn write(
    response: &mut ResponseSender,
    py: Python<'_>,
    engine_ref: &EngineRef,
    data: &Bound<'_, PyBytes>,
) -> PyResult<bool> {
    let part = shared(data);
    let size = part.len() as u64;
    let pressure = response.command(py, engine_ref, |engine, id| engine.relay_write(id, part))?;
    response.bytes_sent += size;
    Ok(pressure == Pressure::Low)
}

/// Sends a region of an open regular file. Returns false if the writer should wait.
pub fn write_file(
    response: &mut ResponseSender,
    py: Python<'_>,
    engine_ref: &EngineRef,
    file: OwnedFd,
    offset: u64,
    length: u64,
) -> PyResult<bool> {
    let part = Body::File { file, offset, length };
    let pressure = response.command(py, engine_ref, |engine, id| engine.relay_file(id, part))?;
    response.bytes_sent += length;
    Ok(pressure == Pressure::Low)
}

/// Ends a response whose head `begin` has sent.
pub fn end(response: &mut ResponseSender, py: Python<'_>, engine_ref: &EngineRef) -> PyResult<()> {
    response.command(py, engine_ref, |engine, id| engine.relay_end(id))?;
    response.finish();
    Ok(())
}
