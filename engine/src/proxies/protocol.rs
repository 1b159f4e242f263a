//! Parses the header of the PROXY protocol, versions 1 and 2. A proxy that forwards bytes unchanged sends it at the
//! start of a connection, before HTTP.
//!
//! Section numbers refer to the specification, `proxy-protocol.txt` of HAProxy.

use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use memchr::memchr;

use super::port;
use crate::address::Address;

/// The maximum length of a version 1 header, including CR LF (section 2.1).
pub const LONGEST_LINE: usize = 107;
/// The maximum length of a version 2 header.
pub const LONGEST_BLOCK: usize = 4096;

const LINE: &[u8] = b"PROXY ";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The size of the fixed start of a version 2 header: signature, command, family and length.
const BLOCK_START: usize = 16;

const TLV_CRC32C: u8 = 0x03;
const TLV_SSL: u8 = 0x20;
/// The flag of a client that connected over TLS (section 2.2.6).
const CLIENT_SSL: u8 = 0x01;

/// What a PROXY protocol header says about the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// The proxy opened the connection for itself, for example for a health check (the command LOCAL).
    Local,
    /// The proxy cannot describe its client.
    Unknown,
    /// The proxy opened the connection for this client.
    Proxied(Box<Source>),
}

/// The connection from the client to the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The client's address.
    pub client: Address,
    /// The address to which the client connected.
    pub server: Address,
    /// Whether the client connected over TLS.
    pub secure: bool,
}

impl Source {
    /// Returns the source for a client that the proxy does not describe.
    pub fn unknown() -> Self {
        Source { client: Address::Unknown, server: Address::Unknown, secure: false }
    }
}

/// Parses the header at the start of a connection. Returns the header and its length, or None if the header is
/// incomplete. Returns an error, a phrase for the log, as soon as the bytes cannot be a header.
pub fn parse(bytes: &[u8]) -> Result<Option<(Header, usize)>, &'static str> {
    match (starts(bytes, LINE), starts(bytes, SIGNATURE)) {
        (true, _) => parse_line(bytes),
        (_, true) => parse_block(bytes),
        _ => Err("there is no header of the PROXY protocol"),
    }
}

/// Whether `bytes` and `beginning` are equal up to the length of the shorter one.
fn starts(bytes: &[u8], beginning: &[u8]) -> bool {
    let count = bytes.len().min(beginning.len());
    bytes[..count] == beginning[..count]
}

/// Parses a version 1 header (section 2.1).
fn parse_line(bytes: &[u8]) -> Result<Option<(Header, usize)>, &'static str> {
    let near = &bytes[..bytes.len().min(LONGEST_LINE)];
    let Some(newline) = memchr(b'\n', near) else {
        return if bytes.len() < LONGEST_LINE { Ok(None) } else { Err("the PROXY line is too long") };
    };
    let line = near[..newline].strip_suffix(b"\r").ok_or("the PROXY line does not end with CR LF")?;
    let rest = line.get(LINE.len()..).ok_or("the PROXY line is cut off")?;
    let bad = "the PROXY line is malformed";
    let rest = std::str::from_utf8(rest).map_err(|_| bad)?;
    if rest.contains('\r') {
        return Err(bad);
    }
    let header = match rest.split_once(' ') {
        Some(("TCP4", ends)) => source_of_line::<Ipv4Addr>(ends).ok_or(bad)?,
        Some(("TCP6", ends)) => source_of_line::<Ipv6Addr>(ends).ok_or(bad)?,
        Some(("UNKNOWN", _)) => Header::Unknown,
        None if rest == "UNKNOWN" => Header::Unknown,
        _ => return Err(bad),
    };
    Ok(Some((header, newline + 1)))
}

/// Parses two addresses and two ports, separated by single spaces.
fn source_of_line<Ip: FromStr + Into<IpAddr>>(ends: &str) -> Option<Header> {
    let mut parts = ends.split(' ');
    let mut ip = || Some(parts.next()?.parse::<Ip>().ok()?.into());
    let (client, server): (IpAddr, IpAddr) = (ip()?, ip()?);
    let mut number = || {
        let digits = parts.next()?;
        if digits.len() > 1 && digits.starts_with('0') { None } else { port(digits.as_bytes()) }
    };
    let (client_port, server_port) = (number()?, number()?);
    parts.next().is_none().then(|| {
        Header::Proxied(Box::new(Source {
            client: Address::Inet(SocketAddr::new(client, client_port)),
            server: Address::Inet(SocketAddr::new(server, server_port)),
            secure: false,
        }))
    })
}

