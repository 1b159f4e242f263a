//! The limits and timeouts of the engine: their defaults, their purpose, and the defaults of other servers.
//!
//! | limit | Ropewalk | nginx | Go | Kestrel | Node |
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
    /// The longest time from accepting the connection, or from the first byte of a later request, to the end of the
    /// request head. A normal head is one packet. The timeout is short, because a long one helps slowloris attacks.
    /// nginx and Node allow 60 s, Kestrel allows 30 s.
    head_timeout: Seconds = 10_000;
    /// The longest time between two requests on a connection that is kept open. The limit of nginx is 75 s, that of
    /// Kestrel 130 s, and that of Node 5 s, which causes resets.
    idle_timeout: Seconds = 75_000;
    /// The longest pause within a request body that a handler reads. The limit of nginx is 60 s.
    body_timeout: Seconds = 30_000;
    /// The minimum speed of a request body after `body_grace`, in bytes per second. 0 means no minimum. Kestrel uses
    /// the same value.
    body_rate: Count = 240;
    /// The time at the start of a request body during which it may be slower than `body_rate`. Kestrel uses the same
    /// value.
    body_grace: Seconds = 5_000;
    /// The longest time for which a client may read nothing while response data waits for it. The limit of nginx is 60
    /// s.
    write_timeout: Seconds = 30_000;
    /// The longest pause while the server reads and drops the rest of a refused or aborted request, so that the client
    /// can read the response (RFC 9112, section 9.6). The limit of nginx (`lingering_timeout`) is 5 s, and that of
    /// Apache is 2 s.
    linger_timeout: Seconds = 5_000;
    /// The longest total time for which the server reads and drops the rest of a refused or aborted request. In a drain
    /// the time is at most `drain_grace`, because the response has been sent. The limit of nginx (`lingering_time`) and
    /// Apache is 30 s, that of Kestrel 5 s, and that of Go 0.5 s.
    linger_total_time: Seconds = 30_000;
    /// The maximum number of bytes that the server reads and drops of a refused or aborted request. If the client sends
    /// more, it may get a reset instead of the response. nginx and Apache limit only the time.
    linger_size: Count = 256 * 1024 * 1024;
    /// The longest pause of a streamed response after the client has closed its sending side. A FIN does not show
    /// whether the client has only stopped sending or has disconnected. After this time, the server assumes that the
    /// client has disconnected. An event stream (`text/event-stream`) is ended at once, because it does not end by
    /// itself. nginx and Node end the exchange at the FIN.
    half_close_timeout: Seconds = 5_000;
    /// The longest time for which a drain waits for running exchanges. The limit of Kestrel is 30 s.
    drain_timeout: Seconds = 30_000;
    /// The time for which a drain keeps an idle connection open, because a request may be on its way. It is also the
    /// longest time for which a drain reads and drops the rest of a refused or aborted request. nginx and Go close an
    /// idle connection at once, and the request is lost. HAProxy can keep it open until its next response.
    drain_grace: Seconds = 1_000;
    /// The maximum length of a request line. A longer line gets 414. The limit of nginx is 8 KiB. RFC 9112, section 3,
    /// recommends at least 8000 bytes.
    request_line: Count = 8 * 1024;
    /// The maximum size of a request head. A larger head gets 431. The limit of Kestrel is 32 KiB, and that of Node is
    /// 16 KiB.
    head_size: Count = 32 * 1024;
    /// The maximum number of field lines in a request head. A head with more lines gets 431. Kestrel has the same
    /// limit.
    head_fields: Count = 100;
    /// The maximum size of a request body, unless the route sets another limit. A larger body gets 413. nginx has the
    /// same limit.
    body_size: Count = 1024 * 1024;
    /// The maximum total size of the chunk extensions in a request body. Clients do not use chunk extensions. Node has
    /// the same limit.
    chunk_extensions: Count = 16 * 1024;
    /// The maximum size of the trailer section of a request body.
    trailer_size: Count = 16 * 1024;
    /// The maximum number of lines in the trailer section of a request body.
    trailer_fields: Count = 100;
    /// A collected request body that is larger than this is moved to a temporary file. Werkzeug and Starlette use 500
    /// KiB to 1 MiB.
    spool_size: Count = 256 * 1024;
    /// When this many bytes of a request body are unread, the engine stops reading from the socket. Node has the same
    /// limit.
    read_buffer: Count = 64 * 1024;
    /// When this many bytes of response data are unsent, the writer of the response must wait. Node has the same limit.
    write_buffer: Count = 64 * 1024;
    /// The maximum size of an unread request body that the server reads and drops to keep the connection open. The
    /// limit of Go is 256 KiB.
    discard_size: Count = 64 * 1024;
    /// The maximum number of connections. Further clients get 503 at once. 0 means 80% of the process's descriptors,
    /// which leaves the rest for files, databases and the event loop.
    connections: Count = 0;
    /// The maximum number of connections that wait in the kernel until the server accepts them. The kernel may have a
    /// lower limit.
    backlog: Count = 2048;
    /// The maximum number of events in one turn. It lets the reactor serve its timers and other readers between turns.
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
