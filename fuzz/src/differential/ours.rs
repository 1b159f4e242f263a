//! The engine, with a handler that reads every body and responds to every request.

use ropewalk_engine::event::{BodyFault, Event};
use ropewalk_engine::{Body, Engine, ExchangeId, Head, Limits, Version};

use super::{End, Message, Reading};
use crate::answers;
use crate::world::{self, Handler};

/// Reads requests until the input is used up or refused.
pub fn read(input: &[u8]) -> Reading {
    let mut engine = world::engine(Limits { body_size: 1 << 60, read_buffer: 1 << 60, ..Limits::default() });
    let pipe = world::open(&mut engine);
    let mut reader = Reader::default();
    world::turn(&mut engine, &mut reader, |engine| engine.feed_pipe(pipe, input));
    world::rest(&mut engine, &mut reader);
    reader.conclude()
}

#[derive(Default)]
struct Reader {
    messages: Vec<Message>,
    output: Vec<u8>,
    answered: usize,
    refused: Option<String>,
}

impl Handler for Reader {
    fn serve(&mut self, engine: &mut Engine, event: Event) {
        match event {
            Event::Head(id, head) => {
                self.messages.push(message(&head));
                if head.has_body() {
                    let events = engine.receive(id, None).expect("a body of any size");
                    events.into_iter().for_each(|event| self.serve(engine, event));
                } else {
                    self.answer(engine, id);
                }
            }
            Event::Data(id, data) => {
                self.last().body.extend_from_slice(&data);
                engine.consumed(id, data.len() as u64).expect("a running exchange");
            }
            Event::End(id, trailers) => {
                self.last().trailers = trailers.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
                self.answer(engine, id);
            }
            Event::BadBody(_, BodyFault::Malformed(reason)) => self.refused = Some(reason.to_owned()),
            Event::PipeOutput(_, bytes) => self.output.extend_from_slice(&bytes),
            Event::Report(report) if self.refused.is_none() => self.refused = Some(refusal(&report.message)),
            Event::Report(_)
            | Event::PipeFlow(..)
            | Event::PipeEnding(_)
            | Event::PipeClosed(..)
            | Event::Writable(_) => {}
            Event::Opened(..) | Event::Lingering(_) | Event::Closed(..) | Event::Refused(_) => {
                panic!("an event that was not enabled")
            }
            Event::BadBody(_, BodyFault::TooLarge) | Event::HalfClosed(_) | Event::Gone(..) | Event::Drained { .. } => {
                panic!("no body is too large, no client leaves, and no drain begins")
            }
        }
    }
}

impl Reader {
    fn answer(&mut self, engine: &mut Engine, id: ExchangeId) {
        self.answered += 1;
        engine.respond(id, 200, &[], Body::Slice(b"")).expect("an exchange without a response");
    }

    fn last(&mut self) -> &mut Message {
        self.messages.last_mut().expect("a head before its body")
    }

    /// Returns the result. The responses show whether the connection was kept.
    fn conclude(mut self) -> Reading {
        let mut rest = self.output.as_slice();
        for message in &mut self.messages[..self.answered] {
            let answer = loop {
                let answer = answers::take(&mut rest, message.method == b"HEAD").expect("a whole response");
                if answer.status != 100 {
                    break answer;
                }
            };
            message.kept = Some(!answer.closes());
        }
        let closed = self.messages.last().is_some_and(|last| last.kept == Some(false));
        let end = match self.refused {
            Some(reason) => End::Refused(reason),
            None if closed => End::Closed,
            None => End::Open,
        };
        Reading { messages: self.messages, end }
    }
}

fn message(head: &Head) -> Message {
    Message {
        method: head.method().as_str().into(),
        target: head.target().to_vec(),
        version: match head.version() {
            Version::Http10 => b"1.0".to_vec(),
            Version::Http11 => b"1.1".to_vec(),
        },
        fields: head.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
        ..Message::default()
    }
}

/// Returns the reason in a report such as `a pipe: 400 there is no Host`.
fn refusal(report: &str) -> String {
    report.strip_prefix("a pipe: ").and_then(|refusal| refusal.get(4..)).expect("a status and a reason").to_owned()
}
