//! Updates the counters and the access log for each exchange.

use crate::access_log::Line;
use crate::clock::monotonic_micros;
use crate::head::Head;
use crate::wire::WireContext;

/// What the counters and the access log need to know about one exchange.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// The time at which the head was complete, in microseconds.
    pub began: u64,
    /// The status of the response. 0 until the head of the response is sent.
    pub status: u16,
    /// The data for the request's access log line, if the log is on.
    log_line: Option<Box<Line>>,
}

impl Account {
    /// Counts a request, and keeps its data for the access log.
    pub fn open(head: &Head, cx: &mut WireContext<'_>) -> Self {
        cx.counters.requests += 1;
        cx.counters.running += 1;
        let log_line = cx.access.as_deref_mut().map(|log| Box::new(log.line(head, cx.client)));
        Account { began: cx.clock.micros(), status: 0, log_line }
    }

    /// Counts and logs a complete response. `written` is the number of body bytes.
    pub fn complete(&mut self, written: u64, cx: &mut WireContext<'_>) {
        let micros = monotonic_micros().saturating_sub(self.began);
        cx.counters.count_response(self.status, micros);
        cx.counters.running -= 1;
        self.log(self.status, written, micros, cx);
    }

    /// Counts and logs an exchange that ended before its response was complete. If no head was sent, the access log
    /// shows `status`.
    pub fn abort(&mut self, status: u16, written: u64, cx: &mut WireContext<'_>) {
        cx.counters.cut += 1;
        cx.counters.running -= 1;
        let status = if self.status == 0 { status } else { self.status };
        self.log(status, written, cx.clock.micros().saturating_sub(self.began), cx);
    }

    /// Sets a field of the access log line. `value` is JSON.
    pub fn set_log_field(&mut self, name: &str, value: &[u8], cx: &WireContext<'_>) {
        if let (Some(line), Some(log)) = (&mut self.log_line, &cx.access) {
            log.set(line, name, value);
        }
    }

    fn log(&mut self, status: u16, written: u64, micros: u64, cx: &mut WireContext<'_>) {
        if let (Some(line), Some(log)) = (self.log_line.take(), cx.access.as_deref_mut()) {
            log.write(&line, status, written, micros, cx.clock);
        }
    }
}
