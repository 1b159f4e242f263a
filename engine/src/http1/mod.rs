//! HTTP/1.1 and 1.0 without sockets: bytes in, events and responses out. See `README.md` in this folder.

mod accounting;
pub mod chunked;
mod connection;
pub mod encode;
pub mod head;
mod input;
mod message;
mod reason_phrase;
mod relay;
mod request_body;
mod request_line;
mod responding;
mod response_body;
pub mod scan;
mod state;
mod wire;

pub use connection::Http1;
