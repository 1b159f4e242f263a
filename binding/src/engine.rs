//! `Engine`: holds the native engine, the Python callbacks that it calls, and the Python objects of its exchanges and
//! connections. The methods that Python calls are in `engine_methods.rs`.

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

/// Serves listening sockets and connections. The event loop watches only the engine's one descriptor.
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
    /// Exchanges whose response was still incomplete after their event `Head` was handled.
    pub(crate) exchanges: ObjectMap<ExchangeId>,
    pub(crate) handlers: HandlerCache,
    /// The owners of the connections that have one. The owner of a pipe is its sink. The owner of a socket is the
    /// object that `EngineCallbacksWithOwners.opened` returned.
    pub(crate) owners: ObjectMap<ConnectionId>,
    /// Whether the owner of each connection handles all its requests. If so, `EngineCallbacks.resolve` is not called.
    pub(crate) owners_serve: bool,
    /// The context that is copied for each request and timer. If None, the current context is copied.
    pub(crate) context: Mutex<Option<Py<PyAny>>>,
    /// Whether `note_request` is set. Usually it is not set, and reading this flag costs less than locking
    /// `note_request`.
    pub(crate) notes_requests: AtomicBool,
    /// Whether responses are compressed if neither the response nor its handler says so.
    pub(crate) compresses: AtomicBool,
    /// A function that is called with each request before its handler, in the context of the request.
    pub(crate) note_request: Mutex<Option<Py<PyAny>>>,
    /// The thread that may call the engine.
    pub(crate) thread: BoundThread,
    /// Whether a turn of the engine is running.
    pub(crate) busy: AtomicBool,
    /// Whether `close` was called. If so, the current turn handles all remaining events, because no other turn follows.
    pub(crate) closing: AtomicBool,
    /// The time for which the next call of `tick` is scheduled, in milliseconds of the engine's clock.
    pub(crate) armed: AtomicU64,
    /// The event loop that runs in this thread. It is looked up when a handler first needs it in a turn, and forgotten
    /// after the turn.
    pub(crate) turn_loop: Mutex<Option<TurnLoop>>,
    /// The number of access log lines that were taken from the engine and could not be written.
    pub(crate) log_lines_lost: AtomicU64,
}

/// What a turn knows about the running event loop.
pub enum TurnLoop {
    Unknown,
    /// The running event loop. None on a reactor without asyncio.
    Known(Option<Py<PyAny>>),
}

impl Engine {
    /// Locks and returns the native engine. The caller must release the lock before it runs Python code. Raises
    /// WrongThread if another thread calls this, and Forked in a child process that could not set up the engine again.
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

    /// Runs a command. Afterwards sets the timer for the engine's next deadline, which the command may have changed.
    pub fn command<R>(&self, py: Python<'_>, command: impl FnOnce(&mut ropewalk_engine::Engine) -> R) -> PyResult<R> {
        let outcome = command(&mut *self.core(py)?);
        if !self.busy.load(Ordering::Relaxed) {
            self.arm(py)?;
        }
        Ok(outcome)
    }

    /// Whether responses are compressed if neither the response nor its handler says so.
    pub fn compresses(&self) -> bool {
        self.compresses.load(Ordering::Relaxed)
    }

    /// Counts a temporary file as an open descriptor of the engine.
    pub fn count_open_file(&self) -> FileTicket {
        lock(&self.core).count_open_file()
    }

    /// The server's address on the connection of an exchange. Any thread may call this.
    pub fn local(&self, id: ExchangeId) -> Address {
        lock(&self.core).local(id).unwrap_or(Address::Unknown)
    }

    /// Whether the writer of an exchange should wait. Any thread may call this.
    pub fn pressure(&self, id: ExchangeId) -> Pressure {
        lock(&self.core).pressure(id)
    }

    /// Whether an exchange began in the parent process, before this process was forked.
    pub fn is_inherited(&self, id: ExchangeId) -> bool {
        lock(&self.core).is_inherited(id)
    }

    /// Enters a new copy of the context that was passed to `use_context`, or of the current context.
    pub fn enter_context<'py>(&self, py: Python<'py>) -> PyResult<EnteredContext<'py>> {
        let base = lock(&self.context).as_ref().map(|context| context.clone_ref(py));
        EnteredContext::enter(py, base)
    }

    /// The event loop that runs in this thread, or None. It is looked up once in a turn, because before CPython 3.12
    /// the look-up makes a system call (getpid).
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

    /// Sets a timer that calls `tick` at the engine's next deadline, unless a timer is already set for that time or
    /// earlier.
    pub fn arm(&self, py: Python<'_>) -> PyResult<()> {
        let next = lock(&self.core).next_deadline();
        let Some(next) = next else { return Ok(()) };
        if next >= self.armed.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.armed.store(next, Ordering::Relaxed);
        // asyncio runs a timer in the context in which the timer was set. Without this new context, `tick` would run in
        // the context of a request.
        let _context = self.enter_context(py)?;
        let seconds = next.saturating_sub(monotonic_micros() / 1000) as f64 / 1000.0;
        self.callbacks.bind(py).call_method1(intern!(py, "arm"), (seconds,))?;
        Ok(())
    }
}
