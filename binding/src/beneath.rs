//! `open_beneath`: opens a file below a folder for Python.

use std::os::fd::{AsFd as _, IntoRawFd as _};

use pyo3::prelude::*;

use crate::{descriptors, errors};

/// Open a file or folder for reading. `path` is relative to `folder`, a descriptor. Symbolic links are not followed.
/// Raises OSError.
#[pyfunction]
#[pyo3(signature = (folder, path, /))]
pub fn open_beneath(py: Python<'_>, folder: i32, path: &[u8]) -> PyResult<i32> {
    descriptors::with(folder, |folder| {
        // The file system may be slow. Meanwhile, other threads run.
        let opened = py.detach(|| ropewalk_engine::driver::open_beneath(folder.as_fd(), path));
        Ok(opened.map_err(|error| errors::system(error.into()))?.into_raw_fd())
    })
}
