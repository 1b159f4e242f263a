//! `SignedContent`: the content of a signed session, of which only what a handler reads is decoded.

use std::ops::Range;

use memchr::memchr2;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// The content of a signed session: `[created,touched,user,{"name":value}]`, as msgspec encodes it. Its signature was
/// verified, so this server has written it. Any other JSON with the same meaning is decoded by msgspec instead.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct SignedContent {
    content: Vec<u8>,
    pub created: u64,
    pub touched: u64,
    user: Option<Range<usize>>,
    /// Where the values begin, after their brace.
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

    /// Return the value with a name, encoded. None if there is none, or if only a JSON decoder can find it.
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
    /// Reads what comes before the values. Returns the content again if it is not as msgspec writes it.
    pub fn parse(content: Vec<u8>) -> Result<Self, Vec<u8>> {
        match head(&content) {
            Some(Head { created, touched, user, values }) => {
                Ok(SignedContent { content, created, touched, user, values })
            }
            None => Err(content),
        }
    }
}

/// What comes before the values. The fields are those of SignedContent.
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

/// The integer at the beginning, which a comma follows, and what is after the comma.
fn integer(text: &[u8]) -> Option<(u64, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let rest = text[end..].strip_prefix(b",")?;
    Some((std::str::from_utf8(&text[..end]).ok()?.parse().ok()?, rest))
}

/// The position after the string that begins at a position.
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
        at += 2; // the backslash, and what it escapes
    }
}

/// The position after the value that begins at a position.
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
