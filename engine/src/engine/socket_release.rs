//! Returns a connection's socket to its owner, together with the bytes that the engine has read but not parsed.

use std::os::fd::{AsFd as _, OwnedFd};

use super::Engine;
use crate::driver::Driver;
use crate::exchange::ConnectionId;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Removes a connection that waits for a request, or for the rest of a request head. Returns its socket and the
    /// bytes that were read but not parsed. Returns None if an exchange has begun or output is queued.
    pub fn release(&mut self, id: ConnectionId) -> Option<(OwnedFd, Vec<u8>)> {
        let slot = self.connections.slot(id.0)?;
        let connection = &self.connections[slot];
        if connection.is_pipe()
            || !connection.wire.request_phase(&self.settings.limits).awaits_head()
            || !connection.out.is_empty()
        {
            return None;
        }
        let mut connection = self.connections.remove(slot);
        let socket = connection.transport.into_socket()?;
        // The driver must stop watching the socket, because the descriptor, or a duplicate of it, stays open. An error
        // is ignored.
        let _ = self.driver.forget(socket.as_fd());
        self.finish_drain_if_empty();
        Some((socket, connection.wire.take_input()))
    }
}
