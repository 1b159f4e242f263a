//! Handles clients that close their sending side during an exchange.
//!
//! For each exchange, the engine decides once whether it continues, and only when the inbox is empty. The request may
//! have arrived together with the FIN, so the handler must first have a chance to respond.

use super::Engine;
use super::closing::CLIENT_LEFT;
use super::connection::Connection;
use crate::driver::Driver;
use crate::event::{Event, GoneReason};
use crate::exchange::{ExchangeId, HalfClose};
use crate::wire::{RequestPhase, ResponsePhase, Wire};

impl<W: Wire> Connection<W> {
    /// What happens to the running exchange if the client closes its sending side.
    pub fn half_close(&self) -> HalfClose {
        match self.half_close_of {
            Some((serial, choice)) if serial == self.wire.serial() && self.half_close == HalfClose::Cancel => choice,
            _ => self.half_close,
        }
    }

    /// Whether the client has closed its sending side before the body was complete.
    pub fn is_cut_off(&self, phase: RequestPhase) -> bool {
        self.ended && phase.lacks_body()
    }

    /// Whether a pause of the response can end the exchange: the client has closed its sending side, the response has
    /// begun, and the choice is not [`HalfClose::Finish`].
    pub fn pauses_half_closed(&self) -> bool {
        self.survives_half_close.is_some()
            && self.survives_half_close == self.wire.running()
            && self.wire.response_phase().has_started()
            && self.half_close() != HalfClose::Finish
    }
}

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Handles a client that has closed its sending side. Returns whether this closed the connection.
    pub(super) fn handle_peer_close(&mut self, slot: usize) -> bool {
        if self.body_follows(slot) {
            return false;
        }
        let connection = &mut self.connections[slot];
        if let Some(serial) = connection.wire.running() {
            // Decide once for each exchange. Decide again only if the client has closed both directions, or if the body
            // turns out to be incomplete.
            let phase = connection.wire.request_phase(&self.settings.limits);
            let decided = connection.survives_half_close == Some(serial)
                && !connection.peer_closed_both
                && !connection.is_cut_off(phase);
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

    /// Whether the engine will read more of a request body, although the client has closed its sending side.
    fn body_follows(&self, slot: usize) -> bool {
        let connection = &self.connections[slot];
        let phase = connection.wire.request_phase(&self.settings.limits);
        let awaited = phase.awaits_head() || matches!(phase, RequestPhase::Body { reads: true, .. });
        (awaited || phase.has_unread()) && !connection.ended
    }

    /// Decides what happens to the running exchange of a client that has closed its sending side.
    ///
    /// | | `Cancel` | `Respond` | `Finish` |
    /// |---|---|---|---|
    /// | the client has closed both sides, or the body is incomplete | ends | ends | ends |
    /// | the exchange is a tunnel | ends | ends | continues |
    /// | no head was sent | ends | continues, with an event | continues |
    /// | an event stream has begun | ends | ends | continues |
    /// | another response has begun | continues unless it pauses | continues unless it pauses | continues |
    pub(super) fn decide_half_close(&mut self, slot: usize) {
        let follows = self.body_follows(slot);
        let connection = &mut self.connections[slot];
        let running = connection.wire.running().filter(|_| !follows);
        let Some(serial) = running else { return self.update(slot, false) };
        let phase = connection.wire.request_phase(&self.settings.limits);
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
            // An event stream does not end by itself. If output is queued, `Timeout::HalfClosed` ends the exchange
            // after the output is sent.
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

    /// Ends an exchange whose response has not begun. Earlier responses are still sent completely.
    fn cancel(&mut self, slot: usize) {
        let token = self.connections[slot].token;
        self.with_wire(slot, |wire, cx| wire.abort(GoneReason::ClientLeft, CLIENT_LEFT, cx));
        self.continue_reading(token);
    }
}
