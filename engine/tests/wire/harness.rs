//! The test harness: one engine and its clients, in one thread.
//!
//! A test takes events one by one ([`World::event`]) and sends commands between turns. Or the test installs a handler
//! with [`World::inline`]. This handler responds within a turn, as a Python handler does.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use ropewalk_engine::clock::monotonic_micros;
use ropewalk_engine::event::Event;
use ropewalk_engine::{Address, Body, Engine, ExchangeId, GoneReason, Head, Limits};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a test waits before it fails.
const TEST_TIMEOUT: Duration = Duration::from_secs(5);

pub const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

type Handler = Box<dyn FnMut(&mut Engine, &Event) -> bool>;

pub struct World {
    pub engine: Engine,
    pub address: SocketAddr,
    /// Events that the test has not taken yet.
    pub events: VecDeque<Event>,
    handler: Option<Handler>,
}

impl World {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Self {
        let mut engine: Engine = Engine::new(limits).unwrap();
        let listener = engine.listen_tcp("127.0.0.1", 0, None, false).unwrap();
        let Some(Address::Inet(address)) = engine.local_address(listener) else { panic!("no address") };
        World { engine, address, events: VecDeque::new(), handler: None }
    }

    /// Passes events to a handler during their turn. An event for which the handler returns false is kept for the test.
    pub fn inline(mut self, handler: impl FnMut(&mut Engine, &Event) -> bool + 'static) -> Self {
        self.handler = Some(Box::new(handler));
        self
    }

    /// Responds to every request with its own target as the body, during the turn.
    pub fn echoing_targets(self) -> Self {
        self.inline(|engine, event| {
            let Event::Head(id, head) = event else { return false };
            engine.respond(*id, 200, &[], Body::Slice(head.target())).unwrap();
            true
        })
    }

    pub fn connect(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        Client::new(stream)
    }

    /// Makes a socket pair and lets the engine adopt one end, from which `data` was already read. Returns a client on
    /// the other end.
    pub fn adopt(&mut self, data: &[u8]) -> Client<UnixStream> {
        let (ours, theirs) = UnixStream::pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        self.engine.adopt(OwnedFd::from(ours), data).unwrap();
        Client::new(theirs)
    }

    /// Runs one turn as the binding does. The clock does not advance during the turn, so that the time limits of
    /// batching never apply.
    pub fn turn(&mut self) {
        self.engine.begin_turn();
        self.engine.poll().unwrap();
        self.engine.start_batching(0);
        loop {
            while let Some(event) = self.engine.next_event() {
                let handled = self.handler.as_mut().is_some_and(|handler| handler(&mut self.engine, &event));
                if !handled {
                    self.events.push_back(event);
                }
                self.engine.event_handled(0, 0);
            }
            self.engine.flush_queued();
            if !self.engine.has_events() {
                break;
            }
        }
        self.engine.compress_waiting();
        self.engine.end_turn();
    }

    /// Waits until the engine needs a turn, and runs the turn. Stops waiting if `client` is readable.
    fn step(&mut self, client: Option<BorrowedFd<'_>>, until: Instant, what: &str) {
        let left = until.checked_duration_since(Instant::now()).unwrap_or_else(|| panic!("waited too long for {what}"));
        let now = monotonic_micros() / 1000;
        let due = self.engine.next_deadline().map(|at| Duration::from_millis(at.saturating_sub(now)));
        let wait = due.map_or(left, |due| due.min(left));
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let turn = {
            let engine = self.engine.descriptor();
            let mut watched = vec![PollFd::new(&engine, PollFlags::IN)];
            if let Some(client) = &client {
                watched.push(PollFd::new(client, PollFlags::IN));
            }
            poll(&mut watched, Some(&wait)).unwrap();
            !watched[0].revents().is_empty()
        };
        let now = monotonic_micros() / 1000;
        if turn || self.engine.next_deadline().is_some_and(|at| at <= now) {
            self.turn();
        }
    }

