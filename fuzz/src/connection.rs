//! A whole connection: any bytes, in any pieces, and a handler that takes any legal action. Responses must be well
//! formed and in order, nothing after a refused message may be read, every exchange must end once, and the counters
//! must be right.
//!
//! The handler's actions depend on the events, not on their timing. So requests and responses must not depend on how
//! the bytes are divided into pieces.

use arbitrary::{Arbitrary, Unstructured};
use ropewalk_engine::event::{BodyFault, Event};
use ropewalk_engine::{
    Body, CommandError, Engine, ExchangeId, Field, GoneReason, Head, Limits, PipeId, Severity, Version,
};

use crate::answers::{self, Answer};
use crate::splits;
use crate::world::{self, Handler};

/// Runs one input several times, divided into different pieces, and compares the results.
pub fn check(input: &[u8]) {
    let Ok(script) = Script::arbitrary_take_rest(Unstructured::new(input)) else { return };
    let [whole, others @ ..] = splits::ways(script.bytes).map(|pieces| play(&script, &pieces));
    for other in others {
        assert_eq!(whole, other, "the outcome depends on the pieces of {:?}", script.bytes.escape_ascii().to_string());
    }
}

/// What a client sends, and what handlers do.
#[derive(Debug, Arbitrary)]
struct Script<'a> {
    /// Whether the limits are so small that inputs exceed them.
    tight: bool,
    /// What handlers do with the first four requests. Later requests use the same plans again, in the same order.
    plans: [Plan; 4],
    bytes: &'a [u8],
}

/// What a handler does with a request. Two bytes of the input decide it.
#[derive(Debug, Clone, Copy)]
struct Plan {
    manner: Manner,
    status: u16,
    /// The handler's limit for the request body, in bytes.
    limit: Option<u64>,
    /// Whether the handler sends 103 first.
    hints: bool,
    close: bool,
    /// The size of the response body, in bytes.
    size: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Responds to the head, and does not read the body.
    AtOnce,
    /// Responds when the body is complete.
    Reading,
    /// Responds in chunks when the body is complete.
    Chunks,
    /// Responds in parts, with a Content-Length, when the body is complete.
    Parts,
    /// Begins the response at the head, and ends it when the body is complete.
    Early,
    /// Responds when the client has sent everything.
    Held,
    Aborting,
    Upgrading,
}

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        use Manner::*;
        let [manner, rest]: [u8; 2] = bytes.arbitrary()?;
        Ok(Plan {
            manner: [AtOnce, Reading, Chunks, Parts, Early, Held, Aborting, Upgrading][usize::from(manner & 7)],
            status: [200, 204, 304, 404][usize::from(manner >> 3 & 3)],
            limit: (manner & 0x20 != 0).then_some(20),
            hints: manner & 0x40 != 0,
            close: rest & 0x80 != 0,
            size: usize::from(rest & 0x7f).pow(2) / 8,
        })
    }
}

/// The results that must not depend on the pieces.
#[derive(Debug, PartialEq, Eq)]
struct Course {
    requests: Vec<Request>,
    answers: Vec<Answer>,
    /// The bytes that the client received after an upgrade.
    raw: Vec<u8>,
    refused: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    method: &'static str,
    target: Vec<u8>,
    version: Version,
    fields: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
    end: Option<BodyEnd>,
    gone: Option<GoneReason>,
}

#[derive(Debug, PartialEq, Eq)]
enum BodyEnd {
    Whole(Vec<Field>),
    Bad(BodyFault),
}

fn play(script: &Script<'_>, pieces: &[&[u8]]) -> Course {
    let limits = if script.tight {
        Limits {
            request_line: 64,
            head_size: 512,
            head_fields: 8,
            body_size: 96,
            chunk_extensions: 16,
            trailer_size: 64,
            trailer_fields: 2,
            read_buffer: 32,
            write_buffer: 128,
            discard_size: 24,
            ..Limits::default()
        }
    } else {
        Limits::default()
    };
    let mut engine = world::engine(limits);
    let pipe = world::open(&mut engine);
    let mut player = Player::new(script.plans, pipe);
    for piece in pieces {
        world::turn(&mut engine, &mut player, |engine| engine.feed_pipe(pipe, piece));
    }
    world::rest(&mut engine, &mut player);
    while player.release(&mut engine) {
        world::rest(&mut engine, &mut player);
    }
    world::turn(&mut engine, &mut player, |engine| engine.end_pipe(pipe));
    world::rest(&mut engine, &mut player);
    player.close_books(&engine)
}

