//! A turn: what the sockets have becomes events, deadlines are met, and what waits is sent.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use super::connection::{Connection, Timeout};
use super::{Drain, Engine, LISTENER, ListenerId};
use crate::Severity;
use crate::driver::listener::Accepted;
use crate::driver::socket::{self, Read};
use crate::driver::{Driver, Ready, Token, Watch};
use crate::event::{Event, GoneReason};
use crate::exchange::{ConnectionId, ExchangeId, HalfClose};
use crate::peer::Peer;
use crate::transport::Transport;
use crate::wire::{RequestPhase, Wire};

/// Connections accepted from one listener in one turn.
const ACCEPTS: usize = 256;
/// Bytes read in one poll from connections in the middle of something, before those that were quiet get another turn.
const POLL_BYTES: u64 = 64 * 1024;
/// Connections, each, that are gone on with and whose time is looked at in one poll.
const POLL_SHARE: usize = 32;
/// Those among them that may be lost in one poll: a handler that is cancelled takes a tenth of a millisecond.
const POLL_LOSSES: usize = 4;
/// First and longest wait, in milliseconds, when the descriptors are used up.
const BACKOFF: (u64, u64) = (50, 1000);
impl<D: Driver, W: Wire> Engine<D, W> {
    /// Starts a turn. What commands leave to be sent waits for [`Engine::flush_queued`].
    pub fn begin_turn(&mut self) {
        self.in_turn = true;
        self.batching.stop();
        self.clock.refresh();
        self.counters.turns += 1;
    }

    /// Takes in what the sockets have and what has come due.
    ///
    /// Connections between requests come first, so that those that send much, leave or run out of time never keep others
    /// from being heard; of these each gets its share in turn.
    pub fn poll(&mut self) -> io::Result<()> {
        let outcome = self.listen_to_the_quiet();
        let enough = self.counters.bytes_in + POLL_BYTES;
        for _ in 0..self.resuming.len().min(POLL_SHARE) {
            let Some(token) = self.resuming.pop_front() else { break };
            self.go_on(token);
            if self.counters.bytes_in >= enough {
                break;
            }
        }
        self.meet_deadlines();
        outcome
    }

    /// Polls once more within a turn. As long as events wait, nothing is put behind them but new requests.
    pub fn poll_again(&mut self) -> io::Result<()> {
        self.clock.refresh();
        if self.inbox.is_empty() { self.poll() } else { self.listen_to_the_quiet() }
    }

    fn listen_to_the_quiet(&mut self) -> io::Result<()> {
        let mut ready = std::mem::take(&mut self.ready);
        let outcome = self.driver.poll(&mut ready);
        for readiness in ready.drain(..) {
            self.serve(readiness);
        }
        self.ready = ready;
        outcome
    }

    /// Whether another poll would find something to go on with.
    pub fn has_backlog(&self) -> bool {
        !(self.resuming.is_empty() && self.due.is_empty())
    }

    /// What happened next, if anything did.
    pub fn next_event(&mut self) -> Option<Event> {
        self.inbox.pop_front()
    }