    /// Runs turns until `done` returns true.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let until = Instant::now() + TEST_TIMEOUT;
        while !done(self) {
            self.step(None, until, what);
        }
    }

    /// Runs turns until the engine needs no more turns, except for deadlines.
    pub fn settle(&mut self) {
        self.settle_within(usize::MAX);
    }

    /// Runs turns until the engine needs no more turns, but at most this many.
    pub fn settle_within(&mut self, turns: usize) {
        for _ in 0..turns {
            let engine = self.engine.descriptor();
            let mut watched = [PollFd::new(&engine, PollFlags::IN)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            if poll(&mut watched, Some(&now)).unwrap() == 0 {
                return;
            }
            self.turn();
        }
    }

    /// Returns the next event. Runs turns until there is one.
    pub fn event(&mut self) -> Event {
        self.until("an event", |world| !world.events.is_empty());
        self.events.pop_front().unwrap()
    }

    /// Returns the next event, which must be the head of a request.
    pub fn head(&mut self) -> (ExchangeId, Box<Head>) {
        match self.event() {
            Event::Head(id, head) => (id, head),
            other => panic!("not a head: {other:?}"),
        }
    }

    /// Returns the next event, which must be `Gone`.
    pub fn gone(&mut self) -> (ExchangeId, GoneReason) {
        match self.event() {
            Event::Gone(id, reason) => (id, reason),
            other => panic!("not a Gone: {other:?}"),
        }
    }

    /// Requests a body. The part that has already arrived is added to the events.
    pub fn receive(&mut self, id: ExchangeId) {
        self.receive_up_to(id, None);
    }

    pub fn receive_up_to(&mut self, id: ExchangeId, limit: Option<u64>) {
        let here = self.engine.receive(id, limit).unwrap();
        self.events.extend(here);
    }

    /// Receives and consumes a whole body, and returns it.
    pub fn body(&mut self, id: ExchangeId) -> Vec<u8> {
        self.receive(id);
        let mut body = Vec::new();
        loop {
            match self.event() {
                Event::Data(from, data) => {
                    assert_eq!(id, from);
                    body.extend_from_slice(&data);
                    self.engine.consumed(id, data.len() as u64).unwrap();
                }
                Event::End(from, _) => {
                    assert_eq!(id, from);
                    return body;
                }
                other => panic!("not of a body: {other:?}"),
            }
        }
    }

    /// Responds with 200 and a small body.
    pub fn ok(&mut self, id: ExchangeId, body: &str) {
        self.engine.respond(id, 200, &[], Body::Slice(body.as_bytes())).unwrap();
    }

    /// Runs turns until the client has received a complete response.
    pub fn response<S: Stream>(&mut self, client: &mut Client<S>) -> Response {
        self.response_to(client, false)
    }

    /// Runs turns until the client has received the response to a HEAD request.
    pub fn head_response<S: Stream>(&mut self, client: &mut Client<S>) -> Response {
        self.response_to(client, true)
    }

    fn response_to<S: Stream>(&mut self, client: &mut Client<S>, is_head: bool) -> Response {
        let until = Instant::now() + TEST_TIMEOUT;
        loop {
            if let Some((response, used)) = parse(&client.received, is_head, client.end.is_some()) {
                client.received.drain(..used);
                return response;
            }
            assert_eq!(None, client.end, "no response in {:?}", String::from_utf8_lossy(&client.received));
            self.step(Some(client.stream.as_fd()), until, "a response");
            client.read();
        }
    }

    /// Runs turns until the client has read the end of the connection. Returns how the connection ended.
    pub fn ended<S: Stream>(&mut self, client: &mut Client<S>) -> End {
        let until = Instant::now() + TEST_TIMEOUT;
        while client.end.is_none() {
            self.step(Some(client.stream.as_fd()), until, "the end of a connection");
            client.read();
        }
        client.end.unwrap()
    }

    /// Sends more bytes than the sockets can buffer. Runs turns meanwhile.
    pub fn send_all<S: Stream>(&mut self, client: &mut Client<S>, mut bytes: &[u8]) {
        let until = Instant::now() + TEST_TIMEOUT;
        while !bytes.is_empty() {
            bytes = &bytes[client.send_some(bytes)..];
            assert!(Instant::now() < until, "the engine does not read");
            self.settle();
        }
    }
}

