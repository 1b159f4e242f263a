//! Handles the engine's events.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use ropewalk_engine::event::{BodyFault, Event};
use ropewalk_engine::{Address, ConnectionId, ExchangeId, Field, GoneReason, Pressure};

use crate::address;
use crate::connection::{Connection, close_reason};
use crate::engine::Engine;
use crate::engine_handler::EngineHandler;
use crate::errors::unraisable;
use crate::exchange::Exchange;
use crate::exchange::incoming_body::Mode;
use crate::sync::lock;
use crate::turn::{handler, reports};

/// Handles one event. Returns the handler that was called, if any.
pub fn serve(engine: &Bound<'_, Engine>, event: Event) -> PyResult<Option<Py<EngineHandler>>> {
    let py = engine.py();
    let this = engine.get();
    match event {
        Event::Head(id, head) => return handler::begin(engine, id, head),
        Event::Data(id, part) => return data(engine, id, part),
        Event::End(id, trailers) => return end(engine, id, trailers),
        Event::BadBody(id, fault) => return bad_body(engine, id, fault),
        Event::Writable(id) => {
            // If the queue is full again, the writer stays paused, and another `Writable` event follows.
            if let (Some(exchange), Pressure::Low) = (find(engine, id), this.pressure(id)) {
                notify(&exchange, "on_writable");
            }
        }
        Event::HalfClosed(id) => {
            if let Some(exchange) = find(engine, id) {
                notify(&exchange, "on_half_close");
            }
        }
        Event::Gone(id, reason) => lose(engine, id, reason),
        Event::Opened(id, peer) => opened(engine, id, &peer)?,
        Event::Lingering(id) => call_owner(engine, id, "lingers", None),
        Event::Closed(id, reason) => {
            call_owner(engine, id, "closed", Some(PyString::new(py, close_reason(reason)).into_any()));
            drop(this.owners.remove(&id));
        }
        Event::PipeOutput(id, bytes) => {
            call_owner(engine, id.connection(), "write", Some(PyBytes::new(py, &bytes).into_any()));
        }
        Event::Refused(id) => call_owner(engine, id.connection(), "refuse", None),
        Event::PipeFlow(id, flowing) => {
            call_owner(engine, id.connection(), if flowing { "resume_reading" } else { "pause_reading" }, None);
        }
        Event::PipeEnding(id) => call_owner(engine, id.connection(), "end_writing", None),
        Event::PipeClosed(id, orderly) => {
            call_owner(engine, id.connection(), if orderly { "close" } else { "abort" }, None);
            drop(this.owners.remove(&id.connection()));
        }
        Event::Report(report) => reports::pass_on(engine, &report)?,
        Event::Drained { cut } => {
            this.callbacks.bind(py).call_method1(intern!(py, "drained"), (cut,))?;
        }
    }
    Ok(None)
}

/// Handles the early end of an exchange, before its response was complete.
pub fn lose(engine: &Bound<'_, Engine>, id: ExchangeId, reason: GoneReason) {
    let py = engine.py();
    let Some(exchange) = engine.get().exchanges.remove(&id) else { return };
    let Ok(exchange) = exchange.into_bound(py).cast_into::<Exchange>() else { return };
    let spool = exchange.borrow_mut().lose(reason);
    if let Some(spool) = spool {
        unraisable(spool.call_method0(py, intern!(py, "close")), &exchange);
    }
    unraisable(exchange.call_method1(intern!(py, "on_gone"), (reason.to_string(),)), &exchange);
}

/// Calls a method of a connection's owner, if the connection has an owner.
pub fn call_owner(engine: &Bound<'_, Engine>, id: ConnectionId, method: &str, argument: Option<Bound<'_, PyAny>>) {
    let py = engine.py();
    let Some(owner) = engine.get().owners.find(py, &id) else { return };
    let owner = owner.bind(py);
    let outcome = match argument {
        Some(argument) => owner.call_method1(method, (argument,)),
        None => owner.call_method0(method),
    };
    unraisable(outcome, owner);
}

