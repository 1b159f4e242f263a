//! What somebody who holds a whole connection may do to it, besides answering its exchanges: programs that were written
//! for a transport of their own close it, abort it, or take it elsewhere.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::Engine;
use crate::driver::Driver;
use crate::event::GoneReason;
use crate::exchange::{ConnectionId, HalfClose};
use crate::peer::Peer;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Both ends of a connection, and whether the way between them is secure.
    pub fn endpoints(&self, id: ConnectionId) -> Option<(Peer, Peer, bool)> {
        let connection = &self.connections[self.connections.slot(id.0)?];
        Some((connection.peer.clone(), connection.local(), connection.is_secure()))
    }

    /// The descriptor of a connection to a socket.
    pub fn connection_descriptor(&self, id: ConnectionId) -> Option<BorrowedFd<'_>> {
        self.connections[self.connections.slot(id.0)?].transport.socket()
    }

    /// Lets a connection be idle for so many milliseconds (0: for ever), whatever the limits say. Within a request, each
    /// silence may be as long at most, and no longer than the limits say.
    pub fn set_idle_timeout(&mut self, id: ConnectionId, millis: u64) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].idle_timeout = Some(millis);
            self.rearm(slot, false);
        }
    }

    /// As [`Engine::set_listener_half_close`], for one connection.
    pub fn set_connection_half_close(&mut self, id: ConnectionId, choice: HalfClose) {
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].half_close = choice;
        }
    }

    /// Has the owner of a pipe answer what is refused with 400: [`Event::Refused`] tells it.
    pub fn delegate_refusals(&mut self, id: ConnectionId) {
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].delegates_refusals = true;
        }
    }

    /// Closes a connection behind what was written to it, whether an answer is complete or not.
    pub fn close_connection(&mut self, id: ConnectionId) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.with_wire(slot, |wire, cx| wire.abort(GoneReason::Aborted, 0, cx));
            self.update(slot, false);
        }
        self.wake_if_needed();
    }

    /// Closes a connection at once, and lets the client see that by a reset.
    pub fn abort_connection(&mut self, id: ConnectionId) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].transport.reset_on_close();
            self.drop_connection(slot, GoneReason::Aborted);
        }
        self.wake_if_needed();
    }

    /// Lets go of a connection on which nothing was asked yet: its socket, and what was read from it.
    pub fn release(&mut self, id: ConnectionId) -> Option<(OwnedFd, Vec<u8>)> {
        let slot = self.connections.slot(id.0)?;
        let connection = &self.connections[slot];
        if connection.is_pipe()
            || !connection.wire.request_phase(&self.limits).awaits_head()
            || !connection.out.is_empty()
        {
            return None;
        }
        let mut connection = self.connections.remove(slot);
        let socket = connection.transport.into_socket()?;
        // Watched no more even if its owner keeps a duplicate.
        let _ = self.driver.forget(socket.as_fd());
        self.finish_drain_if_empty();
        Some((socket, connection.wire.take_input()))
    }
}
