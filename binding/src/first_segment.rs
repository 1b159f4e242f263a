//! `FirstSegmentRunner`: runs a coroutine up to its first wait. Most coroutines end before they wait.

use std::sync::Mutex;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyNone, PySendResult};
use pyo3::{ffi, intern};

use crate::current_tasks::CurrentTasks;
use crate::engine_handler::pending;
use crate::sync::lock;
use crate::task_core::TaskCore;

/// Runs coroutines up to their first wait, each as asyncio's current task. `make_task` creates the task of a coroutine,
/// and `swap_task(loop, task)` replaces the current task of a loop.
#[pyclass(frozen, subclass, module = "ropewalk._engine")]
pub struct FirstSegmentRunner {
    make_task: Py<PyAny>,
    current_tasks: CurrentTasks,
    find_running_loop: Py<PyAny>,
    /// Tasks of coroutines that ended without waiting. The next coroutine reuses one of them.
    spare: Mutex<Vec<Py<TaskCore>>>,
}

#[pymethods]
impl FirstSegmentRunner {
    #[new]
    #[pyo3(signature = (make_task, swap_task, /))]
    fn new(py: Python<'_>, make_task: Py<PyAny>, swap_task: Py<PyAny>) -> PyResult<Self> {
        let asyncio = py.import("asyncio")?;
        Ok(FirstSegmentRunner {
            make_task,
            current_tasks: CurrentTasks::new(py, swap_task)?,
            find_running_loop: asyncio.getattr("_get_running_loop")?.unbind(),
            spare: Mutex::default(),
        })
    }

    /// Run a coroutine up to its first wait, in `context`. Returns the coroutine's value. If the coroutine waits, calls
    /// the method `begin_wait` of its task with the request and the awaited object, and returns PENDING. Raises what
    /// the coroutine raises. `loop` is the running event loop, if the caller knows it.
    #[pyo3(signature = (request, coroutine, context, r#loop = None, /))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        request: &Bound<'py, PyAny>,
        coroutine: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
        r#loop: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let event_loop = match r#loop {
            Some(event_loop) => Some(event_loop),
            None => self.running_loop(py)?,
        };
        match self.run(request, coroutine, context, event_loop)? {
            Some(value) => Ok(value),
            None => Ok(pending(py)?.bind(py).clone().into_any()),
        }
    }

    #[getter]
    fn spare<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let tasks: Vec<_> = lock(&self.spare).iter().map(|task| task.clone_ref(py)).collect();
        PyList::new(py, tasks)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.make_task)?;
        self.current_tasks.traverse(&visit)?;
        // A locked list is in use, so its tasks are not garbage.
        for task in self.spare.try_lock().iter().flat_map(|tasks| tasks.iter()) {
            visit.call(task)?;
        }
        Ok(())
    }
}

impl FirstSegmentRunner {
    /// Runs a coroutine as `__call__` does, in the given event loop. Returns None if the coroutine waits.
    pub fn run<'py>(
        &self,
        request: &Bound<'py, PyAny>,
        coroutine: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
        event_loop: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = coroutine.py();
        let task = self.task_of(coroutine, context, event_loop.as_ref())?;
        let former = match &event_loop {
            Some(event_loop) => self.current_tasks.enter(event_loop, &task)?,
            None => None,
        };
        let outcome = send_none(coroutine);
        if let Some(event_loop) = &event_loop {
            self.current_tasks.leave(event_loop, &task, former)?;
        }
        match outcome {
            Ok(PySendResult::Return(value)) => {
                self.end(task, &value)?;
                Ok(Some(value))
            }
            Ok(PySendResult::Next(awaited)) => {
                task.call_method1(intern!(py, "begin_wait"), (request, awaited))?;
                Ok(None)
            }
            Err(error) => {
                // `into_value` keeps the traceback. `value` would lose it.
                let error = error.into_value(py).into_bound(py);
                task.setattr(intern!(py, "error"), &error)?;
                task.call_method0(intern!(py, "finish"))?;
                task.call_method0(intern!(py, "forget_frames"))?;
                Err(PyErr::from_value(error.into_any()))
            }
        }
    }

    /// The event loop that runs in this thread, or None. It must not be remembered after a turn, because a loop whose
    /// `is_running` is true may run in another thread.
    pub fn running_loop<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.find_running_loop.bind(py).call0()?;
        Ok(if found.is_none() { None } else { Some(found) })
    }

    /// Returns a task for the coroutine: a spare one, or a new one.
    fn task_of<'py>(
        &self,
        coroutine: &Bound<'py, PyAny>,
        context: &Bound<'py, PyAny>,
        event_loop: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, TaskCore>> {
        let py = coroutine.py();
        let spare = lock(&self.spare).pop();
        let Some(task) = spare else {
            return Ok(self.make_task.bind(py).call1((coroutine, context, event_loop))?.cast_into::<TaskCore>()?);
        };
        let task = task.into_bound(py);
        let core = TaskCore {
            coroutine: Some(coroutine.clone().unbind()),
            context: Some(context.clone().unbind()),
            event_loop: event_loop.map(|event_loop| event_loop.clone().unbind()),
            marked: false,
        };
        // A spare task is empty, so this assignment drops nothing.
        *task.borrow_mut() = core;
        Ok(task)
    }

    /// Keeps the task of an ended coroutine for reuse, unless other code refers to the task.
    fn end(&self, task: Bound<'_, TaskCore>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = task.py();
        let unshared = is_unshared(&task) && !task.borrow().marked;
        if unshared {
            // The old state is dropped while the task is not borrowed, because dropping it may run application code.
            let ended = std::mem::take(&mut *task.borrow_mut());
            drop(ended);
            lock(&self.spare).push(task.unbind());
            return Ok(());
        }
        task.setattr(intern!(py, "outcome"), value)?;
        task.call_method0(intern!(py, "finish"))?;
        Ok(())
    }
}

/// Whether the caller holds the only reference to an object. Weak references count too.
fn is_unshared(object: &Bound<'_, PyAny>) -> bool {
    let object = object.as_ptr();
    // SAFETY: `tp_weaklistoffset` is the offset of the list of weak references in objects of this type. It is 0 if the
    // type does not support them.
    unsafe {
        let offset = (*ffi::Py_TYPE(object)).tp_weaklistoffset;
        ffi::Py_REFCNT(object) == 1
            && (offset == 0 || (*object.byte_offset(offset).cast::<*mut ffi::PyObject>()).is_null())
    }
}

/// Runs a coroutine to its next await. Unlike the coroutine's `send` method, this returns the final value without
/// creating a StopIteration exception.
fn send_none<'py>(coroutine: &Bound<'py, PyAny>) -> PyResult<PySendResult<'py>> {
    let py = coroutine.py();
    if is_coroutine(coroutine) {
        // SAFETY: `send` calls `PyIter_Send`, which supports coroutines although they lack `__next__`.
        let iterator = unsafe { coroutine.cast_unchecked::<PyIterator>() };
        return iterator.send(&PyNone::get(py));
    }
    let iterator = coroutine.call_method0(intern!(py, "__await__"))?.cast_into::<PyIterator>()?;
    iterator.send(&PyNone::get(py))
}

/// Whether an object is a coroutine of an `async def` function.
pub fn is_coroutine(value: &Bound<'_, PyAny>) -> bool {
    // SAFETY: this call only compares types.
    unsafe { ffi::PyCoro_CheckExact(value.as_ptr()) != 0 }
}
