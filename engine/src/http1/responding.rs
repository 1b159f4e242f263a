//! Sends responses: carries out the commands of a handler.

use bytes::Bytes;

use super::connection::Http1;
use super::encode::{self, Persistence};
use super::response_body::ResponseBody;
use super::response_fields::{self, FramingFields};
use super::response_framing::{BodyFrame, ResponseFraming, frame_of_stream, frame_of_whole};
use super::state::{RequestState, ResponseState, Trigger};
use crate::exchange::{Body, CommandError, Status};
use crate::head::{FieldRef, Version};
use crate::wire::WireContext;

impl Http1 {
    /// Sends a whole response.
    pub(super) fn respond(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        let found = self.check_final(Trigger::Respond, status, fields)?;
        let length = body.len();
        let frame = frame_of_whole(status.code, self.is_head, found.length, length)?;
        self.keep &= self.request_body.may_be_dropped(self.states.request(), cx.limits);
        self.write_head(status, fields, found, frame, cx);
        if !self.is_head && length > 0 {
            self.response_body.write_whole(body, cx.out, cx.files);
        }
        self.finish(Trigger::Respond, cx);
        Ok(())
    }

    /// Sends the head of a streamed response.
    pub(super) fn begin(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        let found = self.check_final(Trigger::Begin, status, fields)?;
        let frame = frame_of_stream(status.code, self.version, length.or(found.length));
        self.keep &= frame != BodyFrame::UntilClose && self.request_body.may_complete(self.states.request(), cx.limits);
        self.write_head(status, fields, found, frame, cx);
        let framing = ResponseFraming::of(frame, status.code, self.is_head);
        self.response_body = ResponseBody { framing, written: 0, is_event_stream: found.events };
        self.states.apply(Trigger::Begin);
        Ok(())
    }

    /// Sends an interim response (RFC 9110, section 15.2). Sends nothing to an HTTP/1.0 client.
    pub(super) fn interim(
        &mut self,
        status: u16,
        fields: &[FieldRef<'_>],
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        let found = response_fields::check(status.into(), fields)?;
        if !(100..200).contains(&status) || status == 101 {
            return Err(CommandError::Status(status));
        }
        self.states.advance(Trigger::Interim)?;
        if self.version == Version::Http11 {
            if status == 100 {
                self.request_body.expects_continue = false;
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

    /// Sends a part of the body of a streamed response, or bytes of another protocol.
    pub(super) fn write(&mut self, data: Bytes, cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        self.states.advance(Trigger::Write)?;
        self.response_body.write(data, cx.out)
    }

    /// Ends a streamed response, or a connection that was switched to another protocol.
    pub(super) fn end(&mut self, trailers: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        self.states.check(Trigger::End)?;
        self.response_body.end(trailers, cx.out)?;
        self.keep &= self.states.response() != ResponseState::Switched;
        self.finish(Trigger::End, cx);
        Ok(())
    }

    /// Finishes the exchange when its response is complete.
    fn finish(&mut self, trigger: Trigger, cx: &mut WireContext<'_>) {
        self.account.complete(self.response_body.written, cx);
        self.states.apply(trigger);
        self.settle_request(cx);
        if self.has_input() || self.states.request() != RequestState::Complete {
            self.resume(cx);
        } else {
            self.next();
        }
    }

    fn check_final(
        &mut self,
        trigger: Trigger,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
    ) -> Result<FramingFields, CommandError> {
        let found = response_fields::check(status, fields)?;
        self.states.check(trigger)?;
        if status.code < 200 {
            return Err(CommandError::Status(status.code));
        }
        self.keep &= !found.close;
        Ok(found)
    }

    fn write_head(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        found: FramingFields,
        frame: BodyFrame,
        cx: &mut WireContext<'_>,
    ) {
        let persistence = self.persistence(cx);
        self.account.status = status.code;
        encode::head(cx.out.tail(), status, fields, found, frame, persistence, cx.clock.date());
    }
}
