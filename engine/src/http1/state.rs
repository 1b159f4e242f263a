//! The states of an HTTP/1 connection, and what is legal in each state.
//!
//! A connection has two sides. The request side is what the client sends. The response side is what the handler sends.
//! A [`Trigger`] can change the state of both sides. [`REQUEST`] and [`RESPONSE`] list the result for each state and
//! each trigger, so that no combination is undefined. `states.md` in this folder is generated from these tables.

use crate::exchange::CommandError;

use Effect::{Illegal, Same, To};
use Violation::{Impossible, RequestIncomplete, ResponseComplete, ResponseNotStarted, ResponseStarted};

/// The state of the request side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestState {
    /// The next input is a head, or the rest of a head.
    Head,
    /// The head was read, and the body is incomplete.
    Body,
    /// The whole request was read.
    Complete,
    /// The body broke its framing or exceeded its limit, so its end is unknown.
    BadBody,
    /// The client's bytes belong to another protocol.
    Switched,
    /// No more input is parsed.
    Closed,
}

/// The state of the response side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseState {
    /// There is no request to respond to.
    Idle,
    /// A request was read, and the final response has not begun.
    Waiting,
    /// The head was sent, and the body is incomplete.
    Body,
    /// The handler's bytes belong to another protocol.
    Switched,
    /// The response is complete.
    Done,
}

/// An event that may change the state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    /// The client sent a head without a body.
    Head,
    /// The client sent a head with a body.
    HeadWithBody,
    /// The client sent the end of the body.
    BodyEnd,
    /// The client broke the framing of the body or exceeded its limit.
    BodyError,
    /// The handler sends an interim response.
    Interim,
    /// The handler sends a whole response.
    Respond,
    /// The handler sends the head of a streamed response.
    Begin,
    /// The handler sends a part of the body.
    Write,
    /// The handler ends the body.
    End,
    /// The handler upgrades the connection with a 101 response.
    Upgrade,
    /// The handler switches to another protocol without a response. Afterwards it may send any bytes.
    SwitchWithoutResponse,
    /// The request and the response are complete, and the connection stays open.
    NextRequest,
    /// The connection closes after its last response, a refusal or an error.
    Close,
}

/// The effect of a trigger on one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect<State> {
    To(State),
    Same,
    Illegal(Violation),
}

/// Why a trigger is illegal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    /// The response is complete, or there is no request.
    ResponseComplete,
    /// The head of the response was sent already.
    ResponseStarted,
    /// The head of the response was not sent yet.
    ResponseNotStarted,
    /// The client has not sent its whole request yet.
    RequestIncomplete,
    /// The connection's own code never causes this trigger in this state.
    Impossible,
}

impl From<Violation> for CommandError {
    fn from(violation: Violation) -> Self {
        match violation {
            ResponseComplete | Impossible => CommandError::Complete,
            ResponseStarted => CommandError::Started,
            ResponseNotStarted => CommandError::NotStarted,
            RequestIncomplete => CommandError::Status(101),
        }
    }
}

/// The rows of a table. Each row lists states, triggers, the effect of these triggers in these states, and the reason.
type Rows<State> = &'static [(&'static [State], &'static [Trigger], Effect<State>, &'static str)];

