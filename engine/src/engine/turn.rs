//! A turn: reads bytes from the sockets and reports them as events, handles passed deadlines, and sends waiting output.

use std::io;

use super::Engine;
use super::listeners::listener_of;
use crate::driver::{Driver, Ready};
use crate::event::Event;
use crate::wire::Wire;

/// After this many bytes, a poll stops reading from connections in the middle of a request or response. The next poll
/// first reads new requests again.
const POLL_BYTES: u64 = 64 * 1024;
/// The maximum number of connections that one poll resumes. It is also the maximum number of deadlines that one poll
/// handles.
pub(super) const POLL_SHARE: usize = 32;
/// The maximum number of connections that one poll drops. It is small, because cancelling a handler
/// takes a tenth of a millisecond.
pub(super) const POLL_LOSSES: usize = 4;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Starts a turn. During a turn, [`Engine::flush_queued`] sends the output of commands.
    pub fn begin_turn(&mut self) {
        self.in_turn = true;
        self.send_queue.stop_batching();
        self.clock.refresh();
        self.counters.turns += 1;
    }

    /// Reads from the sockets, and handles deadlines.
    ///
    /// Connections between requests come first, so that their requests do not wait for connections that send a lot,
    /// disconnect or time out. Such connections share the rest of the poll.
    pub fn poll(&mut self) -> io::Result<()> {
        let outcome = self.poll_driver();
        let enough = self.counters.bytes_in + POLL_BYTES;
        for _ in 0..self.resuming.len().min(POLL_SHARE) {
            let Some(token) = self.resuming.pop_front() else { break };
            self.resume(token);
            if self.counters.bytes_in >= enough {
                break;
            }
        }
        self.meet_deadlines();
        outcome
    }

    /// Polls again within a turn. While events wait in the inbox, only reads new requests.
    pub fn poll_again(&mut self) -> io::Result<()> {
        self.clock.refresh();
        if self.inbox.is_empty() { self.poll() } else { self.poll_driver() }
    }

    fn poll_driver(&mut self) -> io::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        let outcome = self.driver.poll(&mut ready);
        for readiness in ready.drain(..) {
            self.handle_ready(readiness);
        }
        self.ready = ready;
        outcome
    }

    /// Whether another poll would resume a connection or handle a deadline.
    pub fn has_backlog(&self) -> bool {
        !self.resuming.is_empty() || self.timers.has_due()
    }

    /// Takes the next event from the inbox.
    pub fn next_event(&mut self) -> Option<Event> {
        self.inbox.pop_front()
    }

    /// Whether events wait in the inbox.
    pub fn has_events(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Sends the waiting output. If the inbox is empty, decides what happens to exchanges whose clients have closed
    /// their sending side. This may add events to the inbox.
    pub fn flush_queued(&mut self) {
        self.send_waiting();
        if self.has_events() {
            return;
        }
        for _ in 0..self.half_closed.len().min(POLL_LOSSES) {
            let Some(token) = self.half_closed.pop_front() else { break };
            if let Some(slot) = self.connections.slot(token) {
                self.decide_half_close(slot);
            }
        }
    }

    /// From now on, sends the responses of the turn together (see [`crate::batching`]). Without this call, only the
    /// responses to pipelined requests are sent together.
    pub fn start_batching(&mut self, now: u64) {
        self.send_queue.start_batching(now);
    }

    /// Records that an event took `took` microseconds and ended at `now`. Sends the waiting responses if they have
    /// waited long enough.
    pub fn event_handled(&mut self, took: u64, now: u64) {
        if self.send_queue.event_handled(took, now) {
            self.send_waiting();
        }
    }

    /// Ends a turn. If work is left, makes the engine's descriptor readable.
    pub fn end_turn(&mut self) {
        self.flush_queued();
        self.in_turn = false;
        self.wake_if_needed();
    }

    /// The time at which the next turn is needed even if the descriptor is not readable, in milliseconds.
    pub fn next_deadline(&self) -> Option<u64> {
        let deadlines = [self.timers.next(), self.listeners.next_deadline(), self.drain.deadline()];
        deadlines.into_iter().flatten().filter(|&at| at != u64::MAX).min()
    }

    fn handle_ready(&mut self, ready: Ready) {
        if let Some(listener) = listener_of(ready.token) {
            self.accept(listener);
            return;
        }
        let Some(slot) = self.connections.slot(ready.token.0) else { return };
        let connection = &mut self.connections[slot];
        connection.readable |= ready.readable;
        connection.peer_closed |= ready.hung_up;
        connection.peer_closed_both |= ready.broken;
        connection.peer_closed_in_order |= ready.hung_up && !ready.broken;
        if ready.writable && connection.blocked {
            connection.blocked = false;
            self.flush(slot);
        }
        if ready.readable && self.connections.slot(ready.token.0).is_some() {
            if self.connections[slot].wire.request_phase(&self.settings.limits).awaits_head() {
                self.read(slot);
            } else {
                self.resume_later(slot);
            }
        }
    }

    /// Lets this poll or a later one continue with a connection.
    pub(super) fn resume_later(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        if !connection.resuming {
            connection.resuming = true;
            self.resuming.push_back(connection.token);
        }
    }

    fn resume(&mut self, token: u64) {
        let Some(slot) = self.connections.slot(token) else { return };
        self.connections[slot].resuming = false;
        if !self.connections[slot].blocked && !self.connections[slot].out.is_empty() {
            self.flush(slot);
        }
        self.continue_reading(token);
    }
}