pub trait Stream: Read + Write + AsFd {
    fn shut_down_writing(&self);
}

impl Stream for TcpStream {
    fn shut_down_writing(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

impl Stream for UnixStream {
    fn shut_down_writing(&self) {
        self.shutdown(Shutdown::Write).unwrap();
    }
}

/// How a connection ended, as its client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Orderly,
    Reset,
}

pub struct Client<S> {
    pub stream: S,
    /// Received bytes that were not parsed as a response yet.
    pub received: Vec<u8>,
    pub end: Option<End>,
}

impl<S: Stream> Client<S> {
    fn new(stream: S) -> Self {
        Client { stream, received: Vec::new(), end: None }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends as much as the socket accepts. Returns how many bytes were sent.
    pub fn send_some(&mut self, bytes: &[u8]) -> usize {
        match self.stream.write(bytes) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads all bytes that have arrived.
    pub fn read(&mut self) {
        let mut buffer = [0; 64 * 1024];
        while self.end.is_none() {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.end = Some(End::Orderly),
                Ok(count) => self.received.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => self.end = Some(End::Reset),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Reads once, and returns the bytes.
    pub fn read_once(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 * 1024];
        let count = self.stream.read(&mut buffer).unwrap();
        buffer.truncate(count);
        buffer
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}

/// A response as the client has parsed it.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// The status line and the fields, unchanged.
    pub head: String,
    pub body: Vec<u8>,
    /// The bytes between the last chunk and the end of the response.
    pub trailers: String,
}

impl Response {
    /// The value of a field that occurs at most once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().skip(1).filter_map(|line| {
            let (candidate, value) = line.split_once(": ")?;
            candidate.eq_ignore_ascii_case(name).then_some(value)
        });
        let value = values.next();
        assert_eq!(None, values.next(), "{name} twice");
        value
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Returns the status and the body, so that one assertion can compare both.
    pub fn brief(&self) -> (u16, &str) {
        (self.status, self.text())
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Parses one response (RFC 9112, section 6.3). Returns None if the response is incomplete.
fn parse(bytes: &[u8], is_head: bool, ended: bool) -> Option<(Response, usize)> {
    let start = find(bytes, b"\r\n\r\n")? + 4;
    let head = String::from_utf8(bytes[..start - 4].to_vec()).unwrap();
    let status = head["HTTP/1.1 ".len()..][..3].parse().unwrap();
    let mut response = Response { status, head, body: Vec::new(), trailers: String::new() };
    let length = response.field("content-length").map(|length| length.parse::<usize>().unwrap());
    if is_head || status < 200 || status == 204 || status == 304 {
        return Some((response, start));
    }
    if response.field("transfer-encoding").is_some() {
        assert_eq!(None, length);
        let mut at = start;
        loop {
            let line = find(&bytes[at..], b"\r\n")?;
            let size = usize::from_str_radix(std::str::from_utf8(&bytes[at..at + line]).unwrap(), 16).unwrap();
            at += line + 2;
            if size == 0 {
                let end = if bytes[at..].starts_with(b"\r\n") { 0 } else { find(&bytes[at..], b"\r\n\r\n")? + 2 };
                response.trailers = String::from_utf8(bytes[at..at + end].to_vec()).unwrap();
                return (bytes.len() >= at + end + 2).then_some((response, at + end + 2));
            }
            response.body.extend_from_slice(bytes.get(at..at + size)?);
            assert_eq!(b"\r\n", bytes.get(at + size..at + size + 2)?);
            at += size + 2;
        }
    }
    let end = match length {
        Some(length) => start + length,
        None if ended => bytes.len(),
        None => return None,
    };
    response.body = bytes.get(start..end)?.to_vec();
    Some((response, end))
}

/// The random number generator xorshift64*. The same seed gives the same numbers on every machine.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % sides
    }
}
