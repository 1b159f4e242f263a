//! One HTTP/1 connection without its socket: requests in, answers out, in order (RFC 9112, section 9.3).
//!
//! What is legal lives in two small machines that meet when both are done:
//!
//! ```text
//! request:  Head -> Length | Chunked -> Complete      answer:  Idle -> Waiting -> Streaming -> Done
//!                \-> Complete (no body)                              \-> Done (answered whole)
//!           Chunked -> Spoiled (bad framing)
//!           any -> Closed (refused, or the last answer)        Waiting -> Raw, with the request (upgrade)
//!
//! Complete and Done, kept  -> Head and Idle, the next request
//! Complete and Done, last  -> Closed, then the socket closes when all is sent
//! ```
//!
//! The next head is parsed only when the answer before it is complete, so pipelined answers cannot change places, and
//! nothing behind a refused message is ever parsed. A body is `Held` until somebody wants it, `Flowing` while they do,
//! `Dropped` when the answer was complete without it.

use bytes::Bytes;

use super::chunked::{Chunked, Step};
use super::encode::{self, BodyFrame, Found, Persistence};
use super::head;
use super::scan::{Scan, asks_for_head};
use crate::event::{BodyFault, Event, Report, Severity};
use crate::exchange::{CommandError, ExchangeId};
use crate::head::{Field, FieldRef, Framing, Head, Version};
use crate::limits::Limits;
use crate::method::Method;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::wire::Context;

impl Context<'_> {
    /// Has the head say where its request comes from: by its connection, and by proxies where they are asked.
    fn trace(&self, mut head: Box<Head>) -> Result<Box<Head>, Refusal> {
        head.peer = self.peer.clone();
        head.secure = self.secure;
        if let Some(proxies) = self.proxies {
            let shown = Origin { client: self.client.clone(), secure: self.secure, host: None };
            let origin = if self.fields_tell { proxies.trace(&head, shown)? } else { shown };
            head.origin = Some(Box::new(origin));
        }
        Ok(head)
    }

    /// Counts a refused message, and tells of it once.
    fn note_refusal(&mut self, status: u16, reason: &str) {
        self.counters.refused += 1;
        if self.debug {
            let message = format!("{}: {status} {reason}", self.client);
            self.inbox.push_back(Event::Report(Report { severity: Severity::Debug, code: "RW510", message }));
        }
    }
}

const TOO_LARGE: &str = "the body is larger than its limit";

/// The state of one connection.
#[derive(Debug)]
pub struct Http1 {
    pub(super) request: Request,
    pub(super) demand: Demand,
    pub(super) answer: Answer,
    pub(super) scan: Scan,
    /// Bytes that came and are not parsed: part of a head, a held body, pipelined requests.
    pub(super) input: Vec<u8>,
    /// How much of `input` is done with; it is cut off now and then, not at every pipelined request.
    pub(super) parsed: usize,
    /// In a drain, bytes of `input` that came before `Connection: close` was due: what they ask for is still answered.
    pub(super) pledged: usize,
    pub(super) serial: u32,
    /// The status of the answer, once its head is out.
    pub(super) status: u16,
    /// The body of the response is a stream of events.
    pub(super) events: bool,
    /// Facts of the current request that the answer needs.
    pub(super) version: Version,
    pub(super) is_head: bool,
    /// Whether the connection lives on after this exchange.
    pub(super) keep: bool,
    /// The client waits for 100 Continue and did not get it.
    pub(super) expects_continue: bool,
    pub(super) body_limit: u64,
    /// It was noted that the length of the body is over its limit.
    pub(super) told_large: bool,
    pub(super) body_seen: u64,
    /// Body bytes handed out that the reader has not consumed.
    pub(super) unread: u64,
    /// Body bytes of the answer.
    pub(super) written: u64,
    /// The exchange that was cut, if one was: its handler may not have heard of it.
    pub(super) was_cut: Option<u32>,
    /// When the head was whole, in microseconds.
    pub(super) began: u64,
    /// What the access log says of this request.
    pub(super) log_line: Option<Box<crate::access::Line>>,
}

