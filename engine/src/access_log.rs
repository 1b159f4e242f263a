//! The access log: one line for each response, formatted into a buffer that the caller writes to a file.

use std::borrow::Cow;
use std::io::Write as _;

use rustix::time::{ClockId, clock_gettime};

use crate::access_format::{Format, Kept, Outcome, OwnFields, append_own, request_line};
use crate::access_text::{Json, Quoted, dash, shown};
use crate::address::Address;
use crate::clock::Clock;
use crate::head::Head;
use crate::http_date::{MONTHS, civil};
use crate::redaction::Redaction;

/// The format of a log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    /// The combined format of Apache and nginx.
    Combined,
    /// The combined format, then the Unix time with microseconds and the duration in seconds.
    Timed,
    /// One JSON object per line.
    Json,
    /// A template, or a list of fields.
    Custom(Format),
}

/// The lines of one engine's access log that the caller has not taken yet.
#[derive(Debug)]
pub struct AccessLogBuffer {
    style: Style,
    redaction: Redaction,
    buffer: Vec<u8>,
    /// The Unix second for which `stamp` was formatted.
    second: i64,
    /// The formatted time. JSON lines append the fraction of the second and the time zone.
    stamp: String,
}

/// The data that the log line of a request needs, kept until the response is complete.
#[derive(Debug, Default)]
pub struct Line {
    client: String,
    request: Vec<u8>,
    referer: Vec<u8>,
    agent: Vec<u8>,
    /// The fields that the handler has set, for JSON lines.
    own: OwnFields,
    /// The values for a custom format. If they are set, all other fields of this struct are empty.
    custom: Option<Box<Kept>>,
}

impl Line {
    fn custom(kept: Kept) -> Self {
        Line { custom: Some(Box::new(kept)), ..Line::default() }
    }

    /// Sets a field that the handler adds to the line. `value` is JSON.
    fn set(&mut self, name: &str, value: &[u8]) {
        let own = self.custom.as_mut().map_or(&mut self.own, |kept| &mut kept.own);
        match own.iter_mut().find(|field| field.0 == name) {
            Some(field) => field.1 = value.to_vec(),
            None => own.push((name.into(), value.to_vec())),
        }
    }
}

impl AccessLogBuffer {
    /// Makes an empty log.
    pub fn new(style: Style, redaction: Redaction) -> Self {
        AccessLogBuffer { style, redaction, buffer: Vec::new(), second: i64::MIN, stamp: String::new() }
    }

