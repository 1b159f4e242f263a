//! Restores an engine after a panic in its own code. Such a panic is a bug.

use super::Engine;
use crate::driver::Driver;
use crate::event::GoneReason;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Drops the connection that the engine was handling when it panicked. All other connections are polled again,
    /// because their readiness and their deadlines may be lost.
    pub fn recover_from_panic(&mut self) {
        self.scratch.resize(super::SCRATCH, 0);
        if let Some(slot) = self.current.take().and_then(|token| self.connections.slot(token)) {
            self.drop_connection(slot, GoneReason::Aborted);
        }
        for token in self.connections.tokens() {
            if let Some(slot) = self.connections.slot(token) {
                let connection = &mut self.connections[slot];
                connection.forget_schedule();
                if !connection.is_pipe() {
                    connection.readable = true;
                    connection.blocked = false;
                }
                self.resume_later(slot);
                self.resume_body(slot);
            }
        }
    }

    /// Drops every connection without an event, and ends the turn. This is the last resort if recovery fails.
    pub fn drop_connections(&mut self) {
        self.connections.clear();
        self.send_queue.take();
        (self.half_closed, self.resuming, self.lingering) = Default::default();
        self.compressing.clear();
        self.in_turn = false;
    }
}
