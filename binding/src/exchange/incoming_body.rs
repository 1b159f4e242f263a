//! `IncomingBody`: the received part of a request body. It holds parts until Python reads them, or collects the whole
//! body.

use std::collections::VecDeque;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropewalk_engine::compression::{BodyDecoder, Coding, DecodeError};
use ropewalk_engine::event::{BodyFault, Event};
use ropewalk_engine::{Field, FileTicket, Head};

use crate::errors;
use crate::exchange::engine_ref::EngineRef;

/// A part that has fewer bytes than this is joined with the part before it.
const SMALL: usize = 4 * 1024;

/// The bytes of a request body that have arrived and that Python has not read.
#[derive(Default)]
pub struct IncomingBody {
    parts: VecDeque<Bytes>,
    /// The small parts that came after `parts`, joined. Without this, a client that sends a few bytes at a time would
    /// cost much more memory than its bytes.
    tail: Vec<u8>,
    size: usize,
    pub mode: Mode,
    pub complete: bool,
    pub fault: Option<BodyFault>,
    pub trailers: Vec<Field>,
    /// The temporary file for a body that is larger than `Limits.spool_size`.
    pub spool: Option<Py<PyAny>>,
    ticket: Option<FileTicket>,
    /// Why the body could not be stored: no descriptor for the temporary file, or no space on the disk.
    pub failure: Option<PyErr>,
    /// The current body limit in bytes.
    limit: u64,
    /// Decodes the body. None for a body that is passed on as it was sent.
    pub decoder: Option<Box<BodyDecoder>>,
    /// With a decoder: the number of bytes of the body as it was sent whose decoded form was not read.
    undecoded: u64,
}

/// How a body is received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// No code has requested the body.
    #[default]
    Untouched,
    /// Python reads the parts as they arrive.
    Streamed,
    /// The body is collected. `on_readable` is called when it is complete.
    Collected,
    /// The body is collected. The handler is called when it is complete.
    BeforeCall,
}

impl IncomingBody {
    /// Whether the body is complete. With `raw`, the connection carries raw bytes, which have no length in the head.
    pub fn is_complete(&self, engine_ref: &EngineRef, raw: bool) -> bool {
        self.complete || (!engine_ref.head.has_body() && !raw)
    }

