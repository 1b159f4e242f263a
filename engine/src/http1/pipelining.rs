//! Keeps the responses to pipelined requests in order (RFC 9112, section 9.3.2).
//!
//! A connection has one exchange at a time. The next head is parsed only when the previous response is complete, so the
//! responses have the order of their requests, and nothing after a refused message is parsed. Requests that arrive
//! earlier wait in the input.

use super::connection::Http1;
use super::request_body::Demand;
use super::state::{RequestState, States, Trigger};
use crate::wire::WireContext;

impl Http1 {
    /// Whether the wire expects a head, or the rest of one.
    pub(super) fn awaits_head(&self) -> bool {
        self.states == States::default()
    }

    /// Whether the next request may be parsed: the previous exchange is complete, and the client reads its responses.
    pub(super) fn may_take_request(&self, cx: &WireContext<'_>) -> bool {
        // A client that does not read its responses gets no more responses. A queued file counts as not read, because
        // otherwise the client could make the engine hold many open files.
        let is_behind = cx.out.len() > cx.limits.write_buffer || cx.out.holds_file();
        self.awaits_head() && !is_behind
    }

    /// Whether unparsed input is left. It may be a pipelined request.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether a part of the next head has arrived. An empty line before a head does not belong to the head (RFC 9112,
    /// section 2.2).
    pub(super) fn has_begun_head(&self) -> bool {
        !matches!(self.input.unparsed(), [] | [b'\r'] | [b'\r', b'\n'])
    }

    /// Makes the connection ready for the next request, or closes it. The request and the response must be complete.
    pub(super) fn next(&mut self) {
        self.states.apply(if self.keep { Trigger::NextRequest } else { Trigger::Close });
        self.request_body.demand = Demand::Held;
        self.serial = self.serial.wrapping_add(1);
    }

    /// Starts a drain. The connection will close after the response to the last request that has already arrived.
    pub(super) fn begin_drain(&mut self) {
        self.input_before_drain = self.input.len();
    }

    /// Whether the input holds another request that arrived, at least in part, before the drain began.
    pub(super) fn has_request_before_drain(&self) -> bool {
        match (self.states.request(), self.request_body.announced()) {
            (RequestState::Body, Some(left)) => self.input_before_drain as u64 > left,
            (RequestState::Body, None) => false,
            _ => self.input_before_drain > 0,
        }
    }
}
