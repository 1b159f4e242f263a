//! Custom formats of the access log: a template such as `{method} {path} {status}`, or a list of fields for JSON.

use std::io::Write as _;

use crate::access_text::{Json, Quoted, dash, shown};
use crate::address::Address;
use crate::head::{Head, Version};
use crate::redaction::{REDACTED, Redaction};

/// A custom format: the parts from which each line is made, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    json: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Text of a template.
    Text(String),
    /// The name of a field, and where its value comes from.
    Field(String, Source),
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Time,
    UnixTime,
    Client,
    Status,
    Bytes,
    Seconds,
    Milliseconds,
    /// A value from the head of the request.
    Head(OfHead),
    /// A field that the handler or a middleware sets while it handles the request.
    Own,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum OfHead {
    Method,
    Path,
    Query,
    Target,
    Request,
    Version,
    Host,
    Referer,
    UserAgent,
    Header(String),
}

/// The values of one line that do not come from the request head.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome<'a> {
    /// The time without the fraction of the second, in the format of RFC 3339.
    pub stamp: &'a str,
    pub unix: i64,
    /// Microseconds since the start of the second.
    pub fraction: u32,
    pub status: u16,
    pub bytes: u64,
    pub micros: u64,
}

/// The values of one line that are kept until the response is complete.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub client: String,
    /// The values of the parts whose source is the head, in order.
    pub of_head: Vec<Vec<u8>>,
    /// The fields that the handler has set: their names, and their values as JSON.
    pub own: OwnFields,
}

/// Names, and values as JSON, of the fields that a handler has set.
pub(crate) type OwnFields = Vec<(String, Vec<u8>)>;

impl Format {
    /// Parses a template. `{name}` is a field, and `{{` and `}}` are braces. The error says what is wrong.
    pub fn template(template: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            let Some((name, after)) = rest.split_once('}').filter(|_| brace == "{") else {
                return Err(format!("it has a single {brace}, which must be written twice"));
            };
            rest = after;
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(field(name)?);
        }
        text.push_str(rest);
        if text.chars().any(char::is_control) || parts.iter().any(Part::has_control) {
            return Err("it has a control character".into());
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        if !parts.iter().any(|part| matches!(part, Part::Field(..))) {
            return Err("it has no field such as {path}".into());
        }
        Ok(Format { json: false, parts })
    }

    /// Makes a format that writes these fields as a JSON object. The error says what is wrong.
    pub fn json<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let parts = names.into_iter().map(field).collect::<Result<Vec<_>, _>>()?;
        if parts.is_empty() {
            return Err("it has no field".into());
        }
        let keys: Vec<_> = parts.iter().map(Part::key).collect();
        if let Some(twice) = keys.iter().enumerate().find(|(at, key)| keys[..*at].contains(key)) {
            return Err(format!("{} is in it twice", twice.1));
        }
        Ok(Format { json: true, parts })
    }

    /// The names of the fields that a handler or a middleware sets.
    pub fn own_names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(name, Source::Own) => Some(name.as_str()),
            _ => None,
        })
    }

    pub(crate) fn keep(&self, head: &Head, client: &Address, redaction: &Redaction) -> Kept {
        let of_head = self.parts.iter().filter_map(|part| match part {
            Part::Field(_, Source::Head(source)) => Some(source.value(head, redaction)),
            _ => None,
        });
        Kept { client: shown(client), of_head: of_head.collect(), own: Vec::new() }
    }

    /// Appends one line.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>, kept: &Kept, outcome: Outcome<'_>) {
        let mut of_head = kept.of_head.iter();
        if self.json {
            buffer.push(b'{');
        }
        for (at, part) in self.parts.iter().enumerate() {
            let (name, source) = match part {
                Part::Text(text) => {
                    buffer.extend_from_slice(text.as_bytes());
                    continue;
                }
                Part::Field(name, source) => (name, source),
            };
            if self.json {
                let comma = if at == 0 { "" } else { "," };
                // The results are ignored, because writing to a Vec cannot fail.
                let _ = write!(buffer, "{comma}\"{}\":", Json(part.key().as_bytes()));
            }
            let text = match source {
                Source::Client => Some(kept.client.as_bytes()),
                Source::Head(_) => Some(of_head.next().map_or(&b""[..], Vec::as_slice)),
                _ => None,
            };
            let _ = match (text, source, self.json) {
                (Some(text), _, true) => write!(buffer, "\"{}\"", Json(text)),
                (Some(text), _, false) => write!(buffer, "{}", Quoted(dash(text))),
                (_, Source::Own, json) => {
                    write_own(buffer, kept.own.iter().rfind(|own| own.0 == *name).map(|own| own.1.as_slice()), json);
                    Ok(())
                }
                (_, source, json) => outcome.write(buffer, source, json),
            };
        }
        buffer.extend_from_slice(if self.json { b"}\n" } else { b"\n" });
    }
}

