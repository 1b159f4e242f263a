//! Pipes: connections without a socket. The owner of a pipe passes in the client's bytes, and sends the engine's output
//! to the client.

use bytes::Bytes;

use super::Engine;
use super::connection::Connection;
use crate::address::Address;
use crate::driver::Driver;
use crate::event::{Event, GoneReason, Severity};
use crate::exchange::PipeId;
use crate::transport::{Pipe, Transport, next_bytes};
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Opens a connection whose owner transports the bytes. If the engine is full, refuses and closes the connection.
    pub fn open_pipe(&mut self, peer: Address, local: Address, secure: bool) -> PipeId {
        self.refresh_clock();
        self.counters.accepted += 1;
        let full = !self.makes_room();
        let token = self.connections.next_token();
        let slot = self.connections.insert(Connection::new(token, Transport::Pipe(Pipe::new(local, secure)), peer));
        self.update_deadline(slot, false);
        if full {
            self.counters.turned_away += 1;
            self.mark_turned_away(slot);
            self.with_wire(slot, |wire, cx| wire.turn_away(cx));
            self.flush(slot);
        }
        self.wake_if_needed();
        PipeId(token)
    }

    /// Passes bytes from the client to a pipe.
    pub fn feed_pipe(&mut self, id: PipeId, data: &[u8]) {
        self.refresh_clock();
        self.feed(id.0, data);
        self.wake_if_needed();
    }

    /// The number of received bytes that no handler has used. They belong to no request yet, or to a body that no
    /// handler has requested.
    pub fn pipe_backlog(&self, id: PipeId) -> usize {
        self.connections.slot(id.0).map_or(0, |slot| self.connections[slot].wire.buffered())
    }

    /// Takes the next event of one pipe, before the events of other connections. Skips each `Head`, and the events that
    /// follow it in the same exchange: a handler may be running now, and no other request must begin inside it. First
    /// adds the queued output to the inbox.
    pub fn next_pipe_event(&mut self, id: PipeId) -> Option<Event> {
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].unsent = false;
            self.flush(slot);
        }
        let mut unopened = None;
        let belongs = |event: &Event| match event {
            Event::PipeOutput(pipe, _)
            | Event::PipeFlow(pipe, _)
            | Event::PipeEnding(pipe)
            | Event::PipeClosed(pipe, _)
            | Event::Refused(pipe) => *pipe == id,
            Event::Head(exchange, _) => {
                if exchange.connection() == id.connection() {
                    unopened = Some(*exchange);
                }
                false
            }
            other => other
                .exchange()
                .is_some_and(|exchange| exchange.connection() == id.connection() && unopened != Some(exchange)),
        };
        let place = self.inbox.iter().position(belongs)?;
        self.inbox.remove(place)
    }

    /// Takes the next output of a pipe from the inbox, before any other event.
    pub fn next_pipe_output(&mut self, id: PipeId) -> Option<Bytes> {
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].unsent = false;
            self.flush(slot);
        }
        let is_output = |event: &Event| matches!(event, Event::PipeOutput(pipe, _) if *pipe == id);
        let place = self.inbox.iter().position(is_output)?;
        match self.inbox.remove(place) {
            Some(Event::PipeOutput(_, bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// Records that the client has closed its sending side.
    pub fn end_pipe(&mut self, id: PipeId) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].peer_closed = true;
            self.connections[slot].ended = true;
            self.update(slot, false);
        }
        self.wake_if_needed();
    }

    /// Records that the connection to the client is lost.
    pub fn disconnect_pipe(&mut self, id: PipeId) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.drop_connection(slot, GoneReason::ClientLeft);
        }
        self.wake_if_needed();
    }

    /// Sets whether a pipe is blocked. While it is, the engine passes no output to its owner.
    pub fn set_pipe_blocked(&mut self, id: PipeId, blocked: bool) {
        self.refresh_clock();
        if let Some(slot) = self.connections.slot(id.0) {
            self.connections[slot].blocked = blocked;
            self.flush(slot);
        }
        self.wake_if_needed();
    }

    /// Tells the owner of a pipe to send a refusal after the responses that come before it.
    pub(super) fn pass_refusal(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        let pipe = PipeId(connection.token);
        while let Ok(Some(bytes)) = next_bytes(&mut connection.out) {
            self.inbox.push_back(Event::PipeOutput(pipe, bytes));
        }
        self.inbox.push_back(Event::Refused(pipe));
    }

    /// Passes queued output to the owner of a pipe.
    pub(super) fn flush_pipe(&mut self, slot: usize) {
        let mut progress = false;
        let connection = &mut self.connections[slot];
        while !connection.blocked {
            match next_bytes(&mut connection.out) {
                Ok(None) => break,
                Ok(Some(bytes)) => {
                    progress = true;
                    self.counters.bytes_out += bytes.len() as u64;
                    self.inbox.push_back(Event::PipeOutput(PipeId(connection.token), bytes));
                }
                Err(error) => {
                    self.report(Severity::Error, "RW307", format!("a file could not be sent: {error}"));
                    return self.drop_connection(slot, GoneReason::Aborted);
                }
            }
        }
        self.sent(slot, progress);
    }

    /// Tells the owner of a pipe to stop or to resume passing in bytes.
    pub(super) fn update_pipe_flow(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        if !connection.is_pipe() {
            return;
        }
        let wanted = connection.wants_input(&self.settings.limits)
            || (connection.wire.buffered() as u64) < self.settings.limits.read_buffer;
        let Transport::Pipe(pipe) = &mut connection.transport else { return };
        if pipe.flowing != wanted {
            pipe.flowing = wanted;
            self.inbox.push_back(Event::PipeFlow(PipeId(connection.token), wanted));
        }
    }
}
