//! HTTP/1.1 and 1.0 without sockets: bytes in, events out, and answers as bytes. See `README.md` in this folder.

pub mod chunked;
pub mod connection;
pub mod encode;
pub mod head;
mod relay;
pub mod request_line;
mod responding;
pub mod scan;
mod wire;

pub use connection::Http1;
