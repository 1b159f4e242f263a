//! `EngineRef`: an exchange's reference to its engine.

use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use ropewalk_engine::{Address, CommandError, ExchangeId, GoneReason, Head, Pressure};

use crate::engine::Engine;
use crate::errors;

/// An exchange's reference to its engine and its connection, and the head of its request.
pub struct EngineRef {
    pub engine: Py<Engine>,
    pub id: ExchangeId,
    pub head: Box<Head>,
    /// The owner of the connection, if it has one.
    pub owner: Option<Py<PyAny>>,
    /// The server's address. It is read from the engine only once.
    server: OnceLock<Address>,
    /// The reason why the exchange ended early. The event `Gone` sets it, or a command that fails because the exchange
    /// has ended.
    gone: OnceLock<GoneReason>,
}

impl EngineRef {
    pub fn new(engine: Py<Engine>, id: ExchangeId, head: Box<Head>, owner: Option<Py<PyAny>>) -> Self {
        EngineRef { engine, id, head, owner, server: OnceLock::new(), gone: OnceLock::new() }
    }

    /// Returns the reference. Raises RuntimeError if there is none, because Python code created the exchange.
    pub fn of(engine_ref: &Option<EngineRef>) -> PyResult<&EngineRef> {
        engine_ref.as_ref().ok_or_else(|| PyRuntimeError::new_err("This exchange was not made by an engine."))
    }

    /// The server's address on this connection.
    pub fn server(&self) -> &Address {
        self.server.get_or_init(|| self.engine.get().local(self.id))
    }

    /// Whether a writer should wait before it writes more.
    pub fn pressure(&self) -> Pressure {
        self.engine.get().pressure(self.id)
    }

    /// The reason why the exchange ended early. None if it has not.
    pub fn gone(&self) -> Option<GoneReason> {
        self.gone.get().copied()
    }

    /// Records that the exchange has ended early. Only the first reason is kept.
    pub fn set_gone(&self, reason: GoneReason) {
        self.gone.get_or_init(|| reason);
    }

    /// Runs an engine command on this exchange.
    pub fn command<R>(
        &self,
        py: Python<'_>,
        command: impl FnOnce(&mut ropewalk_engine::Engine, ExchangeId) -> Result<R, CommandError>,
    ) -> PyResult<R> {
        if let Some(reason) = self.gone() {
            return Err(errors::disconnected(py, reason));
        }
        let engine = self.engine.get();
        engine.command(py, |engine| command(engine, self.id))?.map_err(|error| {
            if error == CommandError::Gone && engine.is_inherited(self.id) {
                let message = "The request belongs to the parent of this process.".to_owned();
                return errors::raise(py, errors::OF_PARENT, message);
            }
            if error == CommandError::Gone {
                self.set_gone(GoneReason::ClientLeft);
            }
            errors::command(py, error)
        })
    }
}