#[derive(Debug)]
pub(super) enum Request {
    Head,
    Length(u64),
    Chunked(Box<Chunked>),
    Complete,
    /// The framing of the body is lost; the connection ends with the answer.
    Spoiled,
    Raw,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Demand {
    Held,
    Flowing,
    Dropped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Idle,
    Waiting,
    /// The head is out; bytes that `Content-Length` still asks for, if it was given.
    Length {
        announced: u64,
        left: u64,
    },
    Chunked,
    /// The handler frames the body in chunks, whose bytes go out as they come; the last of them.
    Framed([u8; 5]),
    UntilClose,
    /// Bytes are counted and not sent: an answer to HEAD, or one without a body.
    Silent,
    Raw,
    Done,
}

impl Default for Http1 {
    fn default() -> Self {
        Http1 {
            request: Request::Head,
            demand: Demand::Held,
            answer: Answer::Idle,
            scan: Scan::default(),
            input: Vec::new(),
            parsed: 0,
            pledged: 0,
            serial: 0,
            status: 0,
            events: false,
            version: Version::Http11,
            is_head: false,
            keep: true,
            expects_continue: false,
            body_limit: 0,
            told_large: false,
            body_seen: 0,
            unread: 0,
            written: 0,
            was_cut: None,
            began: 0,
            log_line: None,
        }
    }
}

impl Http1 {
    /// Takes in bytes from the client.
    pub(crate) fn feed(&mut self, data: &[u8], cx: &mut Context<'_>) {
        if self.input.is_empty() {
            if cx.draining && self.awaits_head() {
                self.pledged = data.len();
            }
            let used = self.advance(data, cx);
            self.input.extend_from_slice(&data[used..]);
        } else {
            self.input.extend_from_slice(data);
            self.resume(cx);
        }
    }

    /// The exchange whose answer is not complete, if there is one.
    pub(crate) fn running(&self) -> Option<u32> {
        (!matches!(self.answer, Answer::Idle | Answer::Done)).then_some(self.serial)
    }

    /// Whether an exchange was ended before its answer was complete.
    pub(crate) fn has_aborted(&self, serial: u32) -> bool {
        self.was_cut == Some(serial)
    }

    /// Whether the next thing to come is a head, or the rest of one.
    pub(crate) fn awaits_head(&self) -> bool {
        matches!(self.request, Request::Head) && self.answer == Answer::Idle
    }

    /// Whether a whole pipelined request may stand in the input, so that sending can wait for its answer.
    pub(crate) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// What came and was not parsed, for another reader.
    pub(crate) fn take_input(&mut self) -> Vec<u8> {
        let parsed = std::mem::take(&mut self.parsed);
        std::mem::take(&mut self.input).split_off(parsed)
    }

    /// Whether the head of the answer is out.
    pub(crate) fn has_started(&self) -> bool {
        !matches!(self.answer, Answer::Idle | Answer::Waiting)
    }

    /// Whether the client's bytes are no HTTP any more.
    pub(crate) fn is_raw(&self) -> bool {
        matches!(self.request, Request::Raw)
    }

    /// The connection is lost: whose answer was not complete. The access log says `status` where no head is out.
    pub(crate) fn abort(&mut self, status: u16, cx: &mut Context<'_>) -> Option<u32> {
        let running = self.running();
        if running.is_some() {
            cx.counters.cut += 1;
            cx.counters.running -= 1;
            if let (Some(line), Some(log)) = (self.log_line.take(), cx.access.as_deref_mut()) {
                let status = if self.status == 0 { status } else { self.status };
                let micros = cx.clock.micros().saturating_sub(self.began);
                log.write(&line, status, self.written, micros, cx.clock);
            }
        }
        self.was_cut = running;
        // What was said is lost where the connection is closed while the client still sends (RFC 9112, section 9.6).
        let refused = matches!(self.request, Request::Closed) && self.demand == Demand::Dropped;
        let unread = matches!(self.request, Request::Length(_) | Request::Chunked(_) | Request::Spoiled);
        let lingers = refused || (unread && running.is_some() && self.has_started());
        self.close_lingering();
        if !lingers {
            self.demand = Demand::Held;
        }
        running
    }

    /// The engine drains: the last answer is the one to the last request that is here.
    pub(crate) fn begin_drain(&mut self) {
        self.pledged = self.input.len() - self.parsed;
    }

    /// Whether more than the current request is here of what came before `Connection: close` was due.
    pub(super) fn has_pledged_more(&self) -> bool {
        match self.request {
            Request::Length(left) => self.pledged as u64 > left,
            Request::Chunked(_) => false,
            _ => self.pledged > 0,
        }
    }

    /// Makes the next answer the last one.
    pub(crate) fn close_after_response(&mut self) {
        self.keep = false;
    }

    // The body of the request

    /// Lets the body flow. False where it did already, or there is none to come.
    pub(crate) fn receive(&mut self, limit: u64, cx: &mut Context<'_>) -> Result<bool, CommandError> {
        self.body_limit = limit;
        if let Request::Length(length) = self.request {
            if self.body_seen + length > limit {
                self.keep = false;
                if !std::mem::replace(&mut self.told_large, true) {
                    cx.note_refusal(413, TOO_LARGE);
                }
                return Err(CommandError::BodyTooLarge { limit });
            }
        }
        if self.demand != Demand::Held || matches!(self.request, Request::Closed | Request::Spoiled) {
            return Ok(false);
        }
        self.demand = Demand::Flowing;
        if self.expects_continue && self.answer == Answer::Waiting && self.input.is_empty() {
            cx.out.tail().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            cx.counters.responses[0] += 1;
        }
        self.expects_continue = false;
        self.resume(cx);
        Ok(true)
    }

