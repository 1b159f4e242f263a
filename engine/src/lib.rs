//! The engine of Ropewalk: listening sockets, connections and their HTTP exchanges behind **one** descriptor.
//!
//! Whoever owns an event loop watches [`Engine::descriptor`] for reading. When it is readable they run a turn:
//! [`Engine::poll`] takes in what the sockets have, [`Engine::next_event`] yields what happened, and the commands
//! ([`Engine::answer`], [`Engine::write`] ...) act at once. The engine never calls back, never blocks and starts no
//! thread, so a handler may use any command from wherever it is.
//!
//! In order of importance: correctness, clarity, performance.

#![forbid(unsafe_code)]

pub mod access;
pub mod batching;
pub mod clock;
pub mod counters;
pub mod driver;
mod engine;
pub mod exchange;
pub mod http1;
pub mod limits;
pub mod method;
mod outbox;
pub mod proxies;

pub use counters::Counters;
pub use engine::{Engine, ListenerId, PipeId};
pub use exchange::{
    Body, Closing, CommandError, ConnectionId, Event, ExchangeId, Field, GoneReason, HalfClose, Head, Peer, Pressure,
    Report, Severity, Status, Version,
};
pub use limits::Limits;
pub use outbox::FileTicket;
