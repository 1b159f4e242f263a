//! The listening sockets of an engine, and the times at which they are watched again or closed.
//!
//! ```text
//! watched  -- back_off -->  short (not watched until `retry`)  -- watch_again -->  watched
//! watched or short  -- begin_closing -->  closing at a time  -- remove -->  closed
//! ```

use std::io;

use slab::Slab;

use crate::address::Address;
use crate::driver::listener::{Accepted, Listener};
use crate::driver::{Driver, Token, Watch};
use crate::exchange::HalfClose;

/// Names a listening socket of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(pub usize);

/// This bit is set in the tokens of listeners, and clear in the tokens of connections.
const LISTENER: u64 = 1 << 63;
/// The first and the longest wait, in milliseconds, when no descriptors are left.
const BACKOFF: (u64, u64) = (50, 1000);

/// Listening sockets by their id.
#[derive(Debug, Default)]
pub(super) struct Listeners(Slab<ListenerEntry>);

#[derive(Debug)]
struct ListenerEntry {
    listener: Listener,
    /// While descriptors are short: when to try again, and how long the wait was. The time is `u64::MAX` once the
    /// listener is watched again, so that the next failure doubles the wait.
    retry: Option<(u64, u64)>,
    /// In a drain: when to close it, provided that descriptors are not short.
    closing: Option<u64>,
    /// What happens to exchanges of clients that close their sending side.
    half_close: HalfClose,
}

impl ListenerEntry {
    fn is_short(&self) -> bool {
        self.retry.is_some_and(|(at, _)| at != u64::MAX)
    }

    fn deadline(&self) -> Option<u64> {
        if self.is_short() { self.retry.map(|(at, _)| at) } else { self.closing }
    }
}

impl Listeners {
    /// Adds a listener, and watches it. Returns its id.
    pub fn add(&mut self, listener: Listener, driver: &mut impl Driver) -> io::Result<ListenerId> {
        let entry = self.0.vacant_entry();
        let key = entry.key();
        driver.watch(listener.socket(), token(key), Watch::Accept)?;
        entry.insert(ListenerEntry { listener, retry: None, closing: None, half_close: HalfClose::Cancel });
        Ok(ListenerId(key))
    }

    /// Closes a listener.
    pub fn remove(&mut self, id: ListenerId, driver: &mut impl Driver) {
        if let Some(ListenerEntry { listener, .. }) = self.0.try_remove(id.0) {
            // An inherited socket stays open in another process, so that closing ours would not end the watch. An error is
            // ignored: the driver does not watch the socket while descriptors are short.
            let _ = driver.forget(listener.socket());
            listener.close();
        }
    }

    /// Drops all listeners without a call to the driver.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn ids(&self) -> Vec<ListenerId> {
        self.select(|_| true)
    }

    /// The address on which a listener listens.
    pub fn local(&self, id: ListenerId) -> Option<&Address> {
        self.0.get(id.0).map(|entry| &entry.listener.local)
    }

    /// Decides what happens to exchanges of clients that connect from now on and close their sending side.
    pub fn set_half_close(&mut self, id: ListenerId, choice: HalfClose) {
        if let Some(entry) = self.0.get_mut(id.0) {
            entry.half_close = choice;
        }
    }

    /// When the next listener is to be watched again, or closed.
    pub fn next_deadline(&self) -> Option<u64> {
        self.0.iter().filter_map(|(_, entry)| entry.deadline()).min()
    }

    // Accepting

    /// Accepts once. None if the listener is closed.
    pub fn accept(&self, id: ListenerId) -> Option<Accepted> {
        self.0.get(id.0).map(|entry| entry.listener.accept())
    }

    /// Records that a connection was accepted. Returns what happens if its client closes its sending side.
    pub fn accepted(&mut self, id: ListenerId) -> HalfClose {
        let Some(entry) = self.0.get_mut(id.0) else { return HalfClose::Cancel };
        entry.retry = None;
        entry.half_close
    }

    /// Stops watching a listener for a while, because no descriptors are left and it would be ready again and again.
    pub fn back_off(&mut self, id: ListenerId, now: u64, driver: &mut impl Driver) -> io::Result<()> {
        let Some(entry) = self.0.get_mut(id.0) else { return Ok(()) };
        let wait = entry.retry.map_or(BACKOFF.0, |(_, wait)| (wait * 2).min(BACKOFF.1));
        entry.retry = Some((now + wait, wait));
        driver.forget(entry.listener.socket())
    }

    /// The listeners whose wait is over.
    pub fn due_for_retry(&self, now: u64) -> Vec<ListenerId> {
        self.select(|entry| entry.retry.is_some_and(|(at, _)| at <= now))
    }

    /// Watches a listener again after its wait.
    pub fn watch_again(&mut self, id: ListenerId, driver: &mut impl Driver) -> io::Result<()> {
        let entry = &mut self.0[id.0];
        entry.retry = entry.retry.map(|(_, wait)| (u64::MAX, wait));
        driver.watch(entry.listener.socket(), token(id.0), Watch::Accept)
    }

    /// Whether a listener waits for descriptors.
    pub fn is_short(&self, id: ListenerId) -> bool {
        self.0.get(id.0).is_some_and(ListenerEntry::is_short)
    }

    // Closing in a drain

    /// Refuses new handshakes, and schedules the close of the listener for `at`. Returns false if other processes
    /// accept on the same socket, because then it can be closed at once.
    pub fn begin_closing(&mut self, id: ListenerId, at: u64) -> bool {
        let entry = &mut self.0[id.0];
        let shared = entry.listener.is_shared();
        if !shared {
            entry.listener.refuse_new_clients();
            entry.closing = Some(at);
        }
        !shared
    }

    /// Whether a listener waits to be closed.
    pub fn are_closing(&self) -> bool {
        self.0.iter().any(|(_, entry)| entry.closing.is_some())
    }

    /// The listeners that are due to be closed.
    pub fn due_to_close(&self, now: u64) -> Vec<ListenerId> {
        self.select(|entry| entry.closing.is_some_and(|at| at <= now) && !entry.is_short())
    }

    // Forking

    /// In the parent: children have copies of the sockets, and accept on them if `children_serve`.
    pub fn after_fork_in_parent(&mut self, children_serve: bool) {
        for (_, entry) in &mut self.0 {
            if children_serve {
                entry.listener.share();
            } else {
                entry.listener.set_copied();
            }
        }
    }

    /// In a child: watches all listeners with a new driver.
    pub fn after_fork_in_child(&mut self, driver: &mut impl Driver) -> io::Result<()> {
        for (key, entry) in &mut self.0 {
            entry.listener.share();
            if !entry.is_short() {
                driver.watch(entry.listener.socket(), token(key), Watch::Accept)?;
            }
        }
        Ok(())
    }

    fn select(&self, matches: impl Fn(&ListenerEntry) -> bool) -> Vec<ListenerId> {
        self.0.iter().filter(|(_, entry)| matches(entry)).map(|(key, _)| ListenerId(key)).collect()
    }
}

