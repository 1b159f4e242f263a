//! Compares the engine with llhttp, Node's parser, in strict mode: both must see the same requests in the same bytes.
//!
//! They may differ only where `differences.rs` lists the difference and its reason. In particular, the engine may not
//! accept what llhttp refuses, except where that list allows it.

mod differences;
mod llhttp;
mod ours;

use std::fmt;

/// Reads one input with both parsers, and compares the results.
pub fn check(input: &[u8]) {
    let (ours, theirs) = (ours::read(input), llhttp::read(input));
    if let Err(difference) = compare(input, &ours, &theirs) {
        let input = input.escape_ascii();
        panic!("{difference}\ninput:  {input}\nours:   {ours:#?}\ntheirs: {theirs:#?}");
    }
}

/// What a parser read from its input.
#[derive(Debug)]
struct Reading {
    messages: Vec<Message>,
    end: End,
}

#[derive(Default, PartialEq, Eq)]
struct Message {
    method: Vec<u8>,
    target: Vec<u8>,
    version: Vec<u8>,
    fields: Vec<Field>,
    body: Vec<u8>,
    trailers: Vec<Field>,
    /// Whether another request may follow. None until the message is complete.
    kept: Option<bool>,
}

type Field = (Vec<u8>, Vec<u8>);

/// Why reading stopped, after the last message or within it.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The parser needs more bytes.
    Open,
    /// The connection closes after the last message.
    Closed,
    Refused(String),
}

impl Message {
    fn is_whole(&self) -> bool {
        self.kept.is_some()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |fields: &[Field]| {
            let lines = fields.iter().map(|(name, value)| format!("{}: {}", name.escape_ascii(), value.escape_ascii()));
            lines.collect::<Vec<_>>()
        };
        let line = [&self.method[..], &self.target, &self.version].map(|part| part.escape_ascii().to_string());
        f.debug_struct(&line.join(" "))
            .field("fields", &shown(&self.fields))
            .field("body", &self.body.escape_ascii().to_string())
            .field("trailers", &shown(&self.trailers))
            .field("kept", &self.kept)
            .finish()
    }
}

fn compare(input: &[u8], ours: &Reading, theirs: &Reading) -> Result<(), String> {
    for number in 0..ours.messages.len().max(theirs.messages.len()) {
        let (a, b) = (ours.messages.get(number), theirs.messages.get(number));
        match (a, b) {
            (Some(a), Some(b)) => {
                if head_of(a) != head_of(b) {
                    return Err(format!("the head of message {number} is not the same"));
                }
                match (a.is_whole(), b.is_whole()) {
                    (true, true) if a.kept != b.kept && differences::closes_sooner(a) => return Ok(()),
                    (true, true) if a.kept != b.kept => {
                        return Err(format!("only one parser closes after message {number}"));
                    }
                    (true, true) => compare_bodies(a, b, number)?,
                    (true, false) => return they_refuse(input, ours, theirs, number),
                    (false, true) => return we_refuse(ours, number),
                    (false, false) if (&ours.end, &theirs.end) == (&End::Open, &End::Open) => {
                        compare_bodies(a, b, number)?;
                    }
                    (false, false) => {}
                }
            }
            (Some(_), None) => return they_refuse(input, ours, theirs, number),
            (None, Some(_)) => return we_refuse(ours, number),
            (None, None) => {}
        }
    }
    Ok(())
}

fn head_of(message: &Message) -> (&[u8], &[u8], &[u8], &[Field]) {
    (&message.method, &message.target, &message.version, &message.fields)
}

fn compare_bodies(a: &Message, b: &Message, number: usize) -> Result<(), String> {
    if a.body != b.body {
        return Err(format!("the body of message {number} is not the same"));
    }
    let kept: Vec<Field> = b.trailers.iter().filter(|(name, _)| differences::keeps_trailer(name)).cloned().collect();
    if a.is_whole() && a.trailers != kept {
        return Err(format!("the trailers of message {number} are not the same"));
    }
    Ok(())
}

/// Checks a message that llhttp accepted completely and the engine did not: `differences.rs` must list the reason for
/// which the engine refuses it.
fn we_refuse(ours: &Reading, number: usize) -> Result<(), String> {
    match &ours.end {
        End::Refused(reason) if differences::is_stricter(reason) => Ok(()),
        End::Refused(reason) => Err(format!("message {number} is refused, for no listed reason: {reason}")),
        end => Err(format!("message {number} is complete for llhttp only: {end:?}")),
    }
}

/// Checks a head or a body that the engine accepted and llhttp did not: `differences.rs` must list the reason for which
/// llhttp refuses it.
fn they_refuse(input: &[u8], ours: &Reading, theirs: &Reading, number: usize) -> Result<(), String> {
    let (message, before) = (&ours.messages[number], theirs.messages.last());
    match &theirs.end {
        End::Refused(reason) if differences::is_laxer(reason, input, message, before) => Ok(()),
        End::Refused(reason) => Err(format!("message {number} is accepted, and llhttp refuses it: {reason}")),
        end => Err(format!("message {number} is accepted, and llhttp needs more bytes: {end:?}")),
    }
}
