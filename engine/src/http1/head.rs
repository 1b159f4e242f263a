//! Parses complete request heads (RFC 9112, sections 3 to 6). `httparse` splits a head into its parts, and this module
//! checks the rules that `httparse` does not check.

use std::mem::MaybeUninit;

use memchr::memchr_iter;

use super::message::Message;
use super::request_line::split_target;
use crate::address::Address;
use crate::head::{FieldSpan, Head, Span, Version};
use crate::method::{Method, Methods};
use crate::refusal::Refusal;

/// Parses a complete head, from the request line to the empty line. [`super::head_scan::Scan`] has already checked the
/// request line.
pub fn parse(bytes: &[u8], method: Method, methods: Methods) -> Result<Box<Head>, Refusal> {
    let mut few = [const { MaybeUninit::uninit() }; 64];
    let mut many = Vec::new();
    let mut request = httparse::Request::new(&mut []);
    let parsed = match request.parse_with_uninit_headers(bytes, &mut few) {
        Err(httparse::Error::TooManyHeaders) => {
            many.resize_with(memchr_iter(b'\n', bytes).count(), MaybeUninit::uninit);
            request = httparse::Request::new(&mut []);
            request.parse_with_uninit_headers(bytes, &mut many)
        }
        outcome => outcome,
    };
    match parsed {
        Ok(httparse::Status::Complete(length)) if length == bytes.len() => {}
        Ok(_) => return Err(Refusal::bad("the head is not well formed")),
        Err(error) => return Err(Refusal::bad(reason(error))),
    }
    let target = request.path.unwrap_or_default().as_bytes();
    let version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };

    let mut message = Message::default();
    let mut fields = Vec::with_capacity(request.headers.len());
    for header in request.headers.iter() {
        message.add(header)?;
        fields.push(FieldSpan { name: span_of(bytes, header.name.as_bytes()), value: span_of(bytes, header.value) });
    }
    let parts = split_target(method, target, methods)?;
    let host = message.agreed_host(parts.authority, version)?;
    let framing = message.framing(version)?;
    Ok(Box::new(Head {
        method,
        target: span_of(bytes, target),
        path: span_of(bytes, parts.path),
        query: span_of(bytes, parts.query),
        host: span_of(bytes, host),
        version,
        fields,
        framing,
        keep_alive: message.wants_keep_alive(version),
        expects_continue: message.awaits_continue(version),
        peer: Address::Unknown,
        secure: false,
        origin: None,
        bytes: bytes.into(),
    }))
}

fn span_of(whole: &[u8], part: &[u8]) -> Span {
    let start = (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize);
    if start > whole.len() {
        return Span::default();
    }
    Span { start: start as u32, end: (start + part.len()) as u32 }
}

