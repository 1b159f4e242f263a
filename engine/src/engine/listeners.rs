//! The listening sockets of an engine. Each listener has a state. `short` means that no descriptors are left.
//!
//! A listener stores the times at which it is watched again or closed.
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

/// The id of a listening socket of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenerId(pub usize);

/// This bit is set in the tokens of listeners, and clear in the tokens of connections.
const LISTENER: u64 = 1 << 63;
/// When no descriptors are left, the first and the longest wait of a listener, in milliseconds.
const BACKOFF: (u64, u64) = (50, 1000);

/// Listening sockets by their id.
#[derive(Debug, Default)]
pub(super) struct Listeners(Slab<ListenerEntry>);

#[derive(Debug)]
struct ListenerEntry {
    listener: Listener,
    /// Set when no descriptors are left: the time at which the listener accepts again, and how long it waits until
    /// then. After the wait, the time is `u64::MAX`, and the length of the wait is kept so that the next failure
    /// doubles it.
    retry: Option<(u64, u64)>,
    /// During a drain, the time at which the listener is closed. A listener that waits for descriptors is closed after
    /// its wait.
    closing: Option<u64>,
    /// What happens to exchanges when a client closes its sending side.
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

    /// Stops watching a listener, and closes it.
    pub fn remove(&mut self, id: ListenerId, driver: &mut impl Driver) {
        if let Some(ListenerEntry { listener, .. }) = self.0.try_remove(id.0) {
            // An inherited socket stays open in another process, so closing this copy would not end the watch. An error
            // is ignored. It occurs if the listener is `short`, because the driver does not watch the socket then.
            let _ = driver.forget(listener.socket());
            listener.close();
        }
    }

    /// Drops all listeners without calling the driver.
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

    /// Sets what happens to exchanges when a client that connects from now on closes its sending side.
    pub fn set_half_close(&mut self, id: ListenerId, choice: HalfClose) {
        if let Some(entry) = self.0.get_mut(id.0) {
            entry.half_close = choice;
        }
    }

    /// The time at which the next listener accepts again or is closed.
    pub fn next_deadline(&self) -> Option<u64> {
        self.0.iter().filter_map(|(_, entry)| entry.deadline()).min()
    }

    // Accepting

    /// Accepts one connection. Returns None if the listener is closed.
    pub fn accept(&self, id: ListenerId) -> Option<Accepted> {
        self.0.get(id.0).map(|entry| entry.listener.accept())
    }

    /// Records that a connection was accepted. Returns what happens when its client closes its sending side.
    pub fn accepted(&mut self, id: ListenerId) -> HalfClose {
        let Some(entry) = self.0.get_mut(id.0) else { return HalfClose::Cancel };
        entry.retry = None;
        entry.half_close
    }

    /// Stops watching a listener for a while, because no descriptors are left. Otherwise the driver would report it as
    /// ready again and again.
    pub fn back_off(&mut self, id: ListenerId, now: u64, driver: &mut impl Driver) -> io::Result<()> {
        let Some(entry) = self.0.get_mut(id.0) else { return Ok(()) };
        let wait = entry.retry.map_or(BACKOFF.0, |(_, wait)| (wait * 2).min(BACKOFF.1));
        entry.retry = Some((now + wait, wait));
        driver.forget(entry.listener.socket())
    }

    /// The listeners whose waiting time has passed.
    pub fn due_for_retry(&self, now: u64) -> Vec<ListenerId> {
        self.select(|entry| entry.retry.is_some_and(|(at, _)| at <= now))
    }

    /// Watches a listener again after its waiting time.
    pub fn watch_again(&mut self, id: ListenerId, driver: &mut impl Driver) -> io::Result<()> {
        let entry = &mut self.0[id.0];
        entry.retry = entry.retry.map(|(_, wait)| (u64::MAX, wait));
        driver.watch(entry.listener.socket(), token(id.0), Watch::Accept)
    }

    /// Whether a listener waits because no descriptors are left.
    pub fn is_short(&self, id: ListenerId) -> bool {
        self.0.get(id.0).is_some_and(ListenerEntry::is_short)
    }

    // Methods that close listeners in a drain

    /// Refuses new handshakes, and schedules the closing of the listener for the time `at`. Returns false if other
    /// processes accept on the same socket. Then the listener can be closed at once.
    pub fn begin_closing(&mut self, id: ListenerId, at: u64) -> bool {
        let entry = &mut self.0[id.0];
        let shared = entry.listener.is_shared();
        if !shared {
            entry.listener.refuse_new_clients();
            entry.closing = Some(at);
        }
        !shared
    }

    /// Whether any listener waits to be closed.
    pub fn are_closing(&self) -> bool {
        self.0.iter().any(|(_, entry)| entry.closing.is_some())
    }

    /// The listeners whose closing time has come.
    pub fn due_to_close(&self, now: u64) -> Vec<ListenerId> {
        self.select(|entry| entry.closing.is_some_and(|at| at <= now) && !entry.is_short())
    }

    // Forking

    /// In the parent, records that children have copies of the sockets. They accept on them if `children_serve` is
    /// true.
    pub fn after_fork_in_parent(&mut self, children_serve: bool) {
        for (_, entry) in &mut self.0 {
            if children_serve {
                entry.listener.share();
            } else {
                entry.listener.set_copied();
            }
        }
    }

    /// In a forked child, watches all listeners with a new driver.
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

/// Returns the id of the listener that a token names, or None if the token names a connection.
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
