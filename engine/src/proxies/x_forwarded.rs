//! Reads `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`, which most proxies send and no RFC specifies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::{Trusted, port};
use crate::address::Address;
use crate::head::Head;
use crate::origin::Origin;
use crate::refusal::Refusal;

/// Updates the origin of a request with the X-Forwarded fields that a trusted proxy has sent.
pub(super) fn refine(head: &Head, trusted: &Trusted, host: bool, origin: &mut Origin) -> Result<(), Refusal> {
    if let Some(client) = client(head.values(b"x-forwarded-for"), trusted) {
        origin.client = client;
    }
    if let Some(scheme) = elements(head.values(b"x-forwarded-proto")).next() {
        origin.set_scheme(scheme)?;
    }
    if let Some(host) = elements(head.values(b"x-forwarded-host")).next().filter(|_| host) {
        origin.set_host(host)?;
    }
    Ok(())
}

/// Returns the client's address: the right-most address that is not trusted, or else the left-most address. Returns
/// None if the field is absent.
pub fn client<'a>(values: impl DoubleEndedIterator<Item = &'a [u8]>, trusted: &Trusted) -> Option<Address> {
    let mut client = None;
    for element in elements(values) {
        let address = address(element);
        let is_trusted = trusted.contains(&address);
        client = Some(address);
        if !is_trusted {
            break;
        }
    }
    client
}

/// Returns the elements of a list from right to left, without empty elements (RFC 9110, section 5.6.1). Several field
/// lines form one list.
fn elements<'a>(values: impl DoubleEndedIterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a [u8]> {
    let elements = values.rev().flat_map(|value| value.rsplit(|&byte| byte == b','));
    elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

/// Parses an address in any notation that proxies use. If it has no port, the port is 0.
fn address(text: &[u8]) -> Address {
    read_address(text).map_or(Address::Unknown, Address::Inet)
}

fn read_address(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip.to_canonical(), 0));
    }
    let (ip, rest) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, rest) = rest.split_once(']')?;
            (IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?), rest)
        }
        None => {
            let end = text.find(':')?;
            (IpAddr::V4(text[..end].parse().ok()?), &text[end..])
        }
    };
    let port = if rest.is_empty() { 0 } else { port(rest.strip_prefix(':')?.as_bytes())? };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(values: &[&str]) -> Option<String> {
        let mut trusted = Trusted::default();
        trusted.add("10.0.0.0/8").unwrap();
        trusted.add("2001:db8::/32").unwrap();
        client(values.iter().map(|value| value.as_bytes()), &trusted).map(|address| match address {
            Address::Inet(address) => address.to_string(),
            _ => "unknown".into(),
        })
    }

    #[test]
    fn the_client_is_the_first_address_from_the_right_that_is_not_trusted() {
        for (values, expected) in [
            (&["192.0.2.1"][..], "192.0.2.1:0"),
            (&["6.6.6.6, 192.0.2.1"], "192.0.2.1:0"),
            (&["6.6.6.6, 192.0.2.1, 10.0.0.1, 10.0.0.2"], "192.0.2.1:0"),
            (&["6.6.6.6", "192.0.2.1", "10.0.0.1"], "192.0.2.1:0"),
            (&["6.6.6.6, 192.0.2.1,10.0.0.1", " 10.0.0.2"], "192.0.2.1:0"),
            (&["10.0.0.1, 10.0.0.2"], "10.0.0.1:0"),
            (&["192.0.2.1, [2001:db8::1]:7"], "192.0.2.1:0"),
            (&["192.0.2.1, ::ffff:10.0.0.1"], "192.0.2.1:0"),
            (&["192.0.2.1, , 10.0.0.1,", ""], "192.0.2.1:0"),
        ] {
            assert_eq!(Some(expected.into()), client_of(values), "{values:?}");
        }
    }

    #[test]
    fn notations_of_addresses() {
        for (text, expected) in [
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("192.0.2.1:65535", "192.0.2.1:65535"),
            ("2001:db9::1", "[2001:db9::1]:0"),
            ("[2001:db9::1]", "[2001:db9::1]:0"),
            ("[2001:db9::1]:80", "[2001:db9::1]:80"),
            ("::ffff:192.0.2.1", "192.0.2.1:0"),
            ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
        ] {
            assert_eq!(Some(expected.into()), client_of(&[text]), "{text}");
        }
    }

    #[test]
    fn an_element_that_is_no_address_is_an_unknown_client() {
        for text in [
            "unknown",
            "_hidden",
            "localhost",
            "192.0.2.1:",
            "192.0.2.1:65536",
            "192.0.2.1:+80",
            "192.0.2.1:http",
            "192.0.2.256",
            "192.0.2.01",
            "192.0.2.1 10.0.0.1",
            "[192.0.2.1]",
            "[2001:db9::1",
            "[2001:db9::1]80",
            "[2001:db9::1]:",
            "[fe80::1%eth0]",
            "\"192.0.2.1\"",
            "unix:",
            "\u{e9}",
        ] {
            assert_eq!(Some("unknown".into()), client_of(&["6.6.6.6", text, "10.0.0.1"]), "{text}");
        }
    }

    #[test]
    fn an_absent_or_empty_field_reports_no_client() {
        assert_eq!(None, client_of(&[]));
        assert_eq!(None, client_of(&["", " , ,"]));
    }
}
