//! How many connections and files the engine may have open, and the refusal of clients beyond that.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use super::Engine;
use crate::address::Address;
use crate::driver::{Driver, socket};
use crate::limits::Limits;
use crate::outbox::OpenFiles;
use crate::wire::Wire;

/// The maximum number of refused connections that may linger while the engine is full.
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
    /// If `limits` sets no number of connections, they may use all descriptors of the engine.
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

    /// How many refused clients may keep their connections until they have read the refusal. They do not count as open
    /// connections.
    pub fn turned_away(&self) -> usize {
        (self.descriptors / 64).min(TURNED_AWAY)
    }
}

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Returns whether there is room for another connection. If necessary, closes lingering connections first.
    pub(super) fn makes_room(&mut self) -> bool {
        while self.capacity.is_full(self.connections.len() - self.lingering.turned_away()) {
            let Some(slot) = self.lingering.pop_counted(&self.connections) else { return false };
            self.close(slot);
        }
        true
    }

    /// Refuses a client that has connected when the engine is full. A few may linger until they have read the refusal.
    pub(super) fn turn_away(&mut self, socket: OwnedFd, peer: Address) -> io::Result<()> {
        self.counters.turned_away += 1;
        if !self.may_linger_though_full() {
            refuse_at_once(&socket, W::OVERLOADED);
            return Ok(());
        }
        let slot = self.register(socket, peer)?;
        self.mark_turned_away(slot);
        self.with_wire(slot, |wire, cx| wire.turn_away(cx));
        self.flush(slot);
        Ok(())
    }

    /// Stops counting a refused connection as open.
    pub(super) fn mark_turned_away(&mut self, slot: usize) {
        self.connections[slot].turned_away = true;
        self.lingering.add_turned_away();
    }

    /// Whether a refused client may keep its connection until it has read the refusal. A few may, beyond the limit of
    /// open connections.
    fn may_linger_though_full(&self) -> bool {
        self.lingering.turned_away() < self.capacity.turned_away()
    }
}

/// Sends a refusal, and closes without waiting.
fn refuse_at_once(socket: &OwnedFd, refusal: &[u8]) {
    let sent = rustix::net::send(socket, refusal, rustix::net::SendFlags::NOSIGNAL | rustix::net::SendFlags::DONTWAIT);
    if sent.is_ok() {
        socket::shut_down_writing(socket.as_fd());
        // Reads the bytes that have arrived, because closing with unread bytes would reset the connection before the
        // client has read the refusal.
        let mut dropped = [0; 4096];
        let _ = socket::read(socket.as_fd(), &mut dropped);
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