/// Returns the listener that a token names, or None if the token names a connection.
#[inline]
pub(super) fn listener_of(token: Token) -> Option<ListenerId> {
    (token.0 & LISTENER != 0).then_some(ListenerId((token.0 & !LISTENER) as usize))
}

fn token(key: usize) -> Token {
    Token(LISTENER | key as u64)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::driver::Epoll;

    fn listening() -> (Listeners, Epoll, ListenerId) {
        let mut listeners = Listeners::default();
        let mut driver = Epoll::open().unwrap();
        let listener = Listener::tcp("127.0.0.1", 0, 16, false).unwrap();
        let id = listeners.add(listener, &mut driver).unwrap();
        (listeners, driver, id)
    }

    fn ready(driver: &mut Epoll) -> Vec<Option<ListenerId>> {
        let mut ready = Vec::new();
        driver.poll(&mut ready).unwrap();
        ready.iter().map(|readiness| listener_of(readiness.token)).collect()
    }

    fn connect(listeners: &Listeners, id: ListenerId) -> TcpStream {
        let Some(Address::Inet(address)) = listeners.local(id) else { panic!("no address") };
        TcpStream::connect(address).unwrap()
    }

    #[test]
    fn a_client_makes_its_listener_ready() {
        let (mut listeners, mut driver, id) = listening();
        assert!(ready(&mut driver).is_empty());
        let _client = connect(&listeners, id);
        assert_eq!(vec![Some(id)], ready(&mut driver));
        assert!(matches!(listeners.accept(id), Some(Accepted::Connection(..))));
        listeners.set_half_close(id, HalfClose::Finish);
        assert_eq!(HalfClose::Finish, listeners.accepted(id));
        listeners.remove(id, &mut driver);
        assert!(listeners.accept(id).is_none());
    }

    #[test]
    fn the_wait_for_descriptors_doubles_up_to_a_second() {
        let (mut listeners, mut driver, id) = listening();
        let _client = connect(&listeners, id);
        let mut waits = Vec::new();
        for _ in 0..6 {
            listeners.back_off(id, 0, &mut driver).unwrap();
            assert!(listeners.is_short(id) && ready(&mut driver).is_empty());
            let at = listeners.next_deadline().unwrap();
            waits.push(at);
            assert_eq!(vec![id], listeners.due_for_retry(at));
            listeners.watch_again(id, &mut driver).unwrap();
            assert_eq!((false, vec![Some(id)]), (listeners.is_short(id), ready(&mut driver)));
        }
        assert_eq!(vec![50, 100, 200, 400, 800, 1000], waits);
    }

    #[test]
    fn a_listener_that_is_short_is_not_closed() {
        let (mut listeners, mut driver, id) = listening();
        assert!(listeners.begin_closing(id, 20));
        assert!(listeners.due_to_close(19).is_empty());
        assert_eq!(vec![id], listeners.due_to_close(20));
        listeners.back_off(id, 0, &mut driver).unwrap();
        assert!(listeners.due_to_close(20).is_empty() && listeners.are_closing());
    }
}
