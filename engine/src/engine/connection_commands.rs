//! Commands for the owner of a connection. Applications that were written for their own transports close or abort
//! connections themselves.

use std::os::fd::BorrowedFd;

use super::Engine;
use crate::address::Address;
use crate::driver::Driver;
use crate::event::GoneReason;
use crate::exchange::{ConnectionId, HalfClose};
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// The peer's address and the server's address of a connection, and whether the connection is secure.
    pub fn addresses(&self, id: ConnectionId) -> Option<(Address, Address, bool)> {
        let connection = &self.connections[self.connections.slot(id.0)?];
        Some((connection.peer.clone(), connection.local(), connection.is_secure()))
    }

    /// The descriptor of a connection's socket.
    pub fn connection_descriptor(&self, id: ConnectionId) -> Option<BorrowedFd<'_>> {
        self.connections[self.connections.slot(id.0)?].transport.socket()
    }

    /// Sets how long a connection may be idle, in milliseconds (0: no limit), instead of the engine's limit. The same
    /// time also limits each pause of the client during a request, in addition to the other limits.
    pub fn set_idle_timeout(&mut self, id: ConnectionId, millis: u64) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].idle_timeout = Some(millis);
            self.update_deadline(slot, false);
        }
    }

    /// Sets what happens to the exchanges of one connection when its client closes its sending side. See
    /// [`Engine::set_listener_half_close`].
    pub fn set_connection_half_close(&mut self, id: ConnectionId, choice: HalfClose) {
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].half_close = choice;
        }
    }

    /// Lets the owner of a pipe send refusals with status 400. The owner gets an event [`crate::Event::Refused`] for
    /// each refusal.
    pub fn delegate_refusals(&mut self, id: ConnectionId) {
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].delegates_refusals = true;
        }
    }

    /// Closes a connection after the queued output is sent, even if a response is incomplete.
    pub fn close_connection(&mut self, id: ConnectionId) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.with_wire(slot, |wire, cx| wire.abort(GoneReason::Aborted, 0, cx));
            self.update(slot, false);
        }
        self.wake_if_needed();
    }

    /// Closes a connection with a reset.
    pub fn abort_connection(&mut self, id: ConnectionId) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].transport.reset_on_close();
            self.drop_connection(slot, GoneReason::Aborted);
        }
        self.wake_if_needed();
    }
}
