//! Socket addresses as Python represents them: `(host, port)`, the path of a UNIX socket, or None.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use ropewalk_engine::Address;

/// Converts an address to its Python value.
pub fn to_python<'py>(py: Python<'py>, address: &Address) -> PyResult<Bound<'py, PyAny>> {
    Ok(match address {
        Address::Inet(address) => {
            (address.ip().to_canonical().to_string(), address.port()).into_pyobject(py)?.into_any()
        }
        Address::Unix(path) => {
            let path = path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            path.into_pyobject(py)?.into_any()
        }
        Address::Unknown => py.None().into_bound(py),
    })
}

/// Converts a Python value to an address.
pub fn from_python(value: Option<&Bound<'_, PyAny>>) -> PyResult<Address> {
    let Some(value) = value else { return Ok(Address::Unknown) };
    if let Ok(path) = value.cast::<PyString>() {
        let path = path.to_str()?;
        return Ok(Address::Unix((!path.is_empty()).then(|| std::sync::Arc::new(path.into()))));
    }
    let pair = value.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("An address is (host, port), str or None."))?;
    let (host, port): (String, u16) = (pair.get_item(0)?.extract()?, pair.get_item(1)?.extract()?);
    // Test transports may report a host name instead of an IP address. The address is then unknown.
    Ok(host.parse().map_or(Address::Unknown, |host| Address::Inet(std::net::SocketAddr::new(host, port))))
}
