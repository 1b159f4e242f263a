//! Records which thread may use an engine: the thread that runs its reactor. That thread is known only when the reactor
//! runs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Means that the engine is not bound to a thread yet.
const UNBOUND: u64 = 0;
/// Means that no thread may use the engine any more.
const CLOSED: u64 = u64::MAX;

static NEXT: AtomicU64 = AtomicU64::new(UNBOUND + 1);

thread_local! {
    /// The number of this thread. No other thread of this process has or had the same number. It is faster to read than
    /// `std::thread::current().id()`.
    static NUMBER: u64 = NEXT.fetch_add(1, Ordering::Relaxed);
}

/// Records the thread to which an engine is bound.
#[derive(Debug)]
pub struct BoundThread(AtomicU64);

impl BoundThread {
    /// Returns a record that lets any thread use the engine.
    pub const fn unbound() -> Self {
        BoundThread(AtomicU64::new(UNBOUND))
    }

    /// Whether the current thread may use the engine.
    pub fn admits(&self) -> bool {
        let bound = self.0.load(Ordering::Relaxed);
        bound == UNBOUND || bound == current()
    }

    /// Binds the engine to the current thread, unless it is bound already.
    pub fn bind_first(&self) {
        if self.0.load(Ordering::Relaxed) == UNBOUND {
            self.bind();
        }
    }

    /// Binds the engine to the current thread, even if it is bound to another thread.
    pub fn bind(&self) {
        if !self.is_closed() {
            self.0.store(current(), Ordering::Relaxed);
        }
    }

    /// Permanently forbids all threads to use the engine.
    pub fn close(&self) {
        self.0.store(CLOSED, Ordering::Relaxed);
    }

    /// Whether no thread may use the engine.
    pub fn is_closed(&self) -> bool {
        self.0.load(Ordering::Relaxed) == CLOSED
    }

    /// Lets any thread use the engine until it is bound again.
    pub fn unbind(&self) {
        self.0.store(UNBOUND, Ordering::Relaxed);
    }
}

fn current() -> u64 {
    NUMBER.with(|&number| number)
}
