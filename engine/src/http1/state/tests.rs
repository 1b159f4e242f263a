//! Tests that the tables are consistent, and that `states.md` shows them.

use super::*;
use std::fmt::{Debug, Write as _};

const ALL_TRIGGERS: [Trigger; TRIGGERS] = [
    Trigger::Head,
    Trigger::HeadWithBody,
    Trigger::BodyEnd,
    Trigger::BodyError,
    Trigger::Interim,
    Trigger::Respond,
    Trigger::Begin,
    Trigger::Write,
    Trigger::End,
    Trigger::Upgrade,
    Trigger::SwitchWithoutResponse,
    Trigger::NextRequest,
    Trigger::Close,
];

const HANDLER_TRIGGERS: [Trigger; 7] = [
    Trigger::Interim,
    Trigger::Respond,
    Trigger::Begin,
    Trigger::Write,
    Trigger::End,
    Trigger::Upgrade,
    Trigger::SwitchWithoutResponse,
];

/// Returns the text of `states.md`, generated from the tables.
fn document() -> String {
    let mut page = String::from(
        "# The states of an HTTP/1 connection\n\n\
         A test compares this page with the tables in `state.rs`. To generate it again after a change:\n\
         `ROPEWALK_DRAW=1 cargo test -p ropewalk-engine states_md`.\n\n\
         A trigger can change the state of both sides. If it is illegal on one side, neither side changes.\n",
    );
    section(&mut page, "Request: what the client sends", "Head", REQUEST);
    section(&mut page, "Response: what the handler sends", "Idle", RESPONSE);
    page
}

fn section<State: Debug + Copy>(page: &mut String, title: &str, first: &str, rows: Rows<State>) {
    let _ = write!(page, "\n## {title}\n\n```mermaid\nstateDiagram-v2\n    [*] --> {first}\n");
    for (states, triggers, next, _) in rows {
        for state in *states {
            let to = match next {
                To(to) => to,
                Same if states.len() < 3 => state,
                // These triggers change only the other side.
                Same | Illegal(_) => continue,
            };
            let _ = writeln!(page, "    {state:?} --> {to:?}: {}", names(triggers));
        }
    }
    let _ = write!(page, "```\n\n| state | trigger | next | rule |\n|---|---|---|---|\n");
    for (states, triggers, next, rule) in rows {
        let next = match next {
            To(to) => format!("{to:?}"),
            Same => "the same".into(),
            Illegal(Impossible) => continue,
            Illegal(violation) => format!("illegal: {violation:?}"),
        };
        let _ = writeln!(page, "| {} | {} | {next} | {rule} |", names(states), names(triggers));
    }
    page.push_str("\nNo other pair of state and trigger occurs.\n");
}

fn names(values: &[impl Debug]) -> String {
    values.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn states_md_is_drawn_from_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/http1/states.md");
    if std::env::var_os("ROPEWALK_DRAW").is_some() {
        std::fs::write(path, document()).unwrap();
    }
    assert_eq!(document(), std::fs::read_to_string(path).unwrap());
}

#[test]
fn a_kept_connection_returns_to_its_first_state() {
    let mut states = States::default();
    for trigger in [Trigger::HeadWithBody, Trigger::Begin, Trigger::BodyEnd, Trigger::Write, Trigger::End] {
        assert_eq!(Ok(()), states.advance(trigger));
    }
    assert_eq!(Ok(()), states.advance(Trigger::NextRequest));
    assert_eq!(States::default(), states);
}

/// Returns all pairs of states that legal triggers can reach.
fn reachable() -> Vec<States> {
    let mut found = vec![States::default()];
    let mut next = 0;
    while next < found.len() {
        for trigger in ALL_TRIGGERS {
            if let Ok(states) = found[next].after(trigger) {
                if !found.contains(&states) {
                    found.push(states);
                }
            }
        }
        next += 1;
    }
    found
}

#[test]
fn rfc9112_9_3_2_a_head_is_only_due_while_no_response_is() {
    let reachable = reachable();
    for states in &reachable {
        let is_idle = states.response() == ResponseState::Idle;
        assert_eq!(is_idle, states.request() == RequestState::Head, "{states:?}");
    }
    for request in ALL_REQUEST {
        assert!(reachable.iter().any(|states| states.request() == *request), "{request:?}");
    }
    for response in ALL_RESPONSE {
        assert!(reachable.iter().any(|states| states.response() == *response), "{response:?}");
    }
}

#[test]
fn a_handlers_command_is_never_impossible() {
    for states in reachable() {
        for trigger in HANDLER_TRIGGERS {
            assert_ne!(Err(Impossible), states.check(trigger), "{trigger:?} in {states:?}");
        }
    }
}

#[test]
fn an_illegal_trigger_moves_neither_side() {
    let mut states = States::default();
    states.apply(Trigger::HeadWithBody);
    let before = states;
    assert_eq!(Err(RequestIncomplete), states.advance(Trigger::Upgrade));
    assert_eq!(Err(ResponseNotStarted), states.advance(Trigger::Write));
    assert_eq!(Err(Impossible), states.advance(Trigger::NextRequest));
    assert_eq!(before, states);
}

#[test]
fn rfc9110_7_8_only_a_whole_request_is_upgraded() {
    let mut states = States::default();
    states.apply(Trigger::Head);
    assert_eq!(Ok(()), states.advance(Trigger::Upgrade));
    assert_eq!((RequestState::Switched, ResponseState::Switched), (states.request(), states.response()));
    assert_eq!(Err(ResponseStarted), states.check(Trigger::Respond));
}
