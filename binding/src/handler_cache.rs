//! A cache for the handlers of static paths. `EngineCallbacks.resolve` is called once for each path. Later requests for
//! the path need only one look-up in the cache.

use std::collections::HashMap;
use std::sync::Mutex;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use ropewalk_engine::Head;
use ropewalk_engine::method::Method;

use crate::engine_handler::EngineHandler;
use crate::request_head::path;
use crate::sync::lock;

/// Maps raw paths to handlers, in one table for each method. Only paths with a handler are added, so a client cannot
/// fill the cache.
pub struct HandlerCache(Mutex<Vec<ByPath>>);

type ByPath = HashMap<Box<[u8]>, Py<EngineHandler>>;

impl HandlerCache {
    pub fn new() -> Self {
        HandlerCache(Mutex::new(empty()))
    }

    pub fn find(&self, py: Python<'_>, head: &Head) -> Option<Py<EngineHandler>> {
        if head.method() == Method::OTHER {
            return None;
        }
        lock(&self.0)[head.method().index()].get(path(head)).map(|handler| handler.clone_ref(py))
    }

    /// Adds a static handler. Skips paths with percent-encoding, because one path can be encoded in many ways. Skips
    /// unregistered methods, because they all have the same method number.
    pub fn add(&self, head: &Head, handler: &Bound<'_, EngineHandler>) {
        let registered = head.method() != Method::OTHER;
        if registered && handler.get().is_static && !path(head).contains(&b'%') {
            lock(&self.0)[head.method().index()].insert(path(head).into(), handler.clone().unbind());
        }
    }

    /// Passes the handlers to the garbage collector. A locked table is in use, so it is not garbage.
    pub fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for handler in self.0.try_lock().iter().flat_map(|tables| tables.iter().flat_map(HashMap::values)) {
            visit.call(handler)?;
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
