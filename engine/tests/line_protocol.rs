//! A second wire protocol, which implements only the trait [`Wire`]. It shows that the engine does not depend on HTTP.
//!
//! Each line from the client is a request, and contains a path. The response is the body and a line feed. A line that
//! exceeds the limit for request lines is refused.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use bytes::Bytes;
use ropewalk_engine::driver::Epoll;
use ropewalk_engine::wire::{Ending, FramedBy, Received, RequestPhase, ResponsePhase, WireContext};
use ropewalk_engine::{
    Body, CommandError, Engine, Event, ExchangeId, FieldRef, GoneReason, Limits, PipeId, Pressure, Status, Wire,
};

/// The state of one connection with this protocol.
#[derive(Debug, Default)]
struct Lines {
    input: Vec<u8>,
    serial: u32,
    waiting: bool,
    started: bool,
    closes_after_response: bool,
    closed: bool,
    aborted: Option<u32>,
}

impl Lines {
    fn parse(&mut self, cx: &mut WireContext<'_>) {
        if self.closed || self.waiting {
            return;
        }
        let Some(end) = self.input.iter().position(|&byte| byte == b'\n') else {
            if self.input.len() as u64 > cx.limits.request_line {
                cx.out.tail().extend_from_slice(b"the line is too long\n");
                self.closed = true;
            }
            return;
        };
        let line: Vec<u8> = self.input.drain(..=end).collect();
        let text = format!("GET /{} HTTP/1.1\r\nHost: lines\r\n\r\n", String::from_utf8_lossy(&line).trim_end());
        let methods = cx.methods;
        let head = ropewalk_engine::http1::head::parse(text.as_bytes(), ropewalk_engine::method::Method::GET, methods);
        self.waiting = true;
        cx.counters.requests += 1;
        cx.inbox.push_back(Event::Head(cx.exchange(self.serial), head.unwrap()));
    }

    fn finish(&mut self, cx: &mut WireContext<'_>) {
        cx.out.tail().push(b'\n');
        self.waiting = false;
        self.started = false;
        self.serial += 1;
        self.closed = self.closes_after_response || cx.draining;
        self.parse(cx);
    }

    fn append(&mut self, body: Body<'_>, cx: &mut WireContext<'_>) {
        match body {
            Body::Slice(bytes) => cx.out.tail().extend_from_slice(bytes),
            Body::Shared(bytes) => cx.out.push(bytes),
            Body::File { file, offset, length } => cx.out.push_file(file, offset, length, cx.files),
        }
    }
}

impl Wire for Lines {
    const OVERLOADED: &'static [u8] = b"busy\n";

    fn feed(&mut self, data: &[u8], cx: &mut WireContext<'_>) {
        self.input.extend_from_slice(data);
        self.parse(cx);
    }

    fn receive(&mut self, _: u64, _: &mut WireContext<'_>) -> Result<Received, CommandError> {
        Ok(Received::Unchanged)
    }

