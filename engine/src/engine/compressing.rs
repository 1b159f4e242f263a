//! Compresses responses: the commands for whole and streamed bodies, and the steps of large ones.
//!
//! | body | is encoded | framing |
//! |---|---|---|
//! | whole, up to `AT_ONCE` | in its command | `Content-Length` |
//! | larger | in steps, at the end of each turn | chunked |
//! | a part of a stream, up to `AT_ONCE` | in its command | chunked |
//! | a larger part of a stream | in steps, as above | chunked |
//!
//! What an encoder holds of a stream is flushed when the output of the connection is sent, so that the client can decode
//! every part that was written. Input that is not encoded yet counts as a full queue, so its writer waits.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::{Engine, small_file};
use crate::clock::monotonic_micros;
use crate::compression::fields::{Changed, change};
use crate::compression::{Coding, CompressedBody, Compression, Encoder, Plan, Progress};
use crate::driver::Driver;
use crate::event::{GoneReason, Severity};
use crate::exchange::{Body, CommandError, ExchangeId, Pressure, Status};
use crate::head::{FieldRef, Head};
use crate::method::Method;
use crate::wire::{FramedBy, Wire};

/// Whole bodies up to this size in bytes are encoded at once, in about a millisecond.
const AT_ONCE: u64 = 64 * 1024;
/// After this many microseconds, the remaining steps wait for the next turn.
const TURN_TIME: u64 = 4000;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Sets how responses are compressed. Only the commands with `compressed` in their name compress.
    pub fn set_compression(&mut self, compression: Compression) {
        self.settings.compression = compression;
        self.spare_encoders.clear();
    }

    /// The number of encoders of streams and large bodies that are in use.
    pub fn encoders(&self) -> usize {
        Arc::strong_count(&self.encoder_ticket) - 1
    }

    /// Sends a whole response as [`Engine::respond`] does. Compresses it if that is possible. `head` is the head of the
    /// request.
    pub fn respond_compressed<'s>(
        &mut self,
        id: ExchangeId,
        head: &Head,
        status: impl Into<Status<'s>>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
    ) -> Result<(), CommandError> {
        let status = status.into();
        let announced = announced_length(fields);
        let is_head = head.method() == Method::HEAD;
        // A response to HEAD may announce the length of a body that it does not have.
        let length = if is_head && body.is_empty() { announced.unwrap_or(0) } else { body.len() };
        let is_large_file = matches!(body, Body::File { .. }) && length > self.settings.compression.file_size;
        if is_large_file || announced.is_some_and(|announced| announced != length) {
            return self.respond(id, status, fields, body);
        }
        let plan = self.settings.compression.plan(head, status.code, fields, Some(length));
        let mut changed = Changed::default();
        match plan {
            Plan::Unchanged => self.respond(id, status, fields, body),
            Plan::Varies | Plan::NotModified => self.respond(id, status, &change(fields, plan, &mut changed), body),
            Plan::Compress(coding) if length <= AT_ONCE && !body.is_empty() => {
                let body = small_file::load(body, status, fields, AT_ONCE)?;
                let bytes = match &body {
                    Body::Slice(bytes) => bytes,
                    Body::Shared(bytes) => &bytes[..],
                    Body::File { .. } => &[],
                };
                match self.spare_encoders.encode(coding, &self.settings.compression, bytes) {
                    Ok(encoded) if encoded.len() < bytes.len() => {
                        let fields = change(fields, plan, &mut changed);
                        self.respond(id, status, &fields, Body::Shared(encoded.into()))
                    }
                    _ => self.respond(id, status, &change(fields, Plan::Varies, &mut changed), body),
                }
            }
            Plan::Compress(coding) => {
                let Some(encoder) = self.stream_encoder(coding, Some(length), is_head) else {
                    return self.respond(id, status, &change(fields, Plan::Varies, &mut changed), body);
                };
                self.begin(id, status, &change(fields, plan, &mut changed), None)?;
                if is_head {
                    return self.end(id, &[]);
                }
                self.start_compressing(id, encoder);
                self.command(id, |engine, slot| {
                    let ticket = matches!(body, Body::File { .. }).then(|| engine.count_open_file());
                    let Some(compressed) = engine.compressed_body(id, slot) else { return Ok(()) };
                    match (body, ticket) {
                        (Body::File { file, offset, length }, Some(ticket)) => {
                            compressed.push_file(file, offset, length, ticket);
                        }
                        (Body::Shared(bytes), _) => compressed.push(bytes),
                        (Body::Slice(bytes), _) => compressed.push(Bytes::copy_from_slice(bytes)),
                        (Body::File { .. }, None) => {}
                    }
                    compressed.end(Vec::new());
                    engine.compress_later(slot);
                    Ok(())
                })
            }
        }
    }

    /// Begins a streamed response as [`Engine::begin`] does. Compresses it if that is possible. `head` is the head of
    /// the request.
    pub fn begin_compressed<'s>(
        &mut self,
        id: ExchangeId,
        head: &Head,
        status: impl Into<Status<'s>>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
    ) -> Result<(), CommandError> {
        let status = status.into();
        let is_head = head.method() == Method::HEAD;
        let announced = length.or_else(|| announced_length(fields));
        let mut plan = self.settings.compression.plan(head, status.code, fields, announced);
        let encoder = match plan {
            Plan::Compress(coding) => self.stream_encoder(coding, None, is_head),
            _ => None,
        };
        if encoder.is_none() && matches!(plan, Plan::Compress(_)) {
            plan = Plan::Varies;
        }
        let length = if encoder.is_some() { None } else { length };
        self.begin(id, status, &change(fields, plan, &mut Changed::default()), length)?;
        if let Some(encoder) = encoder.filter(|_| !is_head) {
            self.start_compressing(id, encoder);
        }
        Ok(())
    }

    /// Encodes the next steps of large bodies, for at most a few milliseconds. Call this once in a turn.
    pub fn compress_waiting(&mut self) {
        let end = monotonic_micros() + TURN_TIME;
        for _ in 0..self.compressing.len() {
            let Some(token) = self.compressing.pop_front() else { break };
            let Some(slot) = self.connections.slot(token) else { continue };
            let high = self.settings.limits.write_buffer;
            let connection = &mut self.connections[slot];
            let Some(body) = &mut connection.compressed else { continue };
            body.queued = false;
            if connection.wire.running() != Some(body.serial) {
                connection.compressed = None;
                continue;
            }
            // If the output is full, `sent` continues when the client has read some of it.
            if connection.out.len() <= high && self.advance_body(slot).is_ok() {
                self.flush(slot);
            }
            if monotonic_micros() >= end {
                break;
            }
        }
    }

    /// Whether bodies wait for [`Engine::compress_waiting`].
    pub fn compresses(&self) -> bool {
        !self.compressing.is_empty()
    }

    // Parts of a stream: called by the commands of the engine

    /// The body of an exchange, if it is compressed in parts.
    pub(super) fn compressed_body(&mut self, id: ExchangeId, slot: usize) -> Option<&mut CompressedBody> {
        self.connections[slot].compressed.as_deref_mut().filter(|body| body.serial == id.serial)
    }

    /// Writes a part of a compressed body.
    pub(super) fn write_compressed(
        &mut self,
        id: ExchangeId,
        slot: usize,
        part: Bytes,
    ) -> Result<Pressure, CommandError> {
        if let Some(body) = self.compressed_body(id, slot) {
            body.push(part);
            if !body.queued {
                self.advance_body(slot)?;
            }
        }
        self.send_part(id, slot, self.in_turn)
    }

    /// Ends a compressed body, now or after its input.
    pub(super) fn end_compressed(
        &mut self,
        id: ExchangeId,
        slot: usize,
        trailers: &[FieldRef<'_>],
    ) -> Result<(), CommandError> {
        let trailers = trailers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        if let Some(body) = self.compressed_body(id, slot) {
            body.end(trailers);
            if !body.queued {
                self.advance_body(slot)?;
                self.send(slot);
            }
        }
        Ok(())
    }

    /// Passes what the encoder holds to the wire, before the output is sent. Returns whether the connection is still
    /// open.
    pub(super) fn flush_body(&mut self, slot: usize) -> bool {
        let connection = &mut self.connections[slot];
        let Some(body) = &mut connection.compressed else { return true };
        if body.has_work() || connection.blocked || connection.wire.running() != Some(body.serial) {
            return true;
        }
        let mut out = Vec::new();
        match body.flush(&mut out) {
            Ok(()) => self.write_encoded(slot, out).is_ok(),
            Err(error) => {
                self.fail_compression(slot, &error);
                false
            }
        }
    }

    /// Continues with a body that has waited until its client has read enough.
    pub(super) fn resume_body(&mut self, slot: usize) {
        let connection = &self.connections[slot];
        let waits = connection.compressed.as_ref().is_some_and(|body| body.has_work() && !body.queued);
        if waits && connection.out.len() <= self.settings.limits.write_buffer {
            self.compress_later(slot);
        }
    }

    /// Encodes one step, and passes the result to the wire. Ends the response after the last step.
    fn advance_body(&mut self, slot: usize) -> Result<(), CommandError> {
        let mut out = Vec::new();
        let Some(body) = &mut self.connections[slot].compressed else { return Ok(()) };
        match body.advance(&mut out) {
            Ok(Progress::More) => {
                self.write_encoded(slot, out)?;
                self.compress_later(slot);
            }
            Ok(Progress::Waiting) => self.write_encoded(slot, out)?,
            Ok(Progress::Ended(trailers)) => {
                self.write_encoded(slot, out)?;
                self.connections[slot].compressed = None;
                let trailers: Vec<FieldRef<'_>> =
                    trailers.iter().map(|(name, value)| (&name[..], &value[..])).collect();
                if let Err(error) = self.framed(slot, |wire, cx| wire.end(&trailers, cx)) {
                    self.abort_after_flush(slot);
                    return Err(error);
                }
            }
            Err(error) => {
                self.fail_compression(slot, &error);
                return Err(CommandError::Gone);
            }
        }
        Ok(())
    }

    /// Closes a connection whose body cannot be compressed: a file has become shorter, or no memory is left.
    fn fail_compression(&mut self, slot: usize, error: &io::Error) {
        let message = format!("a body could not be compressed: {error}; the connection was closed");
        self.report_limited(Severity::Error, "RW307", message);
        self.drop_connection(slot, GoneReason::Aborted);
    }

    fn write_encoded(&mut self, slot: usize, bytes: Vec<u8>) -> Result<(), CommandError> {
        self.lend_buffer(slot);
        self.framed(slot, |wire, cx| wire.write(Body::Shared(bytes.into()), FramedBy::Wire, cx))
    }

    fn compress_later(&mut self, slot: usize) {
        let connection = &mut self.connections[slot];
        if let Some(body) = &mut connection.compressed {
            if !body.queued {
                body.queued = true;
                self.compressing.push_back(connection.token);
            }
        }
    }

    /// Returns an encoder for a stream or a large body. None if too many are in use.
    fn stream_encoder(&self, coding: Coding, size: Option<u64>, is_head: bool) -> Option<Encoder> {
        let settings = &self.settings.compression;
        if !is_head && self.encoders() >= settings.streams {
            return None;
        }
        Encoder::new(coding, settings.level(coding), size).ok()
    }

    fn start_compressing(&mut self, id: ExchangeId, encoder: Encoder) {
        if let Some(slot) = self.connections.slot(id.connection) {
            let body = CompressedBody::new(id.serial, encoder, self.encoder_ticket.clone());
            self.connections[slot].compressed = Some(Box::new(body));
        }
    }
}

/// The value of a `Content-Length`. None if there is none, or if it is invalid, which the wire reports.
fn announced_length(fields: &[FieldRef<'_>]) -> Option<u64> {
    let (_, value) = fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"content-length"))?;
    std::str::from_utf8(value).ok()?.parse().ok()
}
