//! The answer side of a connection: what a handler may say, in which order, and what it becomes on the wire.

use bytes::Bytes;

use super::connection::{Answer, Demand, Http1, Request};
use super::encode::{self, BodyFrame, Found, Persistence};
use crate::exchange::{Body, CommandError, Status};
use crate::head::{FieldRef, Version};
use crate::limits::Limits;
use crate::wire::Context;

/// The end of a body in chunks without trailers (RFC 9112, section 7.1).
const LAST_CHUNK: &[u8; 5] = b"0\r\n\r\n";

impl Http1 {
    /// A whole answer.
    pub(crate) fn respond(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        let found = self.check_final(status, fields)?;
        let length = body.len();
        if length > 0 && (encode::is_bodiless(status.code) || status.code == 205) {
            return Err(CommandError::NoBody(status.code));
        }
        let frame = if encode::is_bodiless(status.code) {
            found.length.filter(|_| status.code == 304).map_or(BodyFrame::None, BodyFrame::Length)
        } else {
            if let Some(announced) = found.length.filter(|&announced| announced != length) {
                if !(self.is_head && length == 0) {
                    return Err(CommandError::Length { announced, written: length });
                }
            }
            BodyFrame::Length(found.length.unwrap_or(length))
        };
        self.keep &= self.may_drop_body(cx.limits);
        self.write_head(status, fields, found, frame, cx);
        if !self.is_head && length > 0 {
            self.written = length;
            match body {
                Body::Slice(bytes) => cx.out.tail().extend_from_slice(bytes),
                Body::Shared(bytes) => cx.out.push(bytes),
                Body::File { file, offset, length } => cx.out.push_file(file, offset, length, cx.files),
            }
        }
        self.finish(cx);
        Ok(())
    }

    /// The head of a streamed answer.
    pub(crate) fn begin(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
        cx: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        let found = self.check_final(status, fields)?;
        let length = length.or(found.length);
        let bodiless = encode::is_bodiless(status.code);
        let frame = match length {
            _ if bodiless && status.code != 304 => BodyFrame::None,
            Some(length) => BodyFrame::Length(length),
            None if bodiless => BodyFrame::None,
            None if self.version == Version::Http11 => BodyFrame::Chunked,
            None => BodyFrame::UntilClose,
        };
        self.keep &= frame != BodyFrame::UntilClose && self.may_get_whole(cx.limits);
        self.write_head(status, fields, found, frame, cx);
        self.events = found.events;
        self.answer = match frame {
            _ if self.is_head || bodiless => Answer::Silent,
            BodyFrame::Length(announced) => Answer::Length { announced, left: announced },
            BodyFrame::Chunked => Answer::Chunked,
            BodyFrame::UntilClose => Answer::UntilClose,
            BodyFrame::None => Answer::Silent,
        };
        Ok(())
    }

