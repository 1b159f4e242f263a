//! Listening and accepting: how connections come to the engine.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;

use super::Engine;
use super::connection::Connection;
use super::listeners::ListenerId;
use crate::address::Address;
use crate::driver::listener::{Accepted, Listener};
use crate::driver::{Driver, Token, Watch, socket};
use crate::event::{Event, Severity};
use crate::exchange::{ConnectionId, HalfClose};
use crate::limits::Limits;
use crate::transport::Transport;
use crate::wire::Wire;

/// Connections accepted from one listener in one turn.
const ACCEPTS: usize = 256;
/// How many milliseconds later than the engine the kernel drops a client that reads nothing.
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

    /// Decides what happens to exchanges of clients that connect to a listener and close their sending side. A choice other
    /// than [`HalfClose::Cancel`] overrides [`Engine::set_half_close`].
    pub fn set_listener_half_close(&mut self, id: ListenerId, choice: HalfClose) {
        self.listeners.set_half_close(id, choice);
    }

    /// Where a listener listens.
    pub fn local_address(&self, id: ListenerId) -> Option<Address> {
        self.listeners.local(id).cloned()
    }

    /// Closes a listener. Its connections go on.
    pub fn stop_listening(&mut self, id: ListenerId) {
        self.listeners.remove(id, &mut self.driver);
    }

    /// Serves a connected stream socket, and the bytes that were read from it. None if it was refused.
    pub fn adopt(&mut self, socket: OwnedFd, data: &[u8]) -> io::Result<Option<ConnectionId>> {
        let (peer, _) = socket::prepare(socket.as_fd())?;
        bound_sending(&self.settings.limits, &peer, socket.as_fd());
        self.refresh_clock();
        let token = self.open(socket, peer, HalfClose::Cancel)?;
        if let (Some(token), false) = (token, data.is_empty()) {
            self.feed(token, data);
        }
        self.wake_if_needed();
        Ok(token.map(ConnectionId))
    }

    fn listen(&mut self, listener: Listener) -> io::Result<ListenerId> {
        bound_sending(&self.settings.limits, &listener.local, listener.socket());
        self.listeners.add(listener, &mut self.driver)
    }

    fn backlog(&self, wanted: Option<u32>) -> i32 {
        wanted.map_or(self.settings.limits.backlog, u64::from).min(i32::MAX as u64) as i32
    }

    /// Accepts a share of the connections that wait. True if there may be more.
    pub(super) fn accept(&mut self, id: ListenerId) -> bool {
        self.current = None;
        for _ in 0..ACCEPTS {
            let Some(accepted) = self.listeners.accept(id) else { return false };
            match accepted {
                Accepted::Empty => return false,
                Accepted::Lost => {}
                Accepted::Broken(error) => {
                    self.report(Severity::Error, "RW505", format!("a listener can accept no more: {error}"));
                    self.stop_listening(id);
                    return false;
                }
                Accepted::Exhausted => {
                    if self.close_oldest_lingering() {
                        continue;
                    }
                    self.back_off(id);
                    return false;
                }
                Accepted::Connection(socket, peer) => {
                    let half_close = self.listeners.accepted(id);
                    let reported = self.settings.reports_connections.then(|| peer.clone());
                    match (self.open(socket, peer, half_close), reported) {
                        (Ok(Some(token)), Some(peer)) => {
                            self.inbox.push_back(Event::Opened(ConnectionId(token), peer));
                        }
                        (Ok(_), _) => {}
                        (Err(error), _) => {
                            let message = format!("an accepted connection was lost: {error}");
                            self.report_limited(Severity::Warn, "RW505", message);
                        }
                    }
                }
            }
        }
        true
    }

    /// Accepts all waiting connections, but no more than a queue can hold, because clients may arrive as fast as they
    /// are accepted.
    pub(super) fn accept_all(&mut self, id: ListenerId) {
        for _ in 0..=self.settings.limits.backlog / ACCEPTS as u64 {
            if !self.accept(id) {
                return;
            }
        }
    }

    /// Opens a connection on a connected socket, or refuses it. Returns its token.
    pub(super) fn open(&mut self, socket: OwnedFd, peer: Address, half_close: HalfClose) -> io::Result<Option<u64>> {
        self.counters.accepted += 1;
        if !self.accepts_peer(&peer) {
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
        let token = self.connections.next_token();
        self.driver.watch(socket.as_fd(), Token(token), Watch::Stream)?;
        let slot = self.connections.insert(Connection::new(token, Transport::plain(socket), peer));
        if full {
            self.mark_turned_away(slot);
            self.with_wire(slot, |wire, cx| wire.turn_away(cx));
            self.flush(slot);
            return Ok(None);
        }
        self.connections[slot].half_close = half_close;
        self.expect_proxy_header(slot);
        self.update_deadline(slot, false);
        Ok(Some(token))
    }

    /// Stops accepting for a while, because no descriptors are left.
    fn back_off(&mut self, id: ListenerId) {
        self.counters.accept_backoffs += 1;
        if let Err(error) = self.listeners.back_off(id, self.clock.millis(), &mut self.driver) {
            self.report(Severity::Error, "RW505", format!("the engine cannot stop watching a listener: {error}"));
        }
        let open = self.connections.len();
        let message = format!("no descriptors are left with {open} connections open; accepting pauses until some are");
        self.report_limited(Severity::Warn, "RW504", message);
    }

    /// Accepts again on the listeners whose wait is over.
    pub(super) fn retry_listeners(&mut self, now: u64) {
        for id in self.listeners.due_for_retry(now) {
            match self.listeners.watch_again(id, &mut self.driver) {
                Ok(()) => {
                    self.accept(id);
                }
                Err(_) => self.back_off(id),
            }
        }
    }
}

/// Bounds what the kernel holds for a client that does not read.
fn bound_sending(limits: &Limits, address: &Address, socket: BorrowedFd<'_>) {
    if matches!(address, Address::Inet(_)) {
        // The kernel's timeout covers sockets that the engine has closed.
        let stall = if limits.write_timeout == 0 { 0 } else { limits.write_timeout + KERNEL_LATER };
        socket::bound_sending(socket, limits.write_buffer, stall);
    }
}

/// Sends a refusal, and closes without waiting.
fn turn_away(socket: &OwnedFd, refusal: &[u8]) {
    let sent = rustix::net::send(socket, refusal, rustix::net::SendFlags::NOSIGNAL | rustix::net::SendFlags::DONTWAIT);
    if sent.is_ok() {
        socket::shut_down_writing(socket.as_fd());
        // Reads the bytes that have arrived, because closing with unread bytes would reset the connection before the
        // client has read the refusal.
        let mut dropped = [0; 4096];
        let _ = socket::read(socket.as_fd(), &mut dropped);
    }
}