    /// Whether something happened that was not told.
    pub fn has_events(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Sends what waited and, once the inbox is empty, finds out whose client has left. May fill the inbox again.
    pub fn flush_queued(&mut self) {
        self.send_waiting();
        if self.has_events() {
            return;
        }
        for _ in 0..self.leaving.len().min(POLL_LOSSES) {
            let Some(token) = self.leaving.pop_front() else { break };
            if let Some(slot) = self.token_slot(token) {
                self.decide_half_close(slot);
            }
        }
    }

    /// Starts to batch the responses of a turn; see [`crate::batching`]. Without it each is sent at once.
    pub fn start_batching(&mut self, now: u64) {
        self.batching.start(now);
    }

    /// Takes note of an event that took so many microseconds until now, and sends the responses that wait where they are
    /// due.
    pub fn event_handled(&mut self, took: u64, now: u64) {
        if self.batching.passed(took, now) {
            self.send_waiting();
        }
    }

    /// Sends the responses that wait within a turn.
    fn send_waiting(&mut self) {
        for token in std::mem::take(&mut self.unsent) {
            if let Some(slot) = self.token_slot(token) {
                self.connections[slot].unsent = false;
                self.flush(slot);
            }
        }
    }

    /// Ends a turn. What is left of it will wake the descriptor again.
    pub fn end_turn(&mut self) {
        self.flush_queued();
        self.in_turn = false;
        self.rest();
    }

    /// The time at which a turn is due even if the descriptor is not readable.
    pub fn next_deadline(&self) -> Option<u64> {
        let listeners = self.listeners.iter().filter_map(|(_, listening)| listening.deadline()).min();
        let drain = self.drain.filter(|drain| !drain.over).map(|drain| drain.deadline);
        [self.wheel.next(), listeners, drain].into_iter().flatten().filter(|&at| at != u64::MAX).min()
    }

    fn serve(&mut self, ready: Ready) {
        if ready.token.0 & LISTENER != 0 {
            self.accept((ready.token.0 & !LISTENER) as usize);
            return;
        }
        let Some(slot) = self.token_slot(ready.token.0) else { return };
        let connection = &mut self.connections[slot];
        connection.readable |= ready.readable;
        connection.hung_up |= ready.hung_up;
        connection.peer_closed_both |= ready.broken;
        connection.left_in_order |= ready.hung_up && !ready.broken;
        if ready.writable && connection.blocked {
            connection.blocked = false;
            self.flush(slot);
        }
        if ready.readable && self.token_slot(ready.token.0).is_some() {
            if self.connections[slot].wire.request_phase(&self.limits).awaits_head() {
                self.read(slot);
            } else {
                self.resume_later(slot);
            }
        }
    }

    /// Goes on with a connection in this poll or a later one.
    pub(super) fn resume_later(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        if !connection.resuming {
            connection.resuming = true;
            self.resuming.push_back(connection.token);
        }
    }

    fn go_on(&mut self, token: u64) {
        let Some(slot) = self.token_slot(token) else { return };
        self.connections[slot].resuming = false;
        if !self.connections[slot].blocked && !self.connections[slot].out.is_empty() {
            self.flush(slot);
        }
        self.continue_reading(token);
    }

    // Accepting

    /// Accepts its share of a turn. True where there may be more.
    pub(super) fn accept(&mut self, key: usize) -> bool {
        self.working = None;
        for _ in 0..ACCEPTS {
            let Some(listening) = self.listeners.get(key) else { return false };
            match listening.listener.accept() {
                Accepted::Empty => return false,
                Accepted::Lost => {}
                Accepted::Broken(error) => {
                    self.report(Severity::Error, "RW505", format!("a listener can accept no more: {error}"));
                    self.stop_listening(ListenerId(key));
                    return false;
                }
                Accepted::Exhausted => {
                    if self.end_lingering(true) {
                        continue;
                    }
                    self.back_off(key);
                    return false;
                }
                Accepted::Connection(socket, peer) => {
                    let mut half_close = HalfClose::Cancel;
                    if let Some(listening) = self.listeners.get_mut(key) {
                        listening.retry = None;
                        half_close = listening.half_close;
                    }
                    let told = self.announces.then(|| peer.clone());
                    match (self.open(socket, peer, half_close), told) {
                        (Ok(Some(token)), Some(peer)) => {
                            self.inbox.push_back(Event::Opened(ConnectionId(token), peer));
                        }
                        (Ok(_), _) => {}
                        (Err(error), _) => {
                            let message = format!("an accepted connection was lost: {error}");
                            self.report_seldom(Severity::Warn, "RW505", message);
                        }
                    }
                }
            }
        }
        true
    }

    /// Puts a connected socket under the engine's care, or turns it away. Its token.
    pub(super) fn open(&mut self, socket: OwnedFd, peer: Peer, half_close: HalfClose) -> io::Result<Option<u64>> {
        self.counters.accepted += 1;
        if !self.admits(&peer) {
            return Ok(None);
        }
        let full = !self.makes_room();
        if full {
            self.counters.turned_away += 1;
            if !self.may_linger_though_full() {
                turn_away(&socket, W::OVERLOADED);
                return Ok(None);
            }
        }
        let token = self.next_token();
        self.driver.watch(socket.as_fd(), Token(token), Watch::Stream)?;
        let slot = self.connections.insert(Connection::new(token, Transport::plain(socket), peer));
        if full {
            self.mark_turned_away(slot);
            self.work(slot, |wire, cx| wire.turn_away(cx));
            self.flush(slot);
            return Ok(None);
        }
        self.connections[slot].half_close = half_close;
        self.await_proxy(slot);
        self.rearm(slot, false);
        Ok(Some(token))
    }

    /// The token of the next connection: its slot, and a generation that no earlier one of this slot had.
    pub(super) fn next_token(&mut self) -> u64 {
        self.generation = (self.generation + 1) & 0x3fff_ffff;
        self.generation << 32 | self.connections.vacant_key() as u64
    }

    /// Accepts whoever waits; no more than a queue can hold, since some clients come as fast as they are accepted.
    pub(super) fn accept_all(&mut self, key: usize) {
        for _ in 0..=self.limits.backlog / ACCEPTS as u64 {
            if !self.accept(key) {
                return;
            }
        }
    }

    /// The descriptors are used up: leave the listener alone for a while, instead of spinning on it.
    fn back_off(&mut self, key: usize) {
        self.counters.accept_backoffs += 1;
        let now = self.clock.millis();
        let Some(listening) = self.listeners.get_mut(key) else { return };
        let wait = listening.retry.map_or(BACKOFF.0, |(_, wait)| (wait * 2).min(BACKOFF.1));
        listening.retry = Some((now + wait, wait));
        let forgotten = self.driver.forget(listening.listener.socket());
        if let Err(error) = forgotten {
            self.report(Severity::Error, "RW505", format!("a listener could not be put to rest: {error}"));
        }
        let open = self.connections.len();
        let message = format!("no descriptors are left with {open} connections open; accepting pauses until some are");
        self.report_seldom(Severity::Warn, "RW504", message);
    }

    fn retry_listeners(&mut self, now: u64) {
        let due: Vec<usize> = self
            .listeners
            .iter()
            .filter(|(_, listening)| listening.retry.is_some_and(|(at, _)| at <= now))
            .map(|(key, _)| key)
            .collect();
        for key in due {
            let watched = {
                let listening = &mut self.listeners[key];
                // Far in the future: watched again, but the next failure doubles the wait.
                listening.retry = listening.retry.map(|(_, wait)| (u64::MAX, wait));
                self.driver.watch(listening.listener.socket(), Token(LISTENER | key as u64), Watch::Accept)
            };
            match watched {
                Ok(()) => {
                    self.accept(key);
                }
                Err(_) => self.back_off(key),
            }
        }
    }

    // Reading

    /// Reads on where bytes may wait and are of use.
    pub(super) fn continue_reading(&mut self, token: u64) {
        if let Some(slot) = self.token_slot(token) {
            if self.connections[slot].readable {
                self.read(slot);
            } else {
                self.look_after(slot, false);
            }
        }
    }

    /// Reads once.
    fn read(&mut self, slot: usize) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let connection = &mut self.connections[slot];
        let mut broken = false;
        let mut dropped = false;
        let outcome = if connection.wants_input(&self.limits) { connection.transport.read(&mut scratch) } else { None };
        if let Some(outcome) = outcome {
            match outcome {
                Read::Bytes(count) => {
                    // A short read means that the socket is empty, and new bytes will be told.
                    connection.readable = count == scratch.len() || connection.hung_up;
                    self.counters.bytes_in += count as u64;
                    dropped = connection.lingering;
                    broken = if dropped {
                        !connection.drop_input(count, &self.limits)
                    } else {
                        !self.take_in(slot, &scratch[..count])
                    };
                }
                Read::Blocked => connection.readable = false,
                Read::End => {
                    connection.readable = false;
                    connection.hung_up = true;
                    connection.ended = true;
                    connection.left_in_order = true;
                }
                Read::Broken => broken = true,
            }
        }
        self.scratch = scratch;
        if broken {
            self.connections[slot].broken = true;
            self.lose(slot, GoneReason::ClientLeft);
        } else {
            self.look_after(slot, dropped);
        }
    }

