//! Handles clients that wait for 100 Continue before they send a body (RFC 9110, section 10.1.1).

use super::connection::Http1;
use super::state::ResponseState;
use crate::refusal::Refusal;
use crate::wire::WireContext;

/// Checks the value of an Expect field. Returns a refusal for any value except `100-continue`.
pub(super) fn check_expectation(value: &[u8]) -> Result<(), Refusal> {
    if value.eq_ignore_ascii_case(b"100-continue") {
        return Ok(());
    }
    Err(Refusal { status: 417, reason: "the only supported expectation is 100-continue" })
}

impl Http1 {
    /// Sends 100 Continue, because a reader has requested the body. Does nothing if the client is not waiting or has
    /// already sent a part of the body.
    pub(super) fn send_continue(&mut self, cx: &mut WireContext<'_>) {
        let waits = std::mem::take(&mut self.request_body.expects_continue);
        if waits && self.states.response() == ResponseState::Waiting && self.input.is_empty() {
            cx.out.tail().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            cx.counters.responses[0] += 1;
        }
    }
}
