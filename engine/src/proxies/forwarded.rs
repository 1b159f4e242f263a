//! Parses the `Forwarded` field (RFC 7239). The parser is strict, because an unclosed quotation mark would hide the
//! elements that a proxy has added after it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::{Trusted, port};
use crate::address::Address;
use crate::head::Head;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::token::is_token;

/// One element of the field: what one proxy reports about a request that it received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element<'a> {
    /// The `for` parameter: who sent the request to the proxy.
    pub client: Option<Cow<'a, [u8]>>,
    /// The `proto` parameter: the scheme of the request.
    pub scheme: Option<Cow<'a, [u8]>>,
    /// The `host` parameter: the Host field of the request.
    pub host: Option<Cow<'a, [u8]>>,
}

/// Updates the origin of a request with the `Forwarded` fields that trusted proxies have added.
pub(super) fn refine(head: &Head, trusted: &Trusted, origin: &mut Origin) -> Result<(), Refusal> {
    let mut elements = Vec::new();
    for value in head.values(b"forwarded") {
        parse(value, &mut elements).map_err(Refusal::bad)?;
    }
    for element in elements.iter().rev() {
        if let Some(scheme) = &element.scheme {
            origin.set_scheme(scheme)?;
        }
        if let Some(host) = &element.host {
            origin.set_host(host)?;
        }
        origin.client = element.client.as_deref().map_or(Address::Unknown, node);
        if !trusted.contains(&origin.client) {
            break;
        }
    }
    Ok(())
}

/// Parses one field line (section 4), and appends its elements in order. The error is a phrase for the log.
pub fn parse<'a>(value: &'a [u8], elements: &mut Vec<Element<'a>>) -> Result<(), &'static str> {
    let mut rest = value.trim_ascii_start();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(b",") {
            // The grammar allows empty elements (RFC 9110, section 5.6.1).
            rest = after.trim_ascii_start();
            continue;
        }
        let mut element = Element::default();
        let mut seen = Seen::default();
        loop {
            rest = pair(rest, &mut element, &mut seen)?.trim_ascii_start();
            match rest.first() {
                Some(b';') => rest = rest[1..].trim_ascii_start(),
                Some(b',') | None => break,
                Some(_) => return Err("a parameter of Forwarded is followed by neither ; nor ,"),
            }
        }
        elements.push(element);
    }
    Ok(())
}

/// The names of the parameters that were read in an element. Each name may occur only once.
#[derive(Default)]
struct Seen<'a>(Vec<&'a [u8]>);

/// The maximum number of parameters in an element. RFC 7239 defines four, and more may be registered.
const PARAMETERS: usize = 16;

/// Parses `[ token "=" value ]`, and stores the value in `element`. Returns the text after it.
fn pair<'a>(text: &'a [u8], element: &mut Element<'a>, seen: &mut Seen<'a>) -> Result<&'a [u8], &'static str> {
    let (name, rest) = split_token(text);
    if name.is_empty() {
        // The grammar allows an empty parameter between two semicolons.
        return Ok(text);
    }
    if seen.0.iter().any(|other| other.eq_ignore_ascii_case(name)) {
        return Err("a parameter of Forwarded is set twice");
    }
    if seen.0.len() == PARAMETERS {
        return Err("an element of Forwarded has too many parameters");
    }
    seen.0.push(name);
    let rest = rest.strip_prefix(b"=").ok_or("a parameter of Forwarded has no value")?;
    let (value, rest) = match rest.strip_prefix(b"\"") {
        Some(quoted) => split_quoted(quoted)?,
        None => {
            let (token, rest) = split_token(rest);
            (Cow::Borrowed(token), rest)
        }
    };
    if value.is_empty() {
        return Err("a parameter of Forwarded has no value");
    }
    let place = match () {
        () if name.eq_ignore_ascii_case(b"for") => &mut element.client,
        () if name.eq_ignore_ascii_case(b"proto") => &mut element.scheme,
        () if name.eq_ignore_ascii_case(b"host") => &mut element.host,
        () => return Ok(rest),
    };
    *place = Some(value);
    Ok(rest)
}

fn split_token(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|&byte| !is_token(byte)).unwrap_or(text.len()))
}