    /// Bytes for a connection that did not come from its socket.
    pub(super) fn feed(&mut self, token: u64, data: &[u8]) {
        let Some(slot) = self.token_slot(token) else { return };
        self.counters.bytes_in += data.len() as u64;
        let dropped = self.connections[slot].lingering;
        if dropped && !self.connections[slot].drop_input(data.len(), &self.limits) {
            return self.close(slot);
        }
        if !dropped && !self.take_in(slot, data) {
            return self.lose(slot, GoneReason::ClientLeft);
        }
        self.look_after(slot, dropped);
    }

    /// After anything that happened to a connection: its end, its owner's flow, its clock.
    pub(super) fn look_after(&mut self, slot: usize, progress: bool) {
        self.working = Some(self.connections[slot].token);
        let connection = &mut self.connections[slot];
        if !connection.out.is_empty() && !connection.blocked && !connection.unsent {
            return self.flush(slot);
        }
        if connection.hung_up && self.notice_hang_up(slot) {
            return;
        }
        if self.notice_ending(slot) {
            return;
        }
        self.tell_flow(slot);
        let connection = &self.connections[slot];
        if connection.readable && connection.wants_input(&self.limits) {
            // What came while nobody wanted it was told once, and is not told again.
            self.resume_later(slot);
        }
        self.rearm(slot, progress);
    }

