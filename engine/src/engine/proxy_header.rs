//! The PROXY protocol header at the start of a connection. Later bytes go to the wire.

use super::Engine;
use crate::address::Address;
use crate::driver::Driver;
use crate::event::Severity;
use crate::proxies::protocol::{Header, Source};
use crate::proxies::{Proxies, protocol};
use crate::wire::Wire;

/// The PROXY protocol header of one connection.
#[derive(Debug)]
pub(super) enum ProxyHeader {
    /// No header is expected.
    None,
    /// A header is expected. This part of it has arrived.
    Awaited(Vec<u8>),
    /// The header names the client for which the proxy has connected.
    Proxied(Box<Source>),
    /// The proxy has connected on its own behalf, for example for a health check.
    Local,
}

impl ProxyHeader {
    fn source(&self) -> Option<&Source> {
        match self {
            ProxyHeader::Proxied(source) => Some(source),
            _ => None,
        }
    }

    /// The client's address, if the header names a client.
    #[inline]
    pub fn client(&self) -> Option<&Address> {
        self.source().map(|source| &source.client)
    }

    /// The address to which the client has connected, if the header names one.
    pub fn server(&self) -> Option<&Address> {
        self.source().map(|source| &source.server).filter(|server| **server != Address::Unknown)
    }

    /// Whether the client has connected to the proxy over TLS.
    #[inline]
    pub fn is_secure(&self) -> bool {
        self.source().is_some_and(|source| source.secure)
    }

    /// Whether the forwarding fields of a head may be read, if the client is trusted. A proxy that sends a PROXY header
    /// forwards all later bytes unchanged, so the fields come from its client. That client may be another trusted
    /// proxy. A client on a UNIX socket is never one, because the socket may be on another machine.
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
    /// Sets which proxies are trusted. The change does not affect open connections.
    pub fn set_proxies(&mut self, proxies: Option<Proxies>) {
        self.settings.proxies = proxies;
    }

    /// Whether a peer may connect. If the PROXY protocol is on, only trusted proxies may connect.
    pub(super) fn accepts_peer(&mut self, peer: &Address) -> bool {
        let Some(Proxies { protocol: true, trusted, .. }) = &self.settings.proxies else { return true };
        let trusted = trusted.contains(peer);
        if !trusted {
            self.refuse_proxy(peer.clone(), "the PROXY protocol is spoken with trusted proxies only");
        }
        trusted
    }

    /// Makes a new connection on a socket expect a header, if the PROXY protocol is on.
    pub(super) fn expect_proxy_header(&mut self, slot: usize) {
        if self.settings.proxies.as_ref().is_some_and(|proxies| proxies.protocol) {
            self.connections[slot].proxy_header = ProxyHeader::Awaited(Vec::new());
        }
    }

    /// Reads the header, and passes the bytes after it to the wire. Returns false if the header is invalid.
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