/// Parses a quoted string after its opening quotation mark (RFC 9110, section 5.6.4). Returns its content and the text
/// after it.
fn split_quoted(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), &'static str> {
    let open = "a quoted string in Forwarded does not end";
    let end = text.iter().position(|&byte| byte == b'"' || byte == b'\\').ok_or(open)?;
    if text[end] == b'"' {
        return Ok((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut content = text[..end].to_vec();
    let mut bytes = text[end..].iter().enumerate();
    while let Some((at, &byte)) = bytes.next() {
        match byte {
            b'"' => return Ok((Cow::Owned(content), &text[end + at + 1..])),
            b'\\' => content.push(*bytes.next().ok_or(open)?.1),
            plain => content.push(plain),
        }
    }
    Err(open)
}

/// Parses a node (section 6): an IPv4 address, or an IPv6 address in brackets, each with or without a port. Returns
/// [`Address::Unknown`] for any other node.
pub fn node(text: &[u8]) -> Address {
    read_node(text).map_or(Address::Unknown, Address::Inet)
}

fn read_node(text: &[u8]) -> Option<SocketAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let (ip, rest) = match text.strip_prefix('[') {
        Some(rest) => {
            let (ip, rest) = rest.split_once(']')?;
            (IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?), rest)
        }
        None => {
            let (ip, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            (IpAddr::V4(ip.parse().ok()?), rest)
        }
    };
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => 0,
        None => return None,
        Some(hidden) if is_obfuscated(hidden) => 0,
        Some(digits) => port(digits.as_bytes())?,
    };
    Some(SocketAddr::new(ip.to_canonical(), port))
}

/// Whether a text is an obfuscated identifier (section 6.3): `"_" 1*( ALPHA / DIGIT / "." / "_" / "-" )`.
fn is_obfuscated(text: &str) -> bool {
    text.strip_prefix('_').is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Result<Vec<(String, String, String)>, &'static str> {
        let mut elements = Vec::new();
        parse(value.as_bytes(), &mut elements)?;
        let text = |part: &Option<Cow<'_, [u8]>>| {
            part.as_ref().map_or("-".into(), |part| String::from_utf8_lossy(part).into_owned())
        };
        Ok(elements.iter().map(|one| (text(&one.client), text(&one.scheme), text(&one.host))).collect())
    }

    fn clients(value: &str) -> Vec<String> {
        parsed(value).unwrap().into_iter().map(|(client, _, _)| client).collect()
    }

    #[test]
    fn rfc7239_4_examples() {
        assert_eq!(vec!["_gazonk"], clients("for=\"_gazonk\""));
        assert_eq!(vec!["[2001:db8:cafe::17]:4711"], clients("For=\"[2001:db8:cafe::17]:4711\""));
        assert_eq!(
            Ok(vec![("192.0.2.60".into(), "http".into(), "-".into())]),
            parsed("for=192.0.2.60;proto=http;by=203.0.113.43")
        );
        assert_eq!(vec!["192.0.2.43", "198.51.100.17"], clients("for=192.0.2.43, for=198.51.100.17"));
        assert_eq!(
            vec!["192.0.2.43", "[2001:db8:cafe::17]", "unknown"],
            clients("for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown")
        );
    }

    #[test]
    fn rfc7239_4_the_whole_grammar() {
        assert_eq!(vec!["a", "-", "b"], clients(" ,for=a ,, ;by=x; ,\t; for=b;"));
        assert_eq!(
            Ok(vec![("-".into(), "-".into(), "a\\\"b, c;d".into())]),
            parsed("HOST=\"a\\\\\\\"b, c;d\";secret=\"\\\"\"")
        );
        assert_eq!(Vec::<String>::new(), clients(""));
    }

    #[test]
    fn rfc7239_4_malformed_fields() {
        for bad in [
            "for",
            "for=",
            "for=\"\"",
            "for =a",
            "for= a",
            "for=a b",
            "for=a for=b",
            "for=a/b",
            "for=[::1]",
            "for=192.0.2.1:80",
            "for=\"a",
            "for=\"a\\",
            "for=\"a\\\"",
            "for=\"a\"b",
            "for=a;for=b",
            "for=a;FOR=b",
            "by=a;by=b",
            "x=1;y=2;X=3",
            "=a",
            "\"for\"=a",
            "for=\u{e9}",
            "a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1;j=1;k=1;l=1;m=1;n=1;o=1;p=1;q=1",
        ] {
            assert!(parsed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rfc7239_6_nodes() {
        for (text, expected) in [
            ("192.0.2.43", "192.0.2.43:0"),
            ("192.0.2.43:47011", "192.0.2.43:47011"),
            ("192.0.2.43:_port", "192.0.2.43:0"),
            ("[2001:db8:cafe::17]", "[2001:db8:cafe::17]:0"),
            ("[2001:db8:cafe::17]:47011", "[2001:db8:cafe::17]:47011"),
            ("[::ffff:192.0.2.43]:_p", "192.0.2.43:0"),
        ] {
            assert_eq!(Address::Inet(expected.parse().unwrap()), node(text.as_bytes()), "{text}");
        }
        for text in [
            "unknown",
            "_hidden",
            "2001:db8:cafe::17",
            "[192.0.2.1]",
            "192.0.2.43:",
            "192.0.2.43:_",
            "192.0.2.43:_a b",
            "192.0.2.43:65536",
            "[::1]80",
            "[::1",
            "example.com",
        ] {
            assert_eq!(Address::Unknown, node(text.as_bytes()), "{text}");
        }
    }
}
