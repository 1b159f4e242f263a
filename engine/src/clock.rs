//! The engine's time: milliseconds for deadlines, microseconds for latency, and the Date field.

use crate::http_date::http_date;
use rustix::time::{ClockId, clock_gettime};

/// A monotonic clock, and a wall clock for the Date field.
#[derive(Debug)]
pub struct Clock {
    micros: u64,
    /// The Unix second for which `date` was formatted.
    second: i64,
    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
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
    /// Reads both clocks. Called once per turn, and once for each command outside a turn.
    pub fn refresh(&mut self) {
        self.micros = monotonic_micros();
        let second = clock_gettime(ClockId::RealtimeCoarse).tv_sec;
        if second != self.second {
            self.second = second;
            self.date = http_date(second);
        }
    }

    /// Milliseconds of the monotonic clock at the last refresh.
    pub fn millis(&self) -> u64 {
        self.micros / 1000
    }

    /// Microseconds of the monotonic clock at the last refresh.
    pub fn micros(&self) -> u64 {
        self.micros
    }

    /// Unix seconds at the last refresh.
    pub fn unix(&self) -> i64 {
        self.second
    }

    /// The Date field of a response, formatted once a second.
    pub fn date(&self) -> &[u8; 29] {
        &self.date
    }
}

/// Microseconds of the monotonic clock, read now.
pub fn monotonic_micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}
