//! `BoundaryFinder`: checks whether a piece of a multipart body is content only.

use memchr::{memmem, memrchr};
use pyo3::prelude::*;

/// Checks whether a piece of a multipart body is content only, without any part of a delimiter. This is true for most
/// pieces of a large file.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct BoundaryFinder {
    /// In a box, because the finder needs an alignment of 32 bytes, and Python aligns its objects to 16 bytes only.
    finder: Box<memmem::Finder<'static>>,
}

#[pymethods]
impl BoundaryFinder {
    /// `delimiter` begins with CR LF, which occurs nowhere else in it (RFC 2046, section 5.1.1). So only the last CR of
    /// a piece can begin a delimiter that the piece does not complete.
    #[new]
    #[pyo3(signature = (delimiter, /))]
    fn new(delimiter: &[u8]) -> Self {
        BoundaryFinder { finder: Box::new(memmem::Finder::new(delimiter).into_owned()) }
    }

    /// Return True if the bytes do not contain the delimiter, and do not end with the first bytes of one.
    #[pyo3(signature = (data, /))]
    fn is_content(&self, data: &[u8]) -> bool {
        let delimiter = self.finder.needle();
        let tail = &data[data.len().saturating_sub(delimiter.len())..];
        let begins = memrchr(b'\r', tail).is_some_and(|at| delimiter.starts_with(&tail[at..]));
        !begins && self.finder.find(data).is_none()
    }
}
