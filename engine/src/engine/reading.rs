//! Reads bytes from transports and passes them to the wires.

use super::Engine;
use super::proxy_header::ProxyHeader;
use crate::driver::Driver;
use crate::driver::socket::Read;
use crate::event::GoneReason;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Continues to read if the connection accepts bytes and its socket may have some.
    pub(super) fn continue_reading(&mut self, token: u64) {
        if let Some(slot) = self.connections.slot(token) {
            if self.connections[slot].readable {
                self.read(slot);
            } else {
                self.update(slot, false);
            }
        }
    }

    /// Reads once from a socket.
    pub(super) fn read(&mut self, slot: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let connection = &mut self.connections[slot];
        let mut broken = false;
        let mut dropped = false;
        let outcome =
            if connection.wants_input(&self.settings.limits) { connection.transport.read(&mut scratch) } else { None };
        match outcome {
            Some(Read::Bytes(count)) => {
                // If a read returns fewer bytes than the buffer holds, the socket is empty, and the driver will report
                // new bytes. But after a FIN, a further read must find the end.
                connection.readable = count == scratch.len() || connection.peer_closed;
                self.counters.bytes_in += count as u64;
                dropped = connection.lingering;
                broken = if dropped {
                    !connection.drop_input(count, &self.settings.limits)
                } else {
                    !self.feed_wire(slot, &scratch[..count])
                };
            }
            Some(Read::Blocked) => connection.readable = false,
            Some(Read::End) => {
                connection.readable = false;
                connection.peer_closed = true;
                connection.ended = true;
                connection.peer_closed_in_order = true;
            }
            Some(Read::Broken) => broken = true,
            None => {}
        }
        self.scratch = scratch;
        if broken {
            self.connections[slot].broken = true;
            self.drop_connection(slot, GoneReason::ClientLeft);
        } else {
            self.update(slot, dropped);
        }
    }

    /// Passes bytes to a connection. The engine has not read these bytes itself: they come from the owner of a pipe, or
    /// were read from the socket before the engine adopted it.
    pub(super) fn feed(&mut self, token: u64, data: &[u8]) {
        let Some(slot) = self.connections.slot(token) else { return };
        self.counters.bytes_in += data.len() as u64;
        let dropped = self.connections[slot].lingering;
        if dropped && !self.connections[slot].drop_input(data.len(), &self.settings.limits) {
            return self.close(slot);
        }
        if !dropped && !self.feed_wire(slot, data) {
            return self.drop_connection(slot, GoneReason::ClientLeft);
        }
        self.update(slot, dropped);
    }

    /// Passes bytes to the wire. Returns false if the connection must be dropped.
    #[inline]
    fn feed_wire(&mut self, slot: usize, data: &[u8]) -> bool {
        if let ProxyHeader::Awaited(_) = self.connections[slot].proxy_header {
            return self.read_proxy_header(slot, data);
        }
        self.with_wire(slot, |wire, cx| wire.feed(data, cx));
        true
    }

    /// Updates a connection after a change: sends, closes, asks the owner of a pipe for bytes, and sets the deadline.
    /// For `progress`, see `Connection::update_deadline`.
    pub(super) fn update(&mut self, slot: usize, progress: bool) {
        self.current = Some(self.connections[slot].token);
        let connection = &mut self.connections[slot];
        if !connection.out.is_empty() && !connection.blocked && !connection.unsent {
            return self.flush(slot);
        }
        if connection.peer_closed && self.handle_peer_close(slot) {
            return;
        }
        if self.handle_ending(slot) {
            return;
        }
        self.update_pipe_flow(slot);
        let connection = &self.connections[slot];
        if connection.readable && connection.wants_input(&self.settings.limits) {
            // The driver reported the waiting bytes while the connection was not reading, and will not report them
            // again. So they are read later in this poll, or in a later one.
            self.resume_later(slot);
        }
        self.update_deadline(slot, progress);
    }

    pub(super) fn update_deadline(&mut self, slot: usize, progress: bool) {
        let (now, draining) = (self.clock.millis(), self.drain.has_begun());
        self.connections[slot].update_deadline(now, progress, draining, &self.settings.limits, &mut self.timers.wheel);
    }
}