impl Part {
    fn has_control(&self) -> bool {
        let (Part::Text(text) | Part::Field(text, _)) = self;
        text.chars().any(char::is_control)
    }

    /// The key of the field in a JSON object.
    fn key(&self) -> &str {
        let (Part::Text(name) | Part::Field(name, _)) = self;
        name.strip_prefix("header:").unwrap_or(name)
    }
}

impl OfHead {
    fn value(&self, head: &Head, redaction: &Redaction) -> Vec<u8> {
        let header = |name: &str| head.values(name.as_bytes()).next().unwrap_or_default().to_vec();
        match self {
            OfHead::Method => head.method_name().to_vec(),
            OfHead::Path => head.target().split(|&byte| byte == b'?').next().unwrap_or_default().to_vec(),
            OfHead::Query => redaction.of_query(head.query()).into_owned(),
            OfHead::Target => redaction.of_url(head.target()).into_owned(),
            OfHead::Request => request_line(head, redaction),
            OfHead::Version => version(head).to_vec(),
            OfHead::Host => head.host().to_vec(),
            OfHead::Referer => redaction.of_url(&header("referer")).into_owned(),
            OfHead::UserAgent => header("user-agent"),
            OfHead::Header(name) if redaction.is_secret(name.as_bytes()) => match header(name) {
                value if value.is_empty() => value,
                _ => REDACTED.to_vec(),
            },
            OfHead::Header(name) => redaction.of_url(&header(name)).into_owned(),
        }
    }
}

impl Outcome<'_> {
    fn write(self, buffer: &mut Vec<u8>, source: &Source, json: bool) -> std::io::Result<()> {
        let Outcome { stamp, unix, fraction, status, bytes, micros } = self;
        match source {
            Source::Time if json => write!(buffer, "\"{stamp}.{fraction:06}Z\""),
            Source::Time => write!(buffer, "{stamp}.{fraction:06}Z"),
            Source::UnixTime => write!(buffer, "{unix}.{fraction:06}"),
            Source::Status => write!(buffer, "{status}"),
            Source::Bytes => write!(buffer, "{bytes}"),
            Source::Milliseconds => write!(buffer, "{}.{:03}", micros / 1000, micros % 1000),
            _ => write!(buffer, "{}.{:06}", micros / 1_000_000, micros % 1_000_000),
        }
    }
}

/// The request line as the client sent it, without secrets.
pub(crate) fn request_line(head: &Head, redaction: &Redaction) -> Vec<u8> {
    [head.method_name(), b" ", &redaction.of_url(head.target()), b" HTTP/", version(head)].concat()
}

fn version(head: &Head) -> &'static [u8] {
    if head.version() == Version::Http10 { b"1.0" } else { b"1.1" }
}

fn field(name: &str) -> Result<Part, String> {
    let of_head = match name {
        "method" => Some(OfHead::Method),
        "path" => Some(OfHead::Path),
        "query" => Some(OfHead::Query),
        "target" => Some(OfHead::Target),
        "request" => Some(OfHead::Request),
        "version" => Some(OfHead::Version),
        "host" => Some(OfHead::Host),
        "referer" => Some(OfHead::Referer),
        "user_agent" => Some(OfHead::UserAgent),
        _ => None,
    };
    let source = match (of_head, name) {
        (Some(of_head), _) => Source::Head(of_head),
        (_, "time") => Source::Time,
        (_, "unix_time") => Source::UnixTime,
        (_, "client") => Source::Client,
        (_, "status") => Source::Status,
        (_, "bytes") => Source::Bytes,
        (_, "seconds" | "duration") => Source::Seconds,
        (_, "milliseconds") => Source::Milliseconds,
        _ => match name.strip_prefix("header:") {
            Some(header) if is_header(header) => Source::Head(OfHead::Header(header.to_ascii_lowercase())),
            Some(header) => return Err(format!("{header:?} is not the name of a header field")),
            None if is_identifier(name) => Source::Own,
            None => return Err(format!("{name:?} is not the name of a field")),
        },
    };
    Ok(Part::Field(name.into(), source))
}

