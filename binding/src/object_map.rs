//! Python objects by the id of an exchange or a connection.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::sync::lock;

/// Python objects by id. They are untyped, because `Engine` holds such maps and must not depend on the type of an
/// exchange.
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

    /// Takes an object out. Drop the object while no lock is held, because its class may run code then.
    pub fn remove(&self, id: &Id) -> Option<Py<PyAny>> {
        lock(&self.0).remove(id)
    }

    pub fn clear(&self) {
        let removed = std::mem::take(&mut *lock(&self.0));
        drop(removed);
    }

    /// In a forked child: forgets every object without dropping it, because dropping would run code of the parent's
    /// handlers a second time. A map that another thread had locked is not changed.
    pub fn leak(&self) {
        if let Ok(mut objects) = self.0.try_lock() {
            std::mem::forget(std::mem::take(&mut *objects));
        }
    }

    /// Visits the objects for the garbage collector. A locked map is in use, so it is not garbage.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for object in self.0.try_lock().iter().flat_map(|objects| objects.values()) {
            visit.call(object)?;
        }
        Ok(())
    }
}
