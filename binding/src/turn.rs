//! The loop that passes the engine's events to Python handlers.
//!
//! The engine is never locked while Python code runs, so a handler may call any command at any time. An event that a
//! command causes waits in the inbox until the loop handles it.

mod blocked_reactor;
mod events;
mod handler;
mod reports;
mod value;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use ropewalk_engine::clock::monotonic_micros;
use ropewalk_engine::{ExchangeId, GoneReason, PipeId, Severity};

use crate::engine::{Engine, TurnLoop};
use crate::errors::unraisable;
use crate::sync::lock;

/// During a turn, the sockets are polled again after this many microseconds, so that a small request does not wait for
/// large ones.
const POLL_EVERY: u64 = 200;
/// When this many bytes of log lines wait, the writer of the access log is called.
const LOG_READY: usize = 64 * 1024;

/// Calls `start`, and then runs a turn. If a turn is already running, only `start` is called.
pub fn pump(engine: &Bound<'_, Engine>, start: impl FnOnce(&mut ropewalk_engine::Engine)) -> PyResult<()> {
    let py = engine.py();
    let this = engine.get();
    this.thread.bind_first();
    // A panic must not reach the reactor. The reactor would stop watching the engine's descriptor, and the server would
    // stop serving.
    let begun = catch_unwind(AssertUnwindSafe(|| {
        let mut core = this.core(py)?;
        if !this.busy.load(Ordering::Relaxed) {
            core.begin_turn();
        }
        start(&mut core);
        Ok::<_, PyErr>(())
    }));
    match begun {
        Ok(outcome) => outcome?,
        Err(_) => recover_from_panic(this),
    }
    if this.busy.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    if catch_unwind(AssertUnwindSafe(|| run(engine))).is_err() {
        recover_from_panic(this);
    }
    this.busy.store(false, Ordering::Relaxed);
    this.arm(py)
}

/// Runs a command on a pipe, and then handles the pipe's events. If a turn is running, the turn handles them instead.
/// Events of other connections are not handled here, because their handlers may be on the call stack.
pub fn serve_pipe_events(
    engine: &Bound<'_, Engine>,
    pipe: PipeId,
    command: impl FnOnce(&mut ropewalk_engine::Engine),
) -> PyResult<()> {
    let py = engine.py();
    let this = engine.get();
    command(&mut *this.core(py)?);
    if this.busy.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    loop {
        let event = lock(&this.core).next_pipe_event(pipe);
        let Some(event) = event else { break };
        let exchange = event.exchange();
        match catch_unwind(AssertUnwindSafe(|| events::serve(engine, event))) {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => error.write_unraisable(py, None),
            Err(_) => abort_after_panic(engine, exchange),
        }
    }
    if this.closing.load(Ordering::Relaxed) && catch_unwind(AssertUnwindSafe(|| run(engine))).is_err() {
        recover_from_panic(this);
    }
    this.busy.store(false, Ordering::Relaxed);
    this.arm(py)
}

/// Passes the output of a pipe to its sink. It handles no events, so a handler may call it during a turn.
pub fn flush_pipe_output(engine: &Bound<'_, Engine>, pipe: PipeId) -> PyResult<()> {
    let py = engine.py();
    loop {
        let bytes = engine.get().core(py)?.next_pipe_output(pipe);
        let Some(bytes) = bytes else { return Ok(()) };
        events::call_owner(engine, pipe.connection(), "write", Some(PyBytes::new(py, &bytes).into_any()));
    }
}

/// Reports the error of a failed poll. Events that were read before it are still handled.
pub fn report_poll(core: &mut ropewalk_engine::Engine, outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        core.report(Severity::Error, "RW505", format!("the sockets cannot be polled: {error}"));
    }
}

