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

/// Why a limit cannot be set by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitError {
    /// There is no limit of that name.
    Unknown,
    /// The value is negative, not finite, or unreasonably large.
    OutOfRange,
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $unit:ident = $default:expr;)*) => {
        /// The limits of one engine. Times are in milliseconds, sizes in bytes.
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
            /// The name and the unit of every limit, in the order of this page.
            pub const NAMES: &'static [(&'static str, Unit)] = &[$((stringify!($name), Unit::$unit),)*];

            /// Sets a limit by its name; times are given in seconds.
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

            /// The value of a limit by its name; times in seconds.
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
    /// A time. It is set and shown in seconds.
    Seconds,
    /// Bytes, or a plain number.
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
    /// From accept, or from the first byte of a later request, to the end of its head. A long one helps slowloris
    /// attacks: nginx and Node allow 60 s, Kestrel 30 s. A normal head is one packet.
    head_timeout: Seconds = 10_000;
    /// Between requests on a kept connection. nginx 75 s, Kestrel 130 s, Node 5 s (which causes resets).
    idle_timeout: Seconds = 75_000;
    /// The longest silence within a body that a handler reads. nginx 60 s.
    body_timeout: Seconds = 30_000;
    /// The least bytes a second of a body, once `body_grace` is over. Kestrel's figure; 0 turns it off.
    body_rate: Count = 240;
    /// How long a body may be slower than `body_rate` at its start. Kestrel's figure.
    body_grace: Seconds = 5_000;
    /// The longest time in which a client may read nothing of a response that waits for it. nginx 60 s.
    write_timeout: Seconds = 30_000;
    /// The longest silence while the rest of a refused or aborted request is read and dropped, so that the client can
    /// read the response (RFC 9112, section 9.6). nginx `lingering_timeout` 5 s, Apache 2 s.
    linger_timeout: Seconds = 5_000;
    /// How long that takes in all, while the client goes on sending. In a drain it takes at most `drain_grace`, because
    /// the response has been sent. nginx `lingering_time` 30 s, Apache 30 s, Kestrel 5 s, Go 0.5 s.
    linger_total_time: Seconds = 30_000;
    /// The most bytes that are read and dropped in that time; past it the client may see a reset in place of the
    /// response. nginx and Apache set none, and read a fast client for the whole time.
    linger_size: Count = 256 * 1024 * 1024;
    /// How long a streamed response may pause once its client has closed its sending side. After that the client counts
    /// as gone: a FIN does not show whether the client only stops sending or is gone. A stream of events
    /// (`text/event-stream`), which does not end by itself, gets no such time. nginx and Node end the exchange at the
    /// FIN.
    half_close_timeout: Seconds = 5_000;
    /// How long a drain waits for running exchanges. Kestrel 30 s.
    drain_timeout: Seconds = 30_000;
    /// How long a drain leaves an idle connection open, since a request may be on its way. It is also the longest time
    /// in which a drain reads and drops the rest of a refused or aborted request. nginx and Go close an idle connection
    /// at once, and the request is lost; HAProxy can wait for the next response.
    drain_grace: Seconds = 1_000;
    /// The longest request line; past it 414. nginx 8 KiB, RFC 9112 section 3 recommends at least 8000.
    request_line: Count = 8 * 1024;
    /// The largest head; past it 431. Kestrel 32 KiB, Node 16 KiB.
    head_size: Count = 32 * 1024;
    /// The most field lines of a head; past it 431. Kestrel 100.
    head_fields: Count = 100;
    /// The largest body, where its route sets no other; past it 413. nginx 1 MiB.
    body_size: Count = 1024 * 1024;
    /// The most bytes of chunk extensions in a body. Clients do not use them. Node 16 KiB.
    chunk_extensions: Count = 16 * 1024;
    /// The largest trailer section.
    trailer_size: Count = 16 * 1024;
    /// The most lines of a trailer section.
    trailer_fields: Count = 100;
    /// Past this size a collected body goes to a temporary file. Werkzeug and Starlette: 500 KiB to 1 MiB.
    spool_size: Count = 256 * 1024;
    /// How much of a body may wait for its reader before the socket is no longer read. Node 64 KiB.
    read_buffer: Count = 64 * 1024;
    /// How much of a response may wait for the client before its writer must wait. Node 64 KiB.
    write_buffer: Count = 64 * 1024;
    /// How much of an unread body is read and dropped to keep the connection. Go 256 KiB.
    discard_size: Count = 64 * 1024;
    /// The most connections; past it 503 at once. 0: 80% of the process's descriptors, so that files, databases and the
    /// event loop have the rest.
    connections: Count = 0;
    /// How many connections the kernel holds until they are accepted. Capped by the kernel's own limit.
    backlog: Count = 2048;
    /// The most events of one turn, so that the reactor can serve its timers and other readers.
    turn_events: Count = 1024;
    /// The longest turn. A handler that takes longer is not interrupted.
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
