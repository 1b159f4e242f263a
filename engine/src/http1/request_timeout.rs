//! Ends requests whose head or body arrives too slowly, with 408 Request Timeout (RFC 9110, section 15.5.9).

use super::connection::Http1;
use crate::event::{Event, GoneReason, Report, Severity};
use crate::refusal::Refusal;
use crate::wire::WireContext;

const TOO_SLOW: Refusal = Refusal { status: 408, reason: "the request took too long to arrive" };

impl Http1 {
    /// Refuses a request that arrives too slowly. Returns false if nothing is sent, because no request has begun or the
    /// response has already begun.
    pub(super) fn time_out(&mut self, cx: &mut WireContext<'_>) -> bool {
        if self.awaits_head() {
            let begun = self.has_begun_head();
            if begun {
                self.refuse(TOO_SLOW, cx);
            }
            return begun;
        }
        let started = self.has_started();
        let Some(serial) = self.abort(TOO_SLOW.status, cx) else { return false };
        cx.inbox.push_back(Event::Gone(cx.exchange(serial), GoneReason::BodyTimeout));
        if started {
            return false;
        }
        self.send_refusal(TOO_SLOW, cx);
        if cx.debug {
            let message = format!("{}: {} {}", cx.peer, TOO_SLOW.status, TOO_SLOW.reason);
            cx.inbox.push_back(Event::Report(Report { severity: Severity::Debug, code: "RW510", message }));
        }
        true
    }
}
