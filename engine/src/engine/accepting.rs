//! Listening and accepting: how connections come to the engine.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use super::connection::Connection;
use super::{Engine, LISTENER, ListenerId, Listening};
use crate::driver::listener::{Accepted, Listener};
use crate::driver::{Driver, Token, Watch, socket};
use crate::event::{Event, Severity};
use crate::exchange::{ConnectionId, HalfClose};
use crate::limits::Limits;
use crate::peer::Peer;
use crate::transport::Transport;
use crate::wire::Wire;

/// Connections accepted from one listener in one turn.
const ACCEPTS: usize = 256;
/// First and longest wait, in milliseconds, when the descriptors are used up.
const BACKOFF: (u64, u64) = (50, 1000);
/// How much later than we do the kernel gives up a client that takes nothing, in milliseconds.
const KERNEL_LATER: u64 = 3_000;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Listens on TCP; an empty host means every address.
    pub fn listen_tcp(
        &mut self,
        host: &str,
        port: u16,
        backlog: Option<u32>,
        reuse_port: bool,
    ) -> io::Result<ListenerId> {
        self.listen(Listener::tcp(host, port, self.backlog(backlog), reuse_port)?)
    }

    /// Listens on a UNIX socket.
    pub fn listen_unix(&mut self, path: &Path, mode: Option<u32>, backlog: Option<u32>) -> io::Result<ListenerId> {
        self.listen(Listener::unix(path, mode, self.backlog(backlog))?)
    }

    /// Accepts on an inherited listening socket.
    pub fn listen_inherited(&mut self, socket: OwnedFd) -> io::Result<ListenerId> {
        self.listen(Listener::inherited(socket)?)
    }

    /// Says what becomes of the exchanges of clients that connect to a listener, and close their sending side. Other than
    /// [`HalfClose::Cancel`] it stands over what [`Engine::set_half_close`] says.
    pub fn set_listener_half_close(&mut self, id: ListenerId, choice: HalfClose) {
        if let Some(listening) = self.listeners.get_mut(id.0) {
            listening.half_close = choice;
        }
    }

    /// Where a listener listens.
    pub fn local_address(&self, id: ListenerId) -> Option<Peer> {
        self.listeners.get(id.0).map(|listening| listening.listener.local.clone())
    }

    /// Closes a listener; its connections live on.
    pub fn stop_listening(&mut self, id: ListenerId) {
        if let Some(Listening { listener, .. }) = self.listeners.try_remove(id.0) {
            // It may be out of the driver already, while descriptors are short. An inherited socket lives on elsewhere,
            // so that closing ours does not take it out.
            let _ = self.driver.forget(listener.socket());
            listener.close();
        }
    }

    /// Takes over a connected stream socket and what was read from it already; None where it was turned away.
    pub fn adopt(&mut self, socket: OwnedFd, data: &[u8]) -> io::Result<Option<ConnectionId>> {
        let (peer, _) = socket::prepare(socket.as_fd())?;
        bound_sending(&self.limits, &peer, socket.as_fd());
        self.refresh();
        let token = self.open(socket, peer, HalfClose::Cancel)?;
        if let (Some(token), false) = (token, data.is_empty()) {
            self.feed(token, data);
        }
        self.rest();
        Ok(token.map(ConnectionId))
    }

    fn listen(&mut self, listener: Listener) -> io::Result<ListenerId> {
        let entry = self.listeners.vacant_entry();
        let key = entry.key();
        self.driver.watch(listener.socket(), Token(LISTENER | key as u64), Watch::Accept)?;
        bound_sending(&self.limits, &listener.local, listener.socket());
        entry.insert(Listening { listener, retry: None, closing: None, half_close: HalfClose::Cancel });
        Ok(ListenerId(key))
    }

    fn backlog(&self, wanted: Option<u32>) -> i32 {
        wanted.map_or(self.limits.backlog, u64::from).min(i32::MAX as u64) as i32
    }

    /// Accepts its share of a turn. True where there may be more.
    pub(super) fn accept(&mut self, key: usize) -> bool {
        self.working = None;
        for _ in 0..ACCEPTS {
            let Some(listening) = self.listeners.get(key) else { return false };
            match listening.listener.accept() {
                Accepted::Empty => return false,
                Accepted::Lost => {}
                Accepted::Broken(error) => {
                    self.report(Severity::Error, "RW505", format!("a listener can accept no more: {error}"));
                    self.stop_listening(ListenerId(key));
                    return false;
                }
                Accepted::Exhausted => {
                    if self.end_lingering(true) {
                        continue;
                    }
                    self.back_off(key);
                    return false;
                }
                Accepted::Connection(socket, peer) => {
                    let mut half_close = HalfClose::Cancel;
                    if let Some(listening) = self.listeners.get_mut(key) {
                        listening.retry = None;
                        half_close = listening.half_close;
                    }
                    let told = self.announces.then(|| peer.clone());
                    match (self.open(socket, peer, half_close), told) {
                        (Ok(Some(token)), Some(peer)) => {
                            self.inbox.push_back(Event::Opened(ConnectionId(token), peer));
                        }
                        (Ok(_), _) => {}
                        (Err(error), _) => {
                            let message = format!("an accepted connection was lost: {error}");
                            self.report_seldom(Severity::Warn, "RW505", message);
                        }
                    }
                }
            }
        }
        true
    }

    /// Accepts whoever waits; no more than a queue can hold, since some clients come as fast as they are accepted.
    pub(super) fn accept_all(&mut self, key: usize) {
        for _ in 0..=self.limits.backlog / ACCEPTS as u64 {
            if !self.accept(key) {
                return;
            }
        }
    }

    /// Puts a connected socket under the engine's care, or turns it away. Its token.
    pub(super) fn open(&mut self, socket: OwnedFd, peer: Peer, half_close: HalfClose) -> io::Result<Option<u64>> {
        self.counters.accepted += 1;
        if !self.admits(&peer) {
            return Ok(None);
        }
        let full = !self.makes_room();
        if full {
            self.counters.turned_away += 1;
            if !self.may_linger_though_full() {
                turn_away(&socket, W::OVERLOADED);
                return Ok(None);
            }
        }
        let token = self.next_token();
        self.driver.watch(socket.as_fd(), Token(token), Watch::Stream)?;
        let slot = self.connections.insert(Connection::new(token, Transport::plain(socket), peer));
        if full {
            self.mark_turned_away(slot);
            self.work(slot, |wire, cx| wire.turn_away(cx));
            self.flush(slot);
            return Ok(None);
        }
        self.connections[slot].half_close = half_close;
        self.await_proxy(slot);
        self.rearm(slot, false);
        Ok(Some(token))
    }

    /// The token of the next connection: its slot, and a generation that no earlier one of this slot had.
    pub(super) fn next_token(&mut self) -> u64 {
        self.generation = (self.generation + 1) & 0x3fff_ffff;
        self.generation << 32 | self.connections.vacant_key() as u64
    }

    /// The descriptors are used up: leave the listener alone for a while, instead of spinning on it.
    fn back_off(&mut self, key: usize) {
        self.counters.accept_backoffs += 1;
        let now = self.clock.millis();
        let Some(listening) = self.listeners.get_mut(key) else { return };
        let wait = listening.retry.map_or(BACKOFF.0, |(_, wait)| (wait * 2).min(BACKOFF.1));
        listening.retry = Some((now + wait, wait));
        let forgotten = self.driver.forget(listening.listener.socket());
        if let Err(error) = forgotten {
            self.report(Severity::Error, "RW505", format!("a listener could not be put to rest: {error}"));
        }
        let open = self.connections.len();
        let message = format!("no descriptors are left with {open} connections open; accepting pauses until some are");
        self.report_seldom(Severity::Warn, "RW504", message);
    }

    pub(super) fn retry_listeners(&mut self, now: u64) {
        let due: Vec<usize> = self
            .listeners
            .iter()
            .filter(|(_, listening)| listening.retry.is_some_and(|(at, _)| at <= now))
            .map(|(key, _)| key)
            .collect();
        for key in due {
            let watched = {
                let listening = &mut self.listeners[key];
                // Far in the future: watched again, but the next failure doubles the wait.
                listening.retry = listening.retry.map(|(_, wait)| (u64::MAX, wait));
                self.driver.watch(listening.listener.socket(), Token(LISTENER | key as u64), Watch::Accept)
            };
            match watched {
                Ok(()) => {
                    self.accept(key);
                }
                Err(_) => self.back_off(key),
            }
        }
    }
}

fn bound_sending(limits: &Limits, address: &Peer, socket: BorrowedFd<'_>) {
    if matches!(address, Peer::Inet(_)) {
        // The kernel's clock is there for what ours no longer sees.
        let stall = if limits.write_timeout == 0 { 0 } else { limits.write_timeout + KERNEL_LATER };
        socket::bound_sending(socket, limits.write_buffer, stall);
    }
}

/// Answers 503 and closes without waiting for anything.
fn turn_away(socket: &OwnedFd, refusal: &[u8]) {
    let sent = rustix::net::send(socket, refusal, rustix::net::SendFlags::NOSIGNAL | rustix::net::SendFlags::DONTWAIT);
    if sent.is_ok() {
        socket::shut_down_writing(socket.as_fd());
        // What came already is taken, so that closing does not reset the connection before the answer is read.
        let mut dropped = [0; 4096];
        let _ = socket::read(socket.as_fd(), &mut dropped);
    }
}
