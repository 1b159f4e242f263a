//! The allowed differences between the engine and llhttp, with reasons. `docs/explanation/fuzzing.md` shows this list.

use super::{Message, head_of};

/// What the engine refuses and llhttp accepts: the reason that the engine reports, and the RFC section for it.
pub const STRICTER: &[(&str, &str)] = &[
    // RFC 9112: the request line, its target, and the Host.
    ("a line ends with a bare line feed", "RFC 9112, 2.2"),
    ("more than one empty line before the request line", "RFC 9112, 2.2"),
    ("the request line is not a method, a target and a version", "RFC 9112, 3"),
    ("the version is not well formed", "RFC 9112, 2.3"),
    ("the target * is for OPTIONS only", "RFC 9112, 3.2.4"),
    ("the target is neither a path nor an http URL", "RFC 9112, 3.2"),
    ("the target has a fragment", "RFC 9112, 3.2"),
    ("the authority of the target is not valid", "RFC 9112, 3.2.2"),
    ("there is no Host", "RFC 9112, 3.2"),
    ("more than one Host", "RFC 9112, 3.2"),
    ("the Host is not valid", "RFC 9112, 3.2"),
    ("the target and the Host differ", "RFC 9112, 3.2.2"),
    // RFC 9112: framing.
    ("the Transfer-Encoding is not exactly one chunked", "RFC 9112, 6.1"),
    ("more than one Transfer-Encoding", "RFC 9112, 6.1"),
    ("the only supported transfer coding is chunked", "RFC 9112, 6.1"),
    ("Transfer-Encoding in HTTP/1.0", "RFC 9112, 6.1"),
    ("a chunk size is too large", "RFC 9112, 7.1"),
    ("a chunk extension is not well formed", "RFC 9112, 7.1.1"),
    // RFC 9110: well formed, but not supported.
    ("this version of HTTP is not supported", "RFC 9110, 2.5"),
    ("the Content-Length is not a plain number", "RFC 9110, 8.6"),
    ("the method is not supported", "RFC 9110, 9.1"),
    ("CONNECT and TRACE are not supported", "RFC 9110, 9.3.6 and 9.3.8"),
    ("the only supported expectation is 100-continue", "RFC 9110, 10.1.1"),
    // Limits. llhttp has none, because the application that uses it sets them.
    ("the request line is too long", "RFC 9112, 3"),
    ("the request head is too large", "RFC 6585, 5"),
    ("too many header fields", "RFC 6585, 5"),
    ("the chunk extensions are too long", "RFC 9112, 7.1.1"),
    ("the trailer section is too large", "RFC 9112, 7.1.2"),
    ("too many trailer fields", "RFC 9112, 7.1.2"),
    // Only the engine refuses this, because C functions would end the decoded path at the NUL.
    ("the target has an encoded NUL", "RFC 3986, 7.3"),
];

/// Registered methods that llhttp does not know (the registry of RFC 9110, section 16.1.1).
const RARE_METHODS: &[&[u8]] = &[
    b"BASELINE-CONTROL",
    b"CHECKIN",
    b"LABEL",
    b"MKREDIRECTREF",
    b"MKWORKSPACE",
    b"ORDERPATCH",
    b"UNCHECKOUT",
    b"UPDATE",
    b"UPDATEREDIRECTREF",
    b"VERSION-CONTROL",
];

/// Fields that the engine drops from a trailer section, because a recipient must know them before it reads the body
/// (RFC 9110, section 6.5.1).
const DROPPED_TRAILERS: &[&[u8]] = &[
    b"authorization",
    b"cache-control",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-type",
    b"cookie",
    b"expect",
    b"forwarded",
    b"host",
    b"keep-alive",
    b"max-forwards",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"range",
    b"set-cookie",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
    b"www-authenticate",
];

/// Whether llhttp may accept what the engine refuses for this reason.
pub fn is_stricter(reason: &str) -> bool {
    STRICTER.iter().any(|(listed, _)| *listed == reason)
}

/// Whether the engine may accept what llhttp refuses for this reason. `message` is the message as the engine read it,
/// and `before` is the last message whose head llhttp accepted.
pub fn is_laxer(reason: &str, input: &[u8], message: &Message, before: Option<&Message>) -> bool {
    let in_trailers = before.is_some_and(|before| !before.is_whole() && head_of(before) == head_of(message));
    let closed_by_trailer = before.is_some_and(|before| before.trailers.iter().any(|(name, _)| name == b"connection"));
    match reason {
        "Invalid method encountered" => RARE_METHODS.contains(&message.method.as_slice()),
        // A recipient must parse space around `;` and `=`, although no sender may send it (RFC 9112, 7.1.1; RFC 9110,
        // 5.6.3).
        _ if reason.starts_with("Invalid character in chunk extensions") => has_spaced_extension(input),
        // llhttp treats the trailers Connection, Content-Length and Transfer-Encoding as fields of the head. The engine
        // drops them, whatever their value.
        "Data after `Connection: close`" => closed_by_trailer,
        _ => in_trailers && ["Content-Length", "Transfer-Encoding"].iter().any(|name| reason.contains(name)),
    }
}

/// Whether a line that starts like a chunk size has space next to a `;` or a `=`.
fn has_spaced_extension(input: &[u8]) -> bool {
    let (space, sign) = (|byte: u8| matches!(byte, b' ' | b'\t'), |byte: u8| matches!(byte, b';' | b'='));
    let spaced =
        |line: &[u8]| line.windows(2).any(|two| space(two[0]) && sign(two[1]) || sign(two[0]) && space(two[1]));
    input.split(|&byte| byte == b'\n').any(|line| line.first().is_some_and(u8::is_ascii_hexdigit) && spaced(line))
}

/// Whether the engine reports a trailer field to the handler.
pub fn keeps_trailer(name: &[u8]) -> bool {
    !DROPPED_TRAILERS.contains(&name) && !name.starts_with(b"x-forwarded-")
}

/// Whether the engine may close a connection that llhttp keeps: on HTTP/1.0 with both `close` and `keep-alive` (RFC
/// 9112, section 9.3).
pub fn closes_sooner(ours: &Message) -> bool {
    let connection =
        |(name, value): &(Vec<u8>, Vec<u8>)| name.eq_ignore_ascii_case(b"connection").then(|| value.to_vec());
    let options = ours.fields.iter().filter_map(connection).collect::<Vec<_>>().join(&b',').to_ascii_lowercase();
    let has = |wanted: &[u8]| options.split(|&byte| byte == b',').any(|option| option.trim_ascii() == wanted);
    ours.kept == Some(false) && ours.version == b"1.0" && has(b"close") && has(b"keep-alive")
}
