//! The part of an ASGI scope that the head of a request gives: made here in one call, not by ten attributes of it.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use ropewalk_engine::{Head, Peer};

use crate::convert;
use crate::exchange::path;

/// Sets the keys of a scope of the type "http" (ASGI 3.0, HTTP & WebSocket, section "HTTP Connection Scope") that say
/// what was asked, by whom, and where it came in.
pub fn fill_scope(py: Python<'_>, scope: &Bound<'_, PyDict>, head: &Head, server: &Peer) -> PyResult<()> {
    let raw_path = path(head);
    scope.set_item(intern!(py, "http_version"), convert::version(py, head))?;
    scope.set_item(intern!(py, "method"), convert::method(py, head))?;
    scope.set_item(intern!(py, "scheme"), convert::scheme(py, head))?;
    scope.set_item(intern!(py, "path"), PyString::new(py, &convert::decoded_path(raw_path)))?;
    scope.set_item(intern!(py, "raw_path"), PyBytes::new(py, raw_path))?;
    scope.set_item(intern!(py, "query_string"), PyBytes::new(py, head.query()))?;
    scope.set_item(intern!(py, "headers"), convert::raw_headers(py, head)?)?;
    let client = match convert::client(head) {
        client @ Peer::Inet(_) => convert::address(py, client)?,
        Peer::Unix(_) | Peer::Unknown => py.None().into_bound(py),
    };
    scope.set_item(intern!(py, "client"), client)?;
    scope.set_item(intern!(py, "server"), own_end(py, server)?)
}

/// `(host, port)`, `(path, None)` for a UNIX socket that has a path, or None.
fn own_end<'py>(py: Python<'py>, server: &Peer) -> PyResult<Bound<'py, PyAny>> {
    match server {
        Peer::Inet(_) => convert::address(py, server),
        Peer::Unix(Some(_)) => Ok((convert::address(py, server)?, py.None()).into_pyobject(py)?.into_any()),
        Peer::Unix(None) | Peer::Unknown => Ok(py.None().into_bound(py)),
    }
}
