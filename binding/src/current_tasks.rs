//! `CurrentTasks`: makes a task the current task of an asyncio event loop, and restores the previous task.

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Sets and restores the current task of an event loop, as asyncio records it.
pub struct CurrentTasks {
    /// asyncio's dict of the current task of each loop. None on CPython 3.14 and later, which has no such dict. There,
    /// `enter_task` and `leave_task` are called instead, which takes twice as long.
    tasks: Option<Py<PyDict>>,
    enter_task: Py<PyAny>,
    leave_task: Py<PyAny>,
    swap_task: Py<PyAny>,
}

impl CurrentTasks {
    /// `swap_task(loop, task)` must replace the current task of a loop and return the previous one.
    pub fn new(py: Python<'_>, swap_task: Py<PyAny>) -> PyResult<Self> {
        let asyncio = py.import("asyncio")?;
        let tasks = if py.version_info() < (3, 14) {
            Some(asyncio.getattr("tasks")?.getattr("_current_tasks")?.cast_into::<PyDict>()?.unbind())
        } else {
            None
        };
        let enter_task = asyncio.getattr("_enter_task")?.unbind();
        let leave_task = asyncio.getattr("_leave_task")?.unbind();
        Ok(CurrentTasks { tasks, enter_task, leave_task, swap_task })
    }

    /// Makes a task the current task of the loop. Returns the previous current task, if there was one. There is one if
    /// the caller itself runs in a task, for example in a test.
    pub fn enter<'py>(
        &self,
        event_loop: &Bound<'py, PyAny>,
        task: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = task.py();
        if let Some(tasks) = &self.tasks {
            let tasks = tasks.bind(py);
            let former = tasks.get_item(event_loop)?;
            tasks.set_item(event_loop, task)?;
            return Ok(former);
        }
        match self.enter_task.bind(py).call1((event_loop, task)) {
            Ok(_) => Ok(None),
            Err(error) if error.is_instance_of::<PyRuntimeError>(py) => {
                let former = self.swap_task.bind(py).call1((event_loop, task))?;
                Ok(if former.is_none() { None } else { Some(former) })
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the previous task current again. Raises RuntimeError, as asyncio does, if `task` is not the current task.
    pub fn leave(
        &self,
        event_loop: &Bound<'_, PyAny>,
        task: &Bound<'_, PyAny>,
        former: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = task.py();
        if let Some(tasks) = &self.tasks {
            let tasks = tasks.bind(py);
            if tasks.get_item(event_loop)?.is_some_and(|current| current.is(task)) {
                return match former {
                    Some(former) => tasks.set_item(event_loop, former),
                    None => tasks.del_item(event_loop),
                };
            }
        }
        self.leave_task.bind(py).call1((event_loop, task))?;
        if let Some(former) = former {
            self.enter_task.bind(py).call1((event_loop, former))?;
        }
        Ok(())
    }

    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.swap_task)
    }
}
