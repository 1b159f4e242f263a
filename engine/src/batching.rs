//! Decides whether the responses of one turn are sent together.
//!
//! Each send wakes its client. If the client sleeps on the same machine, as a proxy may, waking it takes half of the
//! kernel's time for a request (perf, FastAPI at 64 connections). Several sends in quick succession wake the client
//! only once. So a response may wait while other requests are ready and handlers are quick. A slow handler would delay
//! all waiting responses. So for a while after a slow handler, no response waits for the requests of other connections.
//!
//! A response may always wait for the next request of its own connection, which the client has already sent: with 16
//! pipelined requests, one send for each response took 1.2 to 1.4 times the CPU time. An event also counts as slow if
//! other processes use the core meanwhile, so this happens on a busy machine with quick handlers, too.
//!
//! Times are in microseconds of one monotonic clock.

/// Waiting responses are sent when an event ends more than this many microseconds after the last send. With FastAPI at
/// 64 connections, 2,000 us took 0.7 times the CPU time of sending each response at once, and 4,000 us saved no more.
/// uvloop has no such bound, because it sends at the end of each loop iteration.
const SEND_EVERY: u64 = 2_000;
/// An event that takes more microseconds than this is slow.
const SLOW: u64 = 1_000;
/// For this many microseconds after a slow event, no response waits for other connections.
const CAUTION: u64 = 100_000;

/// Decides when responses may wait for other connections, and when waiting responses must be sent.
#[derive(Debug, Default)]
pub struct Batching {
    /// When waiting responses were last sent.
    sent: u64,
    /// The time after which responses may wait for other connections again.
    quick_from: u64,
    on: bool,
}

impl Batching {
    /// Whether a response may wait for those of other connections.
    pub fn is_on(&self) -> bool {
        self.on
    }

    /// Turns batching off: until the next [`Batching::start`], no response waits for other connections.
    pub fn stop(&mut self) {
        self.on = false;
    }

    /// Starts a turn. No response is waiting yet.
    pub fn start(&mut self, now: u64) {
        self.sent = now;
        self.on = now >= self.quick_from;
    }

    /// Records that an event took `took` microseconds and ended at `now`. Returns whether the waiting responses must be
    /// sent.
    pub fn passed(&mut self, took: u64, now: u64) -> bool {
        let slow = took > SLOW;
        if slow {
            self.quick_from = now + CAUTION;
            self.on = false;
        }
        let due = slow || now - self.sent > SEND_EVERY;
        if due {
            self.sent = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_wait_for_a_bounded_time() {
        let mut batching = Batching::default();
        batching.start(10_000);
        assert!(batching.is_on());
        assert!(!batching.passed(900, 10_900));
        assert!(!batching.passed(900, 11_800));
        assert!(batching.passed(900, 12_700), "2.7 ms after the start");
        assert!(!batching.passed(900, 13_600), "0.9 ms after that");
        assert!(batching.is_on());
    }

    #[test]
    fn after_a_slow_event_responses_do_not_wait_for_other_connections_for_a_while() {
        let mut batching = Batching::default();
        batching.start(10_000);
        assert!(batching.passed(1_500, 11_500), "waiting responses are sent after the slow event");
        assert!(!batching.is_on());
        assert!(!batching.passed(10, 13_500), "pipelined responses may wait");
        assert!(batching.passed(10, 13_501), "but not longer than others");
        batching.start(111_400);
        assert!(!batching.is_on(), "99.9 ms after it");
        batching.start(111_500);
        assert!(batching.is_on());
    }

    #[test]
    fn slow_events_count_from_the_last() {
        let mut batching = Batching::default();
        batching.start(0);
        batching.passed(5_000, 5_000);
        batching.passed(50_000, 55_000);
        batching.start(105_001);
        assert!(!batching.is_on());
        batching.start(155_000);
        assert!(batching.is_on());
    }
}
