//! Limits reports, so that clients cannot fill the log.

/// The shortest time between two reports of one code, in milliseconds.
const INTERVAL: u64 = 10_000;

/// When a report of each code was last made.
#[derive(Debug, Default)]
pub(super) struct ReportLimit {
    last: Vec<(&'static str, u64)>,
}

impl ReportLimit {
    /// Whether a report may be made now. If so, it counts as made.
    pub fn allows(&mut self, code: &'static str, now: u64) -> bool {
        match self.last.iter_mut().find(|(known, _)| *known == code) {
            Some((_, last)) if now < *last + INTERVAL => return false,
            Some((_, last)) => *last = now,
            None => self.last.push((code, now)),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_own_interval() {
        let mut limit = ReportLimit::default();
        assert!(limit.allows("RW504", 0));
        assert!(!limit.allows("RW504", INTERVAL - 1));
        assert!(limit.allows("RW505", 1));
        assert!(limit.allows("RW504", INTERVAL));
    }
}
