//! The state of a graceful shutdown, which `drain.rs` changes.
//!
//! ```text
//! Off  -- begin -->  Running { deadline }  -- finish -->  Over
//! ```
//!
//! A second call of `begin` can only make the deadline earlier. `finish` is called when no connection is open and no
//! listener is closing. It is called earlier if `immediate_stop.rs` closes everything, either at the deadline or because
//! the caller forces the stop.

/// Whether a drain has begun, and whether it is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Drain {
    #[default]
    Off,
    Running {
        /// The time at which all remaining connections are closed, in milliseconds.
        deadline: u64,
    },
    Over,
}

impl Drain {
    /// Starts a drain. Returns false if a drain has already begun. In that case, the call can only make the deadline
    /// earlier.
    pub fn begin(&mut self, at: u64) -> bool {
        match self {
            Drain::Off => *self = Drain::Running { deadline: at },
            Drain::Running { deadline } => {
                *deadline = at.min(*deadline);
                return false;
            }
            Drain::Over => return false,
        }
        true
    }

    /// Ends a drain. Returns false if no drain is running.
    pub fn finish(&mut self) -> bool {
        let running = self.is_running();
        if running {
            *self = Drain::Over;
        }
        running
    }

    /// Whether a drain has begun. If so, each connection closes after the response to its last request.
    pub fn has_begun(self) -> bool {
        self != Drain::Off
    }

    /// Whether a drain has begun and is not over.
    pub fn is_running(self) -> bool {
        matches!(self, Drain::Running { .. })
    }

    /// The time at which all remaining connections are closed, in milliseconds. None if no drain is running.
    pub fn deadline(self) -> Option<u64> {
        match self {
            Drain::Running { deadline } => Some(deadline),
            Drain::Off | Drain::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_drain_only_makes_the_deadline_earlier() {
        let mut drain = Drain::default();
        assert!(drain.begin(100));
        assert!(!drain.begin(200));
        assert_eq!(Some(100), drain.deadline());
        assert!(!drain.begin(50));
        assert_eq!(Some(50), drain.deadline());
    }

    #[test]
    fn a_drain_ends_once_and_connections_stay_unwanted() {
        let mut drain = Drain::default();
        assert!(!drain.finish());
        drain.begin(100);
        assert!(drain.finish());
        assert!(!drain.finish());
        assert!(!drain.begin(100));
        assert_eq!((true, false, None), (drain.has_begun(), drain.is_running(), drain.deadline()));
    }
}
