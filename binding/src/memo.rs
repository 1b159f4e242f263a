//! Endpoints of static paths: asked of Python once, found here by one look-up from then on, however many they are.

use std::collections::HashMap;
use std::sync::Mutex;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use ropewalk_engine::Head;
use ropewalk_engine::method::Method;

use crate::endpoint::Endpoint;
use crate::engine::lock;
use crate::exchange::path;

/// Endpoints by raw path, a table for each method. Only paths that exist get in, so a client cannot fill it.
pub struct Memo(Mutex<Vec<ByPath>>);

type ByPath = HashMap<Box<[u8]>, Py<Endpoint>>;

impl Memo {
    pub fn new() -> Self {
        Memo(Mutex::new(empty()))
    }

    pub fn find(&self, py: Python<'_>, head: &Head) -> Option<Py<Endpoint>> {
        if head.method() == Method::OTHER {
            return None;
        }
        lock(&self.0)[head.method().index()].get(path(head)).map(|endpoint| endpoint.clone_ref(py))
    }

    /// Remembers a static endpoint; other spellings of its path are resolved each time, and methods that are not registered,
    /// since they have one place for all.
    pub fn keep(&self, head: &Head, endpoint: &Bound<'_, Endpoint>) {
        let registered = head.method() != Method::OTHER;
        if registered && endpoint.get().is_static && !path(head).contains(&b'%') {
            lock(&self.0)[head.method().index()].insert(path(head).into(), endpoint.clone().unbind());
        }
    }

    /// For the garbage collector; a table that is locked is in use.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for endpoint in self.0.try_lock().iter().flat_map(|tables| tables.iter().flat_map(HashMap::values)) {
            visit.call(endpoint)?;
        }
        Ok(())
    }

    pub fn clear(&self) {
        let forgotten = std::mem::replace(&mut *lock(&self.0), empty());
        drop(forgotten);
    }
}

fn empty() -> Vec<ByPath> {
    (0..Method::COUNT).map(|_| HashMap::new()).collect()
}
