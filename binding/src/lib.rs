//! The Python module `ropewalk._engine`: the engine's Python interface, and the loop that passes engine events to
//! handlers.
//!
//! This layer is thin. The engine decides what an event means, and Python code decides how a value becomes a response.
//! This layer finds the request for an event and the handler for a request. It converts a plain value to a response
//! without Python code.

mod address;
mod asgi;
mod beneath;
mod boundary_finder;
mod connection;
mod content_decoder;
mod current_tasks;
mod descriptors;
mod engine;
mod engine_handler;
mod engine_methods;
mod entered_context;
mod errors;
mod exact_types;
mod exchange;
mod exchange_methods;
mod fields;
mod first_segment;
mod handler_cache;
mod html_escape;
mod limits;
mod object_map;
mod pipe;
mod request_head;
mod signed_content;
mod signed_text;
mod sync;
mod task_core;
mod thread;
mod turn;
mod urlencoded;
mod value_with_fields;
mod value_with_status;

use pyo3::prelude::*;

/// The native engine of Ropewalk.
#[pymodule]
mod _engine {
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::beneath::open_beneath;
    #[pymodule_export]
    use super::boundary_finder::BoundaryFinder;
    #[pymodule_export]
    use super::connection::Connection;
    #[pymodule_export]
    use super::content_decoder::ContentDecoder;
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::engine_handler::{EngineHandler, Pending};
    #[pymodule_export]
    use super::exact_types::ExactTypes;
    #[pymodule_export]
    use super::exchange::Exchange;
    #[pymodule_export]
    use super::first_segment::FirstSegmentRunner;
    #[pymodule_export]
    use super::html_escape::HTMLEscape;
    #[pymodule_export]
    use super::limits::Limits;
    #[pymodule_export]
    use super::pipe::Pipe;
    #[pymodule_export]
    use super::self_test;
    #[pymodule_export]
    use super::signed_content::SignedContent;
    #[pymodule_export]
    use super::signed_text::SignedText;
    #[pymodule_export]
    use super::task_core::TaskCore;
    #[pymodule_export]
    use super::urlencoded::urlencoded_pairs;
    #[pymodule_export]
    use super::value_with_fields::ValueWithFields;
    #[pymodule_export]
    use super::value_with_status::ValueWithStatus;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("PENDING", super::engine_handler::pending(module.py())?)?;
        super::warm_allocator();
        Ok(())
    }
}

/// Makes the allocator keep freed memory of bodies. By default, glibc returns free memory at the top of the heap to the
/// kernel if it exceeds 128 KiB (mallopt(3), M_TRIM_THRESHOLD). glibc raises this threshold when a larger block is
/// freed, so this function frees a block of 4 MiB. Without it, a server with bodies of 100 KiB would have page faults
/// at every request.
fn warm_allocator() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(4 << 20)));
}

/// Check that a nested epoll descriptor wakes its parent. Raises EngineUnusable if it does not.
#[pyfunction]
fn self_test(py: Python<'_>) -> PyResult<()> {
    ropewalk_engine::driver::epoll::self_test()
        .map_err(|error| errors::raise(py, errors::ENGINE_UNUSABLE, error.to_string()))
}
