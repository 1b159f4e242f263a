//! One HTTP/1 connection without its socket: requests in, responses out, in order (RFC 9112, section 9.3).
//!
//! `state.rs` defines what is legal, and `states.md` documents it. The next head is parsed only when the response
//! before it is
//! complete, so that pipelined responses keep their order, and nothing after a refused message is ever parsed.

use bytes::Bytes;

use super::accounting::Account;
use super::head;
use super::input::Input;
use super::request_body::{Demand, Part, RequestBody};
use super::response_body::ResponseBody;
use super::scan::{Scan, has_method_head};
use super::state::{RequestState, ResponseState, States, Trigger};
use crate::event::{BodyFault, Event, Report, Severity};
use crate::exchange::{CommandError, ExchangeId};
use crate::head::{Field, Head, Version};
use crate::method::Method;
use crate::origin::Origin;
use crate::refusal::Refusal;
use crate::wire::{Wire, WireContext};

impl WireContext<'_> {
    /// Sets where a request comes from: the peer, or the client that trusted proxies report.
    fn set_origin(&self, mut head: Box<Head>) -> Result<Box<Head>, Refusal> {
        head.peer = self.peer.clone();
        head.secure = self.secure;
        if let Some(proxies) = self.proxies {
            let connection = Origin { client: self.client.clone(), secure: self.secure, host: None };
            let origin = if self.trusts_fields { proxies.origin_of(&head, connection)? } else { connection };
            head.origin = Some(Box::new(origin));
        }
        Ok(head)
    }

    /// Counts a refused message, and reports it.
    pub(super) fn count_refusal(&mut self, status: u16, reason: &str) {
        self.counters.refused += 1;
        if self.debug {
            let message = format!("{}: {status} {reason}", self.client);
            self.inbox.push_back(Event::Report(Report { severity: Severity::Debug, code: "RW510", message }));
        }
    }
}

const TOO_LARGE: &str = "the body is larger than its limit";

/// One connection: the state of both sides, the input, and the data of the current exchange.
#[derive(Debug)]
pub struct Http1 {
    pub(super) states: States,
    scan: Scan,
    pub(super) input: Input,
    /// Data of a body that was parsed and is not in an event yet, because one event holds all small chunks of a read.
    gathered: Vec<u8>,
    /// In a drain, how many bytes of `input` arrived before it began: requests in them still get responses.
    input_before_drain: usize,
    /// The number of the current exchange on this connection.
    pub(super) serial: u32,
    /// Whether the connection is kept after this exchange.
    pub(super) keep: bool,
    /// The exchange that was aborted, if one was. Its handler may not have been notified yet.
    aborted: Option<u32>,
    /// The version of the request.
    pub(super) version: Version,
    /// Whether the method is HEAD.
    pub(super) is_head: bool,
    pub(super) request_body: RequestBody,
    pub(super) response_body: ResponseBody,
    pub(super) account: Account,
}

impl Default for Http1 {
    fn default() -> Self {
        Http1 {
            states: States::default(),
            scan: Scan::default(),
            input: Input::default(),
            gathered: Vec::new(),
            input_before_drain: 0,
            serial: 0,
            keep: true,
            aborted: None,
            version: Version::Http11,
            is_head: false,
            request_body: RequestBody::default(),
            response_body: ResponseBody::default(),
            account: Account::default(),
        }
    }
}

impl Http1 {
    // The state of the connection

    /// Whether an exchange was ended before its response was complete.
    pub(super) fn has_aborted(&self, serial: u32) -> bool {
        self.aborted == Some(serial)
    }

    /// Whether a head, or the rest of one, comes next.
    pub(super) fn awaits_head(&self) -> bool {
        self.states == States::default()
    }

    /// Whether the input may contain a whole pipelined request, so that sending can wait for its response.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// Whether bytes of a head have come. An empty line in front of it is not part of it (RFC 9112, section 2.2).
    pub(super) fn has_begun_head(&self) -> bool {
        !matches!(self.input.unparsed(), [] | [b'\r'] | [b'\r', b'\n'])
    }

