//! The context in which the handler of a request runs (PEP 567).

use pyo3::ffi;
use pyo3::prelude::*;

/// A copy of a context, current until it is dropped.
pub struct EnteredContext<'py> {
    pub context: Bound<'py, PyAny>,
}

impl<'py> EnteredContext<'py> {
    /// Enters a copy of `base`, or of the current context if there is none.
    pub fn enter(py: Python<'py>, base: Option<Py<PyAny>>) -> PyResult<Self> {
        // SAFETY: Python is attached. `PyContext_Copy` checks the type of its argument.
        let context = unsafe {
            let copy = match &base {
                Some(base) => ffi::PyContext_Copy(base.as_ptr()),
                None => ffi::PyContext_CopyCurrent(),
            };
            Bound::from_owned_ptr_or_err(py, copy)?
        };
        // SAFETY: the context was just created, so it is not entered yet.
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } < 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(EnteredContext { context })
    }
}

impl Drop for EnteredContext<'_> {
    fn drop(&mut self) {
        // SAFETY: `enter` entered the context. It is left once, in the reverse order of entering.
        if unsafe { ffi::PyContext_Exit(self.context.as_ptr()) } < 0 {
            PyErr::fetch(self.context.py()).write_unraisable(self.context.py(), None);
        }
    }
}

/// Whether an object is a `contextvars.Context`.
pub fn is_context(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: this only compares types.
    unsafe { ffi::PyContext_CheckExact(object.as_ptr()) != 0 }
}
