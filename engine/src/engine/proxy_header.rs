//! Connections that begin with a PROXY protocol header, before the first byte for the wire.

use super::Engine;
use crate::address::Address;
use crate::driver::Driver;
use crate::event::Severity;
use crate::proxies::protocol::{Header, Source};
use crate::proxies::{Proxies, protocol};
use crate::wire::Wire;

/// The header of the PROXY protocol of one connection.
#[derive(Debug)]
pub(super) enum ProxyHeader {
    /// No header is expected.
    None,
    /// A header is expected; this part of it has arrived.
    Awaited(Vec<u8>),
    /// The header names the client on whose behalf the peer has connected.
    Proxied(Box<Source>),
    /// The proxy has connected on its own behalf.
    Local,
}

impl ProxyHeader {
    fn source(&self) -> Option<&Source> {
        match self {
            ProxyHeader::Proxied(source) => Some(source),
            _ => None,
        }
    }

    /// The address of the client, if the header names one.
    #[inline]
    pub fn client(&self) -> Option<&Address> {
        self.source().map(|source| &source.client)
    }

    /// The address that the client has connected to.
    pub fn server(&self) -> Option<&Address> {
        self.source().map(|source| &source.server).filter(|server| **server != Address::Unknown)
    }

    /// Whether the client has connected to the proxy over TLS.
    #[inline]
    pub fn is_secure(&self) -> bool {
        self.source().is_some_and(|source| source.secure)
    }

    /// Whether the forwarding fields of a head may be trusted. If a proxy forwards bytes unchanged, the fields come
    /// from its client, which may be another trusted proxy, but not one on a UNIX socket of this machine.
    #[inline]
    pub fn allows_forwarding_fields(&self) -> bool {
        match self {
            ProxyHeader::None | ProxyHeader::Awaited(_) => true,
            ProxyHeader::Proxied(source) => !matches!(source.client, Address::Unix(_)),
            ProxyHeader::Local => false,
        }
    }
}

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Sets which proxies are trusted. Open connections keep the result of their first bytes.
    pub fn set_proxies(&mut self, proxies: Option<Proxies>) {
        self.settings.proxies = proxies;
    }

    /// Whether a peer may connect to a socket. Where the PROXY protocol is on, only trusted proxies may.
    pub(super) fn accepts_peer(&mut self, peer: &Address) -> bool {
        let Some(Proxies { protocol: true, trusted, .. }) = &self.settings.proxies else { return true };
        let trusted = trusted.contains(peer);
        if !trusted {
            self.refuse_proxy(peer.clone(), "the PROXY protocol is spoken with trusted proxies only");
        }
        trusted
    }

    /// If the PROXY protocol is on, expects a header at the start of a new connection to a socket.
    pub(super) fn expect_proxy_header(&mut self, slot: usize) {
        if self.settings.proxies.as_ref().is_some_and(|proxies| proxies.protocol) {
            self.connections[slot].proxy_header = ProxyHeader::Awaited(Vec::new());
        }
    }

    /// Reads the header, and passes the bytes after it to the wire. Returns false if the header is bad.
    pub(super) fn read_proxy_header(&mut self, slot: usize, data: &[u8]) -> bool {
        let connection = &mut self.connections[slot];
        let ProxyHeader::Awaited(waiting) = &mut connection.proxy_header else { return true };
        let before = waiting.len();
        waiting.extend_from_slice(data);
        let (header, used) = match protocol::parse(waiting) {
            Ok(None) => return true,
            Ok(Some(complete)) => complete,
            Err(reason) => {
                let peer = connection.peer.clone();
                self.refuse_proxy(peer, reason);
                return false;
            }
        };
        connection.proxy_header = match header {
            Header::Local => ProxyHeader::Local,
            Header::Unknown => ProxyHeader::Proxied(Box::new(Source::unknown())),
            Header::Proxied(source) => ProxyHeader::Proxied(source),
        };
        if used - before < data.len() {
            self.with_wire(slot, |wire, cx| wire.feed(&data[used - before..], cx));
        }
        true
    }

    fn refuse_proxy(&mut self, peer: Address, reason: &str) {
        self.counters.refused += 1;
        if self.settings.debug {
            self.report(Severity::Debug, "RW510", format!("{peer}: {reason}"));
        }
    }
}
