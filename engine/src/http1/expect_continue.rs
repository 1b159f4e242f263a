//! Handles clients that wait for 100 Continue before they send a body (RFC 9110, section 10.1.1).

use super::connection::Http1;
use super::message::Message;
use super::state::ResponseState;
use crate::head::Version;
use crate::refusal::Refusal;
use crate::wire::WireContext;

impl Message<'_> {
    /// Adds an Expect field. Returns a refusal for any value except `100-continue`.
    #[inline]
    pub fn add_expectation(&mut self, value: &[u8]) -> Result<(), Refusal> {
        if !value.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal { status: 417, reason: "the only supported expectation is 100-continue" });
        }
        self.expects_continue = true;
        Ok(())
    }

    /// Whether the client waits for 100 Continue. An HTTP/1.0 client does not know this status.
    #[inline]
    pub fn awaits_continue(&self, version: Version) -> bool {
        self.expects_continue && version == Version::Http11
    }
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
