//! Closes connections: after their last response, when their client leaves, at a deadline, or in a drain.

use super::Engine;
use crate::driver::Driver;
use crate::event::{CloseReason, Event, GoneReason};
use crate::exchange::{ConnectionId, PipeId};
use crate::wire::{Ending, Wire};

/// The status that the access log shows for a request whose client has disconnected. nginx uses the same status.
pub(super) const CLIENT_LEFT: u16 = 499;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Closes the server's side if the wire has ended and all output is sent. Returns whether the connection is closed.
    pub(super) fn handle_ending(&mut self, slot: usize) -> bool {
        let connection = &mut self.connections[slot];
        if !connection.out.is_empty() || connection.lingering {
            return false;
        }
        let lingers = match connection.wire.ending() {
            Ending::No => return false,
            // If unread bytes were left, closing would reset the connection before the client has read its response.
            Ending::Plain => connection.readable && !connection.ended,
            Ending::Lingering => !connection.ended,
        };
        if !lingers {
            self.close(slot);
            return true;
        }
        connection.lingering = true;
        if connection.is_pipe() {
            self.inbox.push_back(Event::PipeEnding(PipeId(connection.token)));
        } else {
            connection.transport.shut_down_writing();
            if self.settings.reports_connections && !connection.turned_away {
                self.inbox.push_back(Event::Lingering(ConnectionId(connection.token)));
            }
        }
        let token = connection.token;
        self.lingering.push(token, &self.connections);
        false
    }

    /// Removes a connection that is broken, or whose exchange must end early.
    pub(super) fn drop_connection(&mut self, slot: usize, reason: GoneReason) {
        let connection = &self.connections[slot];
        let reset = reason == GoneReason::ClientLeft && connection.was_reset();
        let reason = if reset { GoneReason::ClientReset } else { reason };
        let unfinished = connection.wire.running().is_some() || !connection.out.is_empty();
        let resets = match reason {
            // Without a reset, the kernel would try for minutes to send bytes that the client does not read.
            GoneReason::WriteTimeout | GoneReason::Stopped => unfinished,
            // If the connection closed without a reset, the client would take the incomplete response for a complete
            // one (RFC 9112, section 8).
            _ => connection.wire.response_phase().ends_by_closing(),
        };
        if resets {
            connection.transport.reset_on_close();
        }
        self.with_wire(slot, |wire, cx| wire.abort(reason, CLIENT_LEFT, cx));
        // After an abort, the owner closes a pipe in an orderly way: it may still hold complete responses, which it
        // must send first.
        self.remove(slot, reason == GoneReason::Aborted && !resets, reason.into());
    }

    /// Removes a connection after its last response.
    pub(super) fn close(&mut self, slot: usize) {
        self.remove(slot, true, CloseReason::Done);
    }

    fn remove(&mut self, slot: usize, orderly: bool, closing: CloseReason) {
        let mut connection = self.connections.remove(slot);
        if connection.turned_away {
            self.lingering.remove_turned_away();
        }
        self.send_queue.reclaim(&mut connection.out);
        if connection.is_pipe() {
            self.inbox.push_back(Event::PipeClosed(PipeId(connection.token), orderly));
        } else if self.settings.reports_connections && !connection.turned_away {
            self.inbox.push_back(Event::Closed(ConnectionId(connection.token), closing));
        }
        self.finish_drain_if_empty();
    }
}
