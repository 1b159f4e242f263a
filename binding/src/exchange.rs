//! `Exchange`: one request and its response. The methods that Python calls are in `exchange_methods.rs`.
//!
//! `request_head.rs` reads the request's head. In `exchange/`, `incoming_body.rs` receives the request's body,
//! `response_sender.rs` and `relay.rs` send the response, and `engine_ref.rs` refers to the engine.

pub mod engine_ref;
pub mod incoming_body;
pub mod relay;
pub mod response_sender;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ropewalk_engine::head::FieldRef;
use ropewalk_engine::{CloseReason, GoneReason};

use crate::engine_handler::EngineHandler;

use engine_ref::EngineRef;
use incoming_body::{IncomingBody, Mode, decoder_for};
use response_sender::{ResponseSender, WholeBody};

/// One request and its response. The Python class `Request` derives from it.
#[pyclass(subclass, module = "ropewalk._engine")]
#[derive(Default)]
pub struct Exchange {
    /// The reference to the engine. None if Python code created the exchange.
    pub(crate) engine_ref: Option<EngineRef>,
    pub(crate) body: IncomingBody,
    pub(crate) response: ResponseSender,
    pub(crate) engine_handler: Option<Py<EngineHandler>>,
    pub(crate) params: Option<Py<PyDict>>,
    /// The reason why the connection ends, if the exchange has ended early. It is set before `on_gone` is called.
    pub(crate) ending: Option<CloseReason>,
    /// The body limit in bytes that middleware has set. It can only lower the limits that `receive` and `collect` use.
    #[pyo3(get, set)]
    pub(crate) middleware_body_limit: Option<u64>,
    /// Whether the response is compressed. None for the choice of the handler, or else of the engine.
    #[pyo3(get, set)]
    pub(crate) compress: Option<bool>,
    /// Whether `Request.stream` reads the parts of the body.
    #[pyo3(get, set)]
    pub(crate) streamed: bool,
    /// Whether to call `on_done` when the response is complete.
    #[pyo3(get, set)]
    pub(crate) notify_done: bool,
    /// Whether every value that the handler returns is passed to `EngineCallbacks.send_value`.
    #[pyo3(get, set)]
    pub(crate) prepared: bool,
}

impl Exchange {
    pub(crate) fn engine_ref(&self) -> PyResult<&EngineRef> {
        EngineRef::of(&self.engine_ref)
    }

    /// Starts to receive the body in this mode. The limit is `limit`, else the handler's limit, else the engine's
    /// limit.
    pub(crate) fn open_body(&mut self, py: Python<'_>, mode: Mode, limit: Option<u64>) -> PyResult<()> {
        let engine_ref = EngineRef::of(&self.engine_ref)?;
        if self.body.is_complete(engine_ref, self.is_raw()) {
            self.body.complete = true;
            return Ok(());
        }
        let of_handler = self.engine_handler.as_ref().and_then(|handler| handler.get().body_limit);
        if self.body.mode == Mode::Untouched && self.engine_handler.as_ref().is_some_and(|it| it.get().decompress) {
            self.body.decoder = decoder_for(py, &engine_ref.head)?;
        }
        let limit = limit.or(of_handler).unwrap_or_else(|| engine_ref.engine.get().limits.0.body_size);
        self.body.open(py, engine_ref, mode, limit)
    }

    /// Returns the lower of `limit` and the body limit that middleware has set, in bytes.
    pub(crate) fn lowered(&self, limit: Option<u64>) -> Option<u64> {
        match (limit, self.middleware_body_limit) {
            (Some(limit), Some(most)) => Some(limit.min(most)),
            (limit, most) => limit.or(most),
        }
    }

    /// Records that the exchange ended before its response was complete. Returns the body's temporary file, which the
    /// caller must close.
    pub(crate) fn lose(&mut self, reason: GoneReason) -> Option<Py<PyAny>> {
        if let Some(engine_ref) = &self.engine_ref {
            engine_ref.set_gone(reason);
        }
        self.ending = Some(reason.into());
        self.response.finished = true;
        self.body.spool.take()
    }

    /// Whether the response may be compressed: as the response, its handler or the engine says.
    pub(crate) fn compresses(&self) -> bool {
        let of_handler = || self.engine_handler.as_ref().and_then(|handler| handler.get().compress);
        let of_engine = || self.engine_ref.as_ref().is_some_and(|engine_ref| engine_ref.engine.get().compresses());
        self.compress.or_else(of_handler).unwrap_or_else(of_engine)
    }

    /// Whether the connection now carries raw bytes instead of HTTP.
    pub(crate) fn is_raw(&self) -> bool {
        self.response.status == Some(101)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.engine_ref.as_ref().is_some_and(|engine_ref| engine_ref.gone().is_some())
    }

    /// Switches the connection to raw bytes in both directions.
    pub(crate) fn become_raw(&mut self, py: Python<'_>) -> PyResult<()> {
        self.response.start(101);
        self.body = IncomingBody::default();
        // Open the body at once. Otherwise, bytes after the head would be lost if the client has closed its sending
        // side.
        self.open_body(py, Mode::Streamed, Some(u64::MAX))
    }
}

/// Sends a whole response.
pub fn respond(
    exchange: &Bound<'_, Exchange>,
    status: u16,
    fields: &[FieldRef<'_>],
    body: WholeBody<'_, '_>,
) -> PyResult<()> {
    {
        let exchange_ref = &mut *exchange.try_borrow_mut()?;
        let compresses = exchange_ref.compresses();
        let Exchange { engine_ref, response, .. } = exchange_ref;
        response.respond(exchange.py(), EngineRef::of(engine_ref)?, compresses, status, fields, body)?;
    }
    completed(exchange)
}

/// Finishes an exchange whose response is complete: forgets the exchange, closes its temporary file, and calls
/// `on_done` if the handler has requested it.
pub fn completed(exchange: &Bound<'_, Exchange>) -> PyResult<()> {
    let py = exchange.py();
    let (notify_done, spool) = {
        let mut exchange = exchange.try_borrow_mut()?;
        let engine_ref = exchange.engine_ref()?;
        let forgotten = engine_ref.engine.get().exchanges.remove(&engine_ref.id);
        drop(forgotten);
        (exchange.notify_done, exchange.body.spool.take())
    };
    if let Some(spool) = spool {
        spool.call_method0(py, intern!(py, "close"))?;
    }
    if notify_done {
        exchange.call_method0(intern!(py, "on_done"))?;
    }
    Ok(())
}