fn reason(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "a header name is not a token, or is followed by space",
        httparse::Error::HeaderValue => "a header value has control characters",
        httparse::Error::NewLine => "a line does not end with CR LF",
        httparse::Error::Token => "the method or the target is not valid",
        httparse::Error::Version => "the version is not well formed",
        httparse::Error::TooManyHeaders => "too many header fields",
        httparse::Error::Status => "the head is not well formed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::head_scan::Scan;
    use crate::http1::request_line;
    use crate::limits::Limits;

    fn parsed(text: &str, methods: Methods) -> Result<Box<Head>, Refusal> {
        parse(text.as_bytes(), request_line::check(text.as_bytes(), methods)?, methods)
    }

    fn head(text: &str) -> Result<Box<Head>, Refusal> {
        let mut scan = Scan::default();
        match scan.find_end(text.as_bytes(), &Limits::default(), Methods::Registered)? {
            Some((start, end)) => parse(&text.as_bytes()[start..end], scan.method.unwrap(), Methods::Registered),
            None => panic!("not a whole head: {text:?}"),
        }
    }

    fn status(text: &str) -> u16 {
        head(text).map_or_else(|refusal| refusal.status, |_| 200)
    }

    fn with(fields: &str) -> u16 {
        status(&format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n"))
    }

    #[test]
    fn rfc9112_3_request_line() {
        let head = head("GET /a%20b?c=d HTTP/1.1\r\nHost: example.com:80\r\nX: 1\r\nx:  2 \r\n\r\n").unwrap();
        assert_eq!(Method::GET, head.method());
        assert_eq!(b"/a%20b?c=d", head.target());
        assert_eq!((&b"/a%20b"[..], &b"c=d"[..]), (head.path(), head.query()));
        assert_eq!(b"example.com:80", head.host());
        assert_eq!(vec![&b"1"[..], b"2"], head.values(b"X").collect::<Vec<_>>());
        assert!(head.keep_alive);
    }

    #[test]
    fn rfc9112_3_bad_request_lines() {
        for (line, expected) in [
            ("GET  / HTTP/1.1", 400),
            ("GET / HTTP/1.1 ", 400),
            ("GET /", 400),
            ("GET / http/1.1", 400),
            ("GET / HTTP/1", 400),
            ("GET / HTTP/2.0", 505),
            ("GET / HTTP/1.2", 505),
            ("BREW / HTTP/1.1", 501),
            ("TRACE / HTTP/1.1", 501),
            ("CONNECT a:80 HTTP/1.1", 501),
            ("GET * HTTP/1.1", 400),
            ("GET a HTTP/1.1", 400),
            ("GET a:80 HTTP/1.1", 400),
            ("GET /a#b HTTP/1.1", 400),
            ("GET /?a#b HTTP/1.1", 400),
            ("GET /%00 HTTP/1.1", 400),
            ("GET /\x01 HTTP/1.1", 400),
            ("GET /\u{e9} HTTP/1.1", 400),
            ("GET http://u@a/ HTTP/1.1", 400),
            ("GET http://b/ HTTP/1.1", 400),
            ("GET http://A/x HTTP/1.1", 200),
            ("GET http://a?x HTTP/1.1", 200),
            ("OPTIONS * HTTP/1.1", 200),
        ] {
            assert_eq!(expected, status(&format!("{line}\r\nHost: a\r\n\r\n")), "{line}");
        }
    }

    #[test]
    fn any_method_passes_where_the_application_wants_them_all() {
        for (line, name, path) in [
            ("BREW /pot HTTP/1.0", "BREW", "/pot"),
            ("TRACE / HTTP/1.0", "TRACE", "/"),
            ("CONNECT a:80 HTTP/1.0", "CONNECT", "a:80"),
            ("GET matrix://a/b HTTP/1.0", "GET", "/b"),
        ] {
            let head = parsed(&format!("{line}\r\n\r\n"), Methods::Any).unwrap();
            assert_eq!((name.as_bytes(), path.as_bytes()), (head.method_name(), head.path()));
        }
        for line in ["G@T / HTTP/1.0", "CONNECT /a HTTP/1.0", "GET a:80 HTTP/1.0", "GET b HTTP/1.0"] {
            let refused = parsed(&format!("{line}\r\n\r\n"), Methods::Any);
            assert_eq!(400, refused.unwrap_err().status, "{line}");
        }
    }

    #[test]
    fn unregistered_methods_pass_where_their_name_is_conventional() {
        let refusal = |line: &str| {
            parsed(&format!("{line}\r\nHost: a\r\n\r\n"), Methods::Conventional).map_err(|refusal| refusal.status)
        };
        let head = refusal("M-SEARCH * HTTP/1.1").unwrap_err();
        assert_eq!(400, head, "the target * is for OPTIONS");
        let head = refusal("BREW /pot HTTP/1.1").unwrap();
        assert_eq!((Method::OTHER, &b"BREW"[..]), (head.method(), head.method_name()));
        assert_eq!(Method::GET, refusal("GET / HTTP/1.1").unwrap().method());
        for line in ["get / HTTP/1.1", "Brew / HTTP/1.1", "TRACE / HTTP/1.1", "CONNECT a:80 HTTP/1.1"] {
            assert_eq!(501, refusal(line).unwrap_err(), "{line}");
        }
        assert_eq!(400, refusal("BREW matrix://a/b HTTP/1.1").unwrap_err(), "no other scheme");
    }

    #[test]
    fn rfc9112_3_2_host() {
        assert_eq!(400, status("GET / HTTP/1.1\r\n\r\n"));
        assert_eq!(200, status("GET / HTTP/1.0\r\n\r\n"));
        assert_eq!(400, with("Host: a"));
        for (host, expected) in [
            ("", 400),
            ("a:000080", 200),
            ("a:00000000000065535", 200),
            ("a:00000000000065536", 400),
            ("a:+80", 400),
            ("[v1.fe80::a+en1]", 200),
            ("[V1F.a]:080", 200),
            ("[v1.]", 400),
            ("[v.a]", 400),
            ("[vg.a]", 400),
            ("[v1a]", 400),
            ("[v1.a,b]", 400),
            ("[v1.a%20]", 400),
            ("[v1.[a]", 400),
            ("[::1]:80", 200),
            ("[::1", 400),
            ("[x]", 400),
            ("a b", 400),
            ("u@a", 400),
            ("a:80:80", 400),
            ("a:x", 400),
            ("a,b", 400),
            ("a/b", 400),
            (":80", 400),
        ] {
            assert_eq!(expected, status(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")), "{host}");
        }
    }

    #[test]
    fn rfc9112_5_field_lines() {
        for bad in ["X : 1", "X", ": 1", " X: 1", "X: a\r\n b", "X: a\0b", "X: a\x0bb", "X: a\rb", "(X): 1"] {
            assert_eq!(400, with(bad), "{bad:?}");
        }
        assert_eq!(400, status("GET / HTTP/1.1\r\n Host: a\r\n\r\n"));
        assert_eq!(200, with("X:"));
        assert_eq!(200, with("X: tab\there"));
    }

    #[test]
    fn rfc9112_6_3_framing() {
        for (fields, expected) in [
            ("Content-Length: 5\r\nContent-Length: 5", 400),
            ("Content-Length: 5, 5", 400),
            ("Content-Length: +5", 400),
            ("Content-Length: 0x5", 400),
            ("Content-Length: 05", 400),
            ("Content-Length: 00", 400),
            ("Content-Length: ", 400),
            ("Content-Length: 99999999999999999999", 400),
            ("Content-Length: 0", 200),
            ("Transfer-Encoding: chunked\r\nContent-Length: 5", 400),
            ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400),
            ("Transfer-Encoding: chunked, chunked", 400),
            ("Transfer-Encoding: ", 400),
            ("Transfer-Encoding: gzip, chunked", 501),
            ("Transfer-Encoding: identity, chunked", 501),
            ("Transfer-Encoding: gzip, br, CHUNKED", 501),
            ("Transfer-Encoding: xchunked", 400),
            ("Transfer-Encoding: gzip", 400),
            ("Transfer-Encoding: identity", 400),
            ("Transfer-Encoding: chunked, gzip", 400),
            ("Transfer-Encoding: chunked, gzip, chunked", 400),
            ("Transfer-Encoding: CHUNKED", 200),
            ("Expect: 200-ok", 417),
        ] {
            assert_eq!(expected, with(fields), "{fields}");
        }
        assert_eq!(400, status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"));
    }

    #[test]
    fn rfc9112_2_2_line_ends() {
        let limits = Limits::default();
        for bad in ["GET / HTTP/1.1\n", "\n", "\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n", "\x16\x03\x01"] {
            assert_eq!(
                Err(400),
                Scan::default().find_end(bad.as_bytes(), &limits, Methods::Registered).map_err(|r| r.status),
                "{bad:?}"
            );
        }
        assert_eq!(200, status("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    #[test]
    fn sizes_are_limited_before_the_head_is_whole() {
        let limits = Limits { request_line: 20, head_size: 60, head_fields: 2, ..Limits::default() };
        for (text, expected) in [
            ("GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 414),
            ("GET / HTTP/1.1\r\na:\r\nb:\r\nc:\r\n", 431),
            ("GET / HTTP/1.1\r\na: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 431),
        ] {
            let refusal = Scan::default().find_end(text.as_bytes(), &limits, Methods::Registered).unwrap_err();
            assert_eq!(expected, refusal.status, "{text}");
        }
    }

    #[test]
    fn more_fields_than_the_small_array_holds() {
        let fields: String = (0..90).map(|n| format!("x-{n}: {n}\r\n")).collect();
        let head = head(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).unwrap();
        assert_eq!(91, head.field_count());
        assert_eq!(Some(&b"89"[..]), head.values(b"X-89").next());
    }
}
