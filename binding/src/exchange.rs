//! `Exchange`: one request and its response. Its methods for Python are in `exchange_methods.rs`.
//!
//! The request's head is read by `request_head.rs`. Below `exchange/`, `body.rs` receives the request's body, `response.rs` and
//! `relay.rs` send the response, and `link.rs` reaches the engine.

pub mod body;
pub mod link;
pub mod relay;
pub mod response;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ropewalk_engine::head::FieldRef;
use ropewalk_engine::{CloseReason, GoneReason};

use crate::endpoint::Endpoint;

use body::{Body, Mode};
use link::Link;
use response::{Response, ResponseBody};

/// One request and its response. `Request` derives from it.
#[pyclass(subclass, module = "ropewalk._engine")]
#[derive(Default)]
pub struct Exchange {
    /// None if Python made the exchange itself.
    pub(crate) link: Option<Link>,
    pub(crate) body: Body,
    pub(crate) response: Response,
    pub(crate) endpoint: Option<Py<Endpoint>>,
    pub(crate) params: Option<Py<PyDict>>,
    /// How the connection ends, if the exchange ended early. Set before `on_gone` is called.
    pub(crate) ending: Option<CloseReason>,
    /// Call `on_done` when the response is complete.
    #[pyo3(get, set)]
    pub(crate) notify_done: bool,
    /// Give every value of the handler to `Service.deliver`.
    #[pyo3(get, set)]
    pub(crate) prepared: bool,
}

impl Exchange {
    pub(crate) fn link(&self) -> PyResult<&Link> {
        Link::of(&self.link)
    }

    /// Lets the body arrive in a mode. `limit` takes precedence over that of the endpoint, and that over the engine's.
    pub(crate) fn open_body(&mut self, py: Python<'_>, mode: Mode, limit: Option<u64>) -> PyResult<()> {
        let link = Link::of(&self.link)?;
        if self.body.is_complete(link, self.is_raw()) {
            self.body.complete = true;
            return Ok(());
        }
        let of_endpoint = self.endpoint.as_ref().and_then(|endpoint| endpoint.get().body_limit);
        let limit = limit.or(of_endpoint).unwrap_or_else(|| link.engine.get().limits.0.body_size);
        self.body.open(py, link, mode, limit)
    }

    /// The exchange ended before its response was complete. What is returned is the temporary file of its body, to close.
    pub(crate) fn lose(&mut self, reason: GoneReason) -> Option<Py<PyAny>> {
        if let Some(link) = &self.link {
            link.set_gone(reason);
        }
        self.ending = Some(reason.into());
        self.response.finished = true;
        self.body.spool.take()
    }

    /// Whether the connection carries raw bytes.
    pub(crate) fn is_raw(&self) -> bool {
        self.response.status == Some(101)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.gone().is_some())
    }

    /// From here raw bytes go both ways.
    pub(crate) fn become_raw(&mut self, py: Python<'_>) -> PyResult<()> {
        self.response.start(101);
        self.body = Body::default();
        // At once, so that bytes that followed the head are kept even if the client has closed its side.
        self.open_body(py, Mode::Streamed, Some(u64::MAX))
    }
}

/// Sends a whole response.
pub fn respond(
    exchange: &Bound<'_, Exchange>,
    status: u16,
    fields: &[FieldRef<'_>],
    body: ResponseBody<'_, '_>,
) -> PyResult<()> {
    {
        let Exchange { link, response, .. } = &mut *exchange.try_borrow_mut()?;
        response.respond(exchange.py(), Link::of(link)?, status, fields, body)?;
    }
    completed(exchange)
}

/// The response is complete: the engine forgets the exchange, its temporary file is closed, and `on_done` is called if it
/// is wanted.
pub fn completed(exchange: &Bound<'_, Exchange>) -> PyResult<()> {
    let py = exchange.py();
    let (notify_done, spool) = {
        let mut exchange = exchange.try_borrow_mut()?;
        let link = exchange.link()?;
        let forgotten = link.engine.get().exchanges.remove(&link.id);
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
