//! The deadline of a connection: the time at which its current timeout passes. `timeouts.rs` chooses the timeout, and
//! `limits.rs` defines how long each timeout is.

use super::body_rate::BodyRate;
use crate::driver::wheel::Wheel;
use crate::limits::Limits;

/// The timeout that currently applies to a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Timeout {
    #[default]
    None,
    /// A head has begun to arrive, or the connection is new. The head must be complete by the deadline.
    Head,
    /// The connection is idle: no request has begun.
    Idle,
    /// A request body is incomplete.
    Body,
    /// The client does not read the queued output.
    Write,
    /// All output is sent, and the client still sends.
    Linger,
    /// The client has closed its sending side, and the handler has paused the response.
    HalfClosed,
    /// No request has begun, and the engine is draining.
    DrainGrace,
}

/// What determines the deadline of a connection, besides its timeout. Times are in milliseconds.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub now: u64,
    /// The client has read a part of a response, or has sent bytes that are dropped.
    pub progress: bool,
    pub draining: bool,
    pub limits: &'a Limits,
    /// The idle timeout that the owner of the connection has set instead of the engine's limit. 0 means no timeout.
    pub idle_timeout: Option<u64>,
    /// The number of the current exchange, and how many bytes of its body have arrived.
    pub body: (u32, u64),
    /// Whether the response is an event stream.
    pub sends_events: bool,
}

#[derive(Debug)]
pub(super) struct Deadline {
    timeout: Timeout,
    /// The time at which the deadline passes, in milliseconds. `u64::MAX` means never.
    at: u64,
    /// The tick of the deadline in the timer wheel, or 0 if it is not in the wheel.
    scheduled: u64,
    /// The time by which the current head must be complete.
    head_until: u64,
    /// The time at which lingering ends, even if the client still sends.
    linger_until: u64,
    body_rate: BodyRate,
}

impl Default for Deadline {
    fn default() -> Self {
        Deadline {
            timeout: Timeout::None,
            at: u64::MAX,
            scheduled: 0,
            head_until: u64::MAX,
            linger_until: u64::MAX,
            body_rate: BodyRate::default(),
        }
    }
}

impl Deadline {
    /// Updates the deadline after any change. `token` names the connection in the timer wheel.
    pub fn update(&mut self, timeout: Timeout, facts: &Facts<'_>, token: u64, wheel: &mut Wheel) {
        let Facts { now, progress, limits, .. } = *facts;
        let changed = timeout != self.timeout;
        if changed && self.timeout == Timeout::Body {
            self.body_rate.paused_at = now;
        }
        self.timeout = timeout;
        match timeout {
            Timeout::None => self.at = u64::MAX,
            Timeout::Idle => self.at = after(now, facts.idle_timeout.unwrap_or(limits.idle_timeout)),
            Timeout::Head => {
                if changed {
                    self.head_until = after(now, limits.head_timeout);
                }
                self.at = self.head_until.min(after(now, facts.idle_timeout.unwrap_or(0)));
            }
            Timeout::Linger => {
                if changed {
                    self.linger_until = after(now, limits.linger_total_time);
                }
                if facts.draining {
                    // A drain makes `linger_until` earlier. Later bytes from the client do not extend it again.
                    self.linger_until = self.linger_until.min(now + limits.drain_grace);
                }
                if changed || progress {
                    self.at = after(now, limits.linger_timeout);
                }
                self.at = self.at.min(self.linger_until);
            }
            Timeout::Write if changed || progress => self.at = after(now, limits.write_timeout),
            // An event stream does not end by itself. If the engine waited, it would keep the connections of clients
            // that have disconnected.
            Timeout::HalfClosed if facts.sends_events => self.at = now,
            Timeout::HalfClosed if changed || progress => self.at = after(now, limits.half_close_timeout),
            Timeout::DrainGrace if changed => self.at = now + limits.drain_grace,
            Timeout::Write | Timeout::HalfClosed | Timeout::DrainGrace => {}
            Timeout::Body => {
                let silence = after(now, limits.body_timeout).min(after(now, facts.idle_timeout.unwrap_or(0)));
                self.at = silence.min(self.body_rate.deadline(facts, changed));
            }
        }
        self.schedule(token, wheel);
    }

