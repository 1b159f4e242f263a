//! Passes requests to handlers: finds the `EngineHandler` of a request, and calls it when the head or the whole body is
//! complete.

use std::sync::atomic::Ordering;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ropewalk_engine::{ExchangeId, HalfClose, Head};

use crate::engine::Engine;
use crate::engine_handler::EngineHandler;
use crate::entered_context::EnteredContext;
use crate::exchange::Exchange;
use crate::exchange::engine_ref::EngineRef;
use crate::exchange::incoming_body::Mode;
use crate::sync::lock;
use crate::turn::value::respond_with;

/// Begins an exchange: creates its `Request` and passes it to its handler, or to the owner of its connection.
pub fn begin(engine: &Bound<'_, Engine>, id: ExchangeId, head: Box<Head>) -> PyResult<Option<Py<EngineHandler>>> {
    let py = engine.py();
    let this = engine.get();
    let cached = if this.owners_serve { None } else { this.handlers.find(py, &head) };
    let owner = this.owners.find(py, &id.connection());
    let request = this.request.bind(py).call0()?.cast_into::<Exchange>()?;
    request.borrow_mut().engine_ref = Some(EngineRef::new(engine.clone().unbind(), id, head, owner));
    if this.owners_serve {
        begin_for_owner(this, &request, id)?;
        return Ok(None);
    }

    let context = this.enter_context(py)?;
    let handler = match cached {
        Some(handler) => handler,
        None => match resolve(this, &request) {
            Ok(handler) => handler,
            Err(error) => {
                note(this, &request);
                fail(this, &request, error)?;
                keep(this, &request, id);
                return Ok(None);
            }
        },
    };
    request.borrow_mut().engine_handler = Some(handler.clone_ref(py));
    note(this, &request);
    let half_close = handler.get().half_close;
    if half_close != HalfClose::Cancel {
        // The result is ignored. If the client has disconnected, the setting has no effect.
        let _ = lock(&this.core).set_half_close(id, half_close);
    }
    if !handler.get().whole_body || !request.borrow().engine_ref()?.head.has_body() {
        call(this, &request, &handler, &context)?;
    } else {
        let opened = request.borrow_mut().open_body(py, Mode::BeforeCall, None);
        let complete = request.borrow().body.complete;
        match opened {
            Err(error) => fail(this, &request, error)?,
            Ok(()) if complete => call(this, &request, &handler, &context)?,
            Ok(()) => {}
        }
    }
    keep(this, &request, id);
    Ok(Some(handler))
}

fn begin_for_owner(engine: &Engine, request: &Bound<'_, Exchange>, id: ExchangeId) -> PyResult<()> {
    let py = request.py();
    let owner = request.borrow().engine_ref()?.owner.as_ref().map(|owner| owner.clone_ref(py));
    let Some(owner) = owner else { return Ok(()) };
    if let Err(error) = owner.bind(py).call_method1(intern!(py, "begin"), (request,)) {
        fail(engine, request, error)?;
    }
    keep(engine, request, id);
    Ok(())
}

/// Calls a handler that waits for the whole body. The body is complete, or receiving it has failed.
pub fn body_ended(engine: &Engine, request: &Bound<'_, Exchange>) -> PyResult<Option<Py<EngineHandler>>> {
    let py = request.py();
    let handler = request.borrow().engine_handler.as_ref().map(|handler| handler.clone_ref(py));
    let Some(handler) = handler else { return Ok(None) };
    let context = engine.enter_context(py)?;
    note(engine, request);
    let error = request.borrow().body.error(py);
    match error {
        Some(error) => fail(engine, request, error)?,
        None => call(engine, request, &handler, &context)?,
    }
    Ok(Some(handler))
}

fn resolve(engine: &Engine, request: &Bound<'_, Exchange>) -> PyResult<Py<EngineHandler>> {
    let py = request.py();
    let handler = engine.callbacks.bind(py).call_method1(intern!(py, "resolve"), (request,))?;
    let handler = handler.cast_into::<EngineHandler>()?;
    engine.handlers.add(&request.borrow().engine_ref()?.head, &handler);
    Ok(handler.unbind())
}

/// Calls the handler and responds with the value that it returns.
fn call(
    engine: &Engine,
    request: &Bound<'_, Exchange>,
    handler: &Py<EngineHandler>,
    context: &EnteredContext<'_>,
) -> PyResult<()> {
    let py = request.py();
    let called = handler.get();
    let value = if called.pass_params {
        let params = request.borrow_mut().params.get_or_insert_with(|| PyDict::new(py).unbind()).clone_ref(py);
        called.call.bind(py).call((request,), Some(params.bind(py)))
    } else {
        called.call.bind(py).call1((request,))
    };
    match value.and_then(|value| respond_with(engine, request, called, value, context)) {
        Ok(()) => Ok(()),
        Err(error) => fail(engine, request, error),
    }
}

/// Calls the function of `note_requests` with a request. Its exceptions are reported, and do not fail the request.
fn note(engine: &Engine, request: &Bound<'_, Exchange>) {
    if !engine.notes_requests.load(Ordering::Relaxed) {
        return;
    }
    let py = request.py();
    let function = lock(&engine.note_request).as_ref().map(|function| function.clone_ref(py));
    if let Some(Err(error)) = function.map(|function| function.call1(py, (request,))) {
        error.write_unraisable(py, Some(request));
    }
}

/// Passes an exception to `EngineCallbacks.fail`, which sends an error response.
fn fail(engine: &Engine, request: &Bound<'_, Exchange>, error: PyErr) -> PyResult<()> {
    let py = request.py();
    // `into_value` keeps the traceback. `value` would lose it.
    let failed = engine.callbacks.bind(py).call_method1(intern!(py, "fail"), (request, error.into_value(py)));
    if let Err(error) = failed {
        error.write_unraisable(py, Some(request));
        request.borrow_mut().abort(py)?;
    }
    Ok(())
}

/// Keeps a reference to an exchange whose response is incomplete.
fn keep(engine: &Engine, request: &Bound<'_, Exchange>, id: ExchangeId) {
    // If another thread has borrowed the exchange, assume that the response is incomplete: that thread's command will
    // raise WrongThread.
    if request.try_borrow().map_or(true, |request| !request.response.finished) {
        engine.exchanges.insert(id, request.clone().into_any().unbind());
    }
}