    /// Removes all lines and returns them.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// The number of bytes that the caller has not taken yet.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there are no lines to take.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    pub(crate) fn line(&self, head: &Head, client: &Address) -> Line {
        let client = head.origin().map_or(client, |origin| &origin.client);
        if let Style::Custom(format) = &self.style {
            return Line::custom(format.keep(head, client, &self.redaction));
        }
        let value = |name: &[u8]| head.values(name).next().unwrap_or_default().to_vec();
        let mut referer = value(b"referer");
        if let Cow::Owned(redacted) = self.redaction.of_url(&referer) {
            referer = redacted;
        }
        Line {
            client: shown(client),
            request: request_line(head, &self.redaction),
            referer,
            agent: value(b"user-agent"),
            own: Vec::new(),
            custom: None,
        }
    }

    /// Sets a field of a line. `value` is JSON. Does nothing if the format has no place for the field.
    pub(crate) fn set(&self, line: &mut Line, name: &str, value: &[u8]) {
        let wanted = match &self.style {
            Style::Combined | Style::Timed => false,
            Style::Json => true,
            Style::Custom(format) => format.own_names().any(|own| own == name),
        };
        if wanted {
            line.set(name, value);
        }
    }

    pub(crate) fn write(&mut self, line: &Line, status: u16, bytes: u64, micros: u64, clock: &Clock) {
        let (unix, fraction) = match &self.style {
            Style::Combined => (clock.unix(), 0),
            // Read the system clock once, so that the second and its fraction agree. The engine's clock has only whole
            // seconds.
            Style::Timed | Style::Json | Style::Custom(_) => {
                let now = clock_gettime(ClockId::Realtime);
                (now.tv_sec, now.tv_nsec as u32 / 1000)
            }
        };
        self.write_at(unix, fraction, line, status, bytes, micros);
    }

    /// Appends one line to the log. `fraction` is the number of microseconds since the start of the second.
    fn write_at(&mut self, unix: i64, fraction: u32, line: &Line, status: u16, bytes: u64, micros: u64) {
        self.refresh_stamp(unix);
        let Line { client, request, referer, agent, own, custom } = line;
        let stamp = &self.stamp;
        // The result is ignored, because writing to a Vec cannot fail.
        let _ = match &self.style {
            Style::Combined => writeln!(
                self.buffer,
                "{client} - - [{stamp}] \"{}\" {status} {bytes} \"{}\" \"{}\"",
                Quoted(request),
                Quoted(dash(referer)),
                Quoted(dash(agent)),
            ),
            Style::Timed => writeln!(
                self.buffer,
                "{client} - - [{stamp}] \"{}\" {status} {bytes} \"{}\" \"{}\" {unix}.{fraction:06} {}.{:06}",
                Quoted(request),
                Quoted(dash(referer)),
                Quoted(dash(agent)),
                micros / 1_000_000,
                micros % 1_000_000,
            ),
            Style::Json => {
                let _ = write!(
                    self.buffer,
                    "{{\"time\":\"{stamp}.{fraction:06}Z\",\"client\":\"{client}\",\"request\":\"{}\",\"status\":{status},\"bytes\":{bytes},\
                     \"seconds\":{}.{:06},\"referer\":\"{}\",\"user_agent\":\"{}\"",
                    Json(request),
                    micros / 1_000_000,
                    micros % 1_000_000,
                    Json(referer),
                    Json(agent),
                );
                append_own(&mut self.buffer, own);
                self.buffer.write_all(b"}\n")
            }
            Style::Custom(format) => {
                if let Some(kept) = custom {
                    let outcome = Outcome { stamp, unix, fraction, status, bytes, micros };
                    format.write(&mut self.buffer, kept, outcome);
                }
                Ok(())
            }
        };
    }

    pub(crate) fn write_refused(&mut self, client: &Address, status: u16, bytes: u64, clock: &Clock) {
        let client = shown(client);
        let line = match self.style {
            Style::Custom(_) => Line::custom(Kept { client, ..Kept::default() }),
            _ => Line { client, request: b"-".to_vec(), ..Line::default() },
        };
        self.write(&line, status, bytes, 0, clock);
    }

    fn refresh_stamp(&mut self, unix: i64) {
        if self.second == unix {
            return;
        }
        self.second = unix;
        let date = civil(unix);
        let (hour, minute, second) = (date.second_of_day / 3600, date.second_of_day / 60 % 60, date.second_of_day % 60);
        self.stamp = match &self.style {
            Style::Combined | Style::Timed => format!(
                "{:02}/{}/{:04}:{hour:02}:{minute:02}:{second:02} +0000",
                date.day,
                MONTHS[date.month as usize - 1],
                date.year
            ),
            Style::Json | Style::Custom(_) => {
                format!("{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}", date.year, date.month, date.day)
            }
        };
    }
}

/// Formats a log line in the combined format as `twisted.web` does. The referrer and the user agent come from the head.
/// The caller passes the request line, the status and the size. Returns None if any value must be escaped.
pub fn twisted_combined_line(
    head: &Head,
    host: &str,
    timestamp: &str,
    request_line: [&[u8]; 3],
    status: i64,
    size: u64,
) -> Option<String> {
    let last = |name: &'static [u8]| head.values(name).next_back().filter(|value| !value.is_empty());
    let fields = [last(b"referer"), last(b"user-agent")].map(|value| value.unwrap_or(b"-"));
    if !request_line.iter().chain(&fields).all(|text| text.iter().all(|&byte| needs_no_escape(byte))) {
        return None;
    }
    let [method, target, version] = request_line.map(String::from_utf8_lossy);
    let [referrer, agent] = fields.map(String::from_utf8_lossy);
    let size = if size == 0 { "-".to_owned() } else { size.to_string() };
    Some(format!(
        "\"{host}\" - - {timestamp} \"{method} {target} {version}\" {status} {size} \"{referrer}\" \"{agent}\""
    ))
}

