//! Limits how many connections and files the engine may have open, and refuses further clients.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use super::Engine;
use crate::address::Address;
use crate::driver::{Driver, socket};
use crate::limits::Limits;
use crate::outbox::OpenFiles;
use crate::wire::Wire;

/// The maximum number of refused clients whose connections stay open until they have read the refusal.
const TURNED_AWAY: usize = 64;

#[derive(Debug)]
pub(super) struct Capacity {
    connections: usize,
    /// How many descriptors connections and response files may use together.
    descriptors: usize,
    /// Counts the files that are open.
    pub files: OpenFiles,
}

impl Capacity {
    /// Computes the capacity. If `limits` has no maximum number of connections, connections may use all available
    /// descriptors.
    pub fn new(limits: &Limits) -> Self {
        Self::of(limits.connections as usize, available_descriptors())
    }

    fn of(limit: usize, available: usize) -> Self {
        let connections = if limit > 0 { limit } else { available };
        Capacity { connections, descriptors: available.max(connections), files: OpenFiles::default() }
    }

    /// Whether the engine has reached a limit while `open` connections are open.
    pub fn is_full(&self, open: usize) -> bool {
        open >= self.connections || open + self.files.count() >= self.descriptors
    }

    /// The maximum number of refused clients whose connections stay open until they have read the refusal. Their
    /// connections do not count as open.
    pub fn turned_away(&self) -> usize {
        (self.descriptors / 64).min(TURNED_AWAY)
    }
}

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Returns whether the engine can open another connection. If it is full, first closes lingering connections.
    pub(super) fn makes_room(&mut self) -> bool {
        while self.capacity.is_full(self.connections.len() - self.lingering.turned_away()) {
            let Some(slot) = self.lingering.pop_counted(&self.connections) else { return false };
            self.close(slot);
        }
        true
    }

    /// Refuses a client that has connected while the engine is full. A limited number of refused connections stay open
    /// until their clients have read the refusal.
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

    /// Marks a connection as refused. From now on, it does not count as open.
    pub(super) fn mark_turned_away(&mut self, slot: usize) {
        self.connections[slot].turned_away = true;
        self.lingering.add_turned_away();
    }

    /// Whether the connection of another refused client may stay open until the client has read the refusal.
    fn may_linger_though_full(&self) -> bool {
        self.lingering.turned_away() < self.capacity.turned_away()
    }
}

/// Sends a refusal and closes the connection without waiting for the client.
fn refuse_at_once(socket: &OwnedFd, refusal: &[u8]) {
    let sent = rustix::net::send(socket, refusal, rustix::net::SendFlags::NOSIGNAL | rustix::net::SendFlags::DONTWAIT);
    if sent.is_ok() {
        socket::shut_down_writing(socket.as_fd());
        // Read the bytes that have arrived. If unread bytes were left, closing would reset the connection before the
        // client has read the refusal.
        let mut dropped = [0; 4096];
        let _ = socket::read(socket.as_fd(), &mut dropped);
    }
}

/// Returns 80% of the maximum number of descriptors of this process.
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