const REQUEST: Rows<RequestState> = {
    use RequestState::{BadBody, Body, Closed, Complete, Head, Switched};
    &[
        (&[Head], &[Trigger::Head], To(Complete), "RFC 9112, 6.3: without framing fields there is no body"),
        (&[Head], &[Trigger::HeadWithBody], To(Body), "RFC 9112, 6.3"),
        (&[Body], &[Trigger::BodyEnd], To(Complete), "RFC 9112, 6.2 and 7.1"),
        (
            &[Body],
            &[Trigger::BodyError],
            To(BadBody),
            "RFC 9112, 7.1; RFC 9110, 15.5.14: the end of the body is unknown",
        ),
        (&[Complete], &[Trigger::Upgrade], To(Switched), "RFC 9110, 7.8: after the whole request"),
        (&[Body, BadBody], &[Trigger::Upgrade], Illegal(RequestIncomplete), "RFC 9110, 7.8: after the whole request"),
        (&[Complete], &[Trigger::SwitchWithoutResponse], To(Switched), "the bytes after the request are the handler's"),
        (&[Body, BadBody], &[Trigger::SwitchWithoutResponse], Same, "the rest of the body is read as a body"),
        (&[Complete], &[Trigger::NextRequest], To(Head), "RFC 9112, 9.3: a connection is kept"),
        (ALL_REQUEST, &[Trigger::Close], To(Closed), "RFC 9112, 9.6: nothing after the last request is parsed"),
        (
            ALL_REQUEST,
            &[Trigger::Interim, Trigger::Respond, Trigger::Begin, Trigger::Write, Trigger::End],
            Same,
            "RFC 9112, 9.3: a response may begin and end before the request is complete",
        ),
        (
            &[Body, Complete, BadBody, Switched, Closed],
            &[Trigger::Head, Trigger::HeadWithBody],
            Illegal(Impossible),
            "",
        ),
        (
            &[Head, Complete, BadBody, Switched, Closed],
            &[Trigger::BodyEnd, Trigger::BodyError],
            Illegal(Impossible),
            "",
        ),
        (&[Head, Switched, Closed], &[Trigger::Upgrade, Trigger::SwitchWithoutResponse], Illegal(Impossible), ""),
        (&[Head, Body, BadBody, Switched, Closed], &[Trigger::NextRequest], Illegal(Impossible), ""),
    ]
};

const RESPONSE: Rows<ResponseState> = {
    use ResponseState::{Body, Done, Idle, Switched, Waiting};
    &[
        (&[Idle], &[Trigger::Head, Trigger::HeadWithBody], To(Waiting), "RFC 9112, 9.3.2: responses are in order"),
        (&[Waiting], &[Trigger::Interim], Same, "RFC 9110, 15.2: any number before the final response"),
        (&[Waiting], &[Trigger::Respond], To(Done), "RFC 9110, 15: one final response"),
        (&[Waiting], &[Trigger::Begin], To(Body), "RFC 9110, 15: one final response"),
        (&[Waiting], &[Trigger::Upgrade], To(Switched), "RFC 9110, 7.8"),
        (
            &[Waiting, Body],
            &[Trigger::SwitchWithoutResponse],
            To(Switched),
            "the handler writes its own response, or the rest of it",
        ),
        (
            &[Waiting],
            &[Trigger::Write, Trigger::End],
            Illegal(ResponseNotStarted),
            "RFC 9112, 2.1: the head comes first",
        ),
        (&[Body, Switched], &[Trigger::Write], Same, "RFC 9112, 6"),
        (&[Body, Switched], &[Trigger::End], To(Done), "RFC 9112, 6.3; for another protocol, the connection ends"),
        (
            &[Body, Switched],
            &[Trigger::Interim, Trigger::Respond, Trigger::Begin, Trigger::Upgrade],
            Illegal(ResponseStarted),
            "RFC 9110, 15: one final response",
        ),
        (&[Switched], &[Trigger::SwitchWithoutResponse], Illegal(ResponseStarted), "it is switched already"),
        (
            &[Idle, Done],
            &[
                Trigger::Interim,
                Trigger::Respond,
                Trigger::Begin,
                Trigger::Write,
                Trigger::End,
                Trigger::Upgrade,
                Trigger::SwitchWithoutResponse,
            ],
            Illegal(ResponseComplete),
            "RFC 9110, 15: one final response",
        ),
        (&[Waiting, Body, Switched, Done], &[Trigger::BodyEnd], Same, "RFC 9112, 9.3"),
        (&[Waiting, Body, Switched], &[Trigger::BodyError], Same, "the response may still be sent"),
        (&[Done], &[Trigger::NextRequest], To(Idle), "RFC 9112, 9.3: a connection is kept"),
        (ALL_RESPONSE, &[Trigger::Close], To(Done), "RFC 9112, 9.6"),
        (&[Waiting, Body, Switched, Done], &[Trigger::Head, Trigger::HeadWithBody], Illegal(Impossible), ""),
        (&[Idle], &[Trigger::BodyEnd], Illegal(Impossible), ""),
        (&[Idle, Done], &[Trigger::BodyError], Illegal(Impossible), ""),
        (&[Idle, Waiting, Body, Switched], &[Trigger::NextRequest], Illegal(Impossible), ""),
    ]
};

