//! Decides when a handler must stop writing, and when the engine stops reading requests from a client that does not
//! read its responses. A handler is paused when more than `write_buffer` bytes are unsent, and continues when at most
//! half of `write_buffer` is unsent. `limits.rs` has the default of this limit.

use super::Engine;
use super::connection::Connection;
use crate::driver::Driver;
use crate::event::Event;
use crate::exchange::{CommandError, ExchangeId, Pressure};
use crate::limits::Limits;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Returns [`Pressure::High`] if the handler must wait after this write. Later, an [`Event::Writable`] tells it to
    /// continue.
    pub(super) fn pressure_after_write(&mut self, id: ExchangeId) -> Result<Pressure, CommandError> {
        let Some(slot) = self.connections.slot(id.connection) else { return Err(CommandError::Gone) };
        let connection = &mut self.connections[slot];
        let is_full = connection.out.len() > self.settings.limits.write_buffer;
        connection.writer_paused |= is_full || connection.compresses();
        Ok(if connection.writer_paused { Pressure::High } else { Pressure::Low })
    }

    /// Returns [`Pressure::High`] if a handler must wait for [`Event::Writable`] before it writes more.
    pub fn pressure(&self, id: ExchangeId) -> Pressure {
        let slot = self.connections.slot(id.connection);
        if slot.is_some_and(|slot| self.connections[slot].writer_paused) { Pressure::High } else { Pressure::Low }
    }

    /// Adds [`Event::Writable`] for a waiting writer when at most half of `write_buffer` is still queued.
    pub(super) fn resume_writer(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        if connection.out.len() <= self.settings.limits.write_buffer / 2 && !connection.compresses() {
            connection.writer_paused = false;
            if let Some(serial) = connection.wire.running() {
                self.inbox.push_back(Event::Writable(ExchangeId { connection: connection.token, serial }));
            }
        }
    }
}

impl<W: Wire> Connection<W> {
    /// Whether the body of the response has input that is not compressed yet.
    fn compresses(&self) -> bool {
        self.compressed.as_ref().is_some_and(|body| body.has_work())
    }

    /// Whether the engine reads bytes from this client now. It reads no more requests from a client that does not read
    /// its responses.
    #[inline]
    pub fn wants_input(&self, limits: &Limits) -> bool {
        let phase = self.wire.request_phase(limits);
        phase.reads() && !(phase.awaits_head() && self.out.len() > limits.write_buffer)
    }
}
