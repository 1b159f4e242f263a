//! Checks and splits the request line (RFC 9112, section 3): method, target and version.

use memchr::memchr_iter;

use crate::authority::is_authority;
use crate::method::{Method, Methods};
use crate::refusal::Refusal;
use crate::token::is_token;

/// Checks the form `method SP target SP version CRLF` (RFC 9112, section 3). Returns the method.
pub fn check(bytes: &[u8], methods: Methods) -> Result<Method, Refusal> {
    let end = memchr::memchr(b'\r', bytes).unwrap_or(bytes.len());
    let mut parts = bytes[..end].split(|&byte| byte == b' ');
    let (Some(method), Some(target), Some(version), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Refusal::bad("the request line is not a method, a target and a version"));
    };
    if method.is_empty() || !method.iter().copied().all(is_token) {
        return Err(Refusal::bad("the method is not a token"));
    }
    if let Some(&byte) = target.iter().find(|&&byte| !(0x21..=0x7e).contains(&byte)) {
        return Err(Refusal::bad(if byte > 0x7e {
            "the target has bytes that must be percent-encoded"
        } else {
            "the target has control characters"
        }));
    }
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" => {}
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => {
            return Err(Refusal { status: 505, reason: "this version of HTTP is not supported" });
        }
        _ => return Err(Refusal::bad("the version is not well formed")),
    }
    if methods == Methods::Any {
        return Ok(Method::parse(method).unwrap_or(Method::OTHER));
    }
    let unknown = Refusal { status: 501, reason: "the method is not supported" };
    let method = match Method::parse(method) {
        Some(method) => method,
        None if methods == Methods::Conventional && Method::is_conventional(method) => Method::OTHER,
        None => return Err(unknown),
    };
    if method == Method::CONNECT || method == Method::TRACE {
        return Err(Refusal { status: 501, reason: "CONNECT and TRACE are not supported" });
    }
    Ok(method)
}

/// The parts of a request target.
pub(super) struct RequestTarget<'a> {
    pub authority: Option<&'a [u8]>,
    pub path: &'a [u8],
    pub query: &'a [u8],
}

/// Splits a target into its parts, according to its form (RFC 9112, section 3.2).
pub(super) fn split_target(method: Method, target: &[u8], methods: Methods) -> Result<RequestTarget<'_>, Refusal> {
    if method == Method::CONNECT {
        if !is_authority(target) {
            return Err(Refusal::bad("the target of CONNECT is a host and a port"));
        }
        return Ok(RequestTarget { authority: Some(target), path: target, query: b"" });
    }
    if target == b"*" {
        if method != Method::OPTIONS {
            return Err(Refusal::bad("the target * is for OPTIONS only"));
        }
        return Ok(RequestTarget { authority: None, path: target, query: b"" });
    }
    let (authority, rest) =
        if target.first() == Some(&b'/') { (None, target) } else { absolute_form(target, methods)? };
    let (path, query) = match memchr::memchr2(b'?', b'#', rest) {
        None => (rest, &rest[rest.len()..]),
        Some(at) if rest[at] == b'?' => (&rest[..at], &rest[at + 1..]),
        Some(_) => return Err(Refusal::bad("the target has a fragment")),
    };
    if memchr::memchr(b'#', query).is_some() {
        return Err(Refusal::bad("the target has a fragment"));
    }
    let mut percents = memchr_iter(b'%', path);
    if percents.any(|at| path.get(at + 1..at + 3) == Some(b"00")) {
        return Err(Refusal::bad("the target has an encoded NUL"));
    }
    Ok(RequestTarget { authority, path, query })
}

/// Splits a target of the form `http://authority/path` (RFC 9112, section 3.2.2). In `http://authority` the path is
/// empty, which means `/`.
fn absolute_form(target: &[u8], methods: Methods) -> Result<(Option<&[u8]>, &[u8]), Refusal> {
    let bad = Refusal::bad("the target is neither a path nor an http URL");
    let scheme = target.iter().position(|&byte| byte == b':').ok_or(bad)?;
    let known = target[..scheme].eq_ignore_ascii_case(b"http") || target[..scheme].eq_ignore_ascii_case(b"https");
    if !known && methods != Methods::Any {
        return Err(bad);
    }
    let rest = target[scheme..].strip_prefix(b"://").ok_or(bad)?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.is_empty() || !is_authority(authority) {
        return Err(Refusal::bad("the authority of the target is not valid"));
    }
    Ok((Some(authority), rest))
}
