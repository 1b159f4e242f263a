//! Graceful shutdown: begins, continues and ends a drain.

use super::Engine;
use crate::driver::Driver;
use crate::event::Event;
use crate::wire::Wire;

/// A busy listener refuses new handshakes, and then waits this many milliseconds for those that have begun.
const LAST_HANDSHAKES: u64 = 20;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Stops accepting, and gives running exchanges this many milliseconds to finish. Each connection closes after its
    /// last response, or if no request arrives within [`Limits::drain_grace`](crate::Limits). When all connections are
    /// closed, the engine reports [`Event::Drained`].
    pub fn drain(&mut self, millis: Option<u64>) {
        self.refresh_clock();
        let deadline = self.clock.millis().saturating_add(millis.unwrap_or(self.settings.limits.drain_timeout));
        if !self.drain.begin(deadline) {
            return;
        }
        self.begin_closing_listeners();
        for token in self.connections.tokens() {
            if let Some(slot) = self.connections.slot(token) {
                // A request that was not read yet may wait in the socket, so read from it before the drain ends idle
                // connections.
                let connection = &mut self.connections[slot];
                connection.readable |= !connection.is_pipe() && connection.wants_input(&self.settings.limits);
                self.continue_reading(token);
            }
            if let Some(slot) = self.connections.slot(token) {
                self.connections[slot].wire.begin_drain();
                self.update(slot, false);
            }
        }
        self.finish_drain_if_empty();
        self.wake_if_needed();
    }

    /// Starts to close the listeners. First accepts the clients whose handshake is complete, because their kernel has
    /// told them that they are connected.
    fn begin_closing_listeners(&mut self) {
        let at = self.clock.millis() + LAST_HANDSHAKES;
        for id in self.listeners.ids() {
            let waits = self.listeners.begin_closing(id, at);
            if !self.listeners.is_short(id) {
                self.accept_all(id);
            }
            if !waits {
                self.stop_listening(id);
            }
        }
    }

    /// Closes the listeners whose closing time has come. First accepts the connections in their queues.
    fn close_due_listeners(&mut self, now: u64) {
        for id in self.listeners.due_to_close(now) {
            self.accept_all(id);
            if !self.listeners.is_short(id) {
                self.stop_listening(id);
            }
        }
    }

    /// Continues a drain. Closes the listeners whose closing time has come. At the drain's deadline, closes everything.
    pub(super) fn continue_drain(&mut self, now: u64) {
        if self.drain.has_begun() {
            self.close_due_listeners(now);
            self.finish_drain_if_empty();
        }
        if self.drain.deadline().is_some_and(|deadline| now >= deadline) {
            self.close_all();
        }
    }

    /// Ends a drain when no connection is open and no listener waits for handshakes.
    pub(super) fn finish_drain_if_empty(&mut self) {
        if !self.drain.is_running() {
            return;
        }
        if self.connections.is_empty() {
            // No client is connected, so probably no handshake has begun. Close the listeners without waiting.
            self.close_due_listeners(u64::MAX);
        }
        if self.connections.is_empty() && !self.listeners.are_closing() && self.drain.finish() {
            self.inbox.push_back(Event::Drained { cut: 0 });
        }
    }
}
