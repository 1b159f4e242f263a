//! Graceful shutdown, and the immediate one.

use super::{Drain, Engine, ListenerId, Listening};
use crate::driver::Driver;
use crate::event::{Event, GoneReason};
use crate::wire::Wire;

/// How long a busy listener that admits nobody waits for handshakes under way, in milliseconds.
const LAST_HANDSHAKES: u64 = 20;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Stops accepting, lets running exchanges finish for so many milliseconds, and closes every connection after the
    /// answer to the last request that is here, or when nothing was asked on it for
    /// [`Limits::drain_grace`](crate::Limits). An [`Event::Drained`] follows.
    pub fn drain(&mut self, millis: Option<u64>) {
        self.refresh();
        let deadline = self.clock.millis().saturating_add(millis.unwrap_or(self.limits.drain_timeout));
        if let Some(drain) = &mut self.drain {
            drain.deadline = drain.deadline.min(deadline);
            return;
        }
        self.drain = Some(Drain { deadline, over: false });
        self.begin_to_close_listeners();
        let tokens: Vec<u64> = self.connections.iter().map(|(_, connection)| connection.token).collect();
        for token in tokens {
            if let Some(slot) = self.token_slot(token) {
                // A request may be waiting in the socket.
                let connection = &mut self.connections[slot];
                connection.readable |= !connection.is_pipe() && connection.wants_input(&self.limits);
                self.continue_reading(token);
            }
            if let Some(slot) = self.token_slot(token) {
                self.connections[slot].wire.begin_drain();
                self.look_after(slot, false);
            }
        }
        self.notice_drained();
        self.rest();
    }

    /// Clients whose connection the kernel has completed already have been promised a server.
    fn begin_to_close_listeners(&mut self) {
        let at = self.clock.millis() + LAST_HANDSHAKES;
        let keys: Vec<usize> = self.listeners.iter().map(|(key, _)| key).collect();
        for key in keys {
            let listening = &mut self.listeners[key];
            let shared = listening.listener.is_shared();
            if !shared {
                listening.listener.refuse_new_clients();
                listening.closing = Some(at);
            }
            if !listening.is_short() {
                self.accept_all(key);
            }
            if shared {
                self.stop_listening(ListenerId(key));
            }
        }
    }

    /// Closes the listeners for which it is time, once their queues are empty.
    pub(super) fn close_listeners(&mut self, now: u64) {
        let is_due = |listening: &Listening| listening.closing.is_some_and(|at| at <= now) && !listening.is_short();
        let due: Vec<usize> =
            self.listeners.iter().filter(|(_, listening)| is_due(listening)).map(|(key, _)| key).collect();
        for key in due {
            self.accept_all(key);
            if !self.listeners.get(key).is_some_and(Listening::is_short) {
                self.stop_listening(ListenerId(key));
            }
        }
    }

    /// Stops listening and aborts everything; how many exchanges were cut. A drain is over with that.
    pub fn close_all(&mut self) -> usize {
        self.refresh();
        let listening: Vec<usize> = self.listeners.iter().map(|(key, _)| key).collect();
        for key in listening {
            self.stop_listening(ListenerId(key));
        }
        let tokens: Vec<u64> = self.connections.iter().map(|(_, connection)| connection.token).collect();
        let mut cut = 0;
        let drain_ends = self.drain.as_mut().is_some_and(|drain| !std::mem::replace(&mut drain.over, true));
        for token in tokens {
            if let Some(slot) = self.token_slot(token) {
                cut += usize::from(self.connections[slot].wire.running().is_some());
                self.lose(slot, GoneReason::Stopped);
            }
        }
        if drain_ends {
            self.inbox.push_back(Event::Drained { cut });
        }
        self.rest();
        cut
    }

    pub(super) fn notice_drained(&mut self) {
        if !matches!(self.drain, Some(Drain { over: false, .. })) {
            return;
        }
        if self.connections.is_empty() {
            // Nobody is here, so hardly anybody is about to be.
            self.close_listeners(u64::MAX);
        }
        let closing = self.listeners.iter().any(|(_, listening)| listening.closing.is_some());
        if let Some(drain) = &mut self.drain {
            if self.connections.is_empty() && !closing {
                drain.over = true;
                self.inbox.push_back(Event::Drained { cut: 0 });
            }
        }
    }
}
