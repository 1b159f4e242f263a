//! `SignedText`: signs content as itsdangerous does, and verifies signed text.

use hmac::{Hmac, KeyInit, Mac};
use memchr::memrchr;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};
use sha2::Sha256;

use crate::signed_content::SignedContent;

/// Writes and reads text of the form `CONTENT.SIGNATURE`, both in base64 for URLs without padding. The signature is the
/// HMAC-SHA256 of the encoded content. `itsdangerous.Signer` makes the same signature with `key_derivation="none"`.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct SignedText {
    /// The state of HMAC for each key, so that a key is hashed only once.
    keys: Vec<Hmac<Sha256>>,
}

#[pymethods]
impl SignedText {
    #[new]
    #[pyo3(signature = (keys, /))]
    fn new(keys: Vec<Vec<u8>>) -> PyResult<Self> {
        let keys = keys.iter().map(|key| Hmac::new_from_slice(key));
        let keys = keys.collect::<Result<_, _>>().map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(SignedText { keys })
    }

    /// Sign content with the first key. Raises IndexError if there is no key.
    #[pyo3(signature = (content, /))]
    fn write<'py>(&self, py: Python<'py>, content: &[u8]) -> PyResult<Bound<'py, PyString>> {
        let key = self.keys.first().ok_or_else(|| PyIndexError::new_err("There is no key."))?;
        let mut text = Vec::with_capacity(content.len().div_ceil(3) * 4 + 1 + 44);
        encode(content, &mut text);
        let signature = key.clone().chain_update(&text).finalize().into_bytes();
        text.push(b'.');
        encode(&signature, &mut text);
        Ok(PyString::new(py, &String::from_utf8_lossy(&text)))
    }

    /// Return the content of a signed text. Return None if no key has signed it, or if it is not base64. The time of
    /// the comparison does not depend on how many bytes of the signature are correct.
    #[pyo3(signature = (text, /))]
    fn read<'py>(&self, py: Python<'py>, text: &str) -> Option<Bound<'py, PyBytes>> {
        Some(PyBytes::new(py, &self.verified(text)?))
    }

    /// Return the session in a signed text as a tuple: its user, whether the time of its last use must be updated, and
    /// its `SignedContent`. If only a JSON decoder can read the content, return the content as bytes. Return None if
    /// `read` would return None, or if the session has expired. `now` is a Unix time, and the other times are durations
    /// in seconds.
    #[pyo3(signature = (text, now, idle, absolute, touched_after, /))]
    fn read_session<'py>(
        &self,
        py: Python<'py>,
        text: &str,
        now: f64,
        idle: f64,
        absolute: f64,
        touched_after: f64,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(content) = self.verified(text) else { return Ok(None) };
        let session = match SignedContent::parse(content) {
            Ok(session) => session,
            Err(content) => return Ok(Some(PyBytes::new(py, &content).into_any())),
        };
        let (created, touched) = (session.created as f64, session.touched as f64);
        if now >= touched + idle || now >= created + absolute {
            return Ok(None);
        }
        let user = session.user(py);
        let is_stale = now - touched >= touched_after;
        Ok(Some((user, is_stale, session).into_pyobject(py)?.into_any()))
    }
}

impl SignedText {
    fn verified(&self, text: &str) -> Option<Vec<u8>> {
        let text = text.as_bytes();
        let dot = memrchr(b'.', text)?;
        let (content, signature) = (&text[..dot], decode(&text[dot + 1..])?);
        let signed = |key: &Hmac<Sha256>| key.clone().chain_update(content).verify_slice(&signature).is_ok();
        if self.keys.iter().any(signed) { decode(content) } else { None }
    }
}

/// Appends base64 for URLs without padding (RFC 4648, section 5).
fn encode(octets: &[u8], text: &mut Vec<u8>) {
    let digits = |group: [u8; 3]| {
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift & 0x3f) as usize])
    };
    let groups = octets.chunks_exact(3);
    let rest = groups.remainder();
    for group in groups {
        if let &[a, b, c] = group {
            text.extend_from_slice(&digits([a, b, c]));
        }
    }
    if let [first, ..] = *rest {
        let second = rest.get(1).copied();
        text.extend_from_slice(&digits([first, second.unwrap_or(0), 0])[..=rest.len()]);
    }
}

/// Decodes base64 for URLs without padding (RFC 4648, section 5). None for any other text.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let groups = text.chunks_exact(4);
    let rest = groups.remainder();
    let value = |byte: u8| VALUES[usize::from(byte)];
    let mut octets = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let mut all = 0;
    for group in groups {
        if let &[a, b, c, d] = group {
            let [a, b, c, d] = [value(a), value(b), value(c), value(d)];
            all |= a | b | c | d; // checked at the end, because nearly every text is valid
            octets.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d]);
        }
    }
    let used = [0, usize::MAX, 1, 2][rest.len()];
    if used == usize::MAX {
        return None;
    }
    let mut group = [0; 4];
    for (place, &byte) in group.iter_mut().zip(rest) {
        *place = value(byte);
        all |= *place;
    }
    let [a, b, c, _] = group;
    octets.extend_from_slice(&[a << 2 | b >> 4, b << 4 | c >> 2][..used]);
    (all & NONE == 0).then_some(octets)
}

static DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Marks a byte that is not a digit. Its bit is 0 in the value of every digit.
const NONE: u8 = 0x80;
/// The value of each digit of base64; NONE for other bytes.
static VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < DIGITS.len() {
        values[DIGITS[value] as usize] = value as u8;
        value += 1;
    }
    values
};