/// The owner of the pipe, and the handlers of all its requests.
struct Player {
    plans: [Plan; 4],
    pipe: PipeId,
    exchanges: Vec<Exchange>,
    output: Vec<u8>,
    refused: Option<String>,
    /// Whether the last response was sent, so that further input is dropped.
    ending: bool,
    closed: bool,
}

struct Exchange {
    id: ExchangeId,
    plan: Plan,
    has_body: bool,
    request: Request,
    /// The response, once it is complete.
    sent: Option<Sent>,
    upgraded: bool,
    hints: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Sent {
    status: u16,
    body: Vec<u8>,
    trailers: bool,
}

impl Handler for Player {
    fn serve(&mut self, engine: &mut Engine, event: Event) {
        assert!(!self.closed, "an event after the end of the pipe: {event:?}");
        let is_end = matches!(event, Event::PipeFlow(..) | Event::PipeClosed(..) | Event::Report(_));
        assert!(!self.ending || is_end, "an event after the last response: {event:?}");
        match event {
            Event::Head(id, head) => self.head(engine, id, &head),
            Event::Data(id, data) => {
                let exchange = self.running(id);
                assert_eq!(None, exchange.request.end);
                exchange.request.body.extend_from_slice(&data);
                let raw = exchange.upgraded;
                engine.consumed(id, data.len() as u64).expect("a running exchange");
                if raw {
                    engine.write(id, data).expect("a raw connection");
                }
            }
            Event::End(id, trailers) => self.body_over(engine, id, BodyEnd::Whole(trailers)),
            Event::BadBody(id, fault) => self.body_over(engine, id, BodyEnd::Bad(fault)),
            Event::Gone(id, reason) => self.running(id).request.gone = Some(reason),
            Event::PipeOutput(pipe, bytes) => {
                assert_eq!(self.pipe, pipe);
                self.output.extend_from_slice(&bytes);
            }
            Event::PipeEnding(pipe) => {
                assert_eq!(self.pipe, pipe);
                assert!(!std::mem::replace(&mut self.ending, true), "the pipe ends twice");
            }
            Event::PipeClosed(pipe, _) => {
                assert_eq!(self.pipe, pipe);
                self.closed = true;
            }
            Event::PipeFlow(..) | Event::Writable(_) | Event::HalfClosed(_) => {}
            Event::Report(report) => {
                assert_eq!((Severity::Debug, "RW510"), (report.severity, report.code), "{}", report.message);
                assert_eq!(None, self.refused.replace(report.message));
            }
            Event::Opened(..) | Event::Lingering(_) | Event::Closed(..) | Event::Refused(_) | Event::Drained { .. } => {
                panic!("an event that was not enabled")
            }
        }
    }
}

impl Player {
    fn new(plans: [Plan; 4], pipe: PipeId) -> Player {
        Player { plans, pipe, exchanges: Vec::new(), output: Vec::new(), refused: None, ending: false, closed: false }
    }

    fn head(&mut self, engine: &mut Engine, id: ExchangeId, head: &Head) {
        assert_eq!(None, self.refused, "a request after a refused one");
        let last = self.exchanges.last();
        assert!(last.is_none_or(|last| last.sent.is_some()), "a request before the response to the previous one");
        assert!(last.is_none_or(|last| last.id < id));
        let plan = self.plans[self.exchanges.len() % self.plans.len()];
        let request = Request {
            method: head.method().as_str(),
            target: head.target().to_vec(),
            version: head.version(),
            fields: head.fields().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
            body: Vec::new(),
            end: None,
            gone: None,
        };
        let has_body = head.has_body();
        self.exchanges.push(Exchange { id, plan, has_body, request, sent: None, upgraded: false, hints: 0 });
        self.start(engine, id);
    }

    /// The exchange with this ID, which must be the last one and still running.
    fn running(&mut self, id: ExchangeId) -> &mut Exchange {
        let last = self.exchanges.last_mut().expect("a head before it");
        assert_eq!(id, last.id);
        assert!(last.sent.is_none() && last.request.gone.is_none(), "an event after the end of its exchange");
        last
    }

