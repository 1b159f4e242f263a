//! What happens to an exchange whose client closes its sending side.

use super::Engine;
use super::closing::CLIENT_LEFT;
use crate::driver::Driver;
use crate::event::{Event, GoneReason};
use crate::exchange::{ExchangeId, HalfClose};
use crate::wire::{RequestPhase, ResponsePhase, Wire};

impl<D: Driver, W: Wire> Engine<D, W> {
    /// The client has closed its side: what that means for a running exchange. True where the connection is gone.
    pub(super) fn handle_peer_close(&mut self, slot: usize) -> bool {
        if self.body_flows(slot) {
            return false;
        }
        let connection = &mut self.connections[slot];
        if let Some(serial) = connection.wire.running() {
            // Decided once, and again only where the client turns out to be gone for good.
            let phase = connection.wire.request_phase(&self.limits);
            let decided = connection.survives_half_close == Some(serial)
                && !connection.peer_closed_both
                && !connection.is_cut_off(phase);
            // Not before its handler had the chance to answer: the request may have come with the end.
            if !decided && !phase.has_unread() {
                self.half_closed.push_back(connection.token);
            }
            return false;
        }
        if connection.out.is_empty() && connection.ended {
            self.close(slot);
            return true;
        }
        false
    }

    /// Whether there is more of a body to be read, though the client has closed its side.
    fn body_flows(&self, slot: usize) -> bool {
        let connection = &self.connections[slot];
        let phase = connection.wire.request_phase(&self.limits);
        let awaited = phase.awaits_head() || matches!(phase, RequestPhase::Body { reads: true, .. });
        (awaited || phase.has_unread()) && !connection.ended
    }

    /// The inbox is empty and the client of this connection has closed its side: what becomes of the exchange.
    ///
    /// | | `Cancel` | `Respond` | `Finish` |
    /// |---|---|---|---|
    /// | the client is gone for good, or the body is not whole | over | over | over |
    /// | raw bytes go both ways | over | over | goes on |
    /// | no head is out | over | told, goes on | goes on |
    /// | a stream of events is under way | over | over | goes on |
    /// | a head is out | goes on unless it pauses | goes on unless it pauses | goes on |
    pub(super) fn decide_half_close(&mut self, slot: usize) {
        let flows = self.body_flows(slot);
        let connection = &mut self.connections[slot];
        let running = connection.wire.running().filter(|_| !flows);
        let Some(serial) = running else { return self.update(slot, false) };
        let phase = connection.wire.request_phase(&self.limits);
        if connection.peer_closed_both || connection.is_cut_off(phase) {
            return self.drop_connection(slot, GoneReason::ClientLeft);
        }
        if connection.survives_half_close == running {
            return self.update(slot, false);
        }
        let response = connection.wire.response_phase();
        let started = response.has_started();
        match connection.half_close() {
            HalfClose::Finish => {}
            _ if response == ResponsePhase::Tunnel => return self.drop_connection(slot, GoneReason::ClientLeft),
            // It does not end by itself. Where something waits to be sent, `Timeout::HalfClosed` ends it after that.
            _ if started && response.sends_events() && connection.out.is_empty() => {
                return self.drop_connection(slot, GoneReason::ClientLeft);
            }
            _ if started => {}
            HalfClose::Respond => {
                let id = ExchangeId { connection: connection.token, serial };
                self.inbox.push_back(Event::HalfClosed(id));
            }
            HalfClose::Cancel => return self.cancel(slot),
        }
        self.connections[slot].survives_half_close = running;
        self.update(slot, false);
    }

    /// Ends an exchange of which nothing is sent yet. What is sent of those before it is sent whole.
    fn cancel(&mut self, slot: usize) {
        let token = self.connections[slot].token;
        self.with_wire(slot, |wire, cx| wire.abort(GoneReason::ClientLeft, CLIENT_LEFT, cx));
        self.continue_reading(token);
    }
}