    /// The reader has taken so many bytes.
    pub(crate) fn consumed(&mut self, count: u64, cx: &mut Context<'_>) {
        self.unread = self.unread.saturating_sub(count);
        if self.has_input() {
            self.resume(cx);
        }
    }

    /// The short answer to a message that is refused. What follows it is never parsed.
    pub(crate) fn refuse(&mut self, refusal: Refusal, cx: &mut Context<'_>) {
        self.is_head = asks_for_head(&self.input[self.parsed..]);
        self.refuse_head(refusal, cx);
    }

    fn refuse_head(&mut self, refusal: Refusal, cx: &mut Context<'_>) {
        let length = self.send_refusal(refusal, cx);
        cx.note_refusal(refusal.status, refusal.reason);
        if let Some(log) = cx.access.as_deref_mut() {
            log.write_refused(cx.client, refusal.status, length, cx.clock);
        }
    }

    /// Sends the short answer and closes behind it; the length of the body that was sent.
    pub(crate) fn send_refusal(&mut self, refusal: Refusal, cx: &mut Context<'_>) -> u64 {
        if cx.delegates_refusals && refusal.status == 400 {
            cx.delegate_refusal();
            cx.counters.count_response(refusal.status, 0);
            self.close_lingering();
            return 0;
        }
        let body = format!("{} {}: {}\n", refusal.status, encode::phrase(refusal.status), refusal.reason);
        let fields: [FieldRef<'_>; 1] = [(b"Content-Type", b"text/plain; charset=utf-8")];
        encode::head(
            cx.out.tail(),
            refusal.status.into(),
            &fields,
            Found::default(),
            BodyFrame::Length(body.len() as u64),
            Persistence::Close,
            cx.clock.date(),
        );
        let body = if self.is_head { "" } else { &body };
        cx.out.tail().extend_from_slice(body.as_bytes());
        cx.counters.count_response(refusal.status, 0);
        self.close_lingering();
        body.len() as u64
    }

    /// All is said: what the client still sends is dropped.
    pub(crate) fn close_lingering(&mut self) {
        self.request = Request::Closed;
        self.demand = Demand::Dropped;
        self.answer = Answer::Done;
        self.input = Vec::new();
        self.parsed = 0;
    }

    /// Goes over the kept input again.
    pub(crate) fn resume(&mut self, cx: &mut Context<'_>) {
        let mut input = std::mem::take(&mut self.input);
        let start = std::mem::take(&mut self.parsed);
        let parsed = start + self.advance(&input[start..], cx);
        if parsed == input.len() {
            return;
        }
        if parsed > input.len() / 2 {
            input.drain(..parsed);
        } else {
            self.parsed = parsed;
        }
        self.input = input;
    }

    /// Goes as far as it can over `input`; how many bytes are done with.
    fn advance(&mut self, input: &[u8], cx: &mut Context<'_>) -> usize {
        let used = self.parse(input, cx);
        self.pledged = self.pledged.saturating_sub(used);
        self.tell_gathered(cx);
        used
    }

    fn parse(&mut self, input: &[u8], cx: &mut Context<'_>) -> usize {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            match &mut self.request {
                Request::Closed => return input.len(),
                Request::Complete if self.answer == Answer::Done => self.next(),
                Request::Complete | Request::Spoiled => return at,
                Request::Head => {
                    // Whoever does not take answers gets no further ones made.
                    let waits = cx.out.len() > cx.limits.write_buffer || cx.out.holds_file();
                    if self.answer != Answer::Idle || rest.is_empty() || waits {
                        return at;
                    }
                    let parsed = match self.scan.find_end(rest, cx.limits, cx.methods) {
                        Ok(None) => return at,
                        Ok(Some((start, end))) => {
                            let method = self.scan.method.unwrap_or(Method::OTHER);
                            let head = head::parse(&rest[start..end], method, cx.methods);
                            head.and_then(|head| cx.trace(head)).map(|head| (head, end))
                        }
                        Err(refusal) => Err(refusal),
                    };
                    match parsed {
                        Ok((head, end)) => {
                            at += end;
                            self.open(head, cx);
                        }
                        Err(refusal) => {
                            self.is_head = asks_for_head(rest);
                            self.refuse_head(refusal, cx);
                        }
                    }
                }
                Request::Raw => {
                    if rest.is_empty() || self.demand != Demand::Flowing || self.unread >= cx.limits.read_buffer {
                        return at;
                    }
                    self.deliver(rest, cx);
                    at += rest.len();
                }
                Request::Length(left) => {
                    let count = rest.len().min((*left).try_into().unwrap_or(usize::MAX));
                    if count == 0 || !self.demand.flows(self.unread, cx.limits) {
                        return at;
                    }
                    *left -= count as u64;
                    let over = *left == 0;
                    self.deliver(&rest[..count], cx);
                    at += count;
                    if over {
                        self.complete(Vec::new(), cx);
                    }
                }
                Request::Chunked(decoder) => {
                    if !self.demand.flows(self.unread, cx.limits) {
                        return at;
                    }
                    let mut cursor = rest;
                    let step = decoder.step(&mut cursor, cx.limits);
                    at = input.len() - cursor.len();
                    match step {
                        Ok(Step::More) => return at,
                        Ok(Step::Data(count)) => {
                            decoder.consumed(count);
                            at += count;
                            if self.body_seen + count as u64 > self.body_limit {
                                self.spoil(BodyFault::TooLarge, cx);
                            } else {
                                self.deliver(&cursor[..count], cx);
                            }
                        }
                        Ok(Step::Done) => {
                            let trailers = std::mem::take(&mut **decoder).into_trailers();
                            self.complete(trailers, cx);
                        }
                        Err(reason) => self.spoil(BodyFault::Malformed(reason), cx),
                    }
                }
            }
        }
    }