    /// An interim answer (RFC 9110, section 15.2); HTTP/1.0 clients get none.
    pub(crate) fn interim(
        &mut self,
        status: u16,
        fields: &[FieldRef<'_>],
        cx: &mut Context<'_>,
    ) -> Result<(), CommandError> {
        let found = encode::check(status.into(), fields)?;
        if !(100..200).contains(&status) || status == 101 {
            return Err(CommandError::Status(status));
        }
        self.expect_waiting()?;
        if self.version == Version::Http11 {
            if status == 100 {
                self.expects_continue = false;
            }
            encode::head(
                cx.out.tail(),
                status.into(),
                fields,
                found,
                BodyFrame::None,
                Persistence::Implied,
                cx.clock.date(),
            );
            cx.counters.responses[0] += 1;
        }
        Ok(())
    }

    /// A part of the body of a streamed answer, or raw bytes.
    pub(crate) fn write(&mut self, data: Bytes, cx: &mut Context<'_>) -> Result<(), CommandError> {
        let size = data.len() as u64;
        if size == 0 && !matches!(self.answer, Answer::Idle | Answer::Waiting | Answer::Done) {
            return Ok(());
        }
        match &mut self.answer {
            Answer::Idle | Answer::Done => return Err(CommandError::Complete),
            Answer::Waiting => return Err(CommandError::NotStarted),
            Answer::Length { announced, left } => {
                let Some(rest) = left.checked_sub(size) else {
                    return Err(CommandError::Length { announced: *announced, written: *announced - *left + size });
                };
                *left = rest;
                cx.out.push(data);
            }
            Answer::Chunked => {
                encode::chunk_size(cx.out.tail(), data.len());
                cx.out.push(data);
                cx.out.tail().extend_from_slice(b"\r\n");
            }
            Answer::Framed(last) => {
                for &byte in data.iter().rev().take(last.len()).rev() {
                    last.rotate_left(1);
                    last[4] = byte;
                }
                cx.out.push(data);
            }
            Answer::UntilClose | Answer::Raw => cx.out.push(data),
            Answer::Silent => return Ok(()),
        }
        self.written += size;
        Ok(())
    }

    /// The end of a streamed answer.
    pub(crate) fn end(&mut self, trailers: &[FieldRef<'_>], cx: &mut Context<'_>) -> Result<(), CommandError> {
        match self.answer {
            Answer::Idle | Answer::Done => return Err(CommandError::Complete),
            Answer::Waiting => return Err(CommandError::NotStarted),
            Answer::Length { announced, left } if left > 0 => {
                return Err(CommandError::Length { announced, written: announced - left });
            }
            Answer::Chunked => {
                encode::check_trailers(trailers)?;
                let tail = cx.out.tail();
                tail.extend_from_slice(b"0\r\n");
                for (name, value) in trailers {
                    encode::line(tail, name, value);
                }
                tail.extend_from_slice(b"\r\n");
            }
            // What came behind would be taken for a chunk.
            Answer::Framed(last) if &last != LAST_CHUNK => {
                return Err(CommandError::Length { announced: self.written, written: self.written });
            }
            Answer::Length { .. } | Answer::Framed(_) | Answer::UntilClose | Answer::Silent => {}
            Answer::Raw => self.keep = false,
        }
        self.finish(cx);
        Ok(())
    }

    /// The answer is complete.
    pub(super) fn finish(&mut self, cx: &mut Context<'_>) {
        let now = crate::clock::monotonic_micros();
        let micros = now.saturating_sub(self.began);
        cx.counters.count_response(self.status, micros);
        cx.counters.running -= 1;
        if let (Some(line), Some(log)) = (self.log_line.take(), cx.access.as_deref_mut()) {
            log.write(&line, self.status, self.written, micros, cx.clock);
        }
        self.answer = Answer::Done;
        self.settle_body(cx.limits);
        if self.has_input() || !matches!(self.request, Request::Complete) {
            self.resume(cx);
        } else {
            self.next();
        }
    }

    /// 101 and the raw bytes after it (RFC 9110, section 7.8).
    pub(crate) fn upgrade(&mut self, fields: &[FieldRef<'_>], cx: &mut Context<'_>) -> Result<(), CommandError> {
        let found = encode::check(101.into(), fields)?;
        self.expect_waiting()?;
        if !matches!(self.request, Request::Complete) || self.version == Version::Http10 {
            return Err(CommandError::Status(101));
        }
        self.status = 101;
        encode::head(cx.out.tail(), 101.into(), fields, found, BodyFrame::None, Persistence::Upgrade, cx.clock.date());
        self.request = Request::Raw;
        self.answer = Answer::Raw;
        self.demand = Demand::Held;
        Ok(())
    }

    pub(super) fn expect_waiting(&self) -> Result<(), CommandError> {
        match self.answer {
            Answer::Waiting => Ok(()),
            Answer::Idle | Answer::Done => Err(CommandError::Complete),
            _ => Err(CommandError::Started),
        }
    }

    fn check_final(&mut self, status: Status<'_>, fields: &[FieldRef<'_>]) -> Result<Found, CommandError> {
        let found = encode::check(status, fields)?;
        self.expect_waiting()?;
        if status.code < 200 {
            return Err(CommandError::Status(status.code));
        }
        if found.close {
            self.keep = false;
        }
        Ok(found)
    }

    fn write_head(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        found: Found,
        frame: BodyFrame,
        cx: &mut Context<'_>,
    ) {
        self.keep &= !cx.draining || self.has_pledged_more();
        let persistence = match (self.keep, self.version) {
            (false, _) => Persistence::Close,
            (true, Version::Http10) => Persistence::KeepAlive,
            (true, Version::Http11) => Persistence::Implied,
        };
        self.status = status.code;
        encode::head(cx.out.tail(), status, fields, found, frame, persistence, cx.clock.date());
    }

    /// Whether the body of the request may be here when a response is complete that begins now: its handler may read on.
    /// If it does not, what is left then is small enough to be dropped, or the connection is closed.
    pub(super) fn may_get_whole(&self, limits: &Limits) -> bool {
        match self.request {
            _ if self.demand == Demand::Flowing => true,
            // A client that waits for 100 Continue and gets a response may send its body or not.
            Request::Length(_) => !self.expects_continue,
            _ => self.may_drop_body(limits),
        }
    }

    /// Whether what is left of the request's body is small enough to be read and dropped.
    pub(super) fn may_drop_body(&self, limits: &Limits) -> bool {
        match self.request {
            Request::Complete | Request::Raw => true,
            _ if self.expects_continue => false,
            Request::Length(left) => left <= limits.discard_size,
            Request::Chunked(_) => limits.discard_size > 0,
            Request::Head | Request::Closed | Request::Spoiled => false,
        }
    }

    /// The answer is complete: what becomes of a body that is not.
    fn settle_body(&mut self, limits: &Limits) {
        self.unread = 0;
        match self.request {
            Request::Length(left) if self.keep && left <= limits.discard_size => self.demand = Demand::Dropped,
            Request::Chunked(_) if self.keep => {
                self.demand = Demand::Dropped;
                self.body_limit = self.body_seen + limits.discard_size;
            }
            Request::Length(_) | Request::Chunked(_) | Request::Spoiled => self.close_lingering(),
            Request::Complete | Request::Raw if !self.keep => {
                let lingering = self.has_input() || matches!(self.request, Request::Raw);
                self.close_lingering();
                self.demand = if lingering { Demand::Dropped } else { Demand::Held };
            }
            _ => {}
        }
    }
}
