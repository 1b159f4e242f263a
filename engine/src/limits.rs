//! Every limit and timeout of the engine: its default, the reason for it, and the defaults of other servers.
//!
//! | limit | ours | nginx | Go | Kestrel | Node |
//! |---|---|---|---|---|---|
//! | head, from accept | 10 s | 60 s | none | 30 s | 60 s |
//! | body | 30 s stall, 240 B/s after 5 s | 60 s stall | none | 240 B/s after 5 s | 300 s whole |
//! | idle keep-alive | 75 s | 75 s | none | 130 s | 5 s |
//! | write stall | 30 s | 60 s | none | 240 B/s | none |
//! | lingering: silence, in all | 5 s, 30 s and 256 MiB | 5 s, 30 s | none, 0.5 s | none, 5 s | none |
//! | head size, fields | 32 KiB, 100 | 4 x 8 KiB, 1000 | 1 MiB | 32 KiB, 100 | 16 KiB, 2000 |
//! | body size | 1 MiB, per route | 1 MiB | none | 30 MB | none |
//! | connections | 80% of nofile, then 503 | 512 a worker | none | none | none |
//! | backlog | 2048 | 511 | somaxconn | 512 | 511 |
//! | drain | 30 s | none | none | 30 s | none |

/// Why a limit could not be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitError {
    /// There is no limit with this name.
    Unknown,
    /// The value is negative, not finite, or unreasonably large.
    OutOfRange,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $unit:ident = $default:expr;)*) => {
        /// The limits of one engine. Times are in milliseconds, and sizes are in bytes.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Limits {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// The name and the unit of every limit, in the order of this file.
            pub const NAMES: &'static [(&'static str, Unit)] = &[$((stringify!($name), Unit::$unit),)*];

            /// Sets the limit with this name. Times are given in seconds.
            pub fn set(&mut self, name: &str, value: f64) -> Result<(), LimitError> {
                if !(0.0..=9e15).contains(&value) {
                    return Err(LimitError::OutOfRange);
                }
                match name {
                    $(stringify!($name) => self.$name = Unit::$unit.store(value),)*
                    _ => return Err(LimitError::Unknown),
                }
                Ok(())
            }

            /// Returns the value of the limit with this name, or None if there is no such limit. Times are in seconds.
            pub fn value(&self, name: &str) -> Option<f64> {
                match name {
                    $(stringify!($name) => Some(Unit::$unit.load(self.$name)),)*
                    _ => None,
                }
            }
        }
    };
}

/// The unit of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A time. Callers set and read it in seconds.
    Seconds,
    /// A number of bytes, or a plain number.
    Count,
}

impl Unit {
    fn store(self, value: f64) -> u64 {
        match self {
            Unit::Seconds => (value * 1000.0) as u64,
            Unit::Count => value as u64,
        }
    }

    fn load(self, stored: u64) -> f64 {
        match self {
            Unit::Seconds => stored as f64 / 1000.0,
            Unit::Count => stored as f64,
        }
    }
}

