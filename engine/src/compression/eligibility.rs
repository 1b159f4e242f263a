//! Decides whether a response is compressed.

use super::coding::Coding;
use super::media_types::is_compressible;
use super::negotiation::Accepted;
use super::settings::Compression;
use crate::head::{FieldRef, Head};

/// What is done with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// The response is sent as it is, to every client.
    Unchanged,
    /// The body is sent as it is, and other clients may get it compressed. `Vary` says so.
    Varies,
    /// The response is a 304 for a compressed body, whose ETag is weak.
    NotModified,
    /// The body is compressed.
    Compress(Coding),
}

impl Compression {
    /// Decides what is done with a response. `length` is the length of its body in bytes; None if it is streamed.
    pub fn plan(&self, head: &Head, status: u16, fields: &[FieldRef<'_>], length: Option<u64>) -> Plan {
        let Some(found) = Found::in_response(status, fields, &self.types) else { return Plan::Unchanged };
        let accepted = Accepted::parse(head.values(b"accept-encoding"));
        let coding = accepted.choose(self.codings.iter().map(|(coding, _)| *coding));
        if status == 304 {
            let weakens = coding.is_some() && found.etag.is_some_and(|etag| has_weak(head, etag));
            return if weakens { Plan::NotModified } else { Plan::Varies };
        }
        // A client that refuses an uncompressed body gets a compressed one of any size. An empty body stays empty.
        let least = if accepted.refuses_identity() { 1 } else { self.min_size.max(1) };
        if length.is_some_and(|length| length < least) {
            return Plan::Unchanged;
        }
        coding.map_or(Plan::Varies, Plan::Compress)
    }
}

/// What the fields of a response that may be compressed contain.
struct Found<'a> {
    etag: Option<&'a [u8]>,
}

impl<'a> Found<'a> {
    /// Reads the fields of a response. Returns None if it is never compressed.
    fn in_response(status: u16, fields: &[FieldRef<'a>], types: &[Box<[u8]>]) -> Option<Self> {
        // A part of a body (206) is a part of the uncompressed one (RFC 9110, section 14.2).
        if status < 200 || matches!(status, 204..=206) {
            return None;
        }
        let mut etag = None;
        let mut is_worth_it = status == 304;
        for &(name, value) in fields {
            match name.len() {
                4 if name.eq_ignore_ascii_case(b"etag") => etag = Some(value),
                6 if name.eq_ignore_ascii_case(b"digest") => return None,
                12 if name.eq_ignore_ascii_case(b"content-type") => is_worth_it |= is_compressible(value, types),
                // RFC 9110, section 7.7: no-transform forbids it to intermediaries. Handlers mean the server, too.
                13 if name.eq_ignore_ascii_case(b"cache-control") && has_token(value, b"no-transform") => return None,
                13 if name.eq_ignore_ascii_case(b"content-range") => return None,
                // RFC 9530: a digest covers the body with its coding.
                14 if name.eq_ignore_ascii_case(b"content-digest") => return None,
                11 if name.eq_ignore_ascii_case(b"repr-digest") => return None,
                11 if name.eq_ignore_ascii_case(b"content-md5") => return None,
                16 if name.eq_ignore_ascii_case(b"content-encoding") => return None,
                _ => {}
            }
        }
        is_worth_it.then_some(Found { etag })
    }
}

/// Whether a list in a field contains a token, in any case.
pub(super) fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|element| element.trim_ascii().eq_ignore_ascii_case(token))
}

/// Whether the client has sent the weak form of a strong ETag: it holds a compressed body (RFC 9110, section 13.1.2).
fn has_weak(head: &Head, etag: &[u8]) -> bool {
    if !matches!(etag, [b'"', .., b'"']) {
        return false;
    }
    let weak = [b"W/", etag].concat();
    let finder = memchr::memmem::Finder::new(&weak);
    head.values(b"if-none-match").any(|value| finder.find(value).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::head::parse;
    use crate::method::{Method, Methods};

    const HTML: FieldRef<'_> = (b"Content-Type", b"text/html");

    fn head_of(accepts: &str) -> Box<Head> {
        let head =
            format!("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accepts}\r\nIf-None-Match: \"b\", W/\"a\"\r\n\r\n");
        parse(head.as_bytes(), Method::GET, Methods::default()).unwrap()
    }

    fn plan_of(accepts: &str, status: u16, fields: &[FieldRef<'_>], length: Option<u64>) -> Plan {
        Compression::default().plan(&head_of(accepts), status, fields, length)
    }

    #[test]
    fn large_text_is_compressed() {
        assert_eq!(Plan::Compress(Coding::Gzip), plan_of("gzip", 200, &[HTML], Some(1024)));
        assert_eq!(Plan::Compress(Coding::Gzip), plan_of("gzip", 404, &[HTML], None));
        assert_eq!(Plan::Varies, plan_of("foo", 200, &[HTML], Some(1024)));
        assert_eq!(Plan::Unchanged, plan_of("gzip", 200, &[HTML], Some(1023)));
        assert_eq!(Plan::Compress(Coding::Gzip), plan_of("gzip, identity;q=0", 200, &[HTML], Some(1)));
        assert_eq!(Plan::Unchanged, plan_of("gzip, identity;q=0", 200, &[HTML], Some(0)));
        let any_size = Compression { min_size: 0, ..Compression::default() };
        for (size, expected) in [(0, Plan::Unchanged), (1, Plan::Compress(Coding::Gzip))] {
            assert_eq!(expected, any_size.plan(&head_of("gzip"), 200, &[HTML], Some(size)));
        }
    }

    #[test]
    fn what_must_not_be_compressed() {
        for status in [100, 204, 205, 206] {
            assert_eq!(Plan::Unchanged, plan_of("gzip", status, &[HTML], None), "{status}");
        }
        let fields: &[FieldRef<'_>] = &[
            (b"Content-Encoding", b"br"),
            (b"content-encoding", b"identity"),
            (b"Cache-Control", b"public, No-Transform"),
            (b"Content-Range", b"bytes 0-1/2"),
            (b"Repr-Digest", b"sha-256=:x:"),
            (b"Content-Digest", b"sha-256=:x:"),
            (b"Digest", b"x"),
            (b"Content-MD5", b"x"),
            (b"Content-Type", b"image/png"),
        ];
        for field in fields {
            let mut given = vec![*field];
            if !field.0.eq_ignore_ascii_case(b"content-type") {
                given.push(HTML);
            }
            assert_eq!(Plan::Unchanged, plan_of("gzip", 200, &given, None), "{field:?}");
        }
        assert_eq!(Plan::Unchanged, plan_of("gzip", 200, &[], None), "a body of an unknown type");
    }

    #[test]
    fn rfc9110_15_4_5_a_304_has_the_fields_of_the_200() {
        assert_eq!(Plan::NotModified, plan_of("gzip", 304, &[(b"ETag", b"\"a\"")], Some(0)));
        for etag in [&b"\"b\""[..], b"\"c\"", b"W/\"a\"", b"", b"\""] {
            assert_eq!(Plan::Varies, plan_of("gzip", 304, &[(b"ETag", etag)], Some(0)), "{etag:?}");
        }
        assert_eq!(Plan::Varies, plan_of("foo", 304, &[(b"ETag", b"\"a\"")], Some(0)));
    }
}
