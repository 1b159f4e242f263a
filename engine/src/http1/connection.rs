//! `Http1`: one HTTP/1 connection without its socket. It parses requests and writes responses, in the same order (RFC
//! 9112, section 9.3).
//!
//! `state.rs` defines what is legal in which state, and `states.md` documents it.

use super::accounting::Account;
use super::head;
use super::head_scan::{Scan, has_method_head};
use super::input::Input;
use super::request_body::{Demand, Part, RequestBody};
use super::response_body::ResponseBody;
use super::state::{RequestState, ResponseState, States, Trigger};
use crate::event::Event;
use crate::exchange::ExchangeId;
use crate::head::{Head, Version};
use crate::method::Method;
use crate::wire::{Wire, WireContext};

/// One HTTP/1 connection: the state of both sides, the unparsed input, and the data of the current exchange.
#[derive(Debug)]
pub struct Http1 {
    pub(super) states: States,
    scan: Scan,
    pub(super) input: Input,
    /// Parsed body data that was not reported yet. All small chunks of one read are reported as one event.
    pub(super) gathered: Vec<u8>,
    /// During a drain, how many bytes of `input` arrived before the drain began. Requests in these bytes still get
    /// responses.
    pub(super) input_before_drain: usize,
    /// The number of the current exchange on this connection.
    pub(super) serial: u32,
    /// Whether the connection stays open after this exchange.
    pub(super) keep: bool,
    /// The number of the aborted exchange, if one was aborted. Its handler may not know this yet.
    aborted: Option<u32>,
    /// The HTTP version of the current request.
    pub(super) version: Version,
    /// Whether the method of the current request is HEAD.
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
    // Methods that return the state of the connection

    /// Whether this exchange was aborted before its response was complete.
    pub(super) fn has_aborted(&self, serial: u32) -> bool {
        self.aborted == Some(serial)
    }

    /// Whether the head of the final response was sent.
    pub(super) fn has_started(&self) -> bool {
        !matches!(self.states.response(), ResponseState::Idle | ResponseState::Waiting)
    }

    // Methods that end the connection

    /// Ends the connection. Returns the number of the exchange whose response was incomplete. If no head was sent for
    /// it, the access log shows `status`.
    pub(super) fn abort(&mut self, status: u16, cx: &mut WireContext<'_>) -> Option<u32> {
        let running = Wire::running(self);
        if running.is_some() {
            self.account.abort(status, self.response_body.written, cx);
        }
        self.aborted = running;
        // If the client is still sending, closing would reset the connection, and the client would lose the response
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

    // Parsing

    /// Parses bytes from the client, after the input that was kept. Keeps the bytes that cannot be parsed yet.
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

    /// Continues to parse the input that was kept.
    pub(super) fn resume(&mut self, cx: &mut WireContext<'_>) {
        let mut input = std::mem::take(&mut self.input);
        input.consume(self.advance(input.unparsed(), cx));
        self.input = input;
    }

    /// Parses as much of `input` as is possible now. Returns how many bytes were parsed.
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

    /// Parses the next head, if it is complete and its response may be sent. Returns the size of the head in bytes, or
    /// None.
    fn parse_head(&mut self, input: &[u8], cx: &mut WireContext<'_>) -> Option<usize> {
        if input.is_empty() || !self.may_take_request(cx) {
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

    /// Starts the exchange of a request whose head was parsed.
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

    pub(super) fn id(&self, cx: &WireContext<'_>) -> ExchangeId {
        ExchangeId { connection: cx.connection, serial: self.serial }
    }
}
