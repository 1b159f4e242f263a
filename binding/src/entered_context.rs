//! The context in which the handler of a request runs (PEP 567).

use pyo3::ffi;
use pyo3::prelude::*;

/// A copy of a context. It is the current context until this guard is dropped.
pub struct EnteredContext<'py> {
    pub context: Bound<'py, PyAny>,
}

impl<'py> EnteredContext<'py> {
    /// Enters a copy of `base`, or of the current context if `base` is None.
    pub fn enter(py: Python<'py>, base: Option<Py<PyAny>>) -> PyResult<Self> {
        // SAFETY: this thread is attached to the interpreter. `PyContext_Copy` checks the type of its argument.
        let context = unsafe {
            let copy = match &base {
                Some(base) => ffi::PyContext_Copy(base.as_ptr()),
                None => ffi::PyContext_CopyCurrent(),
            };
            Bound::from_owned_ptr_or_err(py, copy)?
        };
        // SAFETY: the context was just created, so no thread has entered it.
        if unsafe { ffi::PyContext_Enter(context.as_ptr()) } < 0 {
            return Err(PyErr::fetch(py));
        }
        Ok(EnteredContext { context })
    }
}

impl Drop for EnteredContext<'_> {
    fn drop(&mut self) {
        // SAFETY: `enter` entered the context. Contexts are left once, in the reverse order of entering.
        if unsafe { ffi::PyContext_Exit(self.context.as_ptr()) } < 0 {
            PyErr::fetch(self.context.py()).write_unraisable(self.context.py(), None);
        }
    }
}

/// Whether an object is a `contextvars.Context`.
pub fn is_context(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: this call only compares types.
    unsafe { ffi::PyContext_CheckExact(object.as_ptr()) != 0 }
}
