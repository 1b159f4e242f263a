//! The 503 response to a client that connects while the engine is full.

use super::connection::Http1;
use crate::refusal::Refusal;
use crate::wire::WireContext;

/// The whole 503 response for a connection on a socket. It can be sent without a clock and without a buffer.
pub(super) const OVERLOADED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 55\r\nConnection: close\r\nRetry-After: 1\r\n\r\n\
    503 Service Unavailable: too many connections are open\n";
/// The 503 refusal for a pipe.
const FULL: Refusal = Refusal { status: 503, reason: "too many connections are open" };

impl Http1 {
    /// Refuses the client with 503, and closes the connection after the refusal.
    pub(super) fn turn_away(&mut self, cx: &mut WireContext<'_>) {
        if cx.is_pipe {
            return self.refuse(FULL, cx);
        }
        cx.out.tail().extend_from_slice(OVERLOADED);
        self.close_lingering();
    }
}
