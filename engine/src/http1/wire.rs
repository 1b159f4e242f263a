//! Implements [`Wire`] for [`Http1`].

use bytes::Bytes;

use super::Http1;
use super::overloaded::OVERLOADED;
use super::request_body::Demand;
use super::response_framing::ResponseFraming;
use super::state::{RequestState, ResponseState};
use crate::event::{Event, GoneReason};
use crate::exchange::{Body, CommandError, Status};
use crate::head::FieldRef;
use crate::limits::Limits;
use crate::wire::{Ending, FramedBy, Received, RequestPhase, ResponsePhase, Wire, WireContext};

impl Wire for Http1 {
    const OVERLOADED: &'static [u8] = OVERLOADED;

    #[inline]
    fn feed(&mut self, data: &[u8], cx: &mut WireContext<'_>) {
        if data.is_empty() { self.resume(cx) } else { Http1::feed(self, data, cx) }
    }

    fn receive(&mut self, limit: u64, cx: &mut WireContext<'_>) -> Result<Received, CommandError> {
        Ok(match Http1::receive(self, limit, cx)? {
            false => Received::Unchanged,
            true if self.is_switched() => Received::Tunnel,
            true => Received::Body,
        })
    }

    fn consumed(&mut self, count: u64, cx: &mut WireContext<'_>) {
        Http1::consumed(self, count, cx);
    }

    fn interim(&mut self, status: u16, fields: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        Http1::interim(self, status, fields, cx)
    }

    #[inline]
    fn respond(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        body: Body<'_>,
        framed_by: FramedBy,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        match framed_by {
            FramedBy::Wire => Http1::respond(self, status, fields, body, cx),
            FramedBy::Handler => self.relay(status, fields, body, cx),
        }
    }

    #[inline]
    fn begin(
        &mut self,
        status: Status<'_>,
        fields: &[FieldRef<'_>],
        length: Option<u64>,
        framed_by: FramedBy,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        match framed_by {
            FramedBy::Wire => Http1::begin(self, status, fields, length, cx),
            FramedBy::Handler => self.relay_head(status, fields, cx),
        }
    }

    #[inline]
    fn write(&mut self, part: Body<'_>, framed_by: FramedBy, cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        let bytes = match part {
            Body::Shared(bytes) => bytes,
            Body::Slice(bytes) => Bytes::copy_from_slice(bytes),
            Body::File { .. } => return self.relay_file(part, cx),
        };
        match framed_by {
            FramedBy::Wire => Http1::write(self, bytes, cx),
            FramedBy::Handler => self.relay_write(bytes, cx),
        }
    }

    fn end(&mut self, trailers: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        Http1::end(self, trailers, cx)
    }

    fn open_tunnel(&mut self, fields: Option<&[FieldRef<'_>]>, cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        match fields {
            Some(fields) => Http1::upgrade(self, fields, cx),
            None => self.switch_without_response(),
        }
    }

    fn close_after_response(&mut self) {
        Http1::close_after_response(self);
    }

    fn begin_drain(&mut self) {
        Http1::begin_drain(self);
    }

    fn turn_away(&mut self, cx: &mut WireContext<'_>) {
        Http1::turn_away(self, cx);
    }

    fn time_out(&mut self, cx: &mut WireContext<'_>) -> bool {
        Http1::time_out(self, cx)
    }

    fn abort(&mut self, reason: GoneReason, status: u16, cx: &mut WireContext<'_>) {
        if let Some(serial) = Http1::abort(self, status, cx) {
            cx.inbox.push_back(Event::Gone(cx.exchange(serial), reason));
        }
    }

    fn set_log_field(&mut self, name: &str, value: &[u8], cx: &mut WireContext<'_>) {
        self.account.set_log_field(name, value, cx);
    }

    fn began(&self) -> u64 {
        self.account.began
    }

    fn take_input(&mut self) -> Vec<u8> {
        Http1::take_input(self)
    }

    #[inline]
    fn check(&self, serial: u32) -> Result<(), CommandError> {
        if Wire::running(self) == Some(serial) {
            return Ok(());
        }
        Err(if self.has_aborted(serial) { CommandError::Gone } else { CommandError::Complete })
    }

    #[inline]
    fn serial(&self) -> u32 {
        self.serial
    }

    #[inline]
    fn request_phase(&self, limits: &Limits) -> RequestPhase {
        let body = &self.request_body;
        let reads = body.flows(limits);
        let wanted = body.demand == Demand::Flowing;
        let unread = wanted && (body.unread > 0 || self.has_input());
        match self.states.request() {
            RequestState::Head if self.has_begun_head() => RequestPhase::Head,
            RequestState::Head if self.serial == 0 => RequestPhase::Fresh,
            RequestState::Head => RequestPhase::Idle,
            RequestState::Body => RequestPhase::Body { received: body.seen, reads, wanted, unread },
            RequestState::Switched => RequestPhase::Tunnel { reads, unread },
            RequestState::Complete | RequestState::BadBody => RequestPhase::Complete,
            RequestState::Closed => RequestPhase::Closed,
        }
    }

    #[inline]
    fn response_phase(&self) -> ResponsePhase {
        match self.states.response() {
            ResponseState::Idle => ResponsePhase::Idle,
            ResponseState::Waiting => ResponsePhase::Waiting { head_only: self.is_head },
            ResponseState::Body => ResponsePhase::Streaming {
                events: self.response_body.is_event_stream,
                until_close: self.response_body.framing == ResponseFraming::UntilClose,
            },
            ResponseState::Switched => ResponsePhase::Tunnel,
            ResponseState::Done => ResponsePhase::Done,
        }
    }

    #[inline]
    fn ending(&self) -> Ending {
        match self.states.request() {
            RequestState::Closed if self.request_body.demand == Demand::Dropped => Ending::Lingering,
            RequestState::Closed => Ending::Plain,
            _ => Ending::No,
        }
    }

    #[inline]
    fn buffered(&self) -> usize {
        self.input.len()
    }
}