    /// Starts to receive the body in this mode, up to `limit` bytes.
    pub fn open(&mut self, py: Python<'_>, engine_ref: &EngineRef, mode: Mode, limit: u64) -> PyResult<()> {
        self.limit = limit;
        let waiting = self.unread();
        if self.mode == Mode::Streamed && mode != Mode::Streamed && waiting > 0 {
            // A collected body has no back-pressure, so report the waiting parts as consumed.
            engine_ref.command(py, |engine, id| engine.consumed(id, waiting))?;
            self.undecoded = 0;
        }
        if self.mode == Mode::Untouched || mode != Mode::Streamed {
            self.mode = mode;
        }
        let arrived = engine_ref.command(py, |engine, id| engine.receive(id, Some(limit)))?;
        let engine = engine_ref.engine.get();
        let mut size = 0;
        for event in arrived {
            match event {
                Event::Data(_, part) => {
                    size += part.len() as u64;
                    self.add(py, part, engine.limits.0.spool_size, || engine.count_open_file());
                }
                Event::End(_, trailers) => self.finish(py, trailers),
                Event::BadBody(_, fault) => self.fault = Some(fault),
                _ => {}
            }
        }
        if size > 0 && !self.waits_for_reader() {
            self.undecoded = 0;
            engine_ref.command(py, |engine, id| engine.consumed(id, size))?;
        }
        match self.error(py) {
            Some(error) if mode != Mode::Streamed => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes the bytes that have arrived and were not read. Returns b"" at the end of the body, and None if no bytes
    /// are available yet.
    pub fn read<'py>(
        &mut self,
        py: Python<'py>,
        engine_ref: &EngineRef,
        raw: bool,
        response_finished: bool,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let size = self.unread();
        if self.size > 0 && (self.complete || self.mode == Mode::Streamed) {
            let bytes = self.take(py)?;
            self.undecoded = 0;
            if self.mode == Mode::Streamed && engine_ref.gone().is_none() && !response_finished {
                // The result is ignored. If the exchange has ended meanwhile, the next call raises the error.
                let _ = engine_ref.engine.get().command(py, |engine| engine.consumed(engine_ref.id, size))?;
            }
            return Ok(Some(bytes));
        }
        if let Some(error) = self.error(py) {
            return Err(error);
        }
        if self.is_complete(engine_ref, raw) {
            return Ok(Some(PyBytes::new(py, b"")));
        }
        match engine_ref.gone() {
            Some(reason) => Err(errors::disconnected(py, reason)),
            None => Ok(None),
        }
    }

    /// The exception for a body that is malformed, is too large or could not be stored.
    pub fn error(&self, py: Python<'_>) -> Option<PyErr> {
        if let Some(failure) = &self.failure {
            return Some(failure.clone_ref(py));
        }
        Some(match self.fault? {
            BodyFault::TooLarge => errors::too_large(py, self.limit),
            BodyFault::Malformed(reason) => {
                errors::raise(py, errors::BAD_BODY, format!("The body is malformed: {reason}."))
            }
        })
    }

    /// Adds a part. Moves a collected body of more than `threshold` bytes to a temporary file.
    pub fn add(&mut self, py: Python<'_>, part: Bytes, threshold: u64, ticket: impl FnOnce() -> FileTicket) {
        if self.failure.is_some() {
            return;
        }
        let Some(part) = self.decoded(py, part) else { return };
        if let Some(spool) = &self.spool {
            let written = spool.bind(py).call_method1("write", (&*part,));
            return self.keep_failure(written);
        }
        self.size += part.len();
        if part.len() < SMALL {
            self.tail.extend_from_slice(&part);
        } else {
            self.push_tail();
            self.parts.push_back(part);
        }
        if self.mode != Mode::Streamed && self.size as u64 > threshold {
            self.ticket = Some(ticket());
            let moved = self.move_to_file(py);
            self.keep_failure(moved);
        }
    }

    /// Marks the body as complete, and moves the position in a temporary file to its start.
    pub fn finish(&mut self, py: Python<'_>, trailers: Vec<Field>) {
        if let (Some(Err(error)), None) = (self.decoder.as_mut().map(|decoder| decoder.finish()), &self.failure) {
            let failure = self.decode_failure(py, &error);
            self.keep_failure::<()>(Err(failure));
        }
        self.complete = true;
        self.trailers = trailers;
        if let Some(spool) = &self.spool {
            let sought = spool.bind(py).call_method1("seek", (0,));
            self.keep_failure(sought);
        }
    }

    /// Whether bytes wait until Python reads them. Otherwise the engine may deliver more of the body.
    pub fn waits_for_reader(&self) -> bool {
        self.mode == Mode::Streamed && !(self.decoder.is_some() && self.size == 0)
    }

    /// Records that the engine may deliver more of the body.
    pub fn forget_undecoded(&mut self) {
        self.undecoded = 0;
    }

    /// The number of bytes, as they were sent, that were not read.
    fn unread(&self) -> u64 {
        if self.decoder.is_some() { self.undecoded } else { self.size as u64 }
    }

    /// Decodes a part. Returns None if that fails.
    fn decoded(&mut self, py: Python<'_>, part: Bytes) -> Option<Bytes> {
        let Some(decoder) = &mut self.decoder else { return Some(part) };
        self.undecoded += part.len() as u64;
        match decoder.decode(&part, self.limit) {
            Ok(bytes) => Some(bytes.into()),
            Err(error) => {
                let failure = self.decode_failure(py, &error);
                self.keep_failure::<()>(Err(failure));
                None
            }
        }
    }

    fn decode_failure(&self, py: Python<'_>, error: &DecodeError) -> PyErr {
        match error {
            DecodeError::TooLarge => errors::too_large(py, self.limit),
            DecodeError::Malformed => {
                let message = "The body is not in the coding that its Content-Encoding names.".to_owned();
                errors::raise(py, errors::BAD_BODY, message)
            }
        }
    }

    fn move_to_file(&mut self, py: Python<'_>) -> PyResult<()> {
        let file = py.import("tempfile")?.call_method0("TemporaryFile")?;
        self.push_tail();
        for part in self.parts.drain(..) {
            if let Err(error) = file.call_method1("write", (&*part,)) {
                file.call_method0("close")?;
                return Err(error);
            }
        }
        self.size = 0;
        self.spool = Some(file.unbind());
        Ok(())
    }

    fn keep_failure<T>(&mut self, outcome: PyResult<T>) {
        if let Err(error) = outcome {
            self.failure = Some(error);
            self.parts.clear();
            self.size = 0;
        }
    }

    /// Removes all parts and returns them as one bytes object.
    fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        if self.parts.is_empty() {
            self.size = 0;
            return Ok(PyBytes::new(py, &std::mem::take(&mut self.tail)));
        }
        self.push_tail();
        let size = std::mem::take(&mut self.size);
        let parts = std::mem::take(&mut self.parts);
        PyBytes::new_with(py, size, |mut buffer| {
            for part in &parts {
                let (place, rest) = buffer.split_at_mut(part.len());
                place.copy_from_slice(part);
                buffer = rest;
            }
            Ok(())
        })
    }

    fn push_tail(&mut self) {
        if !self.tail.is_empty() {
            self.parts.push_back(Bytes::from(std::mem::take(&mut self.tail)));
        }
    }
}

/// Returns the decoder for the content coding of a request's body, or None if it has none. Raises UnsupportedCoding.
pub fn decoder_for(py: Python<'_>, head: &Head) -> PyResult<Option<Box<BodyDecoder>>> {
    let mut found = None;
    for name in head.values(b"content-encoding").flat_map(|value| value.split(|&byte| byte == b',')) {
        let name = name.trim_ascii();
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        let coding = Coding::named(name).filter(|_| found.is_none());
        let Some(coding) = coding else {
            let message = "The body has a content coding, or a combination, that is not supported.".to_owned();
            return Err(errors::raise(py, errors::UNSUPPORTED_CODING, message));
        };
        found = Some(coding);
    }
    let decoder = found.map(BodyDecoder::new).transpose().map_err(errors::system)?;
    Ok(decoder.map(Box::new))
}