const ALL_REQUEST: &[RequestState] = {
    use RequestState::{BadBody, Body, Closed, Complete, Head, Switched};
    &[Head, Body, Complete, BadBody, Switched, Closed]
};

const ALL_RESPONSE: &[ResponseState] = {
    use ResponseState::{Body, Done, Idle, Switched, Waiting};
    &[Idle, Waiting, Body, Switched, Done]
};

const TRIGGERS: usize = Trigger::Close as usize + 1;

/// Converts the rows of a table to an array that is indexed by state and trigger, so that a look-up is one memory
/// access. If a combination has no row, or two rows, the code does not compile.
macro_rules! by_state_and_trigger {
    ($rows:expr, $states:expr) => {{
        let mut table = [[None; TRIGGERS]; $states.len()];
        let mut row = 0;
        while row < $rows.len() {
            let (states, triggers, next, _) = $rows[row];
            let mut state = 0;
            while state < states.len() {
                let mut trigger = 0;
                while trigger < triggers.len() {
                    let entry = &mut table[states[state] as usize][triggers[trigger] as usize];
                    assert!(entry.is_none(), "two rows for one state and trigger");
                    *entry = Some(next);
                    trigger += 1;
                }
                state += 1;
            }
            row += 1;
        }
        let mut complete = [[Illegal(Impossible); TRIGGERS]; $states.len()];
        let mut state = 0;
        while state < $states.len() {
            let mut trigger = 0;
            while trigger < TRIGGERS {
                match table[state][trigger] {
                    Some(next) => complete[state][trigger] = next,
                    None => panic!("no row for a state and trigger"),
                }
                trigger += 1;
            }
            state += 1;
        }
        complete
    }};
}

static REQUEST_NEXT: [[Effect<RequestState>; TRIGGERS]; ALL_REQUEST.len()] =
    by_state_and_trigger!(REQUEST, ALL_REQUEST);
static RESPONSE_NEXT: [[Effect<ResponseState>; TRIGGERS]; ALL_RESPONSE.len()] =
    by_state_and_trigger!(RESPONSE, ALL_RESPONSE);

/// The states of the two sides of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct States {
    request: RequestState,
    response: ResponseState,
}

impl Default for States {
    fn default() -> Self {
        States { request: RequestState::Head, response: ResponseState::Idle }
    }
}

impl States {
    pub fn request(self) -> RequestState {
        self.request
    }

    pub fn response(self) -> ResponseState {
        self.response
    }

    /// Checks whether a trigger is legal now. The response side is checked first, so that the handler gets the error
    /// about its own mistake.
    pub fn check(self, trigger: Trigger) -> Result<(), Violation> {
        self.after(trigger).map(drop)
    }

    /// Changes the state of both sides. Changes neither if the trigger is illegal.
    pub fn advance(&mut self, trigger: Trigger) -> Result<(), Violation> {
        *self = self.after(trigger)?;
        Ok(())
    }

    /// Changes the state of both sides. The trigger must be legal: the caller has checked it, or it follows from the
    /// state of the connection.
    pub fn apply(&mut self, trigger: Trigger) {
        let outcome = self.advance(trigger);
        debug_assert_eq!(Ok(()), outcome, "{trigger:?} in {self:?}");
    }

    fn after(self, trigger: Trigger) -> Result<Self, Violation> {
        let response = RESPONSE_NEXT[self.response as usize][trigger as usize].after(self.response)?;
        let request = REQUEST_NEXT[self.request as usize][trigger as usize].after(self.request)?;
        Ok(States { request, response })
    }
}

impl<State> Effect<State> {
    fn after(self, state: State) -> Result<State, Violation> {
        match self {
            To(next) => Ok(next),
            Same => Ok(state),
            Illegal(violation) => Err(violation),
        }
    }
}

#[cfg(test)]
mod tests;