fn data(engine: &Bound<'_, Engine>, id: ExchangeId, part: bytes::Bytes) -> PyResult<Option<Py<EngineHandler>>> {
    let this = engine.get();
    let Some(exchange) = find(engine, id) else { return Ok(None) };
    let size = part.len() as u64;
    let (mode, failed, waits) = {
        let body = &mut exchange.borrow_mut().body;
        let failed_before = body.failure.is_some();
        body.add(engine.py(), part, this.limits.0.spool_size, || this.count_open_file());
        let waits = body.waits_for_reader();
        if !waits {
            body.forget_undecoded();
        }
        (body.mode, body.failure.is_some() && !failed_before, waits)
    };
    if failed {
        return body_ended(this, &exchange, mode);
    }
    if waits {
        notify(&exchange, "on_readable");
    } else {
        // The result is ignored. If the exchange has ended meanwhile, there is nothing to count.
        let _ = lock(&this.core).consumed(id, size);
    }
    Ok(None)
}

fn end(engine: &Bound<'_, Engine>, id: ExchangeId, trailers: Vec<Field>) -> PyResult<Option<Py<EngineHandler>>> {
    let Some(exchange) = find(engine, id) else { return Ok(None) };
    let mode = {
        let body = &mut exchange.borrow_mut().body;
        let failed_before = body.failure.is_some();
        body.finish(engine.py(), trailers);
        if failed_before {
            return Ok(None);
        }
        body.mode
    };
    body_ended(engine.get(), &exchange, mode)
}

fn bad_body(engine: &Bound<'_, Engine>, id: ExchangeId, fault: BodyFault) -> PyResult<Option<Py<EngineHandler>>> {
    let Some(exchange) = find(engine, id) else { return Ok(None) };
    let mode = {
        let body = &mut exchange.borrow_mut().body;
        body.fault = Some(fault);
        body.mode
    };
    body_ended(engine.get(), &exchange, mode)
}

/// Handles the end of a request body. The body is complete, or receiving it has failed.
fn body_ended(engine: &Engine, exchange: &Bound<'_, Exchange>, mode: Mode) -> PyResult<Option<Py<EngineHandler>>> {
    if mode == Mode::BeforeCall {
        return handler::body_ended(engine, exchange);
    }
    notify(exchange, "on_readable");
    Ok(None)
}

/// Handles an accepted socket: calls `EngineCallbacksWithOwners.opened`, which returns the connection's owner. If the
/// call raises an exception, the connection is aborted.
fn opened(engine: &Bound<'_, Engine>, id: ConnectionId, peer: &Address) -> PyResult<()> {
    let py = engine.py();
    let this = engine.get();
    let connection = Bound::new(py, Connection { engine: engine.clone().unbind(), id })?;
    let client = address::to_python(py, peer)?;
    match this.callbacks.bind(py).call_method1(intern!(py, "opened"), (&connection, client)) {
        Ok(owner) => {
            // The callback `opened` may have closed or released the connection. Then the connection needs no owner.
            if !owner.is_none() && lock(&this.core).addresses(id).is_some() {
                this.owners.insert(id, owner.unbind());
            }
            Ok(())
        }
        Err(error) => {
            lock(&this.core).abort_connection(id);
            Err(error)
        }
    }
}

fn find<'py>(engine: &Bound<'py, Engine>, id: ExchangeId) -> Option<Bound<'py, Exchange>> {
    let py = engine.py();
    engine.get().exchanges.find(py, &id)?.into_bound(py).cast_into().ok()
}

/// Calls a method of a request. If the method raises, the exception is reported and does not end the turn.
fn notify(exchange: &Bound<'_, Exchange>, method: &str) {
    unraisable(exchange.call_method0(method), exchange);
}
