//! Clients and handlers that do anything at any time, right or wrong. Checks that the counters of the engine add up,
//! its memory stays under a bound, every body is delivered in order, the engine becomes idle, and everything is
//! released in the end.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use arbitrary::Unstructured;
use ropewalk_engine::event::Event;
use ropewalk_engine::head::FieldRef;
use ropewalk_engine::{
    Body, CommandError, ConnectionId, Engine, ExchangeId, HalfClose, Head, Limits, PipeId, Pressure, Severity,
};

use crate::memory;
use crate::sent_body::SentBody;
use crate::world::{self, Handler};

/// Runs one input.
pub fn check(input: &[u8]) {
    let mut engine = world::engine(limits());
    engine.report_connections();
    let mut chaos = Chaos::new(input);
    while !chaos.script.is_empty() {
        chaos.step(&mut engine);
        chaos.check_counters(&engine);
    }
    chaos.finish(&mut engine);
}

fn limits() -> Limits {
    Limits {
        read_buffer: 64,
        write_buffer: 256,
        body_size: 200,
        discard_size: 50,
        head_size: 512,
        trailer_size: 128,
        ..Limits::default()
    }
}

/// The maximum number of connections that are open at once.
const OPEN: usize = 4;
/// One connection in this many is a socket, from which the engine reads by itself. The others are pipes.
const SOCKET_EVERY: usize = 3;
/// The maximum number of bytes of memory that the connections may use: the buffers that the limits above allow, one
/// response in each connection, and the engine's spare buffers.
const MEMORY: isize = 64 * 1024;

/// What clients send: whole requests, parts of requests, and other bytes.
const PIECES: [&str; 20] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nABCDEFGHIJ",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\nklmnopqrst\r\n",
    "a\r\nabcdefghij\r\n",
    "5;x=y\r\nuvwxy\r\n",
    "0\r\n\r\n",
    "0\r\nX-Sum: 1\r\n\r\n",
    "0123456789",
    "GET / HT",
    "TP/1.1\r\nHost: a\r\n\r\n",
    "nonsense\r\n\r\n",
];

struct Chaos<'a> {
    /// The input. Its bytes decide what happens next.
    script: Unstructured<'a>,
    connections: Vec<Connection>,
    exchanges: Vec<Exchange>,
    /// What clients have sent, in order. Each entry is the index of a connection and the index of a piece in `PIECES`.
    sent: Vec<(usize, usize)>,
    fed: u64,
    output: u64,
    gone: u64,
    refused: u64,
    draining: bool,
    /// How many exchanges `close_all` has cut.
    cut: usize,
    /// Bytes of memory held before the first step.
    before: isize,
}

struct Connection {
    id: ConnectionId,
    end: End,
    flowing: bool,
    blocked: bool,
    open: bool,
    ending: bool,
}

/// How a client is connected.
enum End {
    Pipe(PipeId),
    Socket(UnixStream),
}

struct Exchange {
    id: ExchangeId,
    /// Whether the response is complete, or can no longer be completed.
    over: bool,
    /// Whether the last write reported high pressure, so that the writer waits.
    high: bool,
    /// The body of the request.
    body: SentBody,
}

impl<'a> Chaos<'a> {
    fn new(input: &'a [u8]) -> Self {
        let mut chaos = Chaos {
            script: Unstructured::new(input),
            connections: Vec::with_capacity(input.len() + 1),
            // A piece has at most three heads.
            exchanges: Vec::with_capacity(3 * input.len() + 1),
            sent: Vec::with_capacity(input.len() + 1),
            fed: 0,
            output: 0,
            gone: 0,
            refused: 0,
            draining: false,
            cut: 0,
            before: 0,
        };
        chaos.before = memory::held();
        chaos
    }

    fn step(&mut self, engine: &mut Engine) {
        match self.draw(16) {
            0 if self.connections.iter().filter(|connection| connection.open).count() < OPEN => self.open(engine),
            0..6 => self.feed(engine),
            6 => self.disturb(engine),
            7 => world::rest(engine, self),
            8 => {
                // The events of this poll wait in the inbox until a later step.
                engine.begin_turn();
                engine.poll_again().expect("a driver that can be polled");
                engine.end_turn();
            }
            9 => {
                world::turn(engine, self, |_| ());
            }
            _ => {
                if let Some(which) = self.pick(self.exchanges.len()) {
                    self.command(engine, which);
                }
            }
        }
    }

