//! The open connections of an engine. Each has a token that no other connection gets.

use std::ops::{Index, IndexMut};

use slab::Slab;

use super::connection::Connection;

/// The bits of a token that hold the generation. The highest bit of a token distinguishes listeners from connections.
const GENERATIONS: u64 = 0x3fff_ffff;

/// The open connections by slot. A token consists of a slot and a generation. Two connections in the same slot have
/// different generations, so a token names only one connection during the life of the engine.
#[derive(Debug)]
pub(super) struct Connections<W> {
    slots: Slab<Connection<W>>,
    generation: u64,
    /// In a forked child, the last generation of the parent's connections.
    inherited: u64,
}

impl<W> Default for Connections<W> {
    fn default() -> Self {
        Connections { slots: Slab::new(), generation: 0, inherited: 0 }
    }
}

impl<W> Connections<W> {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Returns the slot of an open connection, or None if the connection has ended.
    #[inline]
    pub fn slot(&self, token: u64) -> Option<usize> {
        let slot = (token & u64::from(u32::MAX)) as usize;
        self.slots.get(slot).is_some_and(|connection| connection.token == token).then_some(slot)
    }

    /// The tokens of all open connections.
    pub fn tokens(&self) -> Vec<u64> {
        self.slots.iter().map(|(_, connection)| connection.token).collect()
    }

    /// Returns the token for the next connection that is inserted.
    pub fn next_token(&mut self) -> u64 {
        self.generation = (self.generation + 1) & GENERATIONS;
        self.generation << 32 | self.slots.vacant_key() as u64
    }

    /// Adds a connection with the token that [`Connections::next_token`] last returned. Returns the slot.
    pub fn insert(&mut self, connection: Connection<W>) -> usize {
        self.slots.insert(connection)
    }

    pub fn remove(&mut self, slot: usize) -> Connection<W> {
        self.slots.remove(slot)
    }

    pub fn clear(&mut self) {
        self.slots.clear();
    }

    /// In a forked child, closes the copies of the parent's connections, without sending anything to their clients.
    pub fn disinherit(&mut self) {
        self.slots.clear();
        self.inherited = self.generation;
    }

    /// Whether a token was created in the parent process, before the fork.
    pub fn is_inherited(&self, token: u64) -> bool {
        token >> 32 <= self.inherited && self.inherited > 0
    }
}

impl<W> Index<usize> for Connections<W> {
    type Output = Connection<W>;

    #[inline]
    fn index(&self, slot: usize) -> &Connection<W> {
        &self.slots[slot]
    }
}

impl<W> IndexMut<usize> for Connections<W> {
    #[inline]
    fn index_mut(&mut self, slot: usize) -> &mut Connection<W> {
        &mut self.slots[slot]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::http1::Http1;
    use crate::transport::{Pipe, Transport};

    fn open(connections: &mut Connections<Http1>) -> (u64, usize) {
        let token = connections.next_token();
        let pipe = Transport::Pipe(Pipe::new(Address::Unknown, false));
        (token, connections.insert(Connection::new(token, pipe, Address::Unknown)))
    }

    #[test]
    fn a_token_does_not_name_the_next_connection_of_its_slot() {
        let mut connections = Connections::default();
        let (first, slot) = open(&mut connections);
        assert_eq!(Some(slot), connections.slot(first));
        connections.remove(slot);
        let (second, reused) = open(&mut connections);
        assert_eq!(slot, reused);
        assert_eq!((None, Some(slot)), (connections.slot(first), connections.slot(second)));
    }

    #[test]
    fn a_child_knows_the_tokens_of_its_parent() {
        let mut connections = Connections::default();
        let (parents, _) = open(&mut connections);
        assert!(!connections.is_inherited(parents));
        connections.disinherit();
        let (own, _) = open(&mut connections);
        assert_eq!((true, false), (connections.is_inherited(parents), connections.is_inherited(own)));
        assert_eq!(vec![own], connections.tokens());
    }
}
