//! 503 Service Unavailable: the refusal of a client that connects when the engine is full.

use super::connection::Http1;
use crate::refusal::Refusal;
use crate::wire::WireContext;

/// The response that refuses a connection to a socket, as bytes. It needs no clock and no buffer.
pub(super) const OVERLOADED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 55\r\nConnection: close\r\nRetry-After: 1\r\n\r\n\
    503 Service Unavailable: too many connections are open\n";
/// The response that refuses a pipe.
const FULL: Refusal = Refusal { status: 503, reason: "too many connections are open" };

impl Http1 {
    /// Refuses the client, and closes after the refusal.
    pub(super) fn turn_away(&mut self, cx: &mut WireContext<'_>) {
        if cx.is_pipe {
            return self.refuse(FULL, cx);
        }
        cx.out.tail().extend_from_slice(OVERLOADED);
        self.close_lingering();
    }
}
