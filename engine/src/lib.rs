//! The engine of Ropewalk: listening sockets, connections and their exchanges, with **one** descriptor to watch.
//!
//! The owner of an event loop watches [`Engine::descriptor`] for reading. When it is readable, the owner runs a turn:
//! [`Engine::poll`] reads from the sockets, [`Engine::next_event`] returns what has happened, and the commands
//! ([`Engine::respond`], [`Engine::write`] ...) act at once. The engine never calls back, never blocks and starts no thread,
//! so a handler may use any command from anywhere.
//!
//! | layer | module |
//! |---|---|
//! | readiness, sockets, timers | [`driver`] |
//! | the byte stream of a connection | `transport` |
//! | a wire protocol: bytes to events, commands to bytes | [`wire`]; [`http1`] |
//! | exchanges: what events and commands carry | [`event`], [`exchange`], [`head`] |
//! | all of them together | [`Engine`] |
//!
//! In order of importance: correctness, clarity, performance.

#![forbid(unsafe_code)]

pub mod access_log;
pub mod address;
pub mod authority;
pub mod batching;
pub mod clock;
pub mod counters;
pub mod driver;
mod engine;
pub mod event;
pub mod exchange;
pub mod head;
pub mod http1;
pub mod http_date;
pub mod limits;
pub mod method;
pub mod origin;
pub mod outbox;
pub mod proxies;
pub mod refusal;
pub mod token;
mod transport;
pub mod wire;

pub use address::Address;
pub use counters::Counters;
pub use engine::{Engine, ListenerId};
pub use event::{BodyFault, CloseReason, Event, GoneReason, Report, Severity};
pub use exchange::{Body, CommandError, ConnectionId, ExchangeId, HalfClose, PipeId, Pressure, Status};
pub use head::{Field, FieldRef, Head, Version};
pub use limits::Limits;
pub use outbox::FileTicket;
pub use wire::Wire;
