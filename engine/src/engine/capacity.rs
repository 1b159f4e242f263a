//! How many connections and files the engine may have open.

use crate::limits::Limits;
use crate::outbox::OpenFiles;

/// Connections that may linger although the engine is full.
const TURNED_AWAY: usize = 64;

#[derive(Debug)]
pub(super) struct Capacity {
    connections: usize,
    /// How many descriptors connections and the files of their responses may use together.
    descriptors: usize,
    /// The files that are open.
    pub files: OpenFiles,
}

impl Capacity {
    /// Without a limit of connections, they may use as many descriptors as the engine may have.
    pub fn new(limits: &Limits) -> Self {
        Self::of(limits.connections as usize, available_descriptors())
    }

    fn of(limit: usize, available: usize) -> Self {
        let connections = if limit > 0 { limit } else { available };
        Capacity { connections, descriptors: available.max(connections), files: OpenFiles::default() }
    }

    /// Whether there is no room for another connection.
    pub fn is_full(&self, open: usize) -> bool {
        open >= self.connections || open + self.files.count() >= self.descriptors
    }

    /// How many refused clients may keep their connections until they have read the refusal. They take
    /// from the descriptors that connections leave to others.
    pub fn turned_away(&self) -> usize {
        (self.descriptors / 64).min(TURNED_AWAY)
    }
}

/// 80% of the descriptors that the process may have.
fn available_descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map_or(usize::MAX, |current| (current / 5 * 4) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_take_descriptors_from_connections() {
        let capacity = Capacity::of(0, 10);
        assert_eq!((false, true), (capacity.is_full(9), capacity.is_full(10)));
        let _file = capacity.files.hold();
        assert!(capacity.is_full(9));
    }

    #[test]
    fn a_limit_of_connections_may_exceed_the_descriptors() {
        let capacity = Capacity::of(20, 10);
        assert_eq!((false, true), (capacity.is_full(19), capacity.is_full(20)));
    }

    #[test]
    fn few_descriptors_leave_none_for_refusals() {
        assert_eq!([0, 1, 64], [63, 64, 100_000].map(|available| Capacity::of(0, available).turned_away()));
    }
}