    /// Handles the deadline when the timer wheel returns it at `tick`. Returns the timeout that has passed, or None if
    /// the deadline is later.
    pub fn expired(&mut self, tick: u64, now: u64, token: u64, wheel: &mut Wheel) -> Option<Timeout> {
        if self.scheduled != tick {
            return None;
        }
        self.scheduled = 0;
        if now >= self.at {
            self.at = u64::MAX;
            return Some(self.timeout);
        }
        self.schedule(token, wheel);
        None
    }

    /// Records that the deadline is not in the timer wheel, because the wheel may have returned it in a turn that was
    /// not completed.
    pub fn forget_schedule(&mut self) {
        self.scheduled = 0;
    }

    fn schedule(&mut self, token: u64, wheel: &mut Wheel) {
        if self.at != u64::MAX && (self.scheduled == 0 || Wheel::tick_of(self.at) < self.scheduled) {
            self.scheduled = wheel.insert(token, self.at);
        }
    }
}

/// Returns the deadline for a timeout that starts now. A timeout of 0 means no deadline.
pub(super) fn after(now: u64, timeout: u64) -> u64 {
    if timeout == 0 { u64::MAX } else { now + timeout }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(limits: &Limits, now: u64, received: u64) -> Facts<'_> {
        let body = (0, received);
        Facts { now, progress: false, draining: false, limits, idle_timeout: None, body, sends_events: false }
    }

    #[test]
    fn a_head_keeps_its_deadline_while_its_bytes_come() {
        let limits = Limits { head_timeout: 1000, ..Limits::default() };
        let (mut deadline, mut wheel) = (Deadline::default(), Wheel::new(0));
        for now in [100, 600, 1000] {
            deadline.update(Timeout::Head, &facts(&limits, now, 0), 1, &mut wheel);
            assert_eq!(1100, deadline.at);
        }
    }

    #[test]
    fn progress_extends_a_write() {
        let limits = Limits { write_timeout: 1000, ..Limits::default() };
        let (mut deadline, mut wheel) = (Deadline::default(), Wheel::new(0));
        deadline.update(Timeout::Write, &facts(&limits, 100, 0), 1, &mut wheel);
        deadline.update(Timeout::Write, &facts(&limits, 600, 0), 1, &mut wheel);
        assert_eq!(1100, deadline.at);
        deadline.update(Timeout::Write, &Facts { progress: true, ..facts(&limits, 900, 0) }, 1, &mut wheel);
        assert_eq!(1900, deadline.at);
    }

    #[test]
    fn each_byte_of_a_body_extends_its_time() {
        let limits = Limits { body_rate: 1000, body_grace: 500, body_timeout: 10_000, ..Limits::default() };
        let (mut deadline, mut wheel) = (Deadline::default(), Wheel::new(0));
        deadline.update(Timeout::Body, &facts(&limits, 1000, 0), 1, &mut wheel);
        assert_eq!(1500, deadline.at, "the grace");
        deadline.update(Timeout::Body, &facts(&limits, 1100, 200), 1, &mut wheel);
        assert_eq!(1700, deadline.at, "200 bytes are 200 ms");
        deadline.update(Timeout::None, &facts(&limits, 1200, 200), 1, &mut wheel);
        deadline.update(Timeout::Body, &facts(&limits, 2200, 200), 1, &mut wheel);
        assert_eq!(2700, deadline.at, "a second in which no handler waits is not counted");
        deadline.update(Timeout::Body, &facts(&limits, 2300, 1_000_000), 1, &mut wheel);
        assert_eq!(12_300, deadline.at, "fast bytes extend the time by at most `body_timeout`");
    }

    #[test]
    fn a_deadline_that_moved_is_scheduled_again() {
        let limits = Limits { idle_timeout: 1000, ..Limits::default() };
        let (mut deadline, mut wheel) = (Deadline::default(), Wheel::new(0));
        deadline.update(Timeout::Idle, &facts(&limits, 0, 0), 1, &mut wheel);
        let first = deadline.scheduled;
        deadline.update(Timeout::Idle, &facts(&limits, 900, 0), 1, &mut wheel);
        assert_eq!(first, deadline.scheduled, "a later deadline keeps its entry in the wheel");
        assert_eq!(None, deadline.expired(first, 1000, 1, &mut wheel));
        assert_eq!(Some(Timeout::Idle), deadline.expired(deadline.scheduled, 1900, 1, &mut wheel));
    }
}
