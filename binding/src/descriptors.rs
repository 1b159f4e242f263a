//! File descriptors that Python passes as numbers.

use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors;

/// Takes ownership of a descriptor from Python.
pub fn own(fd: i32) -> PyResult<OwnedFd> {
    check(fd)?;
    // SAFETY: the caller opened the descriptor, and does not use or close it from now on.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Duplicates a descriptor that Python keeps.
pub fn duplicate(fd: i32) -> PyResult<OwnedFd> {
    check(fd)?;
    // SAFETY: the descriptor is borrowed only during this call, and the kernel checks it.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    borrowed.try_clone_to_owned().map_err(errors::system)
}

fn check(fd: i32) -> PyResult<()> {
    if fd < 0 {
        return Err(PyValueError::new_err(format!("A file descriptor is 0 or more, not {fd}.")));
    }
    Ok(())
}