    /// A head is in: a new exchange.
    fn open(&mut self, head: Box<Head>, cx: &mut Context<'_>) {
        self.scan = Scan::default();
        self.version = head.version();
        self.is_head = head.method() == Method::HEAD;
        self.keep &= head.keep_alive;
        self.expects_continue = head.expects_continue;
        self.status = 0;
        self.body_seen = 0;
        self.unread = 0;
        self.written = 0;
        self.body_limit = cx.limits.body_size;
        self.told_large = false;
        self.demand = Demand::Held;
        self.answer = Answer::Waiting;
        self.request = match head.framing {
            Framing::None => Request::Complete,
            Framing::Length(length) => Request::Length(length),
            Framing::Chunked => Request::Chunked(Box::default()),
        };
        self.began = cx.clock.micros();
        if let Some(log) = cx.access.as_deref_mut() {
            self.log_line = Some(Box::new(log.line(&head, cx.client)));
        }
        cx.counters.requests += 1;
        cx.counters.running += 1;
        cx.inbox.push_back(Event::Head(self.id(cx), head));
    }

    fn deliver(&mut self, data: &[u8], cx: &mut Context<'_>) {
        self.body_seen += data.len() as u64;
        if self.demand == Demand::Flowing {
            self.unread += data.len() as u64;
            cx.gathered.extend_from_slice(data);
        }
    }

    /// One event for all that came of a body, however small its chunks are.
    fn tell_gathered(&mut self, cx: &mut Context<'_>) {
        if !cx.gathered.is_empty() {
            let data = Bytes::from(std::mem::take(&mut cx.gathered));
            cx.inbox.push_back(Event::Data(self.id(cx), data));
        }
    }

    fn complete(&mut self, trailers: Vec<Field>, cx: &mut Context<'_>) {
        self.tell_gathered(cx);
        if self.demand == Demand::Flowing {
            cx.inbox.push_back(Event::End(self.id(cx), trailers));
        }
        self.request = Request::Complete;
    }

    /// The body is bad: nothing behind it is parsed, and the connection closes after the answer.
    fn spoil(&mut self, fault: BodyFault, cx: &mut Context<'_>) {
        let waiting = self.answer != Answer::Done;
        if waiting {
            self.keep = false;
            self.tell_gathered(cx);
            cx.inbox.push_back(Event::BadBody(self.id(cx), fault));
        }
        match fault {
            BodyFault::Malformed(reason) => cx.note_refusal(400, reason),
            BodyFault::TooLarge if waiting => cx.note_refusal(413, TOO_LARGE),
            // More than is worth reading to keep the connection.
            BodyFault::TooLarge => {}
        }
        if !waiting {
            return self.close_lingering();
        }
        self.demand = Demand::Held;
        self.request = Request::Spoiled;
    }

    /// Both sides are done and the connection is kept.
    pub(super) fn next(&mut self) {
        if !matches!(self.request, Request::Complete) {
            return;
        }
        self.request = if self.keep { Request::Head } else { Request::Closed };
        self.answer = Answer::Idle;
        self.demand = Demand::Held;
        self.serial = self.serial.wrapping_add(1);
    }

    fn id(&self, cx: &Context<'_>) -> ExchangeId {
        ExchangeId { connection: cx.connection, serial: self.serial }
    }
}

impl Demand {
    fn flows(self, unread: u64, limits: &Limits) -> bool {
        match self {
            Demand::Held => false,
            Demand::Flowing => unread < limits.read_buffer,
            Demand::Dropped => true,
        }
    }
}