    fn start(&mut self, engine: &mut Engine, id: ExchangeId) {
        let exchange = self.running(id);
        let plan = exchange.plan;
        if plan.hints {
            engine.interim(id, 103, &[(b"Link", b"</a>")]).expect("an exchange without a response");
            exchange.hints = usize::from(exchange.request.version == Version::Http11);
        }
        match plan.manner {
            Manner::AtOnce => self.answer(engine, id, plan.status),
            Manner::Held => {}
            Manner::Aborting => engine.abort(id).expect("a running exchange"),
            Manner::Early => {
                engine.begin(id, plan.status, &fields(plan), None).expect("an exchange without a response");
                engine.write(id, body(plan).into()).expect("a response that has begun");
                self.receive(engine, id);
            }
            Manner::Reading | Manner::Chunks | Manner::Parts | Manner::Upgrading => self.receive(engine, id),
        }
    }

    fn receive(&mut self, engine: &mut Engine, id: ExchangeId) {
        let exchange = self.running(id);
        if !exchange.has_body {
            return self.conclude(engine, id);
        }
        match engine.receive(id, exchange.plan.limit) {
            Ok(events) => events.into_iter().for_each(|event| self.serve(engine, event)),
            Err(CommandError::BodyTooLarge { .. }) if exchange.plan.manner == Manner::Early => {
                self.conclude(engine, id)
            }
            Err(CommandError::BodyTooLarge { .. }) => self.answer(engine, id, 413),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn body_over(&mut self, engine: &mut Engine, id: ExchangeId, end: BodyEnd) {
        let exchange = self.running(id);
        assert!(exchange.has_body);
        if end == BodyEnd::Bad(BodyFault::TooLarge) {
            // How much of the body the engine reports before the refusal depends on the pieces.
            exchange.request.body.clear();
        }
        assert_eq!(None, exchange.request.end.replace(end));
        self.conclude(engine, id);
    }

    /// Responds, or ends the response, after the end of the body.
    fn conclude(&mut self, engine: &mut Engine, id: ExchangeId) {
        let exchange = self.running(id);
        let Plan { manner, status, .. } = exchange.plan;
        let whole = matches!(exchange.request.end, None | Some(BodyEnd::Whole(_)));
        match manner {
            Manner::Early => {
                let sent = Sent { status, body: body(exchange.plan), trailers: true };
                exchange.sent = Some(sent);
                engine.end(id, &[(b"X-Trailer", b"1")]).expect("a response that has begun");
            }
            Manner::Chunks | Manner::Parts => self.stream(engine, id),
            Manner::Upgrading if whole && exchange.request.version == Version::Http11 => self.upgrade(engine, id),
            _ => self.answer(engine, id, status),
        }
    }

    fn answer(&mut self, engine: &mut Engine, id: ExchangeId, status: u16) {
        let exchange = self.running(id);
        let plan = Plan { status, ..exchange.plan };
        let body = body(plan);
        exchange.sent = Some(Sent { status, body: body.clone(), trailers: false });
        engine.respond(id, status, &fields(plan), Body::Slice(&body)).expect("an exchange without a response");
    }

    fn stream(&mut self, engine: &mut Engine, id: ExchangeId) {
        let exchange = self.running(id);
        let plan = exchange.plan;
        let body = body(plan);
        let length = (plan.manner == Manner::Parts).then_some(body.len() as u64);
        exchange.sent = Some(Sent { status: plan.status, body: body.clone(), trailers: true });
        engine.begin(id, plan.status, &fields(plan), length).expect("an exchange without a response");
        for part in body.chunks(100) {
            engine.write(id, part.to_vec().into()).expect("a response that has begun");
        }
        engine.end(id, &[(b"X-Trailer", b"1")]).expect("a whole body");
    }

    fn upgrade(&mut self, engine: &mut Engine, id: ExchangeId) {
        let exchange = self.running(id);
        exchange.upgraded = true;
        exchange.request.end = None;
        exchange.request.body.clear();
        engine.upgrade(id, &[(b"Upgrade", b"echo")]).expect("a whole request of HTTP/1.1");
        let events = engine.receive(id, None).expect("a raw connection");
        events.into_iter().for_each(|event| self.serve(engine, event));
    }

    /// Responds to the exchange that waited until the client has sent everything. Returns whether there was one.
    fn release(&mut self, engine: &mut Engine) -> bool {
        let Some(last) = self.exchanges.last_mut() else { return false };
        let (id, plan) = (last.id, last.plan);
        if last.sent.is_some() || last.request.gone.is_some() {
            return false;
        }
        if last.upgraded {
            last.sent = Some(Sent { status: 101, body: Vec::new(), trailers: false });
            engine.end(id, &[]).expect("a raw connection");
            return true;
        }
        if plan.manner != Manner::Held {
            return false;
        }
        self.answer(engine, id, plan.status);
        true
    }

    fn close_books(self, engine: &Engine) -> Course {
        assert!(self.closed, "the pipe is closed");
        let counters = engine.counters();
        let gone = self.exchanges.iter().filter(|exchange| exchange.request.gone.is_some()).count();
        let done = self.exchanges.iter().filter(|exchange| exchange.sent.is_some()).count();
        let refused = usize::from(self.refused.is_some());
        assert_eq!(self.exchanges.len(), gone + done, "every exchange ends once");
        assert_eq!((0, 0), (counters.running, counters.open));
        assert_eq!(
            [self.exchanges.len(), gone, refused, self.output.len()].map(|count| count as u64),
            [counters.requests, counters.cut, counters.refused, counters.bytes_out],
        );
        let (answers, interims, raw) = self.read_answers();
        if gone == 0 {
            let upgraded = self.exchanges.iter().filter(|exchange| exchange.upgraded).count();
            assert_eq!((answers.len() + upgraded + interims) as u64, counters.responses.iter().sum());
        }
        let requests = self.exchanges.into_iter().map(|exchange| exchange.request).collect();
        Course { requests, answers, raw, refused: self.refused }
    }

    /// Reads the output as a client does. Returns the final responses, the number of interim responses, and the raw
    /// bytes.
    fn read_answers(&self) -> (Vec<Answer>, usize, Vec<u8>) {
        let mut rest = self.output.as_slice();
        let mut answers = Vec::new();
        let mut interims = 0;
        for (number, exchange) in self.exchanges.iter().enumerate() {
            let hints = interims;
            let answer = loop {
                match answers::take(&mut rest, exchange.request.method == "HEAD") {
                    Some(Answer { status: 100 | 103, .. }) => interims += 1,
                    other => break other,
                }
            };
            let Some(sent) = &exchange.sent else {
                assert_eq!(self.exchanges.len(), number + 1, "nothing after an exchange that was cut");
                return (answers, interims, Vec::new());
            };
            let answer = answer.expect("a whole response");
            assert!((0..=1).contains(&(interims - hints - exchange.hints)), "the hints, and at most one 100");
            if exchange.upgraded {
                assert_eq!((101, exchange.request.body.as_slice()), (answer.status, rest));
                return (answers, interims, rest.to_vec());
            }
            compare(&answer, sent, exchange);
            let last = self.exchanges.len() == number + 1;
            assert!(!answer.closes() || (last && rest.is_empty()), "bytes or a request after Connection: close");
            answers.push(answer);
        }
        match &self.refused {
            Some(reason) if !rest.is_empty() => answers.push(take_refusal(&mut rest, reason)),
            Some(reason) => assert!(self.exchanges.last().is_some_and(|last| last.has_body), "no response: {reason}"),
            None => {}
        }
        assert_eq!(b"", rest, "bytes after the last response");
        (answers, interims, Vec::new())
    }
}

/// Reads the short response to a refused message. It has no body if the message starts like a HEAD request.
fn take_refusal(rest: &mut &[u8], reason: &str) -> Answer {
    let answer = answers::take(rest, false).or_else(|| answers::take(rest, true)).expect("a whole response");
    assert!(answer.closes() && (400..600).contains(&answer.status));
    assert!(reason.starts_with(&format!("a pipe: {} ", answer.status)), "{reason}");
    answer
}

/// Checks that a response arrived as it was sent.
fn compare(answer: &Answer, sent: &Sent, exchange: &Exchange) {
    assert_eq!(sent.status, answer.status);
    assert_eq!(Some(&b"x"[..]), answer.field("x-plan"));
    let is_head = exchange.request.method == "HEAD";
    if is_head {
        assert_eq!(b"", answer.body.as_slice());
    } else {
        assert_eq!(sent.body, answer.body);
    }
    let chunked = answer.field("transfer-encoding").is_some() && !is_head;
    assert_eq!(sent.trailers && chunked, answer.trailers == [(b"X-Trailer".to_vec(), b"1".to_vec())]);
}

fn fields(plan: Plan) -> Vec<(&'static [u8], &'static [u8])> {
    let mut fields: Vec<(&[u8], &[u8])> = vec![(b"X-Plan", b"x")];
    if plan.close {
        fields.push((b"Connection", b"close"));
    }
    fields
}

/// A body that looks like a response, so that an error in the framing is found.
fn body(plan: Plan) -> Vec<u8> {
    let bodiless = matches!(plan.status, 204 | 304);
    b"HTTP/1.1 200 OK\r\n\r\n".iter().copied().cycle().take(if bodiless { 0 } else { plan.size }).collect()
}
