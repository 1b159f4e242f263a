//! Checks the parsers for the headers of proxies. The result does not depend on the pieces in which a PROXY header
//! arrives, and only trusted proxies can name a client.

use ropewalk_engine::Address;
use ropewalk_engine::proxies::forwarded::{self, Element};
use ropewalk_engine::proxies::protocol::{self, LONGEST_BLOCK, LONGEST_LINE};
use ropewalk_engine::proxies::{Trusted, x_forwarded};

/// Checks the parsers for PROXY headers and forwarding fields with one input.
pub fn check(input: &[u8]) {
    check_protocol(input);
    check_forwarded(input);
    check_x_forwarded(input);
}

/// Checks that the parser accepts or refuses a header at one certain byte, and that later bytes do not change the
/// result.
fn check_protocol(input: &[u8]) {
    let mut decided = None;
    for end in 0..=input.len().min(LONGEST_BLOCK) {
        let outcome = protocol::parse(&input[..end]);
        match &decided {
            None if outcome == Ok(None) => {
                let most = if input.starts_with(b"P") { LONGEST_LINE } else { LONGEST_BLOCK };
                assert!(end < most, "{end} bytes of {} are not enough", input.escape_ascii());
            }
            None => {
                if let Ok(Some((_, used))) = &outcome {
                    assert_eq!(end, *used, "the length of {}", input.escape_ascii());
                }
                decided = Some(outcome);
            }
            Some(first) => assert_eq!(first, &outcome, "{end} bytes of {}", input.escape_ascii()),
        }
    }
}

/// Checks that parsed elements, written again with every value quoted, are parsed to the same elements.
fn check_forwarded(input: &[u8]) {
    let mut elements = Vec::new();
    if forwarded::parse(input, &mut elements).is_err() {
        return;
    }
    let again: Vec<Vec<u8>> = elements.iter().map(written).collect();
    let again = again.join(&b", "[..]);
    let mut read = Vec::new();
    forwarded::parse(&again, &mut read).unwrap();
    assert_eq!(elements, read, "{} is {}", input.escape_ascii(), again.escape_ascii());
}

fn written(element: &Element<'_>) -> Vec<u8> {
    let mut text = b";".to_vec();
    for (name, value) in [("for", &element.client), ("proto", &element.scheme), ("host", &element.host)] {
        let Some(value) = value else { continue };
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"=\"");
        text.extend(quoted(value));
        text.extend_from_slice(b"\";");
    }
    text
}

fn quoted(value: &[u8]) -> impl Iterator<Item = u8> {
    value.iter().flat_map(|&byte| [b'\\', byte])
}

/// Checks that every peer to the right of the client is trusted. The client is trusted only if all peers are.
fn check_x_forwarded(input: &[u8]) {
    let mut trusted = Trusted::default();
    trusted.add("10.0.0.0/8").unwrap();
    trusted.add("2001:db8::/32").unwrap();
    let alone = |element: &[u8]| x_forwarded::client(std::iter::once(element), &Trusted::default());
    let peers: Vec<Address> = input.split(|&byte| byte == b',').filter_map(alone).collect();
    let stranger = peers.iter().rposition(|peer| !trusted.contains(peer));
    let expected = peers.get(stranger.unwrap_or(0)).cloned();
    for lines in [vec![input], input.split(|&byte| byte == b',').collect()] {
        assert_eq!(expected, x_forwarded::client(lines.into_iter(), &trusted), "{}", input.escape_ascii());
    }
}
