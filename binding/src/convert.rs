//! Values of Python as values of the engine, and back.

use std::borrow::Cow;

use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use ropewalk_engine::head::FieldRef;
use ropewalk_engine::method::Method;
use ropewalk_engine::{CloseReason, Head, Peer, Version};

use crate::errors;

/// The fields of an answer, held while the engine reads them.
pub struct Fields<'py>(Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>);

impl<'py> Fields<'py> {
    pub fn take(pairs: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut fields = Vec::new();
        for pair in pairs.try_iter()? {
            fields.push(pair?.extract()?);
        }
        Ok(Fields(fields))
    }

    /// As `take`, or of a dict of lists of values by name.
    pub fn take_any(fields: &Bound<'py, PyAny>) -> PyResult<Self> {
        let Ok(by_name) = fields.cast_exact::<PyDict>() else { return Self::take(fields) };
        let mut taken = Vec::with_capacity(by_name.len());
        for (name, values) in by_name {
            let Ok(values) = values.cast_exact::<PyList>() else {
                for value in values.try_iter()? {
                    taken.push((name.clone(), value?));
                }
                continue;
            };
            taken.extend(values.iter().map(|value| (name.clone(), value)));
        }
        Ok(Fields(taken))
    }

    pub fn refs(&self) -> PyResult<Vec<FieldRef<'_>>> {
        self.0.iter().map(|(name, value)| Ok((octets(name)?, octets(value)?))).collect()
    }
}

/// A name or value: bytes as they are, str in ASCII (RFC 9110, section 5.5).
fn octets<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes());
    }
    if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        if text.is_ascii() {
            return Ok(text.as_bytes());
        }
        let message = format!("The header text {text:?} is not ASCII; encode it to bytes.");
        return Err(errors::raise(value.py(), errors::INVALID_FIELD, message));
    }
    Err(PyTypeError::new_err(format!("A header is str or bytes, not {}.", value.get_type().name()?)))
}

/// Bytes of a head as str: one character a byte (ISO 8859-1), which loses nothing.
pub fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &bytes.iter().map(|&byte| byte as char).collect::<String>()),
    }
}

/// The method of a request.
pub fn method<'py>(py: Python<'py>, head: &Head) -> Bound<'py, PyString> {
    if head.method() == Method::OTHER {
        return latin1(py, head.method_name());
    }
    PyString::intern(py, head.method().as_str())
}

/// The version of a request, as ASGI and WSGI write it.
pub fn version<'py>(py: Python<'py>, head: &Head) -> &'py Bound<'py, PyString> {
    match head.version() {
        Version::Http10 => intern!(py, "1.0"),
        Version::Http11 => intern!(py, "1.1"),
    }
}

/// "https" where the client came by TLS, which a trusted proxy may have undone.
pub fn scheme<'py>(py: Python<'py>, head: &Head) -> &'py Bound<'py, PyString> {
    let secure = head.origin().map_or_else(|| head.is_secure(), |origin| origin.secure);
    if secure { intern!(py, "https") } else { intern!(py, "http") }
}

/// Who asks: the other end of the connection, or whom a trusted proxy tells of.
pub fn client(head: &Head) -> &Peer {
    head.origin().map_or_else(|| head.peer(), |origin| &origin.client)
}

/// Every field line of a request in order, names in lower case.
pub fn raw_headers<'py>(py: Python<'py>, head: &Head) -> PyResult<Bound<'py, PyList>> {
    let lines = PyList::empty(py);
    for (name, value) in head.fields() {
        let name = PyBytes::new_with(py, name.len(), |lower| {
            for (to, from) in lower.iter_mut().zip(name) {
                *to = from.to_ascii_lowercase();
            }
            Ok(())
        })?;
        lines.append((name, PyBytes::new(py, value)))?;
    }
    Ok(lines)
}

/// A path with its percent-encoding undone; what is not UTF-8 becomes U+FFFD.
pub fn decoded_path(raw: &[u8]) -> Cow<'_, str> {
    match percent_encoding::percent_decode(raw).into() {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// An address as Python writes it: `(host, port)`, the path of a UNIX socket, or None.
pub fn address<'py>(py: Python<'py>, peer: &Peer) -> PyResult<Bound<'py, PyAny>> {
    Ok(match peer {
        Peer::Inet(address) => (address.ip().to_canonical().to_string(), address.port()).into_pyobject(py)?.into_any(),
        Peer::Unix(path) => {
            let path = path.as_ref().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
            path.into_pyobject(py)?.into_any()
        }
        Peer::Unknown => py.None().into_bound(py),
    })
}

/// The opposite of [`address`], for pipes.
pub fn peer(value: Option<&Bound<'_, PyAny>>) -> PyResult<Peer> {
    let Some(value) = value else { return Ok(Peer::Unknown) };
    if let Ok(path) = value.cast::<PyString>() {
        let path = path.to_str()?;
        return Ok(Peer::Unix((!path.is_empty()).then(|| std::sync::Arc::new(path.into()))));
    }
    let pair = value.cast::<PyTuple>().map_err(|_| PyTypeError::new_err("An address is (host, port), str or None."))?;
    let (host, port): (String, u16) = (pair.get_item(0)?.extract()?, pair.get_item(1)?.extract()?);
    // A host that is a name, as test transports have it, is nobody's address.
    Ok(host.parse().map_or(Peer::Unknown, |host| Peer::Inet(std::net::SocketAddr::new(host, port))))
}

/// How a connection ended, as Python is told.
pub fn closing(closing: CloseReason) -> &'static str {
    match closing {
        CloseReason::Done => "done",
        CloseReason::Lost => "lost",
        CloseReason::Cut => "cut",
        CloseReason::Aborted => "aborted",
    }
}
