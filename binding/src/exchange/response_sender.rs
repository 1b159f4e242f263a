//! `ResponseSender`: sends the response of an exchange, and records what was sent.

use std::os::fd::OwnedFd;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use ropewalk_engine::head::FieldRef;
use ropewalk_engine::{Body, CommandError, ExchangeId, Pressure, Status};

use crate::errors;
use crate::exchange::engine_ref::EngineRef;

/// Up to this size in bytes, a body is copied after its head. Larger bodies are sent without a copy.
const COPIED: usize = 16 * 1024;
/// Up to this size in bytes, a part of a streamed body is copied, because that costs less than keeping its Python
/// object alive.
const COPIED_PART: usize = 512;

/// Sends a response, and records what was sent.
#[derive(Default)]
pub struct ResponseSender {
    pub status: Option<u16>,
    /// The reason phrase that the handler has set, and the status to which it applies.
    reason: Option<Box<(u16, Vec<u8>)>>,
    pub started: bool,
    pub finished: bool,
    pub bytes_sent: u64,
}

/// The body of a whole response, as Python passes it.
pub enum WholeBody<'a, 'py> {
    Copied(&'a [u8]),
    Bytes(&'a Bound<'py, PyBytes>),
    /// A region of an open regular file: descriptor, offset and length.
    File(OwnedFd, u64, u64),
}

impl ResponseSender {
    /// Runs an engine command. Raises an error if the response is already complete.
    pub fn command<R>(
        &self,
        py: Python<'_>,
        engine_ref: &EngineRef,
        command: impl FnOnce(&mut ropewalk_engine::Engine, ExchangeId) -> Result<R, CommandError>,
    ) -> PyResult<R> {
        if self.finished && engine_ref.gone().is_none() {
            return Err(errors::command(py, CommandError::Complete));
        }
        engine_ref.command(py, command)
    }

    /// Sets the reason phrase for responses with this status.
    pub fn set_reason(&mut self, status: u16, reason: &[u8]) {
        self.reason = Some(Box::new((status, reason.to_vec())));
    }

    /// Sends a whole response. `compresses` is whether it may be compressed.
    pub fn respond(
        &mut self,
        py: Python<'_>,
        engine_ref: &EngineRef,
        compresses: bool,
        status: u16,
        fields: &[FieldRef<'_>],
        body: WholeBody<'_, '_>,
    ) -> PyResult<()> {
        let (body, size) = match body {
            WholeBody::Copied(bytes) => (Body::Slice(bytes), bytes.len() as u64),
            WholeBody::Bytes(bytes) => (whole(bytes), bytes.as_bytes().len() as u64),
            WholeBody::File(file, offset, length) => (Body::File { file, offset, length }, length),
        };
        let line = self.status_line(status);
        self.command(py, engine_ref, |engine, id| match compresses {
            true => engine.respond_compressed(id, &engine_ref.head, line, fields, body),
            false => engine.respond(id, line, fields, body),
        })?;
        self.status = Some(status);
        self.bytes_sent = size;
        self.finish();
        Ok(())
    }

    /// Sends the head of a streamed response. `compresses` is whether it may be compressed.
    pub fn begin(
        &mut self,
        py: Python<'_>,
        engine_ref: &EngineRef,
        compresses: bool,
        status: u16,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
    ) -> PyResult<()> {
        let line = self.status_line(status);
        self.command(py, engine_ref, |engine, id| match compresses {
            true => engine.begin_compressed(id, &engine_ref.head, line, fields, length),
            false => engine.begin(id, line, fields, length),
        })?;
        self.start(status);
        Ok(())
    }

    /// Sends a part of the body. Returns false if the writer should wait.
    pub fn write(&mut self, py: Python<'_>, engine_ref: &EngineRef, data: &Bound<'_, PyBytes>) -> PyResult<bool> {
        let part = shared(data);
        let size = part.len() as u64;
        let pressure = self.command(py, engine_ref, |engine, id| engine.write(id, part))?;
        self.bytes_sent += size;
        Ok(pressure == Pressure::Low)
    }

    /// Ends a streamed response.
    pub fn end(&mut self, py: Python<'_>, engine_ref: &EngineRef, trailers: &[FieldRef<'_>]) -> PyResult<()> {
        self.command(py, engine_ref, |engine, id| engine.end(id, trailers))?;
        self.finish();
        Ok(())
    }

    /// Records that the head was sent.
    pub fn start(&mut self, status: u16) {
        self.status = Some(status);
        self.started = true;
    }

    /// Records that the response is complete, or that it will never be complete.
    pub fn finish(&mut self) {
        self.started = true;
        self.finished = true;
    }

    fn status_line(&self, code: u16) -> Status<'_> {
        let reason = self.reason.as_deref().filter(|(of, _)| *of == code).map(|(_, reason)| &reason[..]);
        Status { code, reason }
    }
}

/// Converts a whole body to the engine's type.
pub fn whole<'a>(bytes: &'a Bound<'_, PyBytes>) -> Body<'a> {
    if bytes.as_bytes().len() <= COPIED { Body::Slice(bytes.as_bytes()) } else { Body::Shared(shared(bytes)) }
}

/// Converts Python bytes to the engine's type. Large bytes are not copied.
pub fn shared(bytes: &Bound<'_, PyBytes>) -> Bytes {
    if bytes.as_bytes().len() <= COPIED_PART {
        return Bytes::copy_from_slice(bytes.as_bytes());
    }
    Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
}
