//! The engine's clock: milliseconds for deadlines, microseconds for latency, and the Date field.

use crate::http_date::http_date;
use rustix::time::{ClockId, clock_gettime};

/// A monotonic clock, and a system clock for the Date field.
#[derive(Debug)]
pub struct Clock {
    micros: u64,
    /// The Unix second in which `date` was formatted.
    second: i64,
    /// The formatted date, for example `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
    date: [u8; 29],
}

impl Default for Clock {
    fn default() -> Self {
        let mut clock = Clock { micros: 0, second: i64::MIN, date: [0; 29] };
        clock.refresh();
        clock
    }
}

impl Clock {
    /// Reads both clocks. The engine calls this once per turn, and once per command outside a turn.
    pub fn refresh(&mut self) {
        self.micros = monotonic_micros();
        let second = clock_gettime(ClockId::RealtimeCoarse).tv_sec;
        if second != self.second {
            self.second = second;
            self.date = http_date(second);
        }
    }

    /// The monotonic time at the last refresh, in milliseconds.
    pub fn millis(&self) -> u64 {
        self.micros / 1000
    }

    /// The monotonic time at the last refresh, in microseconds.
    pub fn micros(&self) -> u64 {
        self.micros
    }

    /// The Unix time at the last refresh, in seconds.
    pub fn unix(&self) -> i64 {
        self.second
    }

    /// The value of the Date field of a response. It is formatted once a second.
    pub fn date(&self) -> &[u8; 29] {
        &self.date
    }
}

/// The current monotonic time in microseconds. It is read at each call.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}
