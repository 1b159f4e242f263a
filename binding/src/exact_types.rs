//! `ExactTypes`: finds out whether a value, and all its parts, have exactly the classes of a type.

use pyo3::exceptions::{PyAttributeError, PyIndexError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};

/// A value with more levels is not exact. The check recurses at each level. The encoders have about the same limit, which
/// is that of Python.
const DEEPEST: usize = 1000;

/// A part of a type.
#[derive(FromPyObject)]
struct Node(
    /// The class of its values.
    Py<PyType>,
    /// Whether None is exact, too.
    bool,
    /// The attributes that have parts themselves, each with the number of its node.
    Vec<(Py<PyString>, usize)>,
    /// The number of the node of the items, if the class is list.
    Option<usize>,
);

/// Finds out whether a value, and all its parts, have exactly the classes of a type. A type is a list of nodes, because
/// a class may contain itself. The first node is the whole type.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct ExactTypes {
    nodes: Vec<Node>,
    /// What an attribute may have in place of its part, besides None.
    unset: Py<PyAny>,
}

#[pymethods]
impl ExactTypes {
    #[new]
    #[pyo3(signature = (nodes, unset, /))]
    fn new(nodes: Vec<Node>, unset: Py<PyAny>) -> PyResult<Self> {
        let known = |number: &usize| *number < nodes.len();
        let numbers =
            nodes.iter().flat_map(|Node(_, _, fields, items)| fields.iter().map(|(_, number)| number).chain(items));
        if nodes.is_empty() || !numbers.into_iter().all(known) {
            return Err(PyIndexError::new_err("There is no node with this number."));
        }
        Ok(ExactTypes { nodes, unset })
    }

    /// Whether a value is exactly of the type.
    #[pyo3(signature = (value, /))]
    fn __call__(&self, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.is_exact(value, &self.nodes[0], 0)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for node in &self.nodes {
            visit.call(&node.0)?;
        }
        Ok(())
    }
}

impl ExactTypes {
    fn is_exact(&self, value: &Bound<'_, PyAny>, node: &Node, depth: usize) -> PyResult<bool> {
        let py = value.py();
        let Node(class, optional, fields, items) = node;
        if !value.get_type().is(class) {
            return Ok(*optional && value.is_none());
        }
        if depth == DEEPEST {
            return Ok(false);
        }
        if let Some(items) = *items {
            let items = &self.nodes[items];
            for item in value.cast::<PyList>()?.iter() {
                if !self.is_exact(&item, items, depth + 1)? {
                    return Ok(false);
                }
            }
        }
        for (name, part) in fields {
            let found = match value.getattr(name.bind(py)) {
                Ok(found) => found,
                // The attribute was deleted.
                Err(error) if error.is_instance_of::<PyAttributeError>(py) => return Ok(false),
                Err(error) => return Err(error),
            };
            if !found.is_none() && !found.is(&self.unset) && !self.is_exact(&found, &self.nodes[*part], depth + 1)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
