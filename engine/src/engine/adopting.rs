//! Takes over connected sockets, for example from a Twisted port.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use super::Engine;
use super::accepting::bound_sending;
use crate::driver::{Driver, socket};
use crate::exchange::{ConnectionId, HalfClose};
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Serves a connected stream socket. `data` holds the bytes that the caller has already read from it. Returns None
    /// if the engine refused the connection.
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
}