    fn draw(&mut self, sides: u8) -> u8 {
        self.script.arbitrary::<u8>().unwrap_or(0) % sides
    }

    /// Picks one of the last eight indexes below `count`.
    fn pick(&mut self, count: usize) -> Option<usize> {
        let back = usize::from(self.draw(8));
        count.checked_sub(1).map(|last| last.saturating_sub(back))
    }

    fn open(&mut self, engine: &mut Engine) {
        let (id, end) = if self.connections.len() % SOCKET_EVERY == SOCKET_EVERY - 1 {
            let (ours, theirs) = UnixStream::pair().expect("two descriptors");
            theirs.set_nonblocking(true).expect("a socket");
            let id = engine.adopt(ours.into(), b"").expect("a socket to watch").expect("room for a connection");
            (id, End::Socket(theirs))
        } else {
            let id = world::open(engine);
            (id.connection(), End::Pipe(id))
        };
        self.connections.push(Connection { id, end, flowing: true, blocked: false, open: true, ending: false });
    }

    /// Lets a client send a piece, unless the engine has paused it.
    fn feed(&mut self, engine: &mut Engine) {
        let piece = usize::from(self.draw(PIECES.len() as u8));
        let bytes = PIECES[piece].as_bytes();
        let Some(which) = self.pick(self.connections.len()) else { return };
        let Connection { end, flowing, .. } = &mut self.connections[which];
        match end {
            End::Pipe(id) if *flowing => {
                let id = *id;
                self.fed += bytes.len() as u64;
                self.sent.push((which, piece));
                world::turn(engine, self, |engine| engine.feed_pipe(id, bytes));
            }
            End::Pipe(_) => {}
            End::Socket(socket) => match socket.write(bytes) {
                Ok(count) => {
                    assert_eq!(bytes.len(), count, "a socket accepts a piece as a whole or not at all");
                    self.fed += bytes.len() as u64;
                    self.sent.push((which, piece));
                }
                // The socket is full, or the client or the engine has closed it.
                Err(error) => assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::BrokenPipe), "{error}"),
            },
        }
    }

    /// Ends, disconnects, pauses or resumes a connection, or starts a drain.
    fn disturb(&mut self, engine: &mut Engine) {
        let Some(which) = self.pick(self.connections.len()) else { return };
        let what = self.draw(16);
        if what == 15 {
            self.draining = true;
            return engine.drain(None);
        }
        let id = match &self.connections[which].end {
            End::Pipe(id) => *id,
            End::Socket(_) => {
                self.read();
                return self.shut_down(which, [Shutdown::Write, Shutdown::Both][usize::from(what) % 2]);
            }
        };
        match what {
            0 => engine.end_pipe(id),
            1 => engine.disconnect_pipe(id),
            2..6 => {
                world::rest(engine, self);
                self.connections[which].blocked = true;
                engine.set_pipe_blocked(id, true);
            }
            _ => {
                self.connections[which].blocked = false;
                engine.set_pipe_blocked(id, false);
            }
        }
    }

    fn shut_down(&mut self, which: usize, how: Shutdown) {
        if let End::Socket(socket) = &self.connections[which].end {
            // The result is ignored, because the engine may have closed the connection already.
            let _ = socket.shutdown(how);
        }
    }

    /// Lets every client with a socket read all that it has received.
    fn read(&mut self) {
        for connection in &mut self.connections {
            let End::Socket(socket) = &mut connection.end else { continue };
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = socket.read(&mut buffer) {
                self.output += count as u64;
            }
        }
    }

    /// Lets a handler run any command, whether it is legal now or not.
    fn command(&mut self, engine: &mut Engine, which: usize) {
        let Exchange { id, over, high, .. } = self.exchanges[which];
        let body = vec![b'x'; [0, 1, 100, 1000][usize::from(self.draw(4))]];
        let status = [200, 204, 304, 404][usize::from(self.draw(4))];
        let mut responded = false;
        let length = body.len().to_string();
        let framing: &[FieldRef<'_>] = match self.draw(4) {
            0 => &[(b"Transfer-Encoding", b"chunked")],
            1 => &[],
            _ => &[(b"Content-Length", length.as_bytes())],
        };
        let outcome = match self.draw(18) {
            0 => engine.receive(id, None).map(|events| events.into_iter().for_each(|event| self.serve(engine, event))),
            1 => engine
                .receive(id, Some(20))
                .map(|events| events.into_iter().for_each(|event| self.serve(engine, event))),
            2 => engine.consumed(id, body.len() as u64),
            3 | 4 => {
                responded = true;
                engine.respond(id, status, &[], Body::Slice(&body))
            }
            5 => engine.begin(id, status, &[], (body.len() > 100).then_some(1000)),
            6 | 7 if high => return,
            6 | 7 => {
                engine.write(id, body.into()).map(|pressure| self.exchanges[which].high = pressure == Pressure::High)
            }
            8 => {
                responded = true;
                engine.end(id, &[(b"X", b"y")])
            }
            9 => engine.interim(id, 103, &[]),
            10 => engine.upgrade(id, &[]).inspect(|()| self.forget_body(which)),
            12 => engine.relay_head(id, status.into(), framing),
            13 if high => return,
            13 => engine
                .relay_write(id, body.into())
                .map(|pressure| self.exchanges[which].high = pressure == Pressure::High),
            14 => {
                responded = true;
                engine.relay_end(id)
            }
            15 => {
                responded = true;
                engine.relay(id, status.into(), framing, Body::Slice(&body))
            }
            16 => engine.switch_without_response(id),
            17 => {
                engine.close_connection(id.connection());
                return;
            }
            _ if status == 200 => engine.abort(id),
            _ => engine.close_after_response(id),
        };
        if over {
            let refused = matches!(outcome, Err(CommandError::Complete | CommandError::Gone));
            assert!(refused, "a command on an exchange that is over: {outcome:?}");
        } else if responded && outcome.is_ok() {
            self.exchanges[which].over = true;
        }
    }

    /// The index of an exchange's connection.
    fn connection_of(&self, id: ExchangeId) -> usize {
        let of = |connection: &Connection| connection.id == id.connection();
        self.connections.iter().rposition(of).expect("a connection that was opened")
    }

    /// All bytes that the client of a connection has sent.
    fn stream(&self, which: usize) -> Vec<u8> {
        let pieces = self.sent.iter().filter(|(of, _)| *of == which);
        pieces.flat_map(|(_, piece)| PIECES[*piece].bytes()).collect()
    }

    /// Returns the exchange for a new head. Its body begins after the head.
    fn begin(&mut self, id: ExchangeId, head: &Head) -> Exchange {
        let stream = self.stream(self.connection_of(id));
        let last = self.exchanges.iter().rfind(|exchange| exchange.id.connection() == id.connection());
        let start =
            last.map_or(0, |last| last.body.end(&stream, &limits()).expect("a whole message before the next head"));
        Exchange { id, over: false, high: false, body: SentBody::after_head(head, &stream, start) }
    }

    /// Checks a delivered part of a body, or raw bytes after the body.
    fn check_part(&mut self, id: ExchangeId, part: &[u8]) {
        let stream = self.stream(self.connection_of(id));
        self.exchange(id).body.check_part(part, &stream, &limits());
    }

    /// Checks the end of a body.
    fn check_end(&mut self, id: ExchangeId) {
        let stream = self.stream(self.connection_of(id));
        self.exchange(id).body.check_end(&stream, &limits());
    }

    /// Records an upgrade, after which the rest of the body is never delivered.
    fn forget_body(&mut self, which: usize) {
        let stream = self.stream(self.connection_of(self.exchanges[which].id));
        self.exchanges[which].body.become_raw(&stream, &limits());
    }

    /// Checks what must hold between any two steps.
    fn check_counters(&mut self, engine: &Engine) {
        self.read();
        let counters = engine.counters();
        let open = self.connections.iter().filter(|connection| connection.open).count() as u64;
        let running = self.exchanges.iter().filter(|exchange| !exchange.over).count() as u64;
        assert!(counters.bytes_in <= self.fed);
        assert!(memory::held() - self.before < MEMORY, "{} bytes are held", memory::held() - self.before);
        if engine.has_events() {
            // The engine has counted the events in the inbox, but `serve` has not.
            return;
        }
        assert_eq!(
            [open, running, self.exchanges.len() as u64, self.gone, self.refused, self.output],
            [counters.open, counters.running, counters.requests, counters.cut, counters.refused, counters.bytes_out],
        );
    }

    fn finish(mut self, engine: &mut Engine) {
        if self.draw(2) == 0 {
            world::rest(engine, &mut self);
            self.cut = engine.counters().running as usize;
            assert_eq!(self.cut, engine.close_all(), "every running exchange is cut");
        } else {
            for which in 0..self.connections.len() {
                match self.connections[which].end {
                    End::Pipe(id) => engine.disconnect_pipe(id),
                    End::Socket(_) => self.shut_down(which, Shutdown::Both),
                }
            }
        }
        world::rest(engine, &mut self);
        // The engine still reads what a client sent before it closed, but only as fast as handlers consume it.
        for _ in 0..self.fed {
            if engine.counters().open == 0 {
                break;
            }
            for exchange in self.exchanges.iter().filter(|exchange| !exchange.over) {
                let _ = engine.consumed(exchange.id, u64::MAX);
            }
            world::rest(engine, &mut self);
        }
        self.check_counters(engine);
        assert_eq!((0, 0), (engine.counters().open, engine.counters().running), "every client has left");
    }

    fn exchange(&mut self, id: ExchangeId) -> &mut Exchange {
        self.exchanges.iter_mut().rev().find(|exchange| exchange.id == id).expect("a head before it")
    }

    fn connection(&mut self, id: ConnectionId) -> &mut Connection {
        let of = |connection: &&mut Connection| connection.id == id;
        let connection = self.connections.iter_mut().rev().find(of).expect("a connection that was opened");
        assert!(connection.open, "an event of a closed connection");
        connection
    }
}

