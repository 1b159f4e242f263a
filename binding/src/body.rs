//! The body of a request on its way to Python: parts that wait, or the whole that is being gathered.

use std::collections::VecDeque;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropewalk_engine::event::BodyFault;
use ropewalk_engine::{Field, FileTicket};

/// Parts below this size are gathered.
const SMALL: usize = 4 * 1024;

/// What has arrived of a body.
#[derive(Default)]
pub struct Body {
    parts: VecDeque<Bytes>,
    /// Small parts, after all of `parts`, gathered so that a dripping client costs no more than its bytes.
    tail: Vec<u8>,
    size: usize,
    pub mode: Mode,
    pub complete: bool,
    pub fault: Option<BodyFault>,
    pub trailers: Vec<Field>,
    /// The temporary file of a body too large to be held.
    pub spool: Option<Py<PyAny>>,
    ticket: Option<FileTicket>,
    /// Why it could not be kept: no descriptor for the file, no room on the disk.
    pub failure: Option<PyErr>,
    /// The limit it is received under.
    pub limit: u64,
}

/// Who waits for a body, and for what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nobody yet.
    #[default]
    Untouched,
    /// Somebody takes the parts as they come.
    Streamed,
    /// Somebody is told when it is whole.
    Collected,
    /// The handler is called when it is whole.
    BeforeCall,
}

impl Body {
    /// Adds what arrived. A gathered body past `threshold` goes to a temporary file.
    pub fn add(&mut self, py: Python<'_>, part: Bytes, threshold: u64, ticket: impl FnOnce() -> FileTicket) {
        if self.failure.is_some() {
            return;
        }
        if let Some(spool) = &self.spool {
            let written = spool.bind(py).call_method1("write", (&*part,));
            return self.note(written);
        }
        self.size += part.len();
        if part.len() < SMALL {
            self.tail.extend_from_slice(&part);
        } else {
            self.seal();
            self.parts.push_back(part);
        }
        if self.mode != Mode::Streamed && self.size as u64 > threshold {
            self.ticket = Some(ticket());
            let moved = self.move_to_file(py);
            self.note(moved);
        }
    }

    /// The body is complete: the temporary file stands at its start.
    pub fn finish(&mut self, py: Python<'_>, trailers: Vec<Field>) {
        self.complete = true;
        self.trailers = trailers;
        if let Some(spool) = &self.spool {
            let sought = spool.bind(py).call_method1("seek", (0,));
            self.note(sought);
        }
    }

    fn move_to_file(&mut self, py: Python<'_>) -> PyResult<()> {
        let file = py.import("tempfile")?.call_method0("TemporaryFile")?;
        self.seal();
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

    fn note<T>(&mut self, outcome: PyResult<T>) {
        if let Err(error) = outcome {
            self.failure = Some(error);
            self.parts.clear();
            self.size = 0;
        }
    }

    /// Takes out what has arrived, joined.
    pub fn take<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.seal();
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

    fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.parts.push_back(Bytes::from(std::mem::take(&mut self.tail)));
        }
    }

    pub fn len(&self) -> usize {
        self.size
    }
}