/// Whether a byte is printable, and neither a quote nor a backslash.
fn needs_no_escape(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(style: Style) -> String {
        let head = crate::http1::head::parse(
            b"GET /a\"b HTTP/1.1\r\nHost: a\r\nUser-Agent: x\"\\\t\xff\r\nReferer: http://r/\r\n\r\n",
            crate::method::Method::GET,
            crate::method::Methods::Registered,
        )
        .unwrap();
        let mut log = AccessLogBuffer::new(style, Redaction::new([]));
        let client = Address::Inet("127.0.0.1:9".parse().unwrap());
        let line = log.line(&head, &client);
        log.write_at(784_111_777, 120, &line, 200, 13, 1_500_000);
        assert!(!log.is_empty());
        String::from_utf8(log.take()).unwrap()
    }

    #[test]
    fn combined() {
        assert_eq!(
            "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a\\\"b HTTP/1.1\" 200 13 \"http://r/\" \"x\\\"\\\\\\x09\\xff\"\n",
            logged(Style::Combined)
        );
    }

    #[test]
    fn timed() {
        assert_eq!(
            "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a\\\"b HTTP/1.1\" 200 13 \"http://r/\" \
             \"x\\\"\\\\\\x09\\xff\" 784111777.000120 1.500000\n",
            logged(Style::Timed)
        );
    }

    #[test]
    fn secrets_and_own_fields() {
        let head = crate::http1::head::parse(
            b"GET /?token=a HTTP/1.1\r\nHost: a\r\nReferer: http://r/?b=1&token=c\r\n\r\n",
            crate::method::Method::GET,
            crate::method::Methods::Registered,
        )
        .unwrap();
        let mut log = AccessLogBuffer::new(Style::Json, Redaction::new(["token"]));
        let mut line = log.line(&head, &Address::Unknown);
        log.set(&mut line, "room", b"5");
        log.set(&mut line, "room", b"6");
        log.write_at(784_111_777, 0, &line, 200, 0, 0);
        let json = String::from_utf8(log.take()).unwrap();
        assert!(json.contains("\"request\":\"GET /?token=[redacted] HTTP/1.1\""), "{json}");
        assert!(json.contains("\"referer\":\"http://r/?b=1&token=[redacted]\""), "{json}");
        assert!(json.ends_with("\"user_agent\":\"\",\"room\":6}\n"), "{json}");
        let log = AccessLogBuffer::new(Style::Combined, Redaction::new([]));
        let mut line = log.line(&head, &Address::Unknown);
        log.set(&mut line, "room", b"5");
        assert!(line.own.is_empty());
    }

    #[test]
    fn custom() {
        let format = Format::template("{client} {path} {status} {room}").unwrap();
        let mut log = AccessLogBuffer::new(Style::Custom(format), Redaction::new([]));
        log.write_refused(&Address::Unknown, 400, 3, &Clock::default());
        assert_eq!(b"- - 400 -\n", &log.take()[..]);
    }

    #[test]
    fn json() {
        assert_eq!(
            "{\"time\":\"1994-11-06T08:49:37.000120Z\",\"client\":\"127.0.0.1\",\"request\":\"GET /a\\\"b HTTP/1.1\",\"status\":200,\"bytes\":13,\
             \"seconds\":1.500000,\"referer\":\"http://r/\",\"user_agent\":\"x\\\"\\\\\\u0009\u{fffd}\"}\n",
            logged(Style::Json)
        );
    }
}
