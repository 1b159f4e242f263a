//! Graceful shutdown: how a drain begins, and when it ends.

use super::Engine;
use crate::driver::Driver;
use crate::event::Event;
use crate::wire::Wire;

/// How long a busy listener that refuses new handshakes waits for those under way, in milliseconds.
const LAST_HANDSHAKES: u64 = 20;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Stops accepting, and gives running exchanges this many milliseconds to finish. Closes every connection after the
    /// response to the last request that has arrived, or if no request arrives for
    /// [`Limits::drain_grace`](crate::Limits). An [`Event::Drained`] follows.
    pub fn drain(&mut self, millis: Option<u64>) {
        self.refresh_clock();
        let deadline = self.clock.millis().saturating_add(millis.unwrap_or(self.settings.limits.drain_timeout));
        if !self.drain.begin(deadline) {
            return;
        }
        self.begin_closing_listeners();
        for token in self.connections.tokens() {
            if let Some(slot) = self.connections.slot(token) {
                // A request may be waiting in the socket.
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

    /// Starts to close the listeners. First accepts the clients whose handshake is complete, because the kernel has
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

    /// Closes the listeners that are due, once their queues are empty.
    fn close_due_listeners(&mut self, now: u64) {
        for id in self.listeners.due_to_close(now) {
            self.accept_all(id);
            if !self.listeners.is_short(id) {
                self.stop_listening(id);
            }
        }
    }

    /// Continues a drain: closes the listeners that are due, and at the deadline closes everything.
    pub(super) fn continue_drain(&mut self, now: u64) {
        if self.drain.has_begun() {
            self.close_due_listeners(now);
            self.finish_drain_if_empty();
        }
        if self.drain.deadline().is_some_and(|deadline| now >= deadline) {
            self.close_all();
        }
    }

    /// Ends a drain once no connection is open and no listener waits for handshakes.
    pub(super) fn finish_drain_if_empty(&mut self) {
        if !self.drain.is_running() {
            return;
        }
        if self.connections.is_empty() {
            // No client is connected, so it is unlikely that a handshake is under way.
            self.close_due_listeners(u64::MAX);
        }
        if self.connections.is_empty() && !self.listeners.are_closing() && self.drain.finish() {
            self.inbox.push_back(Event::Drained { cut: 0 });
        }
    }
}
