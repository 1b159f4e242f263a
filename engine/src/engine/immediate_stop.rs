//! The immediate stop, which aborts running exchanges. A drain that reaches its deadline ends with an immediate stop.

use super::Engine;
use crate::driver::Driver;
use crate::event::{Event, GoneReason};
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Stops listening, sends the waiting responses, and aborts all exchanges and connections. Returns the number of
    /// aborted exchanges. This also ends a drain.
    pub fn close_all(&mut self) -> usize {
        self.refresh_clock();
        self.send_waiting();
        for id in self.listeners.ids() {
            self.stop_listening(id);
        }
        let mut cut = 0;
        let drain_ends = self.drain.finish();
        for token in self.connections.tokens() {
            if let Some(slot) = self.connections.slot(token) {
                cut += usize::from(self.connections[slot].wire.running().is_some());
                self.drop_connection(slot, GoneReason::Stopped);
            }
        }
        if drain_ends {
            self.inbox.push_back(Event::Drained { cut });
        }
        self.wake_if_needed();
        cut
    }
}
