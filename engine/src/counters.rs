//! The engine's counters, which a metrics page shows.

/// The number of latency buckets. Their upper bounds are powers of two, in microseconds. The last bucket has no bound.
pub const LATENCY_BUCKETS: usize = 24;

/// Totals since the engine started, and two gauges of the current state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// The number of connections that were accepted or adopted.
    pub accepted: u64,
    /// The number of connections that are open now.
    pub open: u64,
    /// The number of connections that were refused with 503 because the engine was full.
    pub turned_away: u64,
    /// How often the engine stopped accepting for a while because no descriptors were left.
    pub accept_backoffs: u64,
    /// The number of request heads that were read.
    pub requests: u64,
    /// The number of exchanges whose response is incomplete.
    pub running: u64,
    /// The number of responses for each first digit of the status, from 1xx to 5xx.
    pub responses: [u64; 5],
    /// The number of requests that the engine itself refused.
    pub refused: u64,
    /// The number of exchanges that ended before their response was complete.
    pub cut: u64,
    /// The number of connections closed because a request head arrived too slowly.
    pub head_timeouts: u64,
    /// The number of connections closed because a request body arrived too slowly.
    pub body_timeouts: u64,
    /// The number of connections closed because the client did not read the response.
    pub write_timeouts: u64,
    /// The number of connections closed by the idle timeout.
    pub idle_timeouts: u64,
    /// The number of bytes read from sockets and pipes.
    pub bytes_in: u64,
    /// The number of bytes written to sockets and pipes.
    pub bytes_out: u64,
    /// The number of turns that the engine has run.
    pub turns: u64,
    /// The time from each request head to the complete response. Bucket n counts the times below 2^n microseconds.
    pub latency: [u64; LATENCY_BUCKETS],
    /// The sum of all times in `latency`, in microseconds.
    pub latency_sum: u64,
}

impl Counters {
    /// Counts a complete response and its latency in microseconds.
    pub(crate) fn count_response(&mut self, status: u16, micros: u64) {
        let class = (usize::from(status) / 100).clamp(1, 5) - 1;
        self.responses[class] += 1;
        let bucket = (u64::BITS - micros.leading_zeros()) as usize;
        self.latency[bucket.min(LATENCY_BUCKETS - 1)] += 1;
        self.latency_sum += micros;
    }

    /// Returns the name and the value of every total and gauge.
    pub fn totals(&self) -> [(&'static str, u64); 17] {
        [
            ("accepted", self.accepted),
            ("open", self.open),
            ("turned_away", self.turned_away),
            ("accept_backoffs", self.accept_backoffs),
            ("requests", self.requests),
            ("running", self.running),
            ("refused", self.refused),
            ("cut", self.cut),
            ("head_timeouts", self.head_timeouts),
            ("body_timeouts", self.body_timeouts),
            ("write_timeouts", self.write_timeouts),
            ("idle_timeouts", self.idle_timeouts),
            ("bytes_in", self.bytes_in),
            ("bytes_out", self.bytes_out),
            ("turns", self.turns),
            ("latency_sum", self.latency_sum),
            ("answered", self.responses.iter().sum()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_counted_by_class_and_latency() {
        let mut counters = Counters::default();
        counters.count_response(204, 0);
        counters.count_response(404, 3);
        counters.count_response(599, u64::MAX / 2);
        assert_eq!([0, 1, 0, 1, 1], counters.responses);
        assert_eq!(1, counters.latency[0]);
        assert_eq!(1, counters.latency[2]);
        assert_eq!(1, counters.latency[LATENCY_BUCKETS - 1]);
    }
}
