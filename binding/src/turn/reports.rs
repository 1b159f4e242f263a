//! Reports to the service, which logs them.

use pyo3::intern;
use pyo3::prelude::*;
use ropewalk_engine::{Report, Severity};

use crate::endpoint::Endpoint;
use crate::engine::Engine;

/// Passes a report to the service.
pub fn pass_on(engine: &Bound<'_, Engine>, report: &Report) -> PyResult<()> {
    let py = engine.py();
    let level = match report.severity {
        Severity::Debug => "debug",
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Error => "error",
    };
    let service = engine.get().service.bind(py);
    service.call_method1(intern!(py, "report"), (level, report.code, &report.message))?;
    Ok(())
}

/// Reports a handler that blocked the reactor for so many microseconds.
pub fn blocking(engine: &Bound<'_, Engine>, endpoint: Option<Py<Endpoint>>, micros: u64) -> PyResult<()> {
    let py = engine.py();
    let handler = match endpoint {
        None => "A callback".to_owned(),
        Some(endpoint) => {
            let errors = py.import("ropewalk.errors")?;
            let call = endpoint.get().call.bind(py);
            let name: String = errors.call_method1("describe", (call,))?.extract()?;
            let place: String = errors.call_method1("place", (call,))?.extract()?;
            format!("{name} ({place})")
        }
    };
    let message = format!("{handler} blocked the reactor for {:.1} s.", micros as f64 / 1e6);
    pass_on(engine, &Report { severity: Severity::Warn, code: "RW306", message })
}
