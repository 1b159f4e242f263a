//! `BoundaryFinder`: finds out whether bytes of a multipart body are content only.

use memchr::{memmem, memrchr};
use pyo3::prelude::*;

/// Finds out whether bytes of a multipart body are content only, which is true for most bytes of a large file.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct BoundaryFinder {
    /// In a box, because it has vectors that are aligned to 32 bytes, and Python aligns its objects to 16 bytes.
    finder: Box<memmem::Finder<'static>>,
}

#[pymethods]
impl BoundaryFinder {
    /// `delimiter` begins with CR LF, which occurs nowhere else in it (RFC 2046, section 5.1.1).
    #[new]
    #[pyo3(signature = (delimiter, /))]
    fn new(delimiter: &[u8]) -> Self {
        BoundaryFinder { finder: Box::new(memmem::Finder::new(delimiter).into_owned()) }
    }

    /// Return whether the bytes neither contain the delimiter nor end with a beginning of it.
    #[pyo3(signature = (data, /))]
    fn is_content(&self, data: &[u8]) -> bool {
        let delimiter = self.finder.needle();
        let tail = &data[data.len().saturating_sub(delimiter.len())..];
        let begins = memrchr(b'\r', tail).is_some_and(|at| delimiter.starts_with(&tail[at..]));
        !begins && self.finder.find(data).is_none()
    }
}
