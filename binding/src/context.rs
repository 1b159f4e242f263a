//! The context in which the handler of a request runs (PEP 567).

use pyo3::ffi;
use pyo3::prelude::*;

/// A copy of the current context, current until it is dropped (PEP 567).
pub struct Context<'py> {
    pub context: Bound<'py, PyAny>,
}

impl<'py> Context<'py> {
    pub fn enter(py: Python<'py>) -> PyResult<Self> {
        // SAFETY: Python is attached, and the only pointer that is passed was just made.
        let context = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_CopyCurrent())? };
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } < 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(Context { context })
    }
}

impl Drop for Context<'_> {
    fn drop(&mut self) {
        // SAFETY: `enter` entered it, and it is left once, in the order of nesting.
        if unsafe { ffi::PyContext_Exit(self.context.as_ptr()) } < 0 {
            PyErr::fetch(self.context.py()).write_unraisable(self.context.py(), None);
        }
    }
}
