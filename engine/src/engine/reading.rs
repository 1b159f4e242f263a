//! Reading: bytes from a transport go to the wire of its connection.

use super::Engine;
use crate::driver::Driver;
use crate::driver::socket::Read;
use crate::event::GoneReason;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Reads on where bytes may wait and are of use.
    pub(super) fn continue_reading(&mut self, token: u64) {
        if let Some(slot) = self.token_slot(token) {
            if self.connections[slot].readable {
                self.read(slot);
            } else {
                self.look_after(slot, false);
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
                    connection.readable = count == scratch.len() || connection.hung_up;
                    self.counters.bytes_in += count as u64;
                    dropped = connection.lingering;
                    broken = if dropped {
                        !connection.drop_input(count, &self.limits)
                    } else {
                        !self.take_in(slot, &scratch[..count])
                    };
                }
                Read::Blocked => connection.readable = false,
                Read::End => {
                    connection.readable = false;
                    connection.hung_up = true;
                    connection.ended = true;
                    connection.left_in_order = true;
                }
                Read::Broken => broken = true,
            }
        }
        self.scratch = scratch;
        if broken {
            self.connections[slot].broken = true;
            self.lose(slot, GoneReason::ClientLeft);
        } else {
            self.look_after(slot, dropped);
        }
    }

    /// Bytes for a connection that did not come from its socket.
    pub(super) fn feed(&mut self, token: u64, data: &[u8]) {
        let Some(slot) = self.token_slot(token) else { return };
        self.counters.bytes_in += data.len() as u64;
        let dropped = self.connections[slot].lingering;
        if dropped && !self.connections[slot].drop_input(data.len(), &self.limits) {
            return self.close(slot);
        }
        if !dropped && !self.take_in(slot, data) {
            return self.lose(slot, GoneReason::ClientLeft);
        }
        self.look_after(slot, dropped);
    }

    /// After anything that happened to a connection: its end, its owner's flow, its clock.
    pub(super) fn look_after(&mut self, slot: usize, progress: bool) {
        self.working = Some(self.connections[slot].token);
        let connection = &mut self.connections[slot];
        if !connection.out.is_empty() && !connection.blocked && !connection.unsent {
            return self.flush(slot);
        }
        if connection.hung_up && self.notice_hang_up(slot) {
            return;
        }
        if self.notice_ending(slot) {
            return;
        }
        self.tell_flow(slot);
        let connection = &self.connections[slot];
        if connection.readable && connection.wants_input(&self.limits) {
            // What came while nobody wanted it was told once, and is not told again.
            self.resume_later(slot);
        }
        self.rearm(slot, progress);
    }

    pub(super) fn rearm(&mut self, slot: usize, progress: bool) {
        let connection = &mut self.connections[slot];
        connection.rearm(self.clock.millis(), progress, self.drain.is_some(), &self.limits, &mut self.wheel);
    }
}
