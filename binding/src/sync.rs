//! Locks a mutex even if a thread has panicked while it held the lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks a mutex that every thread releases soon. Ignores poisoning by a thread that panicked while it held the lock,
/// because the engine itself recovers from a panic.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
