//! Sends the queued output of the wires to the transports.

use super::Engine;
use crate::driver::Driver;
use crate::event::{GoneReason, Severity};
use crate::wire::{RequestPhase, Wire};

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Lends a spare buffer to a connection that has none, to save one allocation per request.
    #[inline]
    pub(super) fn lend_buffer(&mut self, slot: usize) {
        self.send_queue.lend(&mut self.connections[slot].out);
    }

    /// Sends the output now, or later in this turn together with other responses. It may wait for the response to the
    /// next pipelined request, or for responses of other connections if batching is on.
    pub(super) fn send(&mut self, slot: usize) {
        let connection = &self.connections[slot];
        let may_wait = connection.wire.running().is_some() || (self.send_queue.batches() && !self.inbox.is_empty());
        if self.in_turn && may_wait && connection.out.len() <= self.settings.limits.write_buffer {
            self.send_later(slot);
        } else {
            self.flush(slot);
        }
    }

    /// Sends the output when the inbox is empty. Outside a turn, it is sent in the next turn.
    pub(super) fn send_later(&mut self, slot: usize) {
        self.send_queue.push(&mut self.connections[slot]);
    }

    /// Sends all waiting responses.
    pub(super) fn send_waiting(&mut self) {
        for token in self.send_queue.take() {
            if let Some(slot) = self.connections.slot(token) {
                self.connections[slot].unsent = false;
                self.flush(slot);
            }
        }
    }

    /// Sends as much output as the transport accepts.
    pub(super) fn flush(&mut self, slot: usize) {
        self.current = Some(self.connections[slot].token);
        if self.connections[slot].compressed.is_some() && !self.flush_body(slot) {
            return;
        }
        if self.connections[slot].is_pipe() {
            return self.flush_pipe(slot);
        }
        let connection = &mut self.connections[slot];
        let mut progress = false;
        if !connection.out.is_empty() && !connection.blocked {
            match connection.transport.flush(&mut connection.out) {
                Ok(flushed) => {
                    connection.blocked = flushed.blocked;
                    progress = flushed.sent > 0;
                    self.counters.bytes_out += flushed.sent;
                }
                Err(rustix::io::Errno::IO) => {
                    let message = "a file became shorter while it was sent; the connection was closed".into();
                    self.report_limited(Severity::Error, "RW307", message);
                    return self.drop_connection(slot, GoneReason::Aborted);
                }
                Err(error) => {
                    // EPIPE means that the client closed the connection earlier. The next read would have shown this,
                    // so the connection does not count as broken.
                    connection.broken = error != rustix::io::Errno::PIPE;
                    return self.drop_connection(slot, GoneReason::ClientLeft);
                }
            }
        }
        self.sent(slot, progress);
    }

    /// Takes the buffer back after sending, lets a waiting writer continue, parses a request that has waited for space
    /// in the queue, and updates the connection.
    pub(super) fn sent(&mut self, slot: usize, progress: bool) {
        let connection = &mut self.connections[slot];
        self.send_queue.reclaim(&mut connection.out);
        if connection.compressed.is_some() {
            self.resume_body(slot);
        }
        if self.connections[slot].writer_paused {
            self.resume_writer(slot);
        }
        let connection = &self.connections[slot];
        if connection.wire.request_phase(&self.settings.limits) == RequestPhase::Head {
            self.with_wire(slot, |wire, cx| wire.feed(&[], cx));
        }
        let connection = &self.connections[slot];
        if !connection.out.is_empty() && !connection.blocked {
            self.resume_later(slot);
            return self.update_deadline(slot, progress);
        }
        self.update(slot, progress);
    }
}
