//! Converts file descriptor numbers from Python to Rust's descriptor types.

use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors;

/// Takes ownership of a descriptor that Python passes.
pub fn own(fd: i32) -> PyResult<OwnedFd> {
    check(fd)?;
    // SAFETY: the caller opened the descriptor, and no longer uses or closes it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Duplicates a descriptor that Python code continues to own.
pub fn duplicate(fd: i32) -> PyResult<OwnedFd> {
    with(fd, |borrowed| borrowed.try_clone_to_owned().map_err(errors::system))
}

/// Calls a function with a descriptor that Python code continues to own, and keeps open during the call.
pub fn with<T>(fd: i32, call: impl FnOnce(BorrowedFd<'_>) -> PyResult<T>) -> PyResult<T> {
    check(fd)?;
    // SAFETY: the descriptor is borrowed only during this call, and the kernel checks that it is open.
    call(unsafe { BorrowedFd::borrow_raw(fd) })
}

fn check(fd: i32) -> PyResult<()> {
    if fd < 0 {
        return Err(PyValueError::new_err(format!("A file descriptor is 0 or more, not {fd}.")));
    }
    Ok(())
}