/// Handles events until no event is left or the turn reaches its limits. The limits do not apply when the engine is
/// closing. A failure is reported and does not end the turn.
fn run(engine: &Bound<'_, Engine>) {
    let py = engine.py();
    let this = engine.get();
    let started = monotonic_micros();
    let mut before = started;
    let mut polled = started;
    let mut took = 0;
    let mut events = this.limits.0.turn_events;
    let _turn_loop = RememberedLoop::new(this);
    lock(&this.core).start_batching(started);
    loop {
        let event = {
            let mut core = lock(&this.core);
            core.event_handled(took, before);
            if before - polled > POLL_EVERY {
                poll_again(&mut core);
                polled = before;
            }
            core.next_event()
        };
        let Some(event) = event else {
            let mut core = lock(&this.core);
            core.flush_queued();
            if !core.has_events() && core.has_backlog() {
                poll_again(&mut core);
                polled = before;
            }
            if core.has_events() {
                continue;
            }
            break;
        };
        let exchange = event.exchange();
        // A handler may call Rust code that panics, for example in another extension module.
        let handler = match catch_unwind(AssertUnwindSafe(|| events::serve(engine, event))) {
            Ok(Ok(handler)) => handler,
            Ok(Err(error)) => {
                error.write_unraisable(py, None);
                None
            }
            Err(_) => {
                abort_after_panic(engine, exchange);
                None
            }
        };
        let now = monotonic_micros();
        took = now - before;
        if took > blocked_reactor::BLOCKING {
            unraisable(blocked_reactor::report(engine, handler, took), engine);
        }
        before = now;
        events = events.saturating_sub(1);
        let used_up = events == 0 || now - started > this.limits.0.turn_time * 1000;
        if used_up && !this.closing.load(Ordering::Relaxed) {
            break;
        }
    }
    this.closing.store(false, Ordering::Relaxed);
    compress(engine);
    let log_ready = {
        let mut core = lock(&this.core);
        core.end_turn();
        core.access_log().is_some_and(|log| log.len() > LOG_READY)
    };
    if log_ready {
        unraisable(this.callbacks.bind(py).call_method0(intern!(py, "access_log_ready")), engine);
    }
}

/// Encodes the next steps of large bodies. Other Python threads may run meanwhile.
fn compress(engine: &Bound<'_, Engine>) {
    let this = engine.get();
    if lock(&this.core).compresses() {
        // The lock is released before the thread waits for the GIL. Another thread may hold the GIL and wait for the
        // lock.
        engine.py().detach(|| lock(&this.core).compress_waiting());
    }
}

/// While this guard exists, all handlers of a turn use the same remembered event loop. After a turn, another loop may
/// run the engine.
struct RememberedLoop<'a>(&'a Engine);

impl<'a> RememberedLoop<'a> {
    fn new(engine: &'a Engine) -> Self {
        *lock(&engine.turn_loop) = Some(TurnLoop::Unknown);
        RememberedLoop(engine)
    }
}

impl Drop for RememberedLoop<'_> {
    fn drop(&mut self) {
        let event_loop = lock(&self.0.turn_loop).take();
        drop(event_loop);
    }
}

fn poll_again(core: &mut ropewalk_engine::Engine) {
    let outcome = core.poll_again();
    report_poll(core, outcome);
}

/// Restores the engine after a panic in it. If this panics too, every connection is dropped.
fn recover_from_panic(engine: &Engine) {
    let recovered = catch_unwind(AssertUnwindSafe(|| {
        let mut core = lock(&engine.core);
        core.report(Severity::Error, "RW505", "the engine has panicked; one connection is dropped".to_owned());
        core.recover_from_panic();
        core.end_turn();
    }));
    if recovered.is_err() {
        lock(&engine.core).drop_connections();
    }
}

/// Aborts the exchange whose event was being handled when a panic occurred.
fn abort_after_panic(engine: &Bound<'_, Engine>, exchange: Option<ExchangeId>) {
    let this = engine.get();
    let mut core = lock(&this.core);
    let message = "a panic while a request was served; its connection is closed".to_owned();
    core.report(Severity::Error, "RW505", message);
    if let Some(id) = exchange {
        // The result is ignored, because the exchange may have ended already.
        let _ = core.abort(id);
        drop(core);
        events::lose(engine, id, GoneReason::Aborted);
    }
}
