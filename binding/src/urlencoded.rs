//! Parses pairs of name and value in the format `application/x-www-form-urlencoded` (WHATWG URL, section 5.1). Query
//! strings have the same format.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

/// The pairs in order, and a dict from each name to the list of its values.
type Parsed<'py> = (Bound<'py, PyTuple>, Bound<'py, PyDict>);

/// Parse pairs of name and value in UTF-8. Return a tuple of the pairs in order, and a dict from each name to the list
/// of its values. Return None if a part is not UTF-8, or if a name or a value is larger than its limit in bytes. The
/// caller then parses the text in Python.
#[pyfunction]
#[pyo3(signature = (text, name_limit, value_limit, /))]
pub fn urlencoded_pairs<'py>(
    py: Python<'py>,
    text: &[u8],
    name_limit: usize,
    value_limit: usize,
) -> PyResult<Option<Parsed<'py>>> {
    let values = PyDict::new(py);
    let mut pairs = Vec::new();
    for part in text.split(|&byte| byte == b'&').filter(|part| !part.is_empty()) {
        let end = memchr(b'=', part).unwrap_or(part.len());
        let name = decoded(&part[..end]);
        let value = decoded(part.get(end + 1..).unwrap_or_default());
        if name.len() > name_limit || value.len() > value_limit {
            return Ok(None);
        }
        let (Ok(name), Ok(value)) = (std::str::from_utf8(&name), std::str::from_utf8(&value)) else {
            return Ok(None);
        };
        let (name, value) = (PyString::new(py, name), PyString::new(py, value));
        match values.get_item(&name)? {
            Some(several) => several.cast::<PyList>()?.append(&value)?,
            None => values.set_item(&name, PyList::new(py, [&value])?)?,
        }
        pairs.push((name, value));
    }
    Ok(Some((PyTuple::new(py, pairs)?, values)))
}

/// Replaces plus signs by spaces, and decodes percent-encoding. A percent sign without two digits is kept.
fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr2(b'+', b'%', text) else { return Cow::Borrowed(text) };
    let mut made = Vec::with_capacity(text.len());
    made.extend_from_slice(&text[..first]);
    let mut rest = &text[first..];
    while let [byte, after @ ..] = rest {
        let (octet, left) = match (byte, after) {
            (b'+', _) => (b' ', after),
            (b'%', [high, low, left @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, left),
                _ => (b'%', after),
            },
            _ => (*byte, after),
        };
        made.push(octet);
        rest = left;
    }
    Cow::Owned(made)
}

/// The value of a hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    (byte as char).to_digit(16).map(|value| value as u8)
}
