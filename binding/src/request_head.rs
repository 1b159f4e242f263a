//! Converts the parts of a request head to Python values, each part only when it is read.

use std::borrow::Cow;

use memchr::memchr;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};
use ropewalk_engine::method::Method;
use ropewalk_engine::{Address, Head, Version};

/// The request method.
pub fn method<'py>(py: Python<'py>, head: &Head) -> Bound<'py, PyString> {
    if head.method() == Method::OTHER {
        return latin1(py, head.method_name());
    }
    PyString::intern(py, head.method().as_str())
}

/// The path of the request target. An empty path, which the absolute form allows, means `/` (RFC 9112, section 3.2.1).
pub fn path(head: &Head) -> &[u8] {
    if head.path().is_empty() { b"/" } else { head.path() }
}

/// The path with its percent-encoding decoded. Bytes that are not UTF-8 become U+FFFD.
pub fn decoded_path(head: &Head) -> Cow<'_, str> {
    match percent_encoding::percent_decode(path(head)).into() {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The HTTP version, in the form that ASGI and WSGI use.
pub fn version<'py>(py: Python<'py>, head: &Head) -> &'py Bound<'py, PyString> {
    match head.version() {
        Version::Http10 => intern!(py, "1.0"),
        Version::Http11 => intern!(py, "1.1"),
    }
}

/// The URL scheme: "https" if the client used TLS. A trusted proxy may have terminated the TLS connection.
pub fn scheme<'py>(py: Python<'py>, head: &Head) -> &'py Bound<'py, PyString> {
    let secure = head.origin().map_or_else(|| head.is_secure(), |origin| origin.secure);
    if secure { intern!(py, "https") } else { intern!(py, "http") }
}

/// The client's address: that of the peer, or the one that a trusted proxy reports.
pub fn client(head: &Head) -> &Address {
    head.origin().map_or_else(|| head.peer(), |origin| &origin.client)
}

/// A tuple: the method, the target and the version as they were sent, whether the connection is persistent, and the
/// body's length (None if the body is chunked).
pub fn start_and_framing<'py>(py: Python<'py>, head: &Head) -> PyResult<Bound<'py, PyTuple>> {
    let version: &[u8] = if head.version() == Version::Http10 { b"HTTP/1.0" } else { b"HTTP/1.1" };
    let length = if head.has_body() { head.length() } else { Some(0) };
    let method = PyBytes::new(py, head.method_name());
    (method, PyBytes::new(py, head.target()), PyBytes::new(py, version), head.keep_alive(), length).into_pyobject(py)
}

/// The value of a field, or None if the field is absent. The values of several field lines are joined by ", " (RFC
/// 9110, section 5.3).
pub fn header<'py>(py: Python<'py>, head: &Head, name: &str) -> Option<Bound<'py, PyString>> {
    let mut values = head.values(name.as_bytes());
    let first = values.next()?;
    let Some(second) = values.next() else { return Some(latin1(py, first)) };
    let mut joined = first.to_vec();
    for value in std::iter::once(second).chain(values) {
        joined.extend_from_slice(b", ");
        joined.extend_from_slice(value);
    }
    Some(latin1(py, &joined))
}

/// The value of the cookie with this name. None unless the cookie occurs exactly once in the Cookie fields.
pub fn only_cookie<'a>(head: &'a Head, name: &[u8]) -> Option<&'a [u8]> {
    let mut cookies = head.values(b"cookie").flat_map(|line| line.split(|&byte| byte == b';')).filter_map(|cookie| {
        let (given, value) = match memchr(b'=', cookie) {
            Some(equals) => (&cookie[..equals], &cookie[equals + 1..]),
            None => (cookie, &[][..]),
        };
        (blank_trimmed(given) == name).then(|| blank_trimmed(value))
    });
    let found = cookies.next()?;
    if cookies.next().is_some() { None } else { Some(found) }
}

/// Removes spaces and tabs at both ends (RFC 9110, section 5.6.3).
fn blank_trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Every field line in order, as a pair of name and value. Names are in lower case.
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

/// Converts bytes to str without loss: one character for each byte (ISO 8859-1).
pub fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => PyString::new(py, text),
        _ => PyString::new(py, &bytes.iter().map(|&byte| byte as char).collect::<String>()),
    }
}
