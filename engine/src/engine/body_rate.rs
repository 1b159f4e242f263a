//! The minimum speed of a request body: decides by when its next byte must arrive.

use super::deadline::{Facts, after};

/// Checks whether a body arrives at least as fast as [`crate::limits::Limits::body_rate`].
#[derive(Debug)]
pub(super) struct BodyRate {
    /// The number of the exchange that the body belongs to. `u64::MAX` means none.
    serial: u64,
    /// The number of body bytes for which `until` was computed.
    counted: u64,
    /// Until this time, the bytes that have arrived satisfy the rate. In microseconds.
    until: u64,
    /// The time at which the handler stopped waiting for the body, in milliseconds.
    pub paused_at: u64,
}

impl Default for BodyRate {
    fn default() -> Self {
        BodyRate { serial: u64::MAX, counted: 0, until: 0, paused_at: 0 }
    }
}

impl BodyRate {
    /// Returns the time by which the next byte must arrive. Each byte extends this time. The time during which no
    /// handler waits for the body is not counted. Fast bytes extend the time by at most the longest allowed pause.
    /// Otherwise a client that starts fast could send slowly for hours afterwards.
    pub fn deadline(&mut self, facts: &Facts<'_>, resumed: bool) -> u64 {
        let Facts { now, limits, body: (serial, received), .. } = *facts;
        if u64::from(serial) != self.serial {
            let until = (now + limits.body_grace) * 1000;
            *self = BodyRate { serial: u64::from(serial), counted: received, until, paused_at: now };
        } else if resumed {
            self.until += (now - self.paused_at) * 1000;
        }
        let Some(extension) = ((received - self.counted) * 1_000_000).checked_div(limits.body_rate) else {
            return u64::MAX;
        };
        let latest = after(now, limits.body_timeout).max(now + limits.body_grace).saturating_mul(1000);
        self.counted = received;
        self.until = (self.until + extension).min(latest);
        self.until / 1000
    }
}
