//! `Engine`: the native engine, the callbacks that it calls, and the Python objects that belong to its exchanges and
//! connections. Its methods for Python are in `engine_methods.rs`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyType;
use ropewalk_engine::clock::monotonic_micros;
use ropewalk_engine::{Address, ConnectionId, ExchangeId, FileTicket, Pressure};

use crate::entered_context::EnteredContext;
use crate::errors;
use crate::first_segment::FirstSegmentRunner;
use crate::handler_cache::HandlerCache;
use crate::limits::Limits;
use crate::object_map::ObjectMap;
use crate::sync::lock;
use crate::thread::BoundThread;

/// The value of `armed` while no timer is set for `tick`.
pub const UNARMED: u64 = u64::MAX;

/// Listening sockets, connections and their exchanges, all watched through one descriptor.
#[pyclass(frozen, weakref, module = "ropewalk._engine")]
pub struct Engine {
    pub(crate) core: Mutex<ropewalk_engine::Engine>,
    pub(crate) callbacks: Py<PyAny>,
    pub(crate) limits: Limits,
    pub(crate) request: Py<PyType>,
    pub(crate) encode_json: Py<PyAny>,
    /// The types whose instances `encode_json` accepts, besides dict and list.
    pub(crate) json_types: Py<PyAny>,
    /// The class `Response`, if handlers return instances of it.
    pub(crate) response: Option<Py<PyAny>>,
    /// Exchanges whose response was not complete when the handling of their first event ended.
    pub(crate) exchanges: ObjectMap<ExchangeId>,
    pub(crate) handlers: HandlerCache,
    /// The owner of each connection that has one: the sink of a pipe, or what `EngineCallbacksWithOwners.opened` returned for a socket.
    pub(crate) owners: ObjectMap<ConnectionId>,
    /// Whether every exchange goes to the owner of its connection. Then `EngineCallbacks.resolve` is not called.
    pub(crate) owners_serve: bool,
    /// The context that is copied for each request and timer. If None, the current context is copied.
    pub(crate) context: Mutex<Option<Py<PyAny>>>,
    /// The thread that runs the turns.
    pub(crate) thread: BoundThread,
    /// Whether a turn is running.
    pub(crate) busy: AtomicBool,
    /// Whether `close` was called. Then the turn handles all remaining events, because no turn follows.
    pub(crate) closing: AtomicBool,
    /// The deadline, in milliseconds of the engine's clock, for which a timer is set.
    pub(crate) armed: AtomicU64,
    /// The event loop that runs in the thread of the turn, once a handler of this turn has needed it. None between turns.
    pub(crate) turn_loop: Mutex<Option<TurnLoop>>,
    /// Lines of the access log that were taken from the engine and could not be written.
    pub(crate) log_lines_lost: AtomicU64,
}

/// What is known of the event loop in a turn.
pub enum TurnLoop {
    Unknown,
    /// The loop; None on a reactor without asyncio.
    Known(Option<Py<PyAny>>),
}

impl Engine {
    /// Locks and returns the native engine. Release the lock before Python code runs. Raises WrongThread in another
    /// thread, and Forked in a child that could not set up the engine again.
    pub fn core(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, ropewalk_engine::Engine>> {
        if !self.thread.admits() {
            if self.thread.is_closed() {
                let message = "The engine could not be set up again in this forked process.".to_owned();
                return Err(errors::raise(py, errors::FORKED, message));
            }
            let message = "The engine was called from another thread than its reactor's.".to_owned();
            return Err(errors::raise(py, errors::WRONG_THREAD, message));
        }
        Ok(lock(&self.core))
    }

    /// Runs a command that may move the engine's next deadline.
    pub fn command<R>(&self, py: Python<'_>, command: impl FnOnce(&mut ropewalk_engine::Engine) -> R) -> PyResult<R> {
        let outcome = command(&mut *self.core(py)?);
        if !self.busy.load(Ordering::Relaxed) {
            self.arm(py)?;
        }
        Ok(outcome)
    }

    /// Counts a temporary file among the open descriptors.
    pub fn count_open_file(&self) -> FileTicket {
        lock(&self.core).count_open_file()
    }

    /// The server's address on the connection of an exchange. Any thread may call it.
    pub fn local(&self, id: ExchangeId) -> Address {
        lock(&self.core).local(id).unwrap_or(Address::Unknown)
    }

    /// Whether a writer should wait. Any thread may call it.
    pub fn pressure(&self, id: ExchangeId) -> Pressure {
        lock(&self.core).pressure(id)
    }

    /// Whether an exchange began in the parent of this forked process.
    pub fn is_inherited(&self, id: ExchangeId) -> bool {
        lock(&self.core).is_inherited(id)
    }

    /// Enters a new copy of the context that was passed to `use_context`.
    pub fn enter_context<'py>(&self, py: Python<'py>) -> PyResult<EnteredContext<'py>> {
        let base = lock(&self.context).as_ref().map(|context| context.clone_ref(py));
        EnteredContext::enter(py, base)
    }

    /// The event loop that runs in this thread, if there is one. It is looked up once in a turn, because the look-up is a
    /// system call (getpid) before CPython 3.12.
    pub fn running_loop<'py>(
        &self,
        py: Python<'py>,
        runner: &FirstSegmentRunner,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(TurnLoop::Known(event_loop)) = &*lock(&self.turn_loop) {
            return Ok(event_loop.as_ref().map(|event_loop| event_loop.bind(py).clone()));
        }
        let event_loop = runner.running_loop(py)?;
        if let Some(known) = &mut *lock(&self.turn_loop) {
            *known = TurnLoop::Known(event_loop.as_ref().map(|event_loop| event_loop.clone().unbind()));
        }
        Ok(event_loop)
    }

    /// Sets a timer that calls `tick` at the engine's next deadline, unless one is already set for an earlier time.
    pub fn arm(&self, py: Python<'_>) -> PyResult<()> {
        let next = lock(&self.core).next_deadline();
        let Some(next) = next else { return Ok(()) };
        if next >= self.armed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.armed.store(next, Ordering::Relaxed);
        // asyncio runs a timer in the context in which it was set. Without this copy, the timer's turn would run in the
        // context of a request.
        let _context = self.enter_context(py)?;
        let seconds = next.saturating_sub(monotonic_micros() / 1000) as f64 / 1000.0;
        self.callbacks.bind(py).call_method1(intern!(py, "arm"), (seconds,))?;
        Ok(())
    }
}
