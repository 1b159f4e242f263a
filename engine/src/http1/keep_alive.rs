//! Decides whether a connection stays open after a response (RFC 9112, sections 9.3 and 9.6).
//!
//! It stays open unless the client or the handler sends `Connection: close`, the body is framed by the end of the
//! connection, the rest of the request is too large to be dropped, or the engine is draining and no request from before
//! the drain is left.

use super::connection::Http1;
use super::encode::Persistence;
use super::input::Input;
use super::message::Message;
use super::request_body::Demand;
use super::state::{RequestState, Trigger};
use crate::head::Version;
use crate::wire::WireContext;

impl Message<'_> {
    /// Adds the options of a Connection field.
    #[inline]
    pub fn add_connection_options(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',') {
            let option = option.trim_ascii();
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Whether the client wants the connection to stay open. An HTTP/1.0 client must ask for it.
    #[inline]
    pub fn wants_keep_alive(&self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }
}

impl Http1 {
    /// Makes the connection close after the current response.
    pub(super) fn close_after_response(&mut self) {
        self.keep = false;
    }

    /// Returns the `Connection` field for the response that begins now. It tells the client whether the connection
    /// closes after this response.
    pub(super) fn persistence(&mut self, cx: &WireContext<'_>) -> Persistence {
        self.keep &= !cx.draining || self.has_request_before_drain();
        match (self.keep, self.version) {
            (false, _) => Persistence::Close,
            (true, Version::Http10) => Persistence::KeepAlive,
            (true, Version::Http11) => Persistence::Implied,
        }
    }

    /// Finishes the request after the response. If the connection stays open, drops the rest of the request. Otherwise
    /// closes the connection.
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

    /// Closes the connection after its last response. Until the client has closed it too, further bytes from the client
    /// are dropped.
    pub(super) fn close_lingering(&mut self) {
        self.states.apply(Trigger::Close);
        self.request_body.demand = Demand::Dropped;
        self.input = Input::default();
    }
}
