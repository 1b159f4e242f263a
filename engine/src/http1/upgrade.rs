//! Switches connections to another protocol, with a 101 response (RFC 9110, section 7.8) or without a response.

use super::connection::Http1;
use super::encode::{self, Persistence};
use super::request_body::Demand;
use super::response_fields;
use super::response_framing::{BodyFrame, ResponseFraming};
use super::state::{RequestState, Trigger};
use crate::exchange::CommandError;
use crate::head::{FieldRef, Version};
use crate::wire::WireContext;

impl Http1 {
    /// Sends a 101 response. All later bytes belong to another protocol (RFC 9110, section 7.8).
    pub(super) fn upgrade(&mut self, fields: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        let found = response_fields::check(101.into(), fields)?;
        self.states.check(Trigger::Upgrade)?;
        if self.version == Version::Http10 {
            return Err(CommandError::Status(101));
        }
        encode::head(cx.out.tail(), 101.into(), fields, found, BodyFrame::None, Persistence::Upgrade, cx.clock.date());
        self.switch(Trigger::Upgrade);
        Ok(())
    }

    /// Switches to another protocol. All later bytes from the handler belong to it. So do all bytes from the client
    /// after its complete request.
    pub(super) fn switch(&mut self, trigger: Trigger) {
        let started = self.has_started();
        self.states.apply(trigger);
        if !started {
            self.account.status = 101;
        }
        self.response_body.framing = ResponseFraming::UntilClose;
        if self.states.request() == RequestState::Switched {
            self.request_body.demand = Demand::Held;
        }
    }

    /// Switches to another protocol without a response from the engine. The handler sends the first bytes itself. They
    /// replace the response, or the rest of a response that has begun. The connection ends when the other protocol
    /// ends. If the request body is incomplete, the rest of it is still read as a body.
    pub(super) fn switch_without_response(&mut self) -> Result<(), CommandError> {
        self.states.check(Trigger::SwitchWithoutResponse)?;
        self.switch(Trigger::SwitchWithoutResponse);
        self.keep = false;
        Ok(())
    }

    /// Whether the client's bytes belong to another protocol.
    pub(super) fn is_switched(&self) -> bool {
        self.states.request() == RequestState::Switched
    }

    /// Removes the unparsed bytes and returns them, for another reader.
    pub(super) fn take_input(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input).into_unparsed()
    }
}
