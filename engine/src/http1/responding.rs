//! The response side of a connection: the commands of a handler, and the connection's own refusals.

use bytes::Bytes;

use super::connection::Http1;
use super::encode::{self, BodyFrame, FramingFields, Persistence};
use super::reason_phrase::reason_phrase;
use super::request_body::Demand;
use super::response_body::{ResponseBody, ResponseFraming};
use super::scan::has_method_head;
use super::state::{RequestState, ResponseState, Trigger};
use crate::exchange::{Body, CommandError, Status};
use crate::head::{FieldRef, Version};
use crate::refusal::Refusal;
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
        let length = length.or(found.length);
        let bodiless = encode::is_bodiless(status.code);
        let frame = match length {
            _ if bodiless && status.code != 304 => BodyFrame::None,
            Some(length) => BodyFrame::Length(length),
            None if bodiless => BodyFrame::None,
            None if self.version == Version::Http11 => BodyFrame::Chunked,
            None => BodyFrame::UntilClose,
        };
        self.keep &= frame != BodyFrame::UntilClose && self.request_body.may_complete(self.states.request(), cx.limits);
        self.write_head(status, fields, found, frame, cx);
        let framing = match frame {
            _ if self.is_head || bodiless => ResponseFraming::Omitted,
            BodyFrame::Length(announced) => ResponseFraming::Length { announced, left: announced },
            BodyFrame::Chunked => ResponseFraming::Chunked,
            BodyFrame::UntilClose => ResponseFraming::UntilClose,
            BodyFrame::None => ResponseFraming::Omitted,
        };
        self.response_body = ResponseBody { framing, written: 0, is_event_stream: found.events };
        self.states.apply(Trigger::Begin);
        Ok(())
    }

    /// Sends an interim response (RFC 9110, section 15.2). HTTP/1.0 clients get none.
    pub(super) fn interim(
        &mut self,
        status: u16,
        fields: &[FieldRef<'_>],
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        let found = encode::check(status.into(), fields)?;
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

    /// Ends a streamed response, or a connection that was switched.
    pub(super) fn end(&mut self, trailers: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        self.states.check(Trigger::End)?;
        self.response_body.end(trailers, cx.out)?;
        self.keep &= self.states.response() != ResponseState::Switched;
        self.finish(Trigger::End, cx);
        Ok(())
    }

    /// Sends 101. The bytes after it belong to another protocol (RFC 9110, section 7.8).
    pub(super) fn upgrade(&mut self, fields: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        let found = encode::check(101.into(), fields)?;
        self.states.check(Trigger::Upgrade)?;
        if self.version == Version::Http10 {
            return Err(CommandError::Status(101));
        }
        encode::head(cx.out.tail(), 101.into(), fields, found, BodyFrame::None, Persistence::Upgrade, cx.clock.date());
        self.switch(Trigger::Upgrade);
        Ok(())
    }

    /// From here on, the handler's bytes belong to another protocol, and so do the client's after a complete request.
    pub(super) fn switch(&mut self, trigger: Trigger) {
        let started = self.has_started();
        self.states.apply(trigger);
        if !started {
            self.account.status = 101;
        }
        self.response_body.framing = ResponseFraming::UntilClose;
        if self.states.request() == RequestState::Switched {
            self.request_body.demand = Demand::Held;
        }
    }

    /// The response is complete.
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

    /// After the response: if the connection is kept, drops the rest of the request; otherwise closes it.
    fn settle_request(&mut self, cx: &mut WireContext<'_>) {
        self.request_body.unread = 0;
        match self.states.request() {
            RequestState::Body if self.keep && self.request_body.drop_rest(cx.limits) => {}
            RequestState::Body | RequestState::BadBody => self.close_lingering(),
            state @ (RequestState::Complete | RequestState::Switched) if !self.keep => {
                let lingers = self.has_input() || state == RequestState::Switched;
                self.close_lingering();
                self.request_body.demand = if lingers { Demand::Dropped } else { Demand::Held };
            }
            _ => {}
        }
    }

    fn check_final(
        &mut self,
        trigger: Trigger,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
    ) -> Result<FramingFields, CommandError> {
        let found = encode::check(status, fields)?;
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
        self.keep &= !cx.draining || self.has_request_before_drain();
        let persistence = match (self.keep, self.version) {
            (false, _) => Persistence::Close,
            (true, Version::Http10) => Persistence::KeepAlive,
            (true, Version::Http11) => Persistence::Implied,
        };
        self.account.status = status.code;
        encode::head(cx.out.tail(), status, fields, found, frame, persistence, cx.clock.date());
    }

    // Refusals

    /// Refuses the message in the input with a short response. Nothing after it is parsed.
    pub(super) fn refuse(&mut self, refusal: Refusal, cx: &mut WireContext<'_>) {
        self.is_head = has_method_head(self.input.unparsed());
        self.refuse_head(refusal, cx);
    }

    /// Refuses a message whose method is known.
    pub(super) fn refuse_head(&mut self, refusal: Refusal, cx: &mut WireContext<'_>) {
        let length = self.send_refusal(refusal, cx);
        cx.count_refusal(refusal.status, refusal.reason);
        if let Some(log) = cx.access.as_deref_mut() {
            log.write_refused(cx.client, refusal.status, length, cx.clock);
        }
    }

    /// Sends a short response and closes after it. Returns the length of the body that was sent.
    pub(super) fn send_refusal(&mut self, refusal: Refusal, cx: &mut WireContext<'_>) -> u64 {
        if cx.delegates_refusals && refusal.status == 400 {
            cx.delegate_refusal();
            cx.counters.count_response(refusal.status, 0);
            self.close_lingering();
            return 0;
        }
        let body = format!("{} {}: {}\n", refusal.status, reason_phrase(refusal.status), refusal.reason);
        let fields: [FieldRef<'_>; 1] = [(b"Content-Type", b"text/plain; charset=utf-8")];
        encode::head(
            cx.out.tail(),
            refusal.status.into(),
            &fields,
            FramingFields::default(),
            BodyFrame::Length(body.len() as u64),
            Persistence::Close,
            cx.clock.date(),
        );
        let body = if self.is_head { "" } else { &body };
        cx.out.tail().extend_from_slice(body.as_bytes());
        cx.counters.count_response(refusal.status, 0);
        self.close_lingering();
        body.len() as u64
    }
}
