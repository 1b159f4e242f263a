//! Passes the body of a request from the input to its reader.

use bytes::Bytes;

use super::connection::Http1;
use super::request_body::Demand;
use super::state::{RequestState, ResponseState, Trigger};
use crate::event::{BodyFault, Event};
use crate::exchange::CommandError;
use crate::head::Field;
use crate::wire::WireContext;

const TOO_LARGE: &str = "the body is larger than its limit";

impl Http1 {
    /// Starts to pass the body to a reader. Returns false if the body is already being passed or dropped, or is
    /// invalid.
    pub(super) fn receive(&mut self, limit: u64, cx: &mut WireContext<'_>) -> Result<bool, CommandError> {
        let body = &mut self.request_body;
        body.limit = limit;
        if body.announced().is_some_and(|length| body.seen + length > limit) {
            self.keep = false;
            if !std::mem::replace(&mut body.reported_too_large, true) {
                cx.count_refusal(413, TOO_LARGE);
            }
            return Err(CommandError::BodyTooLarge { limit });
        }
        if body.demand != Demand::Held || matches!(self.states.request(), RequestState::Closed | RequestState::BadBody)
        {
            return Ok(false);
        }
        body.demand = Demand::Flowing;
        self.send_continue(cx);
        self.resume(cx);
        Ok(true)
    }

    /// Records that the reader has taken `count` more bytes.
    pub(super) fn consumed(&mut self, count: u64, cx: &mut WireContext<'_>) {
        self.request_body.unread = self.request_body.unread.saturating_sub(count);
        if self.has_input() {
            self.resume(cx);
        }
    }

    pub(super) fn deliver(&mut self, data: &[u8]) {
        self.request_body.seen += data.len() as u64;
        if self.request_body.demand == Demand::Flowing {
            self.request_body.unread += data.len() as u64;
            self.gathered.extend_from_slice(data);
        }
    }

    /// Reports all body data of one read as one event, even if its chunks are small.
    pub(super) fn report_data(&mut self, cx: &mut WireContext<'_>) {
        if !self.gathered.is_empty() {
            let data = Bytes::from(std::mem::take(&mut self.gathered));
            cx.inbox.push_back(Event::Data(self.id(cx), data));
        }
    }

    pub(super) fn complete_body(&mut self, trailers: Vec<Field>, cx: &mut WireContext<'_>) {
        self.report_data(cx);
        if self.request_body.demand == Demand::Flowing {
            cx.inbox.push_back(Event::End(self.id(cx), trailers));
        }
        self.request_body.finish();
        self.states.apply(Trigger::BodyEnd);
    }

    /// Handles an invalid body. No later bytes are parsed, and the connection closes after the response.
    pub(super) fn fail_body(&mut self, fault: BodyFault, cx: &mut WireContext<'_>) {
        let is_dropped = self.states.response() == ResponseState::Done;
        if !is_dropped {
            self.keep = false;
            self.report_data(cx);
            cx.inbox.push_back(Event::BadBody(self.id(cx), fault));
        }
        match fault {
            BodyFault::Malformed(reason) => cx.count_refusal(400, reason),
            BodyFault::TooLarge if !is_dropped => cx.count_refusal(413, TOO_LARGE),
            // Nothing is counted, because the request has its response. The rest of its body exceeds `discard_size`, so
            // the connection is closed, which costs less than reading the rest.
            BodyFault::TooLarge => {}
        }
        self.request_body.finish();
        if is_dropped {
            return self.close_lingering();
        }
        self.request_body.demand = Demand::Held;
        self.states.apply(Trigger::BodyError);
    }
}
