//! The engine of Ropewalk. It serves listening sockets, connections and their exchanges, and an event loop needs to watch
//! only **one** descriptor.
//!
//! The owner of the event loop watches [`Engine::descriptor`] for reading. When the descriptor is readable, the owner runs
//! a turn: [`Engine::poll`] reads from the sockets, [`Engine::next_event`] returns the next event, and the commands
//! ([`Engine::respond`], [`Engine::write`] ...) act at once. The engine calls no callbacks, never blocks and starts no
//! thread, so a handler may use any command at any point.
//!
//! | layer | module |
//! |---|---|
//! | readiness, sockets, timers | [`driver`] |
//! | the byte stream of a connection | `transport` |
//! | a wire protocol: bytes to events, commands to bytes | [`wire`]; [`http1`] |
//! | which responses are compressed, and their encoders | [`compression`] |
//! | the data of events and commands | [`event`], [`exchange`], [`head`] |
//! | the engine, which connects these layers | [`Engine`] |
//!
//! The goals of this code, in order of importance, are correctness, clarity and performance.

#![forbid(unsafe_code)]

pub mod access_format;
pub mod access_log;
mod access_text;
pub mod address;
pub mod authority;
pub mod batching;
pub mod clock;
pub mod compression;
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
pub mod redaction;
pub mod refusal;
pub mod token;
mod transport;
pub mod wire;

pub use address::Address;
pub use compression::Compression;
pub use counters::Counters;
pub use engine::{Engine, ListenerId};
pub use event::{BodyFault, CloseReason, Event, GoneReason, Report, Severity};
pub use exchange::{Body, CommandError, ConnectionId, ExchangeId, HalfClose, PipeId, Pressure, Status};
pub use head::{Field, FieldRef, Head, Version};
pub use limits::Limits;
pub use outbox::FileTicket;
pub use wire::Wire;
