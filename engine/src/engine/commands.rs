//! The commands that handlers call. Each command names its exchange.

use bytes::Bytes;

use super::{Engine, small_file};
use crate::address::Address;
use crate::clock::monotonic_micros;
use crate::driver::Driver;
use crate::event::{Event, GoneReason};
use crate::exchange::{Body, CommandError, ExchangeId, HalfClose, Pressure, Status};
use crate::head::FieldRef;
use crate::wire::{FramedBy, Received, ResponsePhase, Wire, WireContext};

impl<D: Driver, W: Wire> Engine<D, W> {
    /// The address to which the client has connected: the server's end of the connection, or the address that a trusted
    /// proxy reports.
    pub fn local(&self, id: ExchangeId) -> Option<Address> {
        Some(self.connections[self.connections.slot(id.connection)?].local())
    }

    /// Sets a field of the exchange's line in the access log. `value` is JSON. Does nothing after the end of the
    /// exchange, or if the log has no place for the field.
    pub fn set_log_field(&mut self, id: ExchangeId, name: &str, value: &[u8]) {
        if let Some(slot) = self.running_slot(id) {
            self.with_wire(slot, |wire, cx| wire.set_log_field(name, value, cx));
        }
    }

    /// The microseconds since the head of the exchange was complete. None after the end of the exchange.
    pub fn elapsed(&self, id: ExchangeId) -> Option<u64> {
        let slot = self.running_slot(id)?;
        Some(monotonic_micros().saturating_sub(self.connections[slot].wire.began()))
    }

    fn running_slot(&self, id: ExchangeId) -> Option<usize> {
        let slot = self.connections.slot(id.connection)?;
        self.connections[slot].wire.check(id.serial).ok()?;
        Some(slot)
    }

    /// Starts to deliver a request body. `limit` is its maximum size in bytes.
    ///
    /// The first call returns the events for the part of the body that has arrived already, so that small bodies need
    /// not pass through the inbox. Before the first call, the exchange has no body events. A later call changes the
    /// limit and returns nothing, because earlier parts may still be in the inbox or with the caller. For the same
    /// reason, raw bytes after [`Engine::switch_without_response`] are returned only if no part of the body is queued.
    pub fn receive(&mut self, id: ExchangeId, limit: Option<u64>) -> Result<Vec<Event>, CommandError> {
        self.command(id, |engine, slot| {
            let limit = limit.unwrap_or(engine.settings.limits.body_size);
            let before = engine.inbox.len();
            let received = engine.with_wire(slot, |wire, cx| wire.receive(limit, cx))?;
            if received == Received::Unchanged {
                return Ok(Vec::new());
            }
            let is_raw = received == Received::Tunnel;
            engine.flush(slot);
            engine.continue_reading(id.connection);
            let queued = || engine.inbox.iter().take(before).any(|event| event.is_of_body(id));
            if is_raw && queued() {
                return Ok(Vec::new());
            }
            debug_assert!(is_raw || !queued(), "an event of a body exists that no handler has received");
            let rest = engine.inbox.iter().skip(before).position(|event| !event.is_of_body(id));
            let end = rest.map_or(engine.inbox.len(), |rest| before + rest);
            Ok(engine.inbox.drain(before..end).collect())
        })
    }

