//! How connections end: after their last response, by their client, at a deadline, or in a drain.

use super::Engine;
use crate::driver::Driver;
use crate::event::{CloseReason, Event, GoneReason};
use crate::exchange::{ConnectionId, PipeId};
use crate::wire::{Ending, Wire};

/// The status in the access log of a request whose client has left. nginx uses the same one.
pub(super) const CLIENT_LEFT: u16 = 499;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Closes our side if the wire has ended and all is sent. Returns whether the connection was closed.
    pub(super) fn handle_ending(&mut self, slot: usize) -> bool {
        let connection = &mut self.connections[slot];
        if !connection.out.is_empty() || connection.lingering {
            return false;
        }
        let lingers = match connection.wire.ending() {
            Ending::No => return false,
            // Closing with bytes unread would reset the connection before the client has read its response.
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

    /// Removes a connection that is broken, or whose exchange is cut.
    pub(super) fn drop_connection(&mut self, slot: usize, reason: GoneReason) {
        let connection = &self.connections[slot];
        let reset = reason == GoneReason::ClientLeft && connection.was_reset();
        let reason = if reset { GoneReason::ClientReset } else { reason };
        let unfinished = connection.wire.running().is_some() || !connection.out.is_empty();
        let resets = match reason {
            // The kernel would continue for minutes to send bytes that the client does not read.
            GoneReason::WriteTimeout | GoneReason::Stopped => unfinished,
            // An orderly end would make an incomplete response look complete (RFC 9112, section 8).
            _ => connection.wire.response_phase().ends_by_closing(),
        };
        if resets {
            connection.transport.reset_on_close();
        }
        self.with_wire(slot, |wire, cx| wire.abort(reason, CLIENT_LEFT, cx));
        // The owner of a pipe may still hold responses that were complete before this one was aborted.
        self.remove(slot, reason == GoneReason::Aborted && !resets, reason.into());
    }

    /// Removes a connection that is finished.
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
