//! Listens for connections, and accepts them.

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

/// The maximum number of connections accepted from one listener in one turn.
const ACCEPTS: usize = 256;
/// If a client reads nothing, the kernel drops it this many milliseconds later than the engine would. So the engine
/// acts first and counts the timeout.
const KERNEL_LATER: u64 = 3_000;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Listens on a TCP host and port. An empty host means all addresses.
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

    /// Sets what happens to exchanges when a client of this listener closes its sending side. A choice other than
    /// [`HalfClose::Cancel`] overrides [`Engine::set_half_close`].
    pub fn set_listener_half_close(&mut self, id: ListenerId, choice: HalfClose) {
        self.listeners.set_half_close(id, choice);
    }

    /// The address on which a listener listens.
    pub fn local_address(&self, id: ListenerId) -> Option<Address> {
        self.listeners.local(id).cloned()
    }

    /// Closes a listener. Its connections stay open.
    pub fn stop_listening(&mut self, id: ListenerId) {
        self.listeners.remove(id, &mut self.driver);
    }

    fn listen(&mut self, listener: Listener) -> io::Result<ListenerId> {
        bound_sending(&self.settings.limits, &listener.local, listener.socket());
        self.listeners.add(listener, &mut self.driver)
    }

    fn backlog(&self, wanted: Option<u32>) -> i32 {
        wanted.map_or(self.settings.limits.backlog, u64::from).min(i32::MAX as u64) as i32
    }

    /// Accepts some of the waiting connections. Returns whether more may be waiting.
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

    /// Accepts all waiting connections, but at most as many as the kernel's queue can hold. Without this limit, the
    /// loop would not end if clients connected as fast as they are accepted.
    pub(super) fn accept_all(&mut self, id: ListenerId) {
        for _ in 0..=self.settings.limits.backlog / ACCEPTS as u64 {
            if !self.accept(id) {
                return;
            }
        }
    }

    /// Opens a connection on a connected socket and returns its token. Refuses the client if the engine is full.
    pub(super) fn open(&mut self, socket: OwnedFd, peer: Address, half_close: HalfClose) -> io::Result<Option<u64>> {
        self.counters.accepted += 1;
        if !self.accepts_peer(&peer) {
            return Ok(None);
        }
        if !self.makes_room() {
            self.turn_away(socket, peer)?;
            return Ok(None);
        }
        let slot = self.register(socket, peer)?;
        self.connections[slot].half_close = half_close;
        self.expect_proxy_header(slot);
        self.update_deadline(slot, false);
        Ok(Some(self.connections[slot].token))
    }

    /// Creates a connection for a connected socket and watches the socket. Returns the slot of the connection.
    pub(super) fn register(&mut self, socket: OwnedFd, peer: Address) -> io::Result<usize> {
        let token = self.connections.next_token();
        self.driver.watch(socket.as_fd(), Token(token), Watch::Stream)?;
        Ok(self.connections.insert(Connection::new(token, Transport::plain(socket), peer)))
    }
}

/// Limits how much the kernel buffers for a client that does not read.
pub(super) fn bound_sending(limits: &Limits, address: &Address, socket: BorrowedFd<'_>) {
    if matches!(address, Address::Inet(_)) {
        // The kernel's timeout also applies to sockets that the engine has already closed, so it is needed in addition
        // to the engine's timeout.
        let stall = if limits.write_timeout == 0 { 0 } else { limits.write_timeout + KERNEL_LATER };
        socket::bound_sending(socket, limits.write_buffer, stall);
    }
}
