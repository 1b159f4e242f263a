//! Chooses the timeout of a connection, and handles passed deadlines of connections, listeners and the drain.
//! `deadline.rs` computes when a timeout passes. `limits.rs` defines how long each timeout is.

use super::Engine;
use super::connection::Connection;
use super::deadline::Timeout;
use super::turn::{POLL_LOSSES, POLL_SHARE};
use crate::driver::Driver;
use crate::event::GoneReason;
use crate::wire::{RequestPhase, Wire};

impl<W: Wire> Connection<W> {
    /// The timeout that applies now.
    pub fn timeout(&self, phase: RequestPhase, draining: bool) -> Timeout {
        if !self.out.is_empty() {
            return if self.blocked { Timeout::Write } else { Timeout::None };
        }
        if self.lingering {
            return Timeout::Linger;
        }
        match phase {
            RequestPhase::Idle | RequestPhase::Fresh if draining => Timeout::DrainGrace,
            RequestPhase::Idle => Timeout::Idle,
            RequestPhase::Head | RequestPhase::Fresh => Timeout::Head,
            RequestPhase::Body { reads: true, .. } => Timeout::Body,
            _ if self.pauses_half_closed() => Timeout::HalfClosed,
            _ => Timeout::None,
        }
    }
}

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Handles the deadlines that have passed: some of the connections' deadlines, and all deadlines of listeners and
    /// the drain.
    pub(super) fn meet_deadlines(&mut self) {
        // Send waiting responses first, so that no connection is closed by a deadline while its response waits.
        self.send_waiting();
        let now = self.clock.millis();
        self.timers.expire(now);
        let enough = self.inbox.len() + POLL_LOSSES;
        for _ in 0..POLL_SHARE {
            let Some((token, tick)) = self.timers.pop() else { break };
            let Some(slot) = self.connections.slot(token) else { continue };
            if let Some(timeout) = self.connections[slot].expired(tick, now, &mut self.timers.wheel) {
                self.time_out(slot, timeout);
            }
            if self.inbox.len() >= enough {
                break;
            }
        }
        self.retry_listeners(now);
        self.continue_drain(now);
    }

    fn time_out(&mut self, slot: usize, timeout: Timeout) {
        match timeout {
            Timeout::None => {}
            Timeout::Idle => {
                self.counters.idle_timeouts += 1;
                self.close(slot);
            }
            Timeout::Linger | Timeout::DrainGrace => self.close(slot),
            Timeout::HalfClosed => self.drop_connection(slot, GoneReason::ClientLeft),
            Timeout::Write => {
                self.counters.write_timeouts += 1;
                self.drop_connection(slot, GoneReason::WriteTimeout);
            }
            Timeout::Head => {
                self.counters.head_timeouts += 1;
                self.end_slow_request(slot);
            }
            Timeout::Body => {
                self.counters.body_timeouts += 1;
                self.end_slow_request(slot);
            }
        }
    }

    /// Ends a request whose head or body arrives too slowly.
    fn end_slow_request(&mut self, slot: usize) {
        if self.with_wire(slot, |wire, cx| wire.time_out(cx)) {
            self.flush(slot);
        } else {
            self.close(slot);
        }
    }
}
