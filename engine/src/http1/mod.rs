//! HTTP/1.1 and 1.0 without sockets: bytes in, events out, and answers as bytes. See `README.md` in this folder.

mod answering;
pub mod chunked;
pub mod connection;
pub mod encode;
pub mod head;
mod relaying;
pub mod request_line;
pub mod scan;

pub use connection::Http1;
