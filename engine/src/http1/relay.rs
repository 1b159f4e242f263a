//! Responses that handlers format as HTTP/1.1 themselves, as twisted.web does. The head and the framed body are sent
//! unchanged. The engine only decides whether the connection stays open, and enforces the handler's `Content-Length`.

use bytes::Bytes;

use super::connection::Http1;
use super::encode;
use super::response_body::ResponseBody;
use super::response_fields;
use super::response_framing::{ResponseFraming, is_bodiless};
use super::state::{ResponseState, Trigger};
use crate::exchange::{Body, CommandError, Status};
use crate::head::{FieldRef, Version};
use crate::wire::WireContext;

impl Http1 {
    /// Sends the head of a response whose body the handler frames itself.
    pub(super) fn relay_head(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        let found = response_fields::check_framing(status, fields)?;
        self.states.check(Trigger::Begin)?;
        if status.code < 200 || (found.chunked && self.version == Version::Http10) {
            return Err(CommandError::Status(status.code));
        }
        let framing = match found.length {
            _ if self.is_head || is_bodiless(status.code) => ResponseFraming::Omitted,
            Some(announced) => ResponseFraming::Length { announced, left: announced },
            None if found.chunked => ResponseFraming::FramedByHandler([0; 5]),
            None => ResponseFraming::UntilClose,
        };
        self.keep &= !found.close
            && framing != ResponseFraming::UntilClose
            && (self.version == Version::Http11 || found.keep_alive)
            && self.request_body.may_complete(self.states.request(), cx.limits)
            && (!cx.draining || self.has_request_before_drain());
        self.account.status = status.code;
        // The engine adds no `Connection: close` to a response without a length, because its client already expects the
        // connection to close.
        let says_close = framing == ResponseFraming::UntilClose || found.close || self.version == Version::Http10;
        encode::handler_head(cx.out.tail(), self.version, status, fields, !self.keep && !says_close);
        self.response_body = ResponseBody { framing, written: 0, is_event_stream: found.events };
        self.states.apply(Trigger::Begin);
        Ok(())
    }

    /// Sends a whole response whose body the handler frames itself.
    pub(super) fn relay(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        if self.states.response() == ResponseState::Waiting {
            self.keep &= self.request_body.may_be_dropped(self.states.request(), cx.limits);
        }
        self.relay_head(status, fields, cx)?;
        let size = body.len();
        match self.response_body.framing {
            ResponseFraming::Omitted => {}
            ResponseFraming::Length { left, .. } if left < size => return self.relay_write(in_memory(body)?, cx),
            ResponseFraming::Length { announced, left } if left > size => {
                return Err(CommandError::Length { announced, written: size });
            }
            ResponseFraming::FramedByHandler(_) => self.write(in_memory(body)?, cx)?,
            _ => self.response_body.write_whole(body, cx.out, cx.files),
        }
        self.end(&[], cx)
    }

    /// Sends a part of the body as the handler has framed it, or bytes of another protocol.
    ///
    /// Bytes beyond the announced length are not sent, and the connection closes after the response. twisted.web
    /// handlers exceed the announced length if a file grows while they read it. Their clients accept the announced
    /// bytes.
    pub(super) fn relay_write(&mut self, data: Bytes, cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        self.states.advance(Trigger::Write)?;
        let outcome = self.response_body.write_within_length(data, cx.out);
        self.keep &= !matches!(outcome, Err(CommandError::Excess { .. }));
        outcome
    }

    /// Sends a part of the body from a file. The response must have `Content-Length`.
    pub(super) fn relay_file(&mut self, part: Body<'_>, cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        if self.states.response() != ResponseState::Body {
            return Err(CommandError::NotStarted);
        }
        self.response_body.write_file(part, cx.out, cx.files)
    }
}

/// Returns the bytes of a body that is not a file.
fn in_memory(body: Body<'_>) -> Result<Bytes, CommandError> {
    match body {
        Body::Slice(bytes) => Ok(Bytes::copy_from_slice(bytes)),
        Body::Shared(bytes) => Ok(bytes),
        Body::File { .. } => Err(CommandError::NotStarted),
    }
}
