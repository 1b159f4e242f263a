//! Fills an ASGI scope from a request head in one call, so that Python does not read ten attributes.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use ropewalk_engine::{Address, Head};

use crate::address;
use crate::request_head;

/// Sets the keys of an "http" scope that describe the request line, the headers, the client and the server (ASGI 3.0,
/// HTTP & WebSocket, section "HTTP Connection Scope").
pub fn fill_scope(py: Python<'_>, scope: &Bound<'_, PyDict>, head: &Head, server: &Address) -> PyResult<()> {
    scope.set_item(intern!(py, "http_version"), request_head::version(py, head))?;
    scope.set_item(intern!(py, "method"), request_head::method(py, head))?;
    scope.set_item(intern!(py, "scheme"), request_head::scheme(py, head))?;
    scope.set_item(intern!(py, "path"), PyString::new(py, &request_head::decoded_path(head)))?;
    scope.set_item(intern!(py, "raw_path"), PyBytes::new(py, request_head::path(head)))?;
    scope.set_item(intern!(py, "query_string"), PyBytes::new(py, head.query()))?;
    scope.set_item(intern!(py, "headers"), request_head::raw_headers(py, head)?)?;
    let client = match request_head::client(head) {
        client @ Address::Inet(_) => address::to_python(py, client)?,
        Address::Unix(_) | Address::Unknown => py.None().into_bound(py),
    };
    scope.set_item(intern!(py, "client"), client)?;
    scope.set_item(intern!(py, "server"), server_address(py, server)?)
}

/// The server's address: `(host, port)`, `(path, None)` for a UNIX socket that has a path, or None.
fn server_address<'py>(py: Python<'py>, server: &Address) -> PyResult<Bound<'py, PyAny>> {
    match server {
        Address::Inet(_) => address::to_python(py, server),
        Address::Unix(Some(_)) => Ok((address::to_python(py, server)?, py.None()).into_pyobject(py)?.into_any()),
        Address::Unix(None) | Address::Unknown => Ok(py.None().into_bound(py)),
    }
}
