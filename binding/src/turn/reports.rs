//! Passes the engine's reports to `EngineCallbacks.report`, which logs them.

use pyo3::intern;
use pyo3::prelude::*;
use ropewalk_engine::{Report, Severity};

use crate::engine::Engine;

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
