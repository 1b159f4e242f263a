//! `Limits`: the engine's limits and timeouts, immutable, in seconds and bytes.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use ropewalk_engine::limits::{LimitError, Unit};

/// All limits and timeouts of the engine. Immutable. Units are seconds, bytes, or a count.
#[pyclass(frozen, eq, from_py_object, module = "ropewalk._engine")]
#[derive(Clone, PartialEq)]
pub struct Limits(pub ropewalk_engine::Limits);

#[pymethods]
impl Limits {
    #[new]
    #[pyo3(signature = (**limits))]
    fn new(limits: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        Limits(ropewalk_engine::Limits::default()).replace(limits)
    }

    #[classattr]
    fn names(py: Python<'_>) -> PyResult<Py<PyTuple>> {
        let names = ropewalk_engine::Limits::NAMES.iter().map(|(name, _)| PyString::intern(py, name));
        Ok(PyTuple::new(py, names)?.unbind())
    }

    #[pyo3(signature = (**limits))]
    fn replace(&self, limits: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut changed = self.0.clone();
        for (name, value) in limits.into_iter().flatten() {
            let name: String = name.extract()?;
            let number = value.extract().map_err(|_| {
                let shown = value.repr().map_or_else(|_| "that".to_owned(), |text| text.to_string());
                PyTypeError::new_err(format!("The limit {name:?} is a number, not {shown}."))
            })?;
            changed.set(&name, number).map_err(|error| match error {
                LimitError::Unknown => PyTypeError::new_err(format!(
                    "There is no limit named {name:?}. There are: {}.",
                    ropewalk_engine::Limits::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
                )),
                LimitError::OutOfRange => PyValueError::new_err(format!("The limit {name:?} cannot be {value}.")),
            })?;
        }
        Ok(Limits(changed))
    }

    fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let unit = ropewalk_engine::Limits::NAMES.iter().find(|(known, _)| *known == name).map(|(_, unit)| unit);
        match (unit, self.0.value(name)) {
            (Some(Unit::Seconds), Some(value)) => Ok(value.into_pyobject(py)?.into_any()),
            (Some(Unit::Count), Some(value)) => Ok((value as u64).into_pyobject(py)?.into_any()),
            _ => Err(pyo3::exceptions::PyAttributeError::new_err(format!("There is no limit named {name:?}."))),
        }
    }

    fn __repr__(&self) -> String {
        let shown: Vec<String> = ropewalk_engine::Limits::NAMES
            .iter()
            .filter_map(|(name, _)| Some(format!("{name}={}", self.0.value(name)?)))
            .collect();
        format!("Limits({})", shown.join(", "))
    }
}
