//! The commands of handlers, each of which names its exchange.

use bytes::Bytes;

use super::{Engine, small_file};
use crate::driver::Driver;
use crate::event::{Event, GoneReason};
use crate::exchange::{Body, CommandError, ExchangeId, HalfClose, Pressure, Status};
use crate::head::FieldRef;
use crate::peer::Peer;
use crate::wire::{Context, FramedBy, Received, Wire};

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Our end of an exchange, or what a proxy says that its client has connected to.
    pub fn local(&self, id: ExchangeId) -> Option<Peer> {
        Some(self.connections[self.connections.slot(id.connection)?].local())
    }

    /// Lets the body of a request flow, up to a limit in bytes.
    ///
    /// The first call returns what of the body is here already, to save small bodies the way through the inbox. It can:
    /// no body event of the exchange exists before it. A later call changes the limit and returns nothing: earlier parts
    /// may still be queued, in the inbox or with the caller, and what returned here would overtake them. Raw bytes after
    /// [`Engine::take_over`] return at once only where nothing of the body is queued.
    pub fn receive(&mut self, id: ExchangeId, limit: Option<u64>) -> Result<Vec<Event>, CommandError> {
        self.command(id, |engine, slot| {
            let limit = limit.unwrap_or(engine.limits.body_size);
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
            debug_assert!(is_raw || !queued(), "a part of a body was told before anybody received it");
            let rest = engine.inbox.iter().skip(before).position(|event| !event.is_of_body(id));
            let end = rest.map_or(engine.inbox.len(), |rest| before + rest);
            Ok(engine.inbox.drain(before..end).collect())
        })
    }

    /// The reader of a body has taken so many bytes.
    pub fn consumed(&mut self, id: ExchangeId, count: u64) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.with_wire(slot, |wire, cx| wire.consumed(count, cx));
            engine.update(slot, false);
            Ok(())
        })
    }

    /// A whole response. It is sent at once, or with others of the turn: where requests are pipelined, or where
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
            let body = small_file::load(body, status, fields)?;
            engine.lend_buffer(slot);
            engine.with_wire(slot, |wire, cx| wire.respond(status, fields, body, FramedBy::Wire, cx))?;
            engine.send(slot);
            Ok(())
        })
    }

    /// An interim answer, sent at once.
    pub fn interim(&mut self, id: ExchangeId, status: u16, fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.with_wire(slot, |wire, cx| wire.interim(status, fields, cx))?;
            engine.flush(slot);
            Ok(())
        })
    }

    /// The head of a streamed answer; it leaves with the first part of the body, or with the turn.
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

    /// A part of the body of a streamed answer, or raw bytes after an upgrade.
    pub fn write(&mut self, id: ExchangeId, data: Bytes) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.lend_buffer(slot);
            engine.framed(slot, |wire, cx| wire.write(Body::Shared(data), FramedBy::Wire, cx))?;
            let high = engine.limits.write_buffer;
            let connection = &engine.connections[slot];
            // What a pipe is given at once would wait in the inbox, where nobody counts it.
            if connection.is_pipe() || (engine.in_turn && connection.out.len() <= high) {
                engine.send_later(slot);
            } else {
                engine.flush(slot);
            }
            engine.pressure_after_write(id)
        })
    }

    /// Whether whoever has just written should wait; if so, an event tells when not any more.
    fn pressure_after_write(&mut self, id: ExchangeId) -> Result<Pressure, CommandError> {
        let Some(slot) = self.connections.slot(id.connection) else { return Err(CommandError::Gone) };
        let connection = &mut self.connections[slot];
        connection.writer_paused |= connection.out.len() > self.limits.write_buffer;
        Ok(if connection.writer_paused { Pressure::High } else { Pressure::Low })
    }

    /// Whether a writer should wait for [`Event::Writable`].
    pub fn pressure(&self, id: ExchangeId) -> Pressure {
        let slot = self.connections.slot(id.connection);
        if slot.is_some_and(|slot| self.connections[slot].writer_paused) { Pressure::High } else { Pressure::Low }
    }

    /// The end of a streamed answer, or of an upgraded connection.
    pub fn end(&mut self, id: ExchangeId, trailers: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.lend_buffer(slot);
            engine.framed(slot, |wire, cx| wire.end(trailers, cx))?;
            engine.send(slot);
            Ok(())
        })
    }

    /// 101: from here the exchange carries raw bytes. What is still queued of the body of the request is dropped, since
    /// nobody could tell it from them.
    pub fn upgrade(&mut self, id: ExchangeId, fields: &[FieldRef<'_>]) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.with_wire(slot, |wire, cx| wire.upgrade(Some(fields), cx))?;
            engine.inbox.retain(|event| !event.is_of_body(id));
            engine.send_later(slot);
            Ok(())
        })
    }

    /// A whole answer whose handler frames it, by `Content-Length`, in chunks or by the end of the connection.
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

    /// The head of such an answer. It leaves with what follows, or with the turn, as do all its parts.
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

    /// A part of its body as it shall go out, or raw bytes after [`Engine::take_over`].
    pub fn relay_write(&mut self, id: ExchangeId, data: Bytes) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.lend_buffer(slot);
            let outcome = engine.framed(slot, |wire, cx| wire.write(Body::Shared(data), FramedBy::Handler, cx));
            if let Err(error @ CommandError::Excess { .. }) = outcome {
                engine.send_relayed(id, slot)?;
                return Err(error);
            }
            outcome?;
            engine.send_relayed(id, slot)
        })
    }

    /// A part of its body out of a file, where `Content-Length` frames it.
    pub fn relay_file(&mut self, id: ExchangeId, part: Body<'_>) -> Result<Pressure, CommandError> {
        self.command(id, |engine, slot| {
            engine.framed(slot, |wire, cx| wire.write(part, FramedBy::Handler, cx))?;
            engine.send_relayed(id, slot)
        })
    }

    /// The end of such an answer.
    pub fn relay_end(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.framed(slot, |wire, cx| wire.end(&[], cx))?;
            if !engine.connections[slot].unsent {
                engine.send(slot);
            }
            Ok(())
        })
    }

    /// From here the exchange carries raw bytes, and its handler sends what head it likes.
    pub fn take_over(&mut self, id: ExchangeId) -> Result<(), CommandError> {
        self.command(id, |engine, slot| engine.with_wire(slot, |wire, cx| wire.upgrade(None, cx)))
    }

    fn send_relayed(&mut self, id: ExchangeId, slot: usize) -> Result<Pressure, CommandError> {
        let high = self.limits.write_buffer;
        let connection = &self.connections[slot];
        // What a pipe is given at once would wait in the inbox, where nobody counts it.
        if connection.is_pipe() || connection.out.len() <= high {
            self.send_later(slot);
        } else {
            self.flush(slot);
        }
        self.pressure_after_write(id)
    }

    /// Says what becomes of an exchange whose client closes its sending side, where its listener leaves that open.
    pub fn set_half_close(&mut self, id: ExchangeId, choice: HalfClose) -> Result<(), CommandError> {
        self.command(id, |engine, slot| {
            engine.connections[slot].half_close_of = Some((id.serial, choice));
            Ok(())
        })
    }

    /// Asks for `Connection: close` on the answer.
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

    /// Carries out a command on a running exchange.
    fn command<R>(
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

    /// Runs a command that closes the connection where it breaks the framing of the answer: nothing after that could
    /// be trusted.
    fn framed(
        &mut self,
        slot: usize,
        work: impl FnOnce(&mut W, &mut Context<'_>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let outcome = self.with_wire(slot, work);
        if matches!(outcome, Err(CommandError::Length { .. })) {
            self.abort_after_flush(slot);
        }
        outcome
    }

    /// Ends a connection for its handler, behind the answers that are complete.
    fn abort_after_flush(&mut self, slot: usize) {
        let token = self.connections[slot].token;
        self.flush(slot);
        if let Some(slot) = self.connections.slot(token) {
            self.drop_connection(slot, GoneReason::Aborted);
        }
    }
}
