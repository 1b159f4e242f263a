//! Checks the head parser: the end and the contents of a head do not depend on the pieces in which the head arrives.

use ropewalk_engine::http1::head::parse;
use ropewalk_engine::http1::head_scan::Scan;
use ropewalk_engine::method::Methods;
use ropewalk_engine::refusal::Refusal;
use ropewalk_engine::token::is_token;
use ropewalk_engine::{Head, Limits, Version};

use crate::splits;

/// Checks the head parser with one input.
pub fn check(input: &[u8]) {
    for limits in [Limits::default(), Limits { request_line: 40, head_size: 160, head_fields: 4, ..Limits::default() }]
    {
        let [whole, others @ ..] = splits::ways(input).map(|pieces| read(&pieces, &limits));
        for other in others {
            assert_eq!(whole, other, "the outcome depends on the pieces of {:?}", input.escape_ascii().to_string());
        }
        if let Outcome::Head { start, end, said } = whole {
            check_accepted(&input[start..end], &said, &limits);
        }
    }
}

/// The result of parsing an input.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Incomplete,
    Refused(Refusal),
    Head { start: usize, end: usize, said: Said },
}

/// The contents of a head.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    method: &'static str,
    target: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    host: Vec<u8>,
    version: Version,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    has_body: bool,
    length: Option<u64>,
}

impl Said {
    fn by(head: &Head) -> Said {
        Said {
            method: head.method().as_str(),
            target: head.target().to_vec(),
            path: head.path().to_vec(),
            query: head.query().to_vec(),
            host: head.host().to_vec(),
            version: head.version(),
            fields: head.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
            has_body: head.has_body(),
            length: head.length(),
        }
    }
}

/// Reads as a connection does: continues the scan with each piece, and parses the head once, when it is complete.
fn read(pieces: &[&[u8]], limits: &Limits) -> Outcome {
    let mut scan = Scan::default();
    let mut input = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        match scan.find_end(&input, limits, Methods::Registered) {
            Ok(None) => {}
            Err(refusal) => return Outcome::Refused(refusal),
            Ok(Some((start, end))) => {
                let method = scan.method.expect("a request line");
                return match parse(&input[start..end], method, Methods::Registered) {
                    Ok(head) => Outcome::Head { start, end, said: Said::by(&head) },
                    Err(refusal) => Outcome::Refused(refusal),
                };
            }
        }
    }
    Outcome::Incomplete
}

/// Checks the bytes of an accepted head against RFC 9112, sections 2 to 6, without code of the parser.
fn check_accepted(bytes: &[u8], said: &Said, limits: &Limits) {
    assert!(bytes.len() as u64 <= limits.head_size);
    let text = bytes.strip_suffix(b"\r\n\r\n").expect("an empty line at the end");
    let mut lines = split_lines(text).into_iter();

    let request_line = lines.next().expect("a request line");
    assert!(request_line.len() as u64 <= limits.request_line);
    let version = match said.version {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    };
    assert_eq!([said.method.as_bytes(), &said.target, version.as_bytes()].join(&b' '), request_line);
    assert!(said.target.iter().all(|byte| (0x21..=0x7e).contains(byte) && *byte != b'#'));
    assert!(said.target.starts_with(b"/") || said.target.contains(&b':') || said.target == b"*");
    assert!(said.target.ends_with(&said.query));

    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), said.fields.len());
    assert!(lines.len() as u64 <= limits.head_fields);
    for (line, (name, value)) in lines.iter().zip(&said.fields) {
        check_field(name, value);
        let rest = line.strip_prefix(name.as_slice()).and_then(|rest| rest.strip_prefix(b":"));
        assert_eq!(value, rest.expect("the name and a colon").trim_ascii());
    }

    check_framing(said);
}

/// Splits at CR LF. Panics for an empty line, and for a CR or LF elsewhere.
fn split_lines(text: &[u8]) -> Vec<&[u8]> {
    let lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
    let last = lines.len() - 1;
    let lines = lines.iter().enumerate().map(|(number, line)| {
        let line = if number < last { line.strip_suffix(b"\r").expect("CR LF at the end of a line") } else { line };
        assert!(!line.contains(&b'\r') && !line.is_empty());
        line
    });
    lines.collect()
}

/// Checks the name and the value of a field (RFC 9110, sections 5.1 and 5.5).
pub fn check_field(name: &[u8], value: &[u8]) {
    assert!(!name.is_empty() && name.iter().copied().all(is_token));
    assert!(value.iter().all(|&byte| byte == b'\t' || (byte >= 0x20 && byte != 0x7f)));
    assert_eq!(value.trim_ascii(), value);
}

/// Checks the Host and the framing (RFC 9112, sections 3.2 and 6.3).
fn check_framing(said: &Said) {
    let values = |wanted: &[u8]| -> Vec<&[u8]> {
        let of_that_name = said.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        of_that_name.map(|(_, value)| value.as_slice()).collect()
    };
    let (lengths, codings, hosts) = (values(b"content-length"), values(b"transfer-encoding"), values(b"host"));
    assert!(hosts.len() <= 1 && (hosts.len() == 1 || said.version == Version::Http10));
    assert!(hosts.first().is_none_or(|host| host.eq_ignore_ascii_case(&said.host)));
    assert!(lengths.len() + codings.len() <= 1);
    if let Some(coding) = codings.first() {
        assert!(coding.eq_ignore_ascii_case(b"chunked") && said.version == Version::Http11);
        assert_eq!((true, None), (said.has_body, said.length));
    } else if let Some(length) = lengths.first() {
        let said_length = said.length.expect("the length from the head");
        assert_eq!(said_length.to_string().as_bytes(), *length);
        assert_eq!(said_length > 0, said.has_body);
    } else {
        assert_eq!((false, None), (said.has_body, said.length));
    }
}
