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
        if let Some(slot) = self.working.take().and_then(|token| self.token_slot(token)) {
            self.lose(slot, GoneReason::Aborted);
        }
        let tokens: Vec<u64> = self.connections.iter().map(|(_, connection)| connection.token).collect();
        for token in tokens {
            if let Some(slot) = self.token_slot(token) {
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
        (self.unsent, self.leaving, self.resuming, self.lingering) = Default::default();
        self.turned_away_open = 0;
        self.in_turn = false;
    }
}
