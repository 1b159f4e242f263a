//! `ExactTypes`: checks whether a value and all its nested values have exactly the classes that a type declares.

use pyo3::exceptions::{PyAttributeError, PyIndexError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyType};

/// The maximum nesting depth. There is a maximum, because the check is recursive. A deeper value is reported as not
/// exact. The recursion limits of Python and of the encoders are about the same.
const DEEPEST: usize = 1000;

/// One part of a declared type: a class, and the indexes of the parts that its attributes and items must match.
#[derive(FromPyObject)]
struct Node(
    /// The class that a value must have.
    Py<PyType>,
    /// Whether None is allowed too.
    bool,
    /// The attributes that have a declared type themselves, each with the index of its node.
    Vec<(Py<PyString>, usize)>,
    /// The index of the node for the items, if the class is list.
    Option<usize>,
);

/// Checks whether a value and all its nested values have exactly the classes that a type declares. The type is a list
/// of nodes that refer to one another by index, because a class may contain itself. The first node is the whole type.
#[pyclass(frozen, module = "ropewalk._engine")]
pub struct ExactTypes {
    nodes: Vec<Node>,
    /// The object that stands for an attribute without a value. Any attribute may hold it.
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

    /// Return whether a value and all its nested values have exactly the declared classes.
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
                // A deleted attribute has no value, so the object is not exact.
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
