//! Limits how often a code is reported, so that clients cannot fill the log.

/// The shortest time between two reports of the same code, in milliseconds.
const INTERVAL: u64 = 10_000;

/// The time of the last report of each code.
#[derive(Debug, Default)]
pub(super) struct ReportLimit {
    last: Vec<(&'static str, u64)>,
}

impl ReportLimit {
    /// Returns whether a report with this code may be made now. If so, records that it was made.
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
