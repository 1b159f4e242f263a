//! Which peers are trusted to report their clients.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::address::Address;

/// Trusted peers: addresses, networks, and all peers on UNIX sockets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted {
    networks: Vec<Network>,
    unix: bool,
}

/// The error for a text that is not `unix`, an address or a network in CIDR notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotANetwork(pub String);

impl fmt::Display for NotANetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is neither an address, nor a network such as 10.0.0.0/8, nor unix", self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    first: u128,
    mask: u128,
    is_ipv4: bool,
}

impl Trusted {
    /// Adds a trusted peer: `192.0.2.1`, `10.0.0.0/8`, `2001:db8::/32` or `unix`.
    pub fn add(&mut self, text: &str) -> Result<(), NotANetwork> {
        if text == "unix" {
            self.unix = true;
            return Ok(());
        }
        self.networks.push(Network::parse(text).ok_or_else(|| NotANetwork(text.into()))?);
        Ok(())
    }

    /// Whether a peer is trusted.
    pub fn contains(&self, peer: &Address) -> bool {
        match peer {
            Address::Inet(address) => self.networks.iter().any(|network| network.contains(address.ip())),
            Address::Unix(_) => self.unix,
            Address::Unknown => false,
        }
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let length = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => length,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
        };
        // An IPv4 address is stored in the last 32 bits of an IPv6 address, so 96 bits are added to the length of its
        // prefix.
        let kept = 128 - u32::checked_sub(length, bits)?;
        let mask = if kept == 0 { 0 } else { u128::MAX << (128 - kept) };
        let mapped = bits_of(address);
        let is_ipv4 = address.to_canonical().is_ipv4() && kept >= 96;
        (mapped & !mask == 0).then_some(Network { first: mapped, mask, is_ipv4 })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.is_ipv4 == address.is_ipv4() && bits_of(address) & self.mask == self.first
    }
}

fn bits_of(address: IpAddr) -> u128 {
    let address: Ipv6Addr = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    address.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(text: &str, address: &str) -> bool {
        let mut trusted = Trusted::default();
        trusted.add(text).unwrap();
        trusted.contains(&Address::Inet(std::net::SocketAddr::new(address.parse().unwrap(), 1)))
    }

    #[test]
    fn addresses_and_networks() {
        for (text, address, expected) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("::ffff:192.0.2.0/120", "192.0.2.9", true),
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::1", "::1", true),
            ("::1", "127.0.0.1", false),
        ] {
            assert_eq!(expected, trusted(text, address), "{text} {address}");
        }
    }

    #[test]
    fn unix_sockets() {
        assert!(!Trusted::default().contains(&Address::Unix(None)));
        let mut trusted = Trusted::default();
        trusted.add("unix").unwrap();
        assert!(trusted.contains(&Address::Unix(None)));
        assert!(!trusted.contains(&Address::Unknown));
    }

    #[test]
    fn malformed_networks() {
        for text in
            ["", "localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "10.0.0", "010.0.0.0", "::/129"]
        {
            assert_eq!(Err(NotANetwork(text.into())), Trusted::default().add(text));
        }
    }
}