impl Handler for Chaos<'_> {
    fn serve(&mut self, engine: &mut Engine, event: Event) {
        match event {
            Event::Head(id, head) => {
                assert!(self.exchanges.iter().all(|exchange| exchange.id != id));
                let exchange = self.begin(id, &head);
                self.exchanges.push(exchange);
                let choices = [HalfClose::Cancel, HalfClose::Respond, HalfClose::Finish];
                // The result is ignored, because the connection may be closed already.
                let _ = engine.set_half_close(id, choices[self.exchanges.len() % choices.len()]);
                // Some handlers act at once.
                for _ in 0..self.draw(3) {
                    self.command(engine, self.exchanges.len() - 1);
                }
            }
            // Events of an exchange may still be in the inbox although its response is complete.
            Event::Data(id, part) => self.check_part(id, &part),
            Event::End(id, _) => self.check_end(id),
            Event::BadBody(id, _) => {
                self.exchange(id);
            }
            Event::Writable(id) => self.exchange(id).high = false,
            Event::HalfClosed(id) => {
                self.exchange(id);
            }
            Event::Gone(id, _) => {
                self.gone += 1;
                let exchange = self.exchange(id);
                assert!(!exchange.over, "an exchange ends twice");
                exchange.over = true;
            }
            Event::PipeOutput(id, bytes) => {
                self.output += bytes.len() as u64;
                let pipe = self.connection(id.connection());
                assert!(!pipe.blocked, "bytes for an owner that is blocked");
                assert!(!pipe.ending, "bytes after the end");
            }
            Event::PipeFlow(id, flowing) => {
                let pipe = self.connection(id.connection());
                assert_ne!(pipe.flowing, flowing, "an event without a change");
                pipe.flowing = flowing;
            }
            Event::PipeEnding(id) => {
                let pipe = self.connection(id.connection());
                assert!(!std::mem::replace(&mut pipe.ending, true), "a pipe ends twice");
            }
            Event::PipeClosed(id, _) => {
                let pipe = self.connection(id.connection());
                (pipe.open, pipe.flowing) = (false, false);
            }
            Event::Lingering(id) => {
                let socket = self.connection(id);
                assert!(socket.open, "lingering after the end of a connection");
                assert!(!std::mem::replace(&mut socket.ending, true), "a socket lingers twice");
            }
            Event::Closed(id, _) => self.connection(id).open = false,
            Event::Opened(..) | Event::Refused(_) => panic!("an event that was not requested"),
            Event::Report(report) => {
                assert_eq!(Severity::Debug, report.severity, "{}", report.message);
                self.refused += 1;
            }
            Event::Drained { cut } => {
                assert_eq!((true, self.cut), (self.draining, cut), "a drain ends once, long before its deadline");
                self.draining = false;
            }
        }
    }
}
