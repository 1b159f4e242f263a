//! `SignedContent`: the content of a signed session. A value in it is decoded only when a handler reads it.

use std::ops::Range;

use memchr::memchr2;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// The content of a signed session: `[created,touched,user,{"name":value}]`, as msgspec encodes it. The caller has
/// verified the signature, so a server with the same key has written the content. If the JSON has another form, msgspec
/// must decode it.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct SignedContent {
    content: Vec<u8>,
    pub created: u64,
    pub touched: u64,
    user: Option<Range<usize>>,
    /// The offset of the values: the first byte after their opening brace.
    values: usize,
}

impl SignedContent {
    /// The id of the user, if one has logged in.
    pub fn user<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyString>> {
        self.user.clone().map(|user| PyString::new(py, &String::from_utf8_lossy(&self.content[user])))
    }
}

#[pymethods]
impl SignedContent {
    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.content)
    }

    /// Return the value with this name, as JSON. Return None if there is no such value, or if only a JSON decoder can
    /// find it.
    #[pyo3(signature = (name, /))]
    fn raw<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyBytes>> {
        let values = &self.content[self.values..];
        let mut at = 0;
        loop {
            let after_key = string_end(values, at)?;
            let key = &values[at + 1..after_key - 1];
            if values.get(after_key) != Some(&b':') || key.contains(&b'\\') {
                return None;
            }
            let end = value_end(values, after_key + 1)?;
            if key == name.as_bytes() {
                return Some(PyBytes::new(py, &values[after_key + 1..end]));
            }
            if values.get(end) != Some(&b',') {
                return None;
            }
            at = end + 1;
        }
    }
}

impl SignedContent {
    /// Parses the part of the content before the values. Returns the content as the error if it does not have the form
    /// that msgspec writes.
    pub fn parse(content: Vec<u8>) -> Result<Self, Vec<u8>> {
        match head(&content) {
            Some(Head { created, touched, user, values }) => {
                Ok(SignedContent { content, created, touched, user, values })
            }
            None => Err(content),
        }
    }
}

/// The part of the content before the values. The fields have the same meaning as in `SignedContent`.
struct Head {
    created: u64,
    touched: u64,
    user: Option<Range<usize>>,
    values: usize,
}

fn head(content: &[u8]) -> Option<Head> {
    let (created, rest) = integer(content.strip_prefix(b"[")?)?;
    let (touched, rest) = integer(rest)?;
    let begin = content.len() - rest.len();
    let (user, end) = if rest.starts_with(b"null") {
        (None, begin + 4)
    } else {
        let end = string_end(content, begin)?;
        let user = begin + 1..end - 1;
        std::str::from_utf8(&content[user.clone()]).ok().filter(|user| !user.contains('\\'))?;
        (Some(user), end)
    };
    let is_as_written = content[end..].starts_with(b",{") && content.ends_with(b"}]");
    is_as_written.then_some(Head { created, touched, user, values: end + 2 })
}

/// Parses an integer with a comma after it. Returns the integer and the text after the comma.
fn integer(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let rest = text[end..].strip_prefix(b",")?;
    Some((std::str::from_utf8(&text[..end]).ok()?.parse().ok()?, rest))
}

/// Returns the position after the string that starts at `begin`.
fn string_end(text: &[u8], begin: usize) -> Option<usize> {
    if text.get(begin) != Some(&b'"') {
        return None;
    }
    let mut at = begin + 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2; // the backslash and the byte that it escapes
    }
}

/// Returns the position after the value that starts at `begin`.
fn value_end(text: &[u8], begin: usize) -> Option<usize> {
    let (mut at, mut depth) = (begin, 0_usize);
    loop {
        match *text.get(at)? {
            b'"' => at = string_end(text, at)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            b',' | b'}' if depth == 0 => return None,
            _ if depth > 0 => at += 1,
            _ => {
                at += text[at..].iter().position(|byte| b",}".contains(byte))?;
                return Some(at);
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}
