//! Connections that begin with a header of the PROXY protocol, before any HTTP.

use super::Engine;
use super::connection::Via;
use crate::driver::Driver;
use crate::event::Severity;
use crate::peer::Peer;
use crate::proxies::protocol::{Header, Source};
use crate::proxies::{Proxies, protocol};
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Has proxies believed from now on, or none. Connections that are open keep what their start has shown.
    pub fn set_proxies(&mut self, proxies: Option<Proxies>) {
        self.proxies = proxies;
    }

    /// Whether a peer may connect to a socket: anybody, unless only trusted proxies can begin in the right way.
    pub(super) fn accepts_peer(&mut self, peer: &Peer) -> bool {
        let Some(Proxies { protocol: true, trusted, .. }) = &self.proxies else { return true };
        let admitted = trusted.contains(peer);
        if !admitted {
            self.refuse_proxy(peer.clone(), "the PROXY protocol is spoken with trusted proxies only");
        }
        admitted
    }

    /// A new connection to a socket: whether a header comes first.
    pub(super) fn expect_proxy_header(&mut self, slot: usize) {
        if self.proxies.as_ref().is_some_and(|proxies| proxies.protocol) {
            self.connections[slot].via = Via::Awaited(Vec::new());
        }
    }

    /// Takes in bytes from the client. False where the connection is to be dropped.
    pub(super) fn feed_wire(&mut self, slot: usize, data: &[u8]) -> bool {
        let connection = &mut self.connections[slot];
        let Via::Awaited(waiting) = &mut connection.via else {
            self.with_wire(slot, |wire, cx| wire.feed(data, cx));
            return true;
        };
        let before = waiting.len();
        waiting.extend_from_slice(data);
        let (header, used) = match protocol::parse(waiting) {
            Ok(None) => return true,
            Ok(Some(whole)) => whole,
            Err(reason) => {
                let peer = connection.peer.clone();
                self.refuse_proxy(peer, reason);
                return false;
            }
        };
        connection.via = match header {
            Header::Local => Via::Own,
            Header::Unknown => Via::Told(Box::new(Source::unknown())),
            Header::Proxied(source) => Via::Told(source),
        };
        if used - before < data.len() {
            self.with_wire(slot, |wire, cx| wire.feed(&data[used - before..], cx));
        }
        true
    }

    fn refuse_proxy(&mut self, peer: Peer, reason: &str) {
        self.counters.refused += 1;
        if self.debug {
            self.report(Severity::Debug, "RW510", format!("{peer}: {reason}"));
        }
    }
}
