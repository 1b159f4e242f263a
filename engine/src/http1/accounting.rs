//! Counts and logs the current exchange.

use crate::access_log::Line;
use crate::clock::monotonic_micros;
use crate::head::Head;
use crate::wire::WireContext;

/// The data that are counted and logged for one exchange.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// When the head was complete, in microseconds.
    began: u64,
    /// The status of the response, 0 before its head is sent.
    pub status: u16,
    /// The line of the access log for the request.
    log_line: Option<Box<Line>>,
}

impl Account {
    /// Counts a request.
    pub fn open(head: &Head, cx: &mut WireContext<'_>) -> Self {
        cx.counters.requests += 1;
        cx.counters.running += 1;
        let log_line = cx.access.as_deref_mut().map(|log| Box::new(log.line(head, cx.client)));
        Account { began: cx.clock.micros(), status: 0, log_line }
    }

    /// Counts and logs a complete response, whose body has `written` bytes.
    pub fn complete(&mut self, written: u64, cx: &mut WireContext<'_>) {
        let micros = monotonic_micros().saturating_sub(self.began);
        cx.counters.count_response(self.status, micros);
        cx.counters.running -= 1;
        self.log(self.status, written, micros, cx);
    }

    /// Counts and logs an exchange that ends before its response is complete. If no head was sent, the access log shows
    /// `status`.
    pub fn abort(&mut self, status: u16, written: u64, cx: &mut WireContext<'_>) {
        cx.counters.cut += 1;
        cx.counters.running -= 1;
        let status = if self.status == 0 { status } else { self.status };
        self.log(status, written, cx.clock.micros().saturating_sub(self.began), cx);
    }

    fn log(&mut self, status: u16, written: u64, micros: u64, cx: &mut WireContext<'_>) {
        if let (Some(line), Some(log)) = (self.log_line.take(), cx.access.as_deref_mut()) {
            log.write(&line, status, written, micros, cx.clock);
        }
    }
}
