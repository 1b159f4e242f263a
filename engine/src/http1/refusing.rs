//! Refuses invalid messages with a short response. No handler sees these messages. The connection closes after the
//! response.

use super::connection::Http1;
use super::encode::{self, Persistence};
use super::head_scan::has_method_head;
use super::reason_phrase::reason_phrase;
use super::response_fields::FramingFields;
use super::response_framing::BodyFrame;
use crate::event::{Event, Report, Severity};
use crate::head::FieldRef;
use crate::refusal::Refusal;
use crate::wire::WireContext;

impl WireContext<'_> {
    /// Counts a refused message, and reports it if debugging is on.
    pub(super) fn count_refusal(&mut self, status: u16, reason: &str) {
        self.counters.refused += 1;
        if self.debug {
            let message = format!("{}: {status} {reason}", self.client);
            self.inbox.push_back(Event::Report(Report { severity: Severity::Debug, code: "RW510", message }));
        }
    }
}

impl Http1 {
    /// Refuses the next message in the input with a short response. No later bytes are parsed.
    pub(super) fn refuse(&mut self, refusal: Refusal, cx: &mut WireContext<'_>) {
        self.is_head = has_method_head(self.input.unparsed());
        self.refuse_head(refusal, cx);
    }

    /// Refuses a message whose method is known, so `is_head` is already set.
    pub(super) fn refuse_head(&mut self, refusal: Refusal, cx: &mut WireContext<'_>) {
        let length = self.send_refusal(refusal, cx);
        cx.count_refusal(refusal.status, refusal.reason);
        if let Some(log) = cx.access.as_deref_mut() {
            log.write_refused(cx.client, refusal.status, length, cx.clock);
        }
    }

    /// Sends a short response and closes the connection after it. Returns the length of the body that was sent.
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
