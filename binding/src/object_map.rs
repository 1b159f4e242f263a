//! Maps the id of an exchange or a connection to a Python object.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::sync::lock;

/// Maps ids to Python objects. The objects are untyped, so that `Engine` does not depend on the type of an exchange.
pub struct ObjectMap<Id>(Mutex<HashMap<Id, Py<PyAny>>>);

impl<Id: Eq + Hash> ObjectMap<Id> {
    pub fn new() -> Self {
        ObjectMap(Mutex::default())
    }

    pub fn insert(&self, id: Id, object: Py<PyAny>) {
        let replaced = lock(&self.0).insert(id, object);
        drop(replaced);
    }

    pub fn find(&self, py: Python<'_>, id: &Id) -> Option<Py<PyAny>> {
        lock(&self.0).get(id).map(|object| object.clone_ref(py))
    }

    /// Removes an object and returns it. The caller must drop the object while it holds no lock, because dropping it
    /// may run Python code.
    pub fn remove(&self, id: &Id) -> Option<Py<PyAny>> {
        lock(&self.0).remove(id)
    }

    pub fn clear(&self) {
        let removed = std::mem::take(&mut *lock(&self.0));
        drop(removed);
    }

    /// In a forked child, forgets every object without dropping it. Dropping it would run code of the parent's handlers
    /// a second time. A map that another thread has locked is not changed.
    pub fn leak(&self) {
        if let Ok(mut objects) = self.0.try_lock() {
            std::mem::forget(std::mem::take(&mut *objects));
        }
    }

    /// Passes the objects to the garbage collector. A locked map is in use, so its objects are not garbage.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for object in self.0.try_lock().iter().flat_map(|objects| objects.values()) {
            visit.call(object)?;
        }
        Ok(())
    }
}