/// Parses a version 2 header (section 2.2).
fn parse_block(bytes: &[u8]) -> Result<Option<(Header, usize)>, &'static str> {
    let is_local = match bytes.get(SIGNATURE.len()) {
        None => return Ok(None),
        Some(0x20) => true,
        Some(0x21) => false,
        Some(_) => return Err("the PROXY header is of an unknown version or command"),
    };
    let Some(&[family, high, low]) = bytes.get(SIGNATURE.len() + 1..BLOCK_START) else { return Ok(None) };
    let end = BLOCK_START + usize::from(u16::from_be_bytes([high, low]));
    if end > LONGEST_BLOCK {
        return Err("the PROXY header is too long");
    }
    let Some(block) = bytes.get(..end) else { return Ok(None) };
    let header = if is_local { Header::Local } else { source_of_block(family, block)? };
    Ok(Some((header, end)))
}

fn source_of_block(family: u8, block: &[u8]) -> Result<Header, &'static str> {
    let body = &block[BLOCK_START..];
    let short = "the PROXY header is shorter than its addresses";
    let ((client, server), tlvs) = match family {
        0x00 => return Ok(Header::Unknown),
        0x11 | 0x12 => body.split_at_checked(12).map(|(ends, tlvs)| (inet::<4>(ends), tlvs)).ok_or(short)?,
        0x21 | 0x22 => body.split_at_checked(36).map(|(ends, tlvs)| (inet::<16>(ends), tlvs)).ok_or(short)?,
        0x31 | 0x32 => body.split_at_checked(216).map(|(ends, tlvs)| (unix(ends), tlvs)).ok_or(short)?,
        _ => return Err("the PROXY header is of an unknown family"),
    };
    let secure = read_tlvs(block, block.len() - tlvs.len())?;
    Ok(Header::Proxied(Box::new(Source { client, server, secure })))
}

/// Parses two addresses with this number of bytes, and then two ports.
fn inet<const SIZE: usize>(ends: &[u8]) -> (Address, Address)
where
    [u8; SIZE]: Into<IpAddr>,
{
    let end = |number: usize| {
        let mut address = [0; SIZE];
        address.copy_from_slice(&ends[number * SIZE..][..SIZE]);
        let port = &ends[2 * SIZE + 2 * number..][..2];
        Address::Inet(SocketAddr::new(address.into(), u16::from_be_bytes([port[0], port[1]])))
    };
    (end(0), end(1))
}

/// Parses two paths that are padded with NUL. A path that starts with NUL is an abstract name, not a file.
fn unix(ends: &[u8]) -> (Address, Address) {
    let end = |path: &[u8]| {
        let path = &path[..memchr(0, path).unwrap_or(path.len())];
        Address::Unix((!path.is_empty()).then(|| Arc::new(PathBuf::from(OsStr::from_bytes(path)))))
    };
    let (client, server) = ends.split_at(ends.len() / 2);
    (end(client), end(server))
}

/// Reads the TLVs of a version 2 header, which start at offset `at`. Returns whether the client connected over TLS.
fn read_tlvs(block: &[u8], mut at: usize) -> Result<bool, &'static str> {
    let mut secure = false;
    while at < block.len() {
        let bad = "a TLV of the PROXY header does not fit into it";
        let Some(&[kind, high, low]) = block.get(at..at + 3) else { return Err(bad) };
        let start = at + 3;
        at = start + usize::from(u16::from_be_bytes([high, low]));
        let value = block.get(start..at).ok_or(bad)?;
        match kind {
            TLV_SSL => secure = value.first().is_some_and(|flags| flags & CLIENT_SSL != 0),
            TLV_CRC32C => {
                let expected: [u8; 4] = value.try_into().map_err(|_| bad)?;
                let zeroed = [&block[..start], &[0; 4], &block[at..]];
                if crc32c(zeroed.into_iter().flatten().copied()) != u32::from_be_bytes(expected) {
                    return Err("the checksum of the PROXY header is wrong");
                }
            }
            _ => {}
        }
    }
    Ok(secure)
}