    /// Takes out the bytes that were not parsed, for another reader.
    pub(super) fn take_input(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input).into_unparsed()
    }

    /// Whether the head of the response was sent.
    pub(super) fn has_started(&self) -> bool {
        !matches!(self.states.response(), ResponseState::Idle | ResponseState::Waiting)
    }

    /// Whether the client's bytes belong to another protocol.
    pub(super) fn is_switched(&self) -> bool {
        self.states.request() == RequestState::Switched
    }

    // The end of the connection

    /// Ends the connection. Returns the exchange whose response was not complete; the access log shows `status` for it
    /// where no head was sent.
    pub(super) fn abort(&mut self, status: u16, cx: &mut WireContext<'_>) -> Option<u32> {
        let running = Wire::running(self);
        if running.is_some() {
            self.account.abort(status, self.response_body.written, cx);
        }
        self.aborted = running;
        // If the client still sends, a close would reset the connection, and the client would lose the response
        // (RFC 9112, section 9.6).
        let lingers = match self.states.request() {
            RequestState::Closed => self.request_body.demand == Demand::Dropped,
            RequestState::Body | RequestState::BadBody => running.is_some() && self.has_started(),
            _ => false,
        };
        self.close_lingering();
        if !lingers {
            self.request_body.demand = Demand::Held;
        }
        running
    }

    /// Starts a drain. The response to the last request that has arrived is the last one.
    pub(super) fn begin_drain(&mut self) {
        self.input_before_drain = self.input.len();
    }

    /// Whether the input has another request, of which a part arrived before the drain.
    pub(super) fn has_request_before_drain(&self) -> bool {
        match (self.states.request(), self.request_body.announced()) {
            (RequestState::Body, Some(left)) => self.input_before_drain as u64 > left,
            (RequestState::Body, None) => false,
            _ => self.input_before_drain > 0,
        }
    }

    /// Makes the current response the last one.
    pub(super) fn close_after_response(&mut self) {
        self.keep = false;
    }

    /// The last response is complete, so further bytes from the client are dropped.
    pub(super) fn close_lingering(&mut self) {
        self.states.apply(Trigger::Close);
        self.request_body.demand = Demand::Dropped;
        self.input = Input::default();
    }

    // Parsing

    /// Takes bytes from the client.
    pub(super) fn feed(&mut self, data: &[u8], cx: &mut WireContext<'_>) {
        if self.has_input() {
            self.input.append(data);
            return self.resume(cx);
        }
        if cx.draining && self.awaits_head() {
            self.input_before_drain = data.len();
        }
        let used = self.advance(data, cx);
        self.input.append(&data[used..]);
    }

    /// Parses the input that was kept.
    pub(super) fn resume(&mut self, cx: &mut WireContext<'_>) {
        let mut input = std::mem::take(&mut self.input);
        input.consume(self.advance(input.unparsed(), cx));
        self.input = input;
    }

    /// Parses as much of `input` as it can now. Returns how many bytes it took.
    fn advance(&mut self, input: &[u8], cx: &mut WireContext<'_>) -> usize {
        let used = self.parse(input, cx);
        self.input_before_drain = self.input_before_drain.saturating_sub(used);
        self.report_data(cx);
        used
    }

    fn parse(&mut self, input: &[u8], cx: &mut WireContext<'_>) -> usize {
        let mut at = 0;
        loop {
            let rest = &input[at..];
            match self.states.request() {
                RequestState::Closed => return input.len(),
                RequestState::Complete if self.states.response() == ResponseState::Done => self.next(),
                RequestState::Complete | RequestState::BadBody => return at,
                RequestState::Head => {
                    let Some(used) = self.parse_head(rest, cx) else { return at };
                    at += used;
                }
                RequestState::Body => {
                    if !self.request_body.flows(cx.limits) {
                        return at;
                    }
                    let (used, part) = self.request_body.read(rest, cx.limits);
                    at += used;
                    match part {
                        Part::None => return at,
                        Part::Data(data, is_last) => {
                            self.deliver(data);
                            if is_last {
                                self.complete_body(Vec::new(), cx);
                            }
                        }
                        Part::End(trailers) => self.complete_body(trailers, cx),
                        Part::Error(fault) => self.fail_body(fault, cx),
                    }
                }
                RequestState::Switched => {
                    let body = &self.request_body;
                    if rest.is_empty() || body.demand != Demand::Flowing || !body.flows(cx.limits) {
                        return at;
                    }
                    self.deliver(rest);
                    at += rest.len();
                }
            }
        }
    }

    /// Parses a head, if it is complete and its response can be sent. Returns how many bytes it took.
    fn parse_head(&mut self, input: &[u8], cx: &mut WireContext<'_>) -> Option<usize> {
        // A client that does not read its responses gets no more of them.
        let is_behind = cx.out.len() > cx.limits.write_buffer || cx.out.holds_file();
        if !self.awaits_head() || input.is_empty() || is_behind {
            return None;
        }
        let parsed = match self.scan.find_end(input, cx.limits, cx.methods) {
            Ok(None) => return None,
            Ok(Some((start, end))) => {
                let method = self.scan.method.unwrap_or(Method::OTHER);
                let head = head::parse(&input[start..end], method, cx.methods);
                head.and_then(|head| cx.set_origin(head)).map(|head| (head, end))
            }
            Err(refusal) => Err(refusal),
        };
        match parsed {
            Ok((head, end)) => {
                self.open(head, cx);
                Some(end)
            }
            Err(refusal) => {
                self.is_head = has_method_head(input);
                self.refuse_head(refusal, cx);
                Some(0)
            }
        }
    }

    /// Opens the exchange of a request.
    fn open(&mut self, head: Box<Head>, cx: &mut WireContext<'_>) {
        self.scan = Scan::default();
        self.version = head.version();
        self.is_head = head.method() == Method::HEAD;
        self.keep &= head.keep_alive;
        self.states.apply(if head.has_body() { Trigger::HeadWithBody } else { Trigger::Head });
        self.request_body = RequestBody::of(&head, cx.limits);
        self.response_body = ResponseBody::default();
        self.account = Account::open(&head, cx);
        cx.inbox.push_back(Event::Head(self.id(cx), head));
    }

    /// Both sides are complete. The connection is ready for the next request, or closes.
    pub(super) fn next(&mut self) {
        self.states.apply(if self.keep { Trigger::NextRequest } else { Trigger::Close });
        self.request_body.demand = Demand::Held;
        self.serial = self.serial.wrapping_add(1);
    }

    fn id(&self, cx: &WireContext<'_>) -> ExchangeId {
        ExchangeId { connection: cx.connection, serial: self.serial }
    }

    // The body of the request

    /// Passes the body to a reader from now on. Returns false if the body was passed or dropped already, or is invalid.
    pub(super) fn receive(&mut self, limit: u64, cx: &mut WireContext<'_>) -> Result<bool, CommandError> {
        let body = &mut self.request_body;
        body.limit = limit;
        if body.announced().is_some_and(|length| body.seen + length > limit) {
            self.keep = false;
            if !std::mem::replace(&mut body.reported_too_large, true) {
                cx.count_refusal(413, TOO_LARGE);
            }
            return Err(CommandError::BodyTooLarge { limit });
        }
        if body.demand != Demand::Held || matches!(self.states.request(), RequestState::Closed | RequestState::BadBody)
        {
            return Ok(false);
        }
        body.demand = Demand::Flowing;
        if body.expects_continue && self.states.response() == ResponseState::Waiting && self.input.is_empty() {
            cx.out.tail().extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
            cx.counters.responses[0] += 1;
        }
        body.expects_continue = false;
        self.resume(cx);
        Ok(true)
    }

    /// The reader has taken so many bytes.
    pub(super) fn consumed(&mut self, count: u64, cx: &mut WireContext<'_>) {
        self.request_body.unread = self.request_body.unread.saturating_sub(count);
        if self.has_input() {
            self.resume(cx);
        }
    }

    fn deliver(&mut self, data: &[u8]) {
        self.request_body.seen += data.len() as u64;
        if self.request_body.demand == Demand::Flowing {
            self.request_body.unread += data.len() as u64;
            self.gathered.extend_from_slice(data);
        }
    }

    /// Reports all data of a read as one event, however small its chunks are.
    fn report_data(&mut self, cx: &mut WireContext<'_>) {
        if !self.gathered.is_empty() {
            let data = Bytes::from(std::mem::take(&mut self.gathered));
            cx.inbox.push_back(Event::Data(self.id(cx), data));
        }
    }

    fn complete_body(&mut self, trailers: Vec<Field>, cx: &mut WireContext<'_>) {
        self.report_data(cx);
        if self.request_body.demand == Demand::Flowing {
            cx.inbox.push_back(Event::End(self.id(cx), trailers));
        }
        self.request_body.finish();
        self.states.apply(Trigger::BodyEnd);
    }

    /// Handles an invalid body: nothing after it is parsed, and the connection closes after the response.
    fn fail_body(&mut self, fault: BodyFault, cx: &mut WireContext<'_>) {
        let is_dropped = self.states.response() == ResponseState::Done;
        if !is_dropped {
            self.keep = false;
            self.report_data(cx);
            cx.inbox.push_back(Event::BadBody(self.id(cx), fault));
        }
        match fault {
            BodyFault::Malformed(reason) => cx.count_refusal(400, reason),
            BodyFault::TooLarge if !is_dropped => cx.count_refusal(413, TOO_LARGE),
            // More than `discard_size` is missing. Closing the connection costs less than reading the rest.
            BodyFault::TooLarge => {}
        }
        self.request_body.finish();
        if is_dropped {
            return self.close_lingering();
        }
        self.request_body.demand = Demand::Held;
        self.states.apply(Trigger::BodyError);
    }
}
