//! Whether a connection is kept after a response (RFC 9112, sections 9.3 and 9.6).
//!
//! It is kept unless the client, the handler or the engine ends it: by a Connection field, by a body that is framed by
//! the end of the connection, because the rest of the request is too large to be dropped, or by a drain.

use super::connection::Http1;
use super::encode::Persistence;
use super::input::Input;
use super::request_body::Demand;
use super::state::{RequestState, Trigger};
use crate::head::Version;
use crate::wire::WireContext;

impl Http1 {
    /// Makes the current response the last one.
    pub(super) fn close_after_response(&mut self) {
        self.keep = false;
    }

    /// Whether the response that begins now is the last one, as its head tells the client.
    pub(super) fn persistence(&mut self, cx: &WireContext<'_>) -> Persistence {
        self.keep &= !cx.draining || self.has_request_before_drain();
        match (self.keep, self.version) {
            (false, _) => Persistence::Close,
            (true, Version::Http10) => Persistence::KeepAlive,
            (true, Version::Http11) => Persistence::Implied,
        }
    }

    /// After the response: if the connection is kept, drops the rest of the request; otherwise closes it.
    pub(super) fn settle_request(&mut self, cx: &mut WireContext<'_>) {
        self.request_body.unread = 0;
        match self.states.request() {
            RequestState::Body if self.keep && self.request_body.drop_rest(cx.limits) => {}
            RequestState::Body | RequestState::BadBody => self.close_lingering(),
            state @ (RequestState::Complete | RequestState::Switched) if !self.keep => {
                let lingers = self.has_input() || state == RequestState::Switched;
                self.close_lingering();
                self.request_body.demand = if lingers { Demand::Dropped } else { Demand::Held };
            }
            _ => {}
        }
    }

    /// Drops further bytes from the client, because the last response is complete.
    pub(super) fn close_lingering(&mut self) {
        self.states.apply(Trigger::Close);
        self.request_body.demand = Demand::Dropped;
        self.input = Input::default();
    }
}