limits! {
    /// The longest time from accept, or from the first byte of a later request, to the end of the request head. A long
    /// timeout helps slowloris attacks. A normal head is one packet. nginx and Node allow 60 s, Kestrel 30 s.
    head_timeout: Seconds = 10_000;
    /// The longest time between requests on a connection that is kept alive. nginx 75 s, Kestrel 130 s, Node 5 s (which
    /// causes resets).
    idle_timeout: Seconds = 75_000;
    /// The longest pause within a request body that a handler reads. nginx 60 s.
    body_timeout: Seconds = 30_000;
    /// The minimum speed of a request body after `body_grace`, in bytes a second. This is Kestrel's value; 0 switches
    /// the check off.
    body_rate: Count = 240;
    /// The time at the start of a body in which it may be slower than `body_rate`. This is Kestrel's value.
    body_grace: Seconds = 5_000;
    /// The longest time for which a client may read nothing while response data waits for it. nginx 60 s.
    write_timeout: Seconds = 30_000;
    /// The longest pause while the server reads and drops the rest of a refused or aborted request, so that the client
    /// can read the response (RFC 9112, section 9.6). nginx `lingering_timeout` 5 s, Apache 2 s.
    linger_timeout: Seconds = 5_000;
    /// The longest time for which the server reads and drops this rest in all. In a drain the time is at most
    /// `drain_grace`, because the response has been sent. nginx `lingering_time` 30 s, Apache 30 s, Kestrel 5 s, Go 0.5
    /// s.
    linger_total_time: Seconds = 30_000;
    /// The maximum number of bytes of this rest that the server reads and drops. If there are more, the client may get
    /// a reset instead of the response. nginx and Apache have no such limit, and read from a fast client for the whole
    /// time.
    linger_size: Count = 256 * 1024 * 1024;
    /// The longest pause of a streamed response after the client has closed its sending side. A FIN does not show
    /// whether the client has only stopped sending or has left. So after this time, the server treats the client as
    /// gone. An event stream (`text/event-stream`), which does not end by itself, is ended at once. nginx and Node end
    /// the exchange at the FIN.
    half_close_timeout: Seconds = 5_000;
    /// The longest time for which a drain waits for running exchanges. Kestrel 30 s.
    drain_timeout: Seconds = 30_000;
    /// The time for which a drain keeps an idle connection open, because a request may be on its way. It is also the
    /// longest time for which a drain reads and drops the rest of a refused or aborted request. nginx and Go close an
    /// idle connection at once, and the request is lost; HAProxy can wait for the next response.
    drain_grace: Seconds = 1_000;
    /// The longest request line. A longer one gets 414. nginx 8 KiB, RFC 9112 section 3 recommends at least 8000.
    request_line: Count = 8 * 1024;
    /// The largest request head. A larger one gets 431. Kestrel 32 KiB, Node 16 KiB.
    head_size: Count = 32 * 1024;
    /// The maximum number of field lines in a head. A head with more lines gets 431. Kestrel 100.
    head_fields: Count = 100;
    /// The largest request body, unless the route sets another limit. A larger body gets 413. nginx 1 MiB.
    body_size: Count = 1024 * 1024;
    /// The maximum size of all chunk extensions in a body. Clients do not use them. Node 16 KiB.
    chunk_extensions: Count = 16 * 1024;
    /// The maximum size of a trailer section.
    trailer_size: Count = 16 * 1024;
    /// The maximum number of lines in a trailer section.
    trailer_fields: Count = 100;
    /// A collected body that is larger than this is moved to a temporary file. Werkzeug and Starlette: 500 KiB to 1
    /// MiB.
    spool_size: Count = 256 * 1024;
    /// The size of unread request body data at which the engine stops reading the socket. Node 64 KiB.
    read_buffer: Count = 64 * 1024;
    /// The size of unsent response data at which the writer of the response must wait. Node 64 KiB.
    write_buffer: Count = 64 * 1024;
    /// The maximum size of an unread body that the server reads and drops to keep the connection open. Go 256 KiB.
    discard_size: Count = 64 * 1024;
    /// The maximum number of connections. Further clients get 503 at once. 0 means 80% of the process's descriptors,
    /// which leaves the rest for files, databases and the event loop.
    connections: Count = 0;
    /// The maximum number of connections that wait in the kernel until they are accepted. The kernel may have a lower
    /// limit.
    backlog: Count = 2048;
    /// The maximum number of events in one turn, so that the reactor can serve its timers and other readers.
    turn_events: Count = 1024;
    /// The longest time of a turn. A handler that takes longer is not interrupted.
    turn_time: Seconds = 10;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_can_be_set_and_read() {
        let mut limits = Limits::default();
        for (name, _) in Limits::NAMES {
            limits.set(name, 7.0).unwrap();
            assert_eq!(Some(7.0), limits.value(name));
        }
    }

    #[test]
    fn unknown_names_and_values_out_of_range_are_refused() {
        let mut limits = Limits::default();
        assert_eq!(Err(LimitError::Unknown), limits.set("haed_size", 1.0));
        assert_eq!(Err(LimitError::OutOfRange), limits.set("head_size", -1.0));
        assert_eq!(Err(LimitError::OutOfRange), limits.set("head_size", f64::NAN));
        assert_eq!(Limits::default(), limits);
    }
}