    pub(super) fn rearm(&mut self, slot: usize, progress: bool) {
        let connection = &mut self.connections[slot];
        connection.rearm(self.clock.millis(), progress, self.drain.is_some(), &self.limits, &mut self.wheel);
    }

    // Sending

    /// Sends as much as goes.
    pub(super) fn flush(&mut self, slot: usize) {
        self.working = Some(self.connections[slot].token);
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
                    self.report_seldom(Severity::Error, "RW307", message);
                    return self.lose(slot, GoneReason::Aborted);
                }
                Err(error) => {
                    // EPIPE: the client has closed its side before, which the next read would have shown.
                    connection.broken = error != rustix::io::Errno::PIPE;
                    return self.lose(slot, GoneReason::ClientLeft);
                }
            }
        }
        self.sent(slot, progress);
    }

    /// After sending: the buffer comes back, a waiting writer is told, and the connection is looked after.
    pub(super) fn sent(&mut self, slot: usize, progress: bool) {
        let connection = &mut self.connections[slot];
        if let Some(buffer) = connection.out.reclaim() {
            if self.spare.len() < super::SPARE && buffer.capacity() <= 2 * super::SCRATCH {
                self.spare.push(buffer);
            }
        }
        if connection.told_high && connection.out.len() <= self.limits.write_buffer / 2 {
            connection.told_high = false;
            if let Some(serial) = connection.wire.running() {
                self.inbox.push_back(Event::Writable(ExchangeId { connection: connection.token, serial }));
            }
        }
        let connection = &self.connections[slot];
        if connection.wire.request_phase(&self.limits) == RequestPhase::Head {
            self.work(slot, |wire, cx| wire.feed(&[], cx));
        }
        let connection = &self.connections[slot];
        if !connection.out.is_empty() && !connection.blocked {
            self.resume_later(slot);
            return self.rearm(slot, progress);
        }
        self.look_after(slot, progress);
    }

    // Time

    fn meet_deadlines(&mut self) {
        let now = self.clock.millis();
        self.wheel.expire(now, &mut self.due);
        let enough = self.inbox.len() + POLL_LOSSES;
        for _ in 0..POLL_SHARE {
            let Some((token, tick)) = self.due.pop_front() else { break };
            let Some(slot) = self.token_slot(token) else { continue };
            if let Some(timeout) = self.connections[slot].expired(tick, now, &mut self.wheel) {
                self.time_out(slot, timeout);
            }
            if self.inbox.len() >= enough {
                break;
            }
        }
        self.retry_listeners(now);
        if self.drain.is_some() {
            self.close_listeners(now);
            self.notice_drained();
        }
        if let Some(Drain { deadline, over: false }) = self.drain {
            if now >= deadline {
                self.close_all();
            }
        }
    }

    fn time_out(&mut self, slot: usize, timeout: Timeout) {
        match timeout {
            Timeout::None => {}
            Timeout::Idle => {
                self.counters.idle_timeouts += 1;
                self.close(slot);
            }
            Timeout::Linger | Timeout::DrainGrace => self.close(slot),
            Timeout::HalfClosed => self.lose(slot, GoneReason::ClientLeft),
            Timeout::Write => {
                self.counters.write_timeouts += 1;
                self.lose(slot, GoneReason::WriteTimeout);
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

    fn end_slow_request(&mut self, slot: usize) {
        if self.work(slot, |wire, cx| wire.time_out(cx)) {
            self.flush(slot);
        } else {
            self.close(slot);
        }
    }
}

/// Answers 503 and closes without waiting for anything.
fn turn_away(socket: &OwnedFd, refusal: &[u8]) {
    let sent = rustix::net::send(socket, refusal, rustix::net::SendFlags::NOSIGNAL | rustix::net::SendFlags::DONTWAIT);
    if sent.is_ok() {
        socket::shut_down_writing(socket.as_fd());
        // What came already is taken, so that closing does not reset the connection before the answer is read.
        let mut dropped = [0; 4096];
        let _ = socket::read(socket.as_fd(), &mut dropped);
    }
}
