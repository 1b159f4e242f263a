//! Decides when a handler has blocked the reactor, and reports it. `ropewalk.calling.blocked_reactor` does so for the
//! parts of a coroutine after its first wait.

use pyo3::prelude::*;
use ropewalk_engine::{Report, Severity};

use super::reports::pass_on;
use crate::engine::Engine;
use crate::engine_handler::EngineHandler;

/// If a handler runs longer than this many microseconds, the engine reports that it blocks the reactor.
pub const BLOCKING: u64 = 500_000;

/// Reports that a handler blocked the reactor for this many microseconds.
pub fn report(engine: &Bound<'_, Engine>, handler: Option<Py<EngineHandler>>, micros: u64) -> PyResult<()> {
    let py = engine.py();
    let named = match handler {
        None => "A callback".to_owned(),
        Some(handler) => {
            let errors = py.import("ropewalk.errors")?;
            let call = handler.get().call.bind(py);
            let name: String = errors.call_method1("describe", (call,))?.extract()?;
            let place: String = errors.call_method1("place", (call,))?.extract()?;
            format!("{name} ({place})")
        }
    };
    let message = format!("{named} blocked the reactor for {:.1} s.", micros as f64 / 1e6);
    pass_on(engine, &Report { severity: Severity::Warn, code: "RW306", message })
}
