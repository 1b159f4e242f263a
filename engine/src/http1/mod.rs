//! HTTP/1.1 and HTTP/1.0 without sockets: converts bytes to events, and commands to response bytes. See `README.md` in
//! this folder.

mod accounting;
pub mod chunked;
mod connection;
pub mod encode;
mod expect_continue;
pub mod head;
mod head_limits;
pub mod head_scan;
mod host;
mod input;
mod keep_alive;
mod message;
mod overloaded;
mod pipelining;
mod reason_phrase;
mod receiving;
mod refusing;
mod relay;
mod request_body;
mod request_framing;
mod request_line;
mod request_origin;
mod request_timeout;
mod responding;
mod response_body;
mod response_fields;
mod response_framing;
mod state;
mod upgrade;
mod wire;

pub use connection::Http1;