    /// Records that the reader of a body has taken `count` more bytes.
    pub fn consumed(&mut self, id: ExchangeId, count: u64) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.with_wire(slot, |wire, cx| wire.consumed(count, cx));
            engine.update(slot, false);
            Ok(())
        })
    }

    /// Sends a whole response. It may be sent together with other responses of the turn, if requests are pipelined or
    /// [`crate::batching`] allows it.
    pub fn respond<'s>(
        &mut self,
        id: ExchangeId,
        status: impl Into<Status<'s>>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
    ) -> Result<(), CommandError> {
        let status = status.into();
        self.command(id, |engine, slot| {
            let phase = engine.connections[slot].wire.response_phase();
            let body = match body {
                Body::File { .. } if phase != (ResponsePhase::Waiting { head_only: true }) => {
                    small_file::load(body, status, fields, small_file::SMALL_FILE)?
                }
                body => body,
            };
            engine.lend_buffer(slot);
            engine.with_wire(slot, |wire, cx| wire.respond(status, fields, body, FramedBy::Wire, cx))?;
            engine.send(slot);
            Ok(())
        })
    }

    /// Sends an interim response at once.
    pub fn interim(&mut self, id: ExchangeId, status: u16, fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.with_wire(slot, |wire, cx| wire.interim(status, fields, cx))?;
            engine.flush(slot);
            Ok(())
        })
    }

    /// Begins a streamed response. The head is sent with the first part of the body, or at the end of the turn.
    pub fn begin<'s>(
        &mut self,
        id: ExchangeId,
        status: impl Into<Status<'s>>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
    ) -> Result<(), CommandError> {
        let status = status.into();
        self.command(id, |engine, slot| {
            engine.lend_buffer(slot);
            engine.with_wire(slot, |wire, cx| wire.begin(status, fields, length, FramedBy::Wire, cx))?;
            engine.send_later(slot);
            Ok(())
        })
    }

    /// Sends a part of the body of a streamed response, or raw bytes after an upgrade.
    pub fn write(&mut self, id: ExchangeId, data: Bytes) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            if engine.compressed_body(id, slot).is_some() {
                return engine.write_compressed(id, slot, data);
            }
            engine.lend_buffer(slot);
            engine.framed(slot, |wire, cx| wire.write(Body::Shared(data), FramedBy::Wire, cx))?;
            engine.send_part(id, slot, engine.in_turn)
        })
    }

    /// Sends a part that was written. If `may_wait` is true and the queue is short, the part is sent with later output.
    pub(super) fn send_part(&mut self, id: ExchangeId, slot: usize, may_wait: bool) -> Result<Pressure, CommandError> {
        let high = self.settings.limits.write_buffer;
        let connection = &self.connections[slot];
        // The output of a pipe goes to the inbox, so it does not count as queued.
        if connection.is_pipe() || (may_wait && connection.out.len() <= high) {
            self.send_later(slot);
        } else {
            self.flush(slot);
        }
        self.pressure_after_write(id)
    }

    /// Ends a streamed response, or an exchange that was upgraded to another protocol.
    pub fn end(&mut self, id: ExchangeId, trailers: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            if engine.compressed_body(id, slot).is_some() {
                return engine.end_compressed(id, slot, trailers);
            }
            engine.lend_buffer(slot);
            engine.framed(slot, |wire, cx| wire.end(trailers, cx))?;
            engine.send(slot);
            Ok(())
        })
    }

    /// Sends a 101 response. Afterwards the exchange carries raw bytes. Queued parts of the request body are dropped,
    /// because a reader could not distinguish them from raw bytes.
    pub fn upgrade(&mut self, id: ExchangeId, fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.with_wire(slot, |wire, cx| wire.open_tunnel(Some(fields), cx))?;
            engine.inbox.retain(|event| !event.is_of_body(id));
            engine.send_later(slot);
            Ok(())
        })
    }

    /// Sends a whole response whose body the handler frames itself: by `Content-Length`, in chunks, or by the end of
    /// the connection.
    pub fn relay(
        &mut self,
        id: ExchangeId,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
    ) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.lend_buffer(slot);
            let outcome = engine.framed(slot, |wire, cx| wire.respond(status, fields, body, FramedBy::Handler, cx));
            if let Ok(()) | Err(CommandError::Excess { .. }) = outcome {
                engine.send(slot);
            }
            outcome
        })
    }

    /// Begins a streamed response whose body the handler frames itself. The head and each part are sent with later
    /// output, or at the end of the turn.
    pub fn relay_head(
        &mut self,
        id: ExchangeId,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
    ) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.lend_buffer(slot);
            engine.with_wire(slot, |wire, cx| wire.begin(status, fields, None, FramedBy::Handler, cx))?;
            engine.send_later(slot);
            Ok(())
        })
    }

    /// Sends body bytes without framing, or raw bytes after [`Engine::switch_without_response`].
    pub fn relay_write(&mut self, id: ExchangeId, data: Bytes) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.lend_buffer(slot);
            let outcome = engine.framed(slot, |wire, cx| wire.write(Body::Shared(data), FramedBy::Handler, cx));
            if let Err(error @ CommandError::Excess { .. }) = outcome {
                engine.send_part(id, slot, true)?;
                return Err(error);
            }
            outcome?;
            engine.send_part(id, slot, true)
        })
    }

    /// Sends a part of the body from a file. The response must have `Content-Length`.
    pub fn relay_file(&mut self, id: ExchangeId, part: Body<'_>) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.framed(slot, |wire, cx| wire.write(part, FramedBy::Handler, cx))?;
            engine.send_part(id, slot, true)
        })
    }

    /// Ends a streamed response whose body the handler frames itself.
    pub fn relay_end(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.framed(slot, |wire, cx| wire.end(&[], cx))?;
            if !engine.connections[slot].unsent {
                engine.send(slot);
            }
            Ok(())
        })
    }

    /// Switches to raw bytes as [`Engine::upgrade`] does, but sends nothing. The handler sends the head itself, if the
    /// protocol needs one.
    pub fn switch_without_response(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| engine.with_wire(slot, |wire, cx| wire.open_tunnel(None, cx)))
    }

    /// Sets what happens to an exchange whose client closes its sending side. Has no effect if the listener or the
    /// owner of the connection has chosen [`HalfClose::Respond`] or [`HalfClose::Finish`].
    pub fn set_half_close(&mut self, id: ExchangeId, choice: HalfClose) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.connections[slot].half_close_of = Some((id.serial, choice));
            Ok(())
        })
    }

    /// Closes the connection after this response.
    pub fn close_after_response(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.connections[slot].wire.close_after_response();
            Ok(())
        })
    }

    /// Ends the exchange and its connection now.
    pub fn abort(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.abort_after_flush(slot);
            Ok(())
        })
    }

    /// Runs a command on an exchange that has not ended.
    pub(super) fn command<R>(
        &mut self,
        id: ExchangeId,
        command: impl FnOnce(&mut Self, usize) -> Result<R, CommandError>,
    ) -> Result<R, CommandError> {
        self.refresh_clock();
        let slot = self.connections.slot(id.connection).ok_or(CommandError::Gone)?;
        self.connections[slot].wire.check(id.serial)?;
        let outcome = command(self, slot);
        self.wake_if_needed();
        outcome
    }

    /// Runs a command. If the command breaks the framing of the response, aborts the connection, because the client
    /// could not parse any later bytes.
    pub(super) fn framed(
        &mut self,
        slot: usize,
        call: impl FnOnce(&mut W, &mut WireContext<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let outcome = self.with_wire(slot, call);
        if matches!(outcome, Err(CommandError::Length { .. })) {
            self.abort_after_flush(slot);
        }
        outcome
    }

    /// Aborts a connection after its complete responses are sent.
    pub(super) fn abort_after_flush(&mut self, slot: usize) {
        let token = self.connections[slot].token;
        self.flush(slot);
        if let Some(slot) = self.connections.slot(token) {
            self.drop_connection(slot, GoneReason::Aborted);
        }
    }
}
