//! Endpoints of static paths. `Service.resolve` finds each once; from then on one look-up here does, however many there
//! are.

use std::collections::HashMap;
use std::sync::Mutex;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use ropewalk_engine::Head;
use ropewalk_engine::method::Method;

use crate::endpoint::Endpoint;
use crate::request_head::path;
use crate::sync::lock;

/// Endpoints by raw path, one table for each method. Only paths that exist get in, so a client cannot fill it.
pub struct EndpointCache(Mutex<Vec<ByPath>>);

type ByPath = HashMap<Box<[u8]>, Py<Endpoint>>;

impl EndpointCache {
    pub fn new() -> Self {
        EndpointCache(Mutex::new(empty()))
    }

    pub fn find(&self, py: Python<'_>, head: &Head) -> Option<Py<Endpoint>> {
        if head.method() == Method::OTHER {
            return None;
        }
        lock(&self.0)[head.method().index()].get(path(head)).map(|endpoint| endpoint.clone_ref(py))
    }

    /// Adds a static endpoint. Paths with percent-encoding are resolved each time, because one path has many spellings, and
    /// so are unregistered methods, because they share one number.
    pub fn add(&self, head: &Head, endpoint: &Bound<'_, Endpoint>) {
        let registered = head.method() != Method::OTHER;
        if registered && endpoint.get().is_static && !path(head).contains(&b'%') {
            lock(&self.0)[head.method().index()].insert(path(head).into(), endpoint.clone().unbind());
        }
    }

    /// For the garbage collector. A table that is locked is in use, and so not garbage.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for endpoint in self.0.try_lock().iter().flat_map(|tables| tables.iter().flat_map(HashMap::values)) {
            visit.call(endpoint)?;
        }
        Ok(())
    }

    pub fn clear(&self) {
        let removed = std::mem::replace(&mut *lock(&self.0), empty());
        drop(removed);
    }
}

fn empty() -> Vec<ByPath> {
    (0..Method::COUNT).map(|_| HashMap::new()).collect()
}
