//! Passes the engine's reports to `EngineCallbacks.report`, which logs them.

use pyo3::intern;
use pyo3::prelude::*;
use ropewalk_engine::{Report, Severity};

use crate::engine::Engine;
use crate::engine_handler::EngineHandler;

/// Passes a report to `EngineCallbacks.report`.
pub fn pass_on(engine: &Bound<'_, Engine>, report: &Report) -> PyResult<()> {
    let py = engine.py();
    let level = match report.severity {
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
    };
    let callbacks = engine.get().callbacks.bind(py);
    callbacks.call_method1(intern!(py, "report"), (level, report.code, &report.message))?;
    Ok(())
}

/// Reports that a handler blocked the reactor for this many microseconds.
pub fn blocking(engine: &Bound<'_, Engine>, handler: Option<Py<EngineHandler>>, micros: u64) -> PyResult<()> {
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