/// Computes the CRC32c checksum (RFC 4960, appendix B). It is computed bit by bit, because it runs once per connection,
/// over at most 4 KiB.
fn crc32c(bytes: impl Iterator<Item = u8>) -> u32 {
    !bytes.fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(client: &str, server: &str, secure: bool) -> Header {
        let inet = |text: &str| Address::Inet(text.parse().unwrap());
        Header::Proxied(Box::new(Source { client: inet(client), server: inet(server), secure }))
    }

    /// Makes a version 2 header.
    fn block(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16).to_be_bytes();
        [SIGNATURE, &[command, family], &length, body].concat()
    }

    const INET: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 1, 0x04, 0xd2, 0x01, 0xbb];

    fn with_tlvs(tlvs: &[u8]) -> Vec<u8> {
        block(0x21, 0x11, &[INET, tlvs].concat())
    }

    /// Parses a header with an HTTP request after it, and checks that no shorter part of the header is accepted.
    fn whole(header: &[u8]) -> Result<Header, &'static str> {
        let with_more = [header, b"GET / HTTP/1.1\r\n"].concat();
        let (parsed, used) = parse(&with_more)?.expect("a whole header");
        assert_eq!(header.len(), used);
        for end in 0..header.len() {
            assert_eq!(Ok(None), parse(&header[..end]), "{end} bytes");
        }
        Ok(parsed)
    }

    #[test]
    fn section_2_1_lines() {
        for (line, expected) in [
            ("TCP4 192.0.2.1 198.51.100.1 1234 443", source("192.0.2.1:1234", "198.51.100.1:443", false)),
            (
                "TCP4 255.255.255.255 255.255.255.255 65535 0",
                source("255.255.255.255:65535", "255.255.255.255:0", false),
            ),
            ("TCP6 2001:db8::1 ::1 1234 443", source("[2001:db8::1]:1234", "[::1]:443", false)),
            ("UNKNOWN", Header::Unknown),
            ("UNKNOWN ", Header::Unknown),
            (
                "UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
                Header::Unknown,
            ),
        ] {
            assert_eq!(Ok(expected), whole(format!("PROXY {line}\r\n").as_bytes()), "{line}");
        }
    }

    #[test]
    fn section_2_1_bad_lines() {
        for line in [
            "PROXY \r\n",
            "PROXY\r\n",
            "PROXY  UNKNOWN\r\n",
            "PROXY UNKNOWNS\r\n",
            "PROXY unknown\r\n",
            "PROXY UDP4 192.0.2.1 198.51.100.1 1234 443\r\n",
            "PROXY TCP4\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1234\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1234 443 \r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1234 443 5\r\n",
            "PROXY TCP4 192.0.2.1  198.51.100.1 1234 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 01234 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 +1234 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 65536 443\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1234 443\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 1234 44\r3\r\n",
            "PROXY UNKNOWN \r \r\n",
            "PROXY TCP4 192.0.2.01 198.51.100.1 1234 443\r\n",
            "PROXY TCP4 ::1 198.51.100.1 1234 443\r\n",
            "PROXY TCP6 192.0.2.1 ::1 1234 443\r\n",
            "PROXY TCP4 a\u{e9} 198.51.100.1 1234 443\r\n",
            "proxy UNKNOWN\r\n",
            "GET / HTTP/1.1\r\n",
            "PRI * HTTP/2.0\r\n",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line:?}");
        }
    }

    #[test]
    fn section_2_1_the_longest_line() {
        let longest = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST_LINE - 16));
        assert_eq!(LONGEST_LINE, longest.len());
        assert_eq!(Ok(Header::Unknown), whole(longest.as_bytes()));
        let longer = format!("PROXY UNKNOWN {}\r\n", "x".repeat(LONGEST_LINE - 15));
        assert_eq!(Err("the PROXY line is too long"), parse(longer.as_bytes()));
        assert_eq!(Err("the PROXY line is too long"), parse(&longer.as_bytes()[..LONGEST_LINE]));
    }

    #[test]
    fn section_2_2_addresses() {
        let header = source("192.0.2.1:1234", "198.51.100.1:443", false);
        assert_eq!(Ok(header.clone()), whole(&block(0x21, 0x11, INET)));
        assert_eq!(Ok(header), whole(&block(0x21, 0x12, INET)));
        let mut inet6 = [0; 36];
        inet6[15] = 1;
        inet6[31] = 2;
        inet6[35] = 80;
        assert_eq!(Ok(source("[::1]:0", "[::2]:80", false)), whole(&block(0x21, 0x21, &inet6)));
        let mut paths = [0; 216];
        paths[..4].copy_from_slice(b"/run");
        let header = whole(&block(0x21, 0x31, &paths)).unwrap();
        let client = Address::Unix(Some(Arc::new("/run".into())));
        assert_eq!(Header::Proxied(Box::new(Source { client, server: Address::Unix(None), secure: false })), header);
    }

    #[test]
    fn section_2_2_no_addresses() {
        assert_eq!(Ok(Header::Local), whole(&block(0x20, 0x00, b"")));
        assert_eq!(Ok(Header::Local), whole(&block(0x20, 0x11, INET)));
        assert_eq!(Ok(Header::Local), whole(&block(0x20, 0xff, b"whatever")));
        assert_eq!(Ok(Header::Unknown), whole(&block(0x21, 0x00, b"whatever")));
    }

    #[test]
    fn section_2_2_bad_blocks() {
        for (what, header) in [
            ("version", block(0x11, 0x11, INET)),
            ("command", block(0x22, 0x11, INET)),
            ("family", block(0x21, 0x41, INET)),
            ("protocol", block(0x21, 0x13, INET)),
            ("unspecified protocol", block(0x21, 0x10, INET)),
            ("short IPv4", block(0x21, 0x11, &INET[..11])),
            ("short IPv6", block(0x21, 0x21, INET)),
            ("short UNIX", block(0x21, 0x31, &[0; 215])),
            ("signature", block(0x21, 0x11, INET)[1..].to_vec()),
        ] {
            assert!(parse(&header).is_err(), "{what}");
        }
    }

    #[test]
    fn section_2_2_the_longest_block() {
        let padding = |length: usize| {
            let mut tlv = vec![0x04];
            tlv.extend_from_slice(&(length as u16).to_be_bytes());
            tlv.resize(3 + length, 0);
            tlv
        };
        let room = LONGEST_BLOCK - BLOCK_START - INET.len() - 3;
        assert!(whole(&with_tlvs(&padding(room))).is_ok());
        let longer = with_tlvs(&padding(room + 1));
        assert_eq!(Err("the PROXY header is too long"), parse(&longer[..BLOCK_START]));
    }

    #[test]
    fn section_2_2_tlvs() {
        let secure = |tlvs: &[u8]| match whole(&with_tlvs(tlvs)) {
            Ok(Header::Proxied(source)) => Some(source.secure),
            _ => None,
        };
        assert_eq!(Some(false), secure(&[0x02, 0, 1, b'a']));
        assert_eq!(Some(true), secure(&[0x02, 0, 1, b'a', TLV_SSL, 0, 5, 1, 0, 0, 0, 0]));
        assert_eq!(Some(false), secure(&[TLV_SSL, 0, 5, 0, 0, 0, 0, 0]));
        assert_eq!(Some(false), secure(&[TLV_SSL, 0, 0]));
        for bad in [&[0x02][..], &[0x02, 0], &[0x02, 0, 1], &[0x02, 0xff, 0xff, 0], &[0x04, 0, 0, 0x02, 0, 2, b'a']] {
            assert_eq!(None, secure(bad), "{bad:?}");
        }
    }

    #[test]
    fn section_2_2_3_checksums() {
        let mut header = with_tlvs(&[TLV_CRC32C, 0, 4, 0, 0, 0, 0, 0x04, 0, 0]);
        let sum = crc32c(header.iter().copied());
        let at = BLOCK_START + INET.len() + 3;
        header[at..at + 4].copy_from_slice(&sum.to_be_bytes());
        assert!(whole(&header).is_ok());
        header[BLOCK_START] ^= 1;
        assert_eq!(Err("the checksum of the PROXY header is wrong"), parse(&header));
        assert!(parse(&with_tlvs(&[TLV_CRC32C, 0, 3, 0, 0, 0])).is_err());
        assert_eq!(0xe306_9283, crc32c(b"123456789".iter().copied()));
    }
}