fn is_header(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn is_identifier(name: &str) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    first && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Writes the JSON value of a field that a handler sets. In a template, a string is written without its quotes, but
/// with its escapes.
fn write_own(buffer: &mut Vec<u8>, value: Option<&[u8]>, json: bool) {
    let value: &[u8] = match (value, json) {
        (None, true) => b"null",
        (None | Some(b"null" | b"\"\""), false) => b"-",
        (Some(value), true) => value,
        (Some(value), false) => value.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(value),
    };
    for &byte in value {
        if json || (b' '..=b'~').contains(&byte) {
            buffer.push(byte);
        } else {
            let _ = write!(buffer, "\\x{byte:02x}");
        }
    }
}

/// Appends to a JSON object the fields that a handler has set. The object must not have fields with the same names.
pub(crate) fn append_own(buffer: &mut Vec<u8>, own: &OwnFields) {
    for (name, value) in own {
        let _ = write!(buffer, ",\"{}\":", Json(name.as_bytes()));
        buffer.extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: &Format) -> String {
        let head = crate::http1::head::parse(
            b"GET /a?token=1&b=%22 HTTP/1.1\r\nHost: h\r\nUser-Agent: x\"\r\nCookie: a=b\r\nX-Trace: t\r\n\r\n",
            crate::method::Method::GET,
            crate::method::Methods::Registered,
        )
        .unwrap();
        let client = Address::Inet("127.0.0.1:9".parse().unwrap());
        let mut kept = format.keep(&head, &client, &Redaction::new(["token", "cookie"]));
        kept.own = vec![("room".into(), b"5".to_vec()), ("who".into(), "\"J\u{e4}\\\"\\n\"".into())];
        let stamp = "1994-11-06T08:49:37";
        let outcome = Outcome { stamp, unix: 784_111_777, fraction: 120, status: 200, bytes: 13, micros: 1_500 };
        let mut buffer = Vec::new();
        format.write(&mut buffer, &kept, outcome);
        String::from_utf8(buffer).unwrap()
    }

    fn template(template: &str) -> String {
        line(&Format::template(template).unwrap())
    }

    #[test]
    fn templates() {
        assert_eq!("GET /a 200 0.001500\n", template("{method} {path} {status} {duration}"));
        assert_eq!("{1.500} 13\n", template("{{{milliseconds}}} {bytes}"));
        assert_eq!("1994-11-06T08:49:37.000120Z 784111777.000120\n", template("{time} {unix_time}"));
        assert_eq!("127.0.0.1 h 1.1 - x\\\"\n", template("{client} {host} {version} {referer} {user_agent}"));
        assert_eq!(
            "/a?token=[redacted]&b=%22 token=[redacted]&b=%22 GET /a?token=[redacted]&b=%22 HTTP/1.1\n",
            template("{target} {query} {request}")
        );
        assert_eq!("t [redacted] -\n", template("{header:X-Trace} {header:cookie} {header:none}"));
        assert_eq!("5 J\\xc3\\xa4\\\"\\n -\n", template("{room} {who} {other}"));
    }

    #[test]
    fn json() {
        let names = ["time", "status", "seconds", "path", "header:x-trace", "room", "who", "other"];
        assert_eq!(
            "{\"time\":\"1994-11-06T08:49:37.000120Z\",\"status\":200,\"seconds\":0.001500,\"path\":\"/a\",\
             \"x-trace\":\"t\",\"room\":5,\"who\":\"J\u{e4}\\\"\\n\",\"other\":null}\n",
            line(&Format::json(names).unwrap())
        );
    }

    #[test]
    fn wrong_formats() {
        let wrong = |template: &str| Format::template(template).unwrap_err();
        assert_eq!("it has a single {, which must be written twice", wrong("{path"));
        assert_eq!("it has a single }, which must be written twice", wrong("{path} }"));
        assert_eq!("\"a b\" is not the name of a field", wrong("{a b}"));
        assert_eq!("\"a b\" is not the name of a header field", wrong("{header:a b}"));
        assert_eq!("it has no field such as {path}", wrong("path"));
        assert_eq!("it has a control character", wrong("{path}\n"));
        assert_eq!("it has a control character", wrong("\n{path}"));
        assert_eq!("it has no field", Format::json([]).unwrap_err());
        assert_eq!("path is in it twice", Format::json(["path", "time", "path"]).unwrap_err());
        assert_eq!(vec!["a", "b"], Format::template("{a} {path}{b}").unwrap().own_names().collect::<Vec<_>>());
    }
}
