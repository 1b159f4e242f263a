//! The module `ropewalk._engine`: the engine as Python sees it, and the loop between its events and the handlers.
//!
//! Thin by intent. What an event means is the engine's business, what a value means is Python's; here an event finds
//! its request, a request its handler, and a handler's plain value its way back without a detour.

mod address;
mod asgi;
mod connection;
mod context;
mod descriptors;
mod endpoint;
mod endpoint_cache;
mod engine;
mod engine_methods;
mod errors;
mod exchange;
mod exchange_methods;
mod fields;
mod limits;
mod object_map;
mod pipe;
mod request_head;
mod sync;
mod thread;
mod turn;

use pyo3::prelude::*;

/// The native engine of Ropewalk.
#[pymodule]
mod _engine {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::connection::Connection;
    #[pymodule_export]
    use super::endpoint::{Endpoint, Pending};
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::exchange::Exchange;
    #[pymodule_export]
    use super::limits::Limits;
    #[pymodule_export]
    use super::pipe::Pipe;
    #[pymodule_export]
    use super::self_test;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("PENDING", super::endpoint::pending(module.py())?)?;
        super::teach_allocator();
        Ok(())
    }
}

/// Has the allocator keep what bodies leave behind. glibc gives the top of the heap back to the kernel past 128 KiB,
/// until it has seen a larger block come and go (mallopt(3), M_MMAP_THRESHOLD); a server of 100 KiB bodies would pay
/// for that with page faults at every request.
fn teach_allocator() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(4 << 20)));
}

/// Prove that a nested epoll descriptor wakes. Raises EngineUnusable where it does not.
#[pyfunction]
fn self_test(py: Python<'_>) -> PyResult<()> {
    ropewalk_engine::driver::epoll::self_test()
        .map_err(|error| errors::raise(py, errors::ENGINE_UNUSABLE, error.to_string()))
}
