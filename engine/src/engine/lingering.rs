//! Lingering connections: the engine has closed its sending side, and waits until the client has read the output (RFC
//! 9112, section 9.6).

use std::collections::VecDeque;

use super::Engine;
use super::connections::Connections;
use crate::driver::Driver;
use crate::wire::Wire;

/// The entries of closed connections are removed when the list is longer than this number plus twice the number of open
/// connections.
const KEPT: usize = 64;

/// Lingering connections, the oldest first. Some of them may already be closed.
#[derive(Debug, Default)]
pub(super) struct Lingering {
    tokens: VecDeque<u64>,
    /// The number of open connections that were refused because the engine was full.
    turned_away: usize,
}

impl Lingering {
    pub fn push<W>(&mut self, token: u64, connections: &Connections<W>) {
        if self.tokens.len() > KEPT + 2 * connections.len() {
            self.tokens.retain(|&token| connections.slot(token).is_some());
        }
        self.tokens.push_back(token);
    }

    /// Removes the oldest connection that counts as open, and returns its slot. Refused connections do not count.
    pub fn pop_counted<W>(&mut self, connections: &Connections<W>) -> Option<usize> {
        self.pop_where(connections, |slot| !connections[slot].turned_away)
    }

    /// Removes the oldest connection, refused or not, and returns its slot.
    pub fn pop_any<W>(&mut self, connections: &Connections<W>) -> Option<usize> {
        self.pop_where(connections, |_| true)
    }

    fn pop_where<W>(&mut self, connections: &Connections<W>, wanted: impl Fn(usize) -> bool) -> Option<usize> {
        while self.tokens.front().is_some_and(|&token| connections.slot(token).is_none()) {
            self.tokens.pop_front();
        }
        let found = |&token: &u64| connections.slot(token).filter(|&slot| wanted(slot));
        let (place, slot) = self.tokens.iter().map(found).enumerate().find_map(|(at, slot)| Some((at, slot?)))?;
        self.tokens.remove(place);
        Some(slot)
    }

    /// The number of refused connections that are still open.
    pub fn turned_away(&self) -> usize {
        self.turned_away
    }

    pub fn add_turned_away(&mut self) {
        self.turned_away += 1;
    }

    pub fn remove_turned_away(&mut self) {
        self.turned_away -= 1;
    }
}

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Closes the connection that has lingered longest, to free its descriptor. Returns false if no connection lingers.
    pub(super) fn close_oldest_lingering(&mut self) -> bool {
        let slot = self.lingering.pop_any(&self.connections);
        if let Some(slot) = slot {
            self.close(slot);
        }
        slot.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::engine::connection::Connection;
    use crate::http1::Http1;
    use crate::transport::{Pipe, Transport};

    fn open(connections: &mut Connections<Http1>, lingering: &mut Lingering) -> usize {
        let token = connections.next_token();
        let pipe = Transport::Pipe(Pipe::new(Address::Unknown, false));
        let slot = connections.insert(Connection::new(token, pipe, Address::Unknown));
        lingering.push(token, connections);
        slot
    }

    #[test]
    fn the_oldest_that_counts_comes_first() {
        let (mut connections, mut lingering) = (Connections::default(), Lingering::default());
        let slots: Vec<usize> = (0..4).map(|_| open(&mut connections, &mut lingering)).collect();
        connections.remove(slots[0]);
        connections[slots[1]].turned_away = true;
        assert_eq!(Some(slots[2]), lingering.pop_counted(&connections));
        assert_eq!(Some(slots[1]), lingering.pop_any(&connections));
        assert_eq!(Some(slots[3]), lingering.pop_any(&connections));
        assert_eq!(None, lingering.pop_any(&connections));
    }

    #[test]
    fn closed_connections_are_removed() {
        let (mut connections, mut lingering) = (Connections::default(), Lingering::default());
        for _ in 0..10 * KEPT {
            let slot = open(&mut connections, &mut lingering);
            connections.remove(slot);
        }
        assert!(lingering.tokens.len() <= KEPT + 3);
    }
}
