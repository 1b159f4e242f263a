//! How connections end: after their last answer, with their client, by a deadline, in a drain.

use super::{Drain, Engine, ListenerId, Listening};
use crate::driver::Driver;
use crate::event::{CloseReason, Event, GoneReason};
use crate::exchange::{ConnectionId, ExchangeId, HalfClose, PipeId};
use crate::wire::{Ending, RequestPhase, ResponsePhase, Wire};

/// How long a busy listener that admits nobody waits for handshakes under way, in milliseconds.
const LAST_HANDSHAKES: u64 = 20;

/// Connections that may linger though the engine is full.
const TURNED_AWAY_KEPT: usize = 64;

/// Entries of the list of lingering connections that are kept before those that are over are taken out.
const LINGERING_KEPT: usize = 64;

/// What nginx's access log, and ours, says of a request whose client has left.
const CLIENT_LEFT: u16 = 499;

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
                listening.listener.admit_nobody();
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

    /// After a panic in the engine, which would be a bug of ours: the connection that it was about is lost, and all the
    /// others are gone on with in the next polls, since what was known of them may be lost too.
    pub fn recover_from_panic(&mut self) {
        self.scratch.resize(super::SCRATCH, 0);
        if let Some(slot) = self.working.take().and_then(|token| self.token_slot(token)) {
            self.lose(slot, GoneReason::Aborted);
        }
        let tokens: Vec<u64> = self.connections.iter().map(|(_, connection)| connection.token).collect();
        for token in tokens {
            if let Some(slot) = self.token_slot(token) {
                let connection = &mut self.connections[slot];
                connection.forget_schedule();
                if !connection.is_pipe() {
                    connection.readable = true;
                    connection.blocked = false;
                }
                connection.resuming = false;
                connection.unsent = false;
                self.resume_later(slot);
            }
        }
    }

    /// Drops every connection without a word, and ends the turn: what is left where recovering fails.
    pub fn drop_connections(&mut self) {
        self.connections.clear();
        (self.unsent, self.leaving, self.resuming, self.lingering) = Default::default();
        self.turned_away_open = 0;
        self.in_turn = false;
    }

    /// The client has closed its side: what that means for a running exchange. True where the connection is gone.
    pub(super) fn notice_hang_up(&mut self, slot: usize) -> bool {
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
                self.leaving.push_back(connection.token);
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
        let Some(serial) = running else { return self.look_after(slot, false) };
        let phase = connection.wire.request_phase(&self.limits);
        if connection.peer_closed_both || connection.is_cut_off(phase) {
            return self.lose(slot, GoneReason::ClientLeft);
        }
        if connection.survives_half_close == running {
            return self.look_after(slot, false);
        }
        let response = connection.wire.response_phase();
        let started = response.has_started();
        match connection.half_close() {
            HalfClose::Finish => {}
            _ if response == ResponsePhase::Tunnel => return self.lose(slot, GoneReason::ClientLeft),
            // It does not end by itself. Where something waits to be sent, `Timeout::HalfClosed` ends it after that.
            _ if started && response.sends_events() && connection.out.is_empty() => {
                return self.lose(slot, GoneReason::ClientLeft);
            }
            _ if started => {}
            HalfClose::Respond => {
                let id = ExchangeId { connection: connection.token, serial };
                self.inbox.push_back(Event::HalfClosed(id));
            }
            HalfClose::Cancel => return self.cancel(slot),
        }
        self.connections[slot].survives_half_close = running;
        self.look_after(slot, false);
    }

    /// Ends an exchange of which nothing is sent yet. What is sent of those before it is sent whole.
    fn cancel(&mut self, slot: usize) {
        let token = self.connections[slot].token;
        self.work(slot, |wire, cx| wire.abort(GoneReason::ClientLeft, CLIENT_LEFT, cx));
        self.continue_reading(token);
    }

    /// Whether the wire has said its last word, and then does what is left. True where the connection is gone.
    pub(super) fn notice_ending(&mut self, slot: usize) -> bool {
        let connection = &mut self.connections[slot];
        if !connection.out.is_empty() || connection.lingering {
            return false;
        }
        let lingers = match connection.wire.ending() {
            Ending::No => return false,
            // CloseReason with bytes unread would reset the connection before the client has read its answer.
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
            if self.announces && !connection.turned_away {
                self.inbox.push_back(Event::Lingering(ConnectionId(connection.token)));
            }
        }
        let token = connection.token;
        if self.lingering.len() > LINGERING_KEPT + 2 * self.connections.len() {
            let mut lingering = std::mem::take(&mut self.lingering);
            lingering.retain(|&token| self.token_slot(token).is_some());
            self.lingering = lingering;
        }
        self.lingering.push_back(token);
        false
    }

    /// Whether there is room for another connection; one that lingers makes room for it.
    pub(super) fn makes_room(&mut self) -> bool {
        while self.is_full() {
            if !self.end_lingering(false) {
                return false;
            }
        }
        true
    }

    /// Closes the connection that lingers longest: one that counts, or any where a descriptor is wanted. False where there
    /// is none.
    pub(super) fn end_lingering(&mut self, any: bool) -> bool {
        while self.lingering.front().is_some_and(|&token| self.token_slot(token).is_none()) {
            self.lingering.pop_front();
        }
        let slot_of = |&token: &u64| self.token_slot(token).filter(|&slot| any || !self.connections[slot].turned_away);
        let Some((place, slot)) = self.lingering.iter().map(slot_of).enumerate().find_map(|(at, it)| Some((at, it?)))
        else {
            return false;
        };
        self.lingering.remove(place);
        self.close(slot);
        true
    }

    /// Whether a client that there is no room for may have its connection open until it has read so: some may, out of
    /// the descriptors that connections leave to others.
    pub(super) fn may_linger_though_full(&self) -> bool {
        self.turned_away_open < (self.descriptors / 64).min(TURNED_AWAY_KEPT)
    }

    /// Has a connection count for nothing: there is no room for it.
    pub(super) fn mark_turned_away(&mut self, slot: usize) {
        self.connections[slot].turned_away = true;
        self.turned_away_open += 1;
    }

    /// The connection is broken or cut.
    pub(super) fn lose(&mut self, slot: usize, reason: GoneReason) {
        let connection = &self.connections[slot];
        let reset = reason == GoneReason::ClientLeft && connection.was_reset();
        let reason = if reset { GoneReason::ClientReset } else { reason };
        let unfinished = connection.wire.running().is_some() || !connection.out.is_empty();
        let resets = match reason {
            // The kernel would go on for minutes to offer what the client does not take.
            GoneReason::WriteTimeout | GoneReason::Stopped => unfinished,
            // An orderly end would make half an answer look like a whole one (RFC 9112, section 8).
            _ => connection.wire.response_phase().ends_by_closing(),
        };
        if resets {
            connection.transport.reset_on_close();
        }
        self.work(slot, |wire, cx| wire.abort(reason, CLIENT_LEFT, cx));
        // The owner of a pipe may hold answers that were complete before this one was given up.
        self.remove(slot, reason == GoneReason::Aborted && !resets, reason.into());
    }

    /// The connection has done its work.
    pub(super) fn close(&mut self, slot: usize) {
        self.remove(slot, true, CloseReason::Done);
    }

    fn remove(&mut self, slot: usize, orderly: bool, closing: CloseReason) {
        let mut connection = self.connections.remove(slot);
        self.turned_away_open -= usize::from(connection.turned_away);
        if let Some(buffer) = connection.out.reclaim() {
            if self.spare.len() < super::SPARE {
                self.spare.push(buffer);
            }
        }
        if connection.is_pipe() {
            self.inbox.push_back(Event::PipeClosed(PipeId(connection.token), orderly));
        } else if self.announces && !connection.turned_away {
            self.inbox.push_back(Event::Closed(ConnectionId(connection.token), closing));
        }
        self.notice_drained();
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
