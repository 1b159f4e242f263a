//! Reading: bytes from a transport go to the wire of its connection.

use super::Engine;
use crate::driver::Driver;
use crate::driver::socket::Read;
use crate::event::GoneReason;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Reads on where bytes may wait and are of use.
    pub(super) fn continue_reading(&mut self, token: u64) {
        if let Some(slot) = self.connections.slot(token) {
            if self.connections[slot].readable {
                self.read(slot);
            } else {
                self.update(slot, false);
            }
        }
    }

    /// Reads once.
    pub(super) fn read(&mut self, slot: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let connection = &mut self.connections[slot];
        let mut broken = false;
        let mut dropped = false;
        let outcome = if connection.wants_input(&self.limits) { connection.transport.read(&mut scratch) } else { None };
        if let Some(outcome) = outcome {
            match outcome {
                Read::Bytes(count) => {
                    // A short read means that the socket is empty, and new bytes will be told.
                    connection.readable = count == scratch.len() || connection.peer_closed;
                    self.counters.bytes_in += count as u64;
                    dropped = connection.lingering;
                    broken = if dropped {
                        !connection.drop_input(count, &self.limits)
                    } else {
                        !self.feed_wire(slot, &scratch[..count])
                    };
                }
                Read::Blocked => connection.readable = false,
                Read::End => {
                    connection.readable = false;
                    connection.peer_closed = true;
                    connection.ended = true;
                    connection.peer_closed_in_order = true;
                }
                Read::Broken => broken = true,
            }
        }
        self.scratch = scratch;
        if broken {
            self.connections[slot].broken = true;
            self.drop_connection(slot, GoneReason::ClientLeft);
        } else {
            self.update(slot, dropped);
        }
    }

    /// Bytes for a connection that did not come from its socket.
    pub(super) fn feed(&mut self, token: u64, data: &[u8]) {
        let Some(slot) = self.connections.slot(token) else { return };
        self.counters.bytes_in += data.len() as u64;
        let dropped = self.connections[slot].lingering;
        if dropped && !self.connections[slot].drop_input(data.len(), &self.limits) {
            return self.close(slot);
        }
        if !dropped && !self.feed_wire(slot, data) {
            return self.drop_connection(slot, GoneReason::ClientLeft);
        }
        self.update(slot, dropped);
    }

    /// After anything that happened to a connection: its end, its owner's flow, its clock.
    pub(super) fn update(&mut self, slot: usize, progress: bool) {
        self.current = Some(self.connections[slot].token);
        let connection = &mut self.connections[slot];
        if !connection.out.is_empty() && !connection.blocked && !connection.unsent {
            return self.flush(slot);
        }
        if connection.peer_closed && self.handle_peer_close(slot) {
            return;
        }
        if self.handle_ending(slot) {
            return;
        }
        self.update_pipe_flow(slot);
        let connection = &self.connections[slot];
        if connection.readable && connection.wants_input(&self.limits) {
            // What came while nobody wanted it was told once, and is not told again.
            self.resume_later(slot);
        }
        self.rearm(slot, progress);
    }

    pub(super) fn rearm(&mut self, slot: usize, progress: bool) {
        let connection = &mut self.connections[slot];
        connection.rearm(self.clock.millis(), progress, self.drain.has_begun(), &self.limits, &mut self.wheel);
    }
}
