//! What is left of an engine after a panic in it, which would be a bug of the engine.

use super::Engine;
use crate::driver::Driver;
use crate::event::GoneReason;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// After a panic in the engine, which would be a bug of ours: the connection that it was about is lost, and all the
    /// others are gone on with in the next polls, since what was known of them may be lost too.
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
                connection.resuming = false;
                connection.unsent = false;
                self.resume_later(slot);
            }
        }
    }

    /// Drops every connection without a word, and ends the turn: what is left where recovering fails.
    pub fn drop_connections(&mut self) {
        self.connections.clear();
        self.send_queue.take();
        (self.half_closed, self.resuming, self.lingering) = Default::default();
        self.in_turn = false;
    }
}