    fn consumed(&mut self, _: u64, _: &mut WireContext<'_>) {}

    fn interim(&mut self, status: u16, _: &[FieldRef<'_>], _: &mut WireContext<'_>) -> Result<(), CommandError> {
        Err(CommandError::Status(status))
    }

    fn respond(
        &mut self,
        _: Status<'_>,
        _: &[FieldRef<'_>],
        body: Body<'_>,
        _: FramedBy,
        cx: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        if self.started {
            return Err(CommandError::Started);
        }
        self.append(body, cx);
        self.finish(cx);
        Ok(())
    }

    fn begin(
        &mut self,
        _: Status<'_>,
        _: &[FieldRef<'_>],
        _: Option<u64>,
        _: FramedBy,
        _: &mut WireContext<'_>,
    ) -> Result<(), CommandError> {
        if std::mem::replace(&mut self.started, true) { Err(CommandError::Started) } else { Ok(()) }
    }

    fn write(&mut self, part: Body<'_>, _: FramedBy, cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        if !self.started {
            return Err(CommandError::NotStarted);
        }
        self.append(part, cx);
        Ok(())
    }

    fn end(&mut self, _: &[FieldRef<'_>], cx: &mut WireContext<'_>) -> Result<(), CommandError> {
        if !self.started {
            return Err(CommandError::NotStarted);
        }
        self.finish(cx);
        Ok(())
    }

    fn open_tunnel(&mut self, _: Option<&[FieldRef<'_>]>, _: &mut WireContext<'_>) -> Result<(), CommandError> {
        Err(CommandError::Status(101))
    }

    fn close_after_response(&mut self) {
        self.closes_after_response = true;
    }

    fn begin_drain(&mut self) {}

    fn turn_away(&mut self, cx: &mut WireContext<'_>) {
        cx.out.tail().extend_from_slice(Self::OVERLOADED);
        self.closed = true;
    }

    fn time_out(&mut self, _: &mut WireContext<'_>) -> bool {
        false
    }

    fn abort(&mut self, reason: GoneReason, _: u16, cx: &mut WireContext<'_>) {
        self.aborted = self.waiting.then_some(self.serial);
        if std::mem::take(&mut self.waiting) {
            cx.inbox.push_back(Event::Gone(cx.exchange(self.serial), reason));
        }
        self.closed = true;
    }

    fn set_log_field(&mut self, _: &str, _: &[u8], _: &mut WireContext<'_>) {}

    fn began(&self) -> u64 {
        0
    }

    fn take_input(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input)
    }

    fn check(&self, serial: u32) -> Result<(), CommandError> {
        match (self.waiting, self.aborted) {
            (true, _) if serial == self.serial => Ok(()),
            (_, Some(aborted)) if aborted == serial => Err(CommandError::Gone),
            _ => Err(CommandError::Complete),
        }
    }

    fn serial(&self) -> u32 {
        self.serial
    }

    fn request_phase(&self, _: &Limits) -> RequestPhase {
        match () {
            () if self.closed => RequestPhase::Closed,
            () if self.waiting => RequestPhase::Complete,
            () if !self.input.is_empty() => RequestPhase::Head,
            () if self.serial == 0 => RequestPhase::Fresh,
            () => RequestPhase::Idle,
        }
    }

    fn response_phase(&self) -> ResponsePhase {
        match (self.waiting, self.started) {
            (false, _) => ResponsePhase::Idle,
            (true, false) => ResponsePhase::Waiting { head_only: false },
            (true, true) => ResponsePhase::Streaming { events: false, until_close: false },
        }
    }

    fn ending(&self) -> Ending {
        if self.closed { Ending::Plain } else { Ending::No }
    }

    fn buffered(&self) -> usize {
        self.input.len()
    }
}

/// A test world: an engine for this protocol, and one client.
struct World {
    engine: Engine<Epoll, Lines>,
    client: UnixStream,
}

impl World {
    fn new(limits: Limits) -> Self {
        let mut engine = Engine::new(limits).unwrap();
        let client = connect(&mut engine);
        World { engine, client }
    }

    /// Runs one turn, and returns its events.
    fn turn(&mut self) -> Vec<Event> {
        self.engine.begin_turn();
        self.engine.poll().unwrap();
        let events = std::iter::from_fn(|| self.engine.next_event()).collect();
        self.engine.end_turn();
        events
    }

    /// Sends bytes to the engine, and returns the requests that the engine has read.
    fn send(&mut self, bytes: &[u8]) -> Vec<(ExchangeId, String)> {
        self.client.write_all(bytes).unwrap();
        requests(self.turn())
    }

    fn received(&mut self) -> String {
        received(&mut self.client)
    }
}

fn connect(engine: &mut Engine<Epoll, Lines>) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    engine.adopt(OwnedFd::from(ours), b"").unwrap();
    theirs
}

fn requests(events: Vec<Event>) -> Vec<(ExchangeId, String)> {
    let request = |event| match event {
        Event::Head(id, head) => (id, String::from_utf8(head.path()[1..].to_vec()).unwrap()),
        other => panic!("not a request: {other:?}"),
    };
    events.into_iter().map(request).collect()
}

/// Returns what the client has received, followed by `.` if the connection is closed.
fn received(client: &mut UnixStream) -> String {
    let mut bytes = Vec::new();
    match client.read_to_end(&mut bytes) {
        Ok(_) => bytes.push(b'.'),
        Err(error) => assert_eq!(std::io::ErrorKind::WouldBlock, error.kind()),
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_in_is_a_request_and_a_line_out_its_response() {
    let mut world = World::new(Limits::default());
    assert!(world.send(b"hel").is_empty());
    let requests = world.send(b"lo\n");
    assert_eq!("hello", requests[0].1);
    world.engine.respond(requests[0].0, 200, &[], Body::Slice(b"world")).unwrap();
    assert_eq!("world\n", world.received());
    assert_eq!(Err(CommandError::Complete), world.engine.respond(requests[0].0, 200, &[], Body::Slice(b"again")));
}

#[test]
fn pipelined_requests_are_served_in_order() {
    let mut world = World::new(Limits::default());
    let first = world.send(b"one\ntwo\n");
    assert_eq!(1, first.len());
    world.engine.respond(first[0].0, 200, &[], Body::Slice(b"1")).unwrap();
    let second = requests(world.turn());
    assert_eq!("two", second[0].1);
    world.engine.respond(second[0].0, 200, &[], Body::Slice(b"2")).unwrap();
    assert_eq!("1\n2\n", world.received());
}

#[test]
fn a_streamed_response_reports_pressure() {
    let mut world = World::new(Limits { write_buffer: 1024, ..Limits::default() });
    let id = world.send(b"stream\n")[0].0;
    assert_eq!(Err(CommandError::NotStarted), world.engine.write(id, Bytes::from_static(b"early")));
    world.engine.begin(id, 200, &[], None).unwrap();
    while world.engine.write(id, Bytes::from(vec![b'x'; 4096])).unwrap() == Pressure::Low {}
    let mut sent = world.received();
    let events = world.turn();
    assert!(matches!(events[..], [Event::Writable(writable)] if writable == id), "{events:?}");
    world.engine.end(id, &[]).unwrap();
    sent.push_str(&world.received());
    assert!(sent.ends_with("x\n"));
}

#[test]
fn a_client_that_leaves_ends_its_exchange() {
    let mut world = World::new(Limits::default());
    let id = world.send(b"slow\n")[0].0;
    drop(std::mem::replace(&mut world.client, connect_spare()));
    let events = (0..3).flat_map(|_| world.turn()).collect::<Vec<_>>();
    assert!(matches!(events[..], [Event::Gone(gone, GoneReason::ClientLeft)] if gone == id), "{events:?}");
    assert_eq!(0, world.engine.connections());
}

fn connect_spare() -> UnixStream {
    UnixStream::pair().unwrap().0
}

#[test]
fn a_line_that_is_too_long_is_refused() {
    let mut world = World::new(Limits { request_line: 100, ..Limits::default() });
    assert!(world.send(&[b'x'; 101]).is_empty());
    assert_eq!("the line is too long\n.", world.received());
}

#[test]
fn a_drain_closes_the_connection_after_the_response() {
    let mut world = World::new(Limits::default());
    let id = world.send(b"last\n")[0].0;
    world.engine.drain(None);
    world.engine.respond(id, 200, &[], Body::Slice(b"bye")).unwrap();
    assert_eq!("bye\n.", world.received());
    let events = world.turn();
    assert!(matches!(events[..], [Event::Drained { cut: 0 }]), "{events:?}");
}

#[test]
fn an_engine_that_is_full_refuses_in_the_protocol() {
    let mut world = World::new(Limits { connections: 1, ..Limits::default() });
    let mut second = connect(&mut world.engine);
    assert_eq!("busy\n.", received(&mut second));
}

#[test]
fn a_pipe_carries_the_same_protocol() {
    let mut world = World::new(Limits::default());
    let peer = ropewalk_engine::Address::Unknown;
    let pipe: PipeId = world.engine.open_pipe(peer.clone(), peer, false);
    world.engine.feed_pipe(pipe, b"hello\n");
    let id = requests(world.turn())[0].0;
    world.engine.respond(id, 200, &[], Body::Slice(b"world")).unwrap();
    assert_eq!(Some(Bytes::from_static(b"world\n")), world.engine.next_pipe_output(pipe));
}
