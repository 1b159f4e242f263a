//! Clients and handlers that do anything at any time, right or wrong. The engine keeps its books, holds a bounded
//! amount of memory, comes to rest, and lets go of everything in the end.

use arbitrary::Unstructured;
use ropewalk_engine::exchange::Event;
use ropewalk_engine::http1::encode::FieldRef;
use ropewalk_engine::{Body, CommandError, Engine, ExchangeId, Limits, PipeId, Pressure, Severity};

use crate::memory;
use crate::world::{self, Handler};

/// Plays one input.
pub fn check(input: &[u8]) {
    let mut engine = world::engine(Limits {
        read_buffer: 64,
        write_buffer: 256,
        body_size: 200,
        discard_size: 50,
        head_size: 512,
        trailer_size: 128,
        ..Limits::default()
    });
    let mut chaos = Chaos::new(input);
    while !chaos.script.is_empty() {
        chaos.step(&mut engine);
        chaos.check_books(&engine);
    }
    chaos.finish(&mut engine);
}

/// Pipes open at once.
const PIPES: usize = 4;
/// What may be held for them: buffers of the limits above, an answer in each, and what the engine keeps to be lent.
const MEMORY: isize = 64 * 1024;

/// What clients send: whole requests, parts of them, and worse.
const PIECES: [&str; 20] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n",
    "a\r\n0123456789\r\n",
    "5;x=y\r\n01234\r\n",
    "0\r\n\r\n",
    "0\r\nX-Sum: 1\r\n\r\n",
    "0123456789",
    "GET / HT",
    "TP/1.1\r\nHost: a\r\n\r\n",
    "nonsense\r\n\r\n",
];

struct Chaos<'a> {
    /// What happens, byte by byte.
    script: Unstructured<'a>,
    pipes: Vec<Pipe>,
    exchanges: Vec<Exchange>,
    fed: u64,
    output: u64,
    gone: u64,
    refused: u64,
    draining: bool,
    /// Exchanges that the end of everything has cut.
    cut: usize,
    /// Memory held before anything happened.
    before: isize,
}

struct Pipe {
    id: PipeId,
    flowing: bool,
    blocked: bool,
    open: bool,
}

struct Exchange {
    id: ExchangeId,
    /// The answer is complete, or never will be.
    over: bool,
    /// A writer was told to wait.
    high: bool,
}

impl<'a> Chaos<'a> {
    fn new(input: &'a [u8]) -> Self {
        let mut chaos = Chaos {
            script: Unstructured::new(input),
            pipes: Vec::with_capacity(input.len() + 1),
            // A piece has three heads at the most.
            exchanges: Vec::with_capacity(3 * input.len() + 1),
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
            0 if self.pipes.iter().filter(|pipe| pipe.open).count() < PIPES => {
                let id = world::open(engine);
                self.pipes.push(Pipe { id, flowing: true, blocked: false, open: true });
            }
            0..6 => self.feed(engine),
            6 => self.meddle(engine),
            7 | 8 => world::rest(engine, self),
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

    /// One of so many, mostly of the last.
    fn pick(&mut self, count: usize) -> Option<usize> {
        let back = usize::from(self.draw(8));
        count.checked_sub(1).map(|last| last.saturating_sub(back))
    }

    /// A client sends something, unless the engine does not want it.
    fn feed(&mut self, engine: &mut Engine) {
        let piece = PIECES[usize::from(self.draw(PIECES.len() as u8))].as_bytes();
        let Some(which) = self.pick(self.pipes.len()) else { return };
        let Pipe { id, flowing, .. } = self.pipes[which];
        if flowing {
            self.fed += piece.len() as u64;
            world::turn(engine, self, |engine| engine.feed_pipe(id, piece));
        }
    }

    /// Something happens to a pipe.
    fn meddle(&mut self, engine: &mut Engine) {
        let Some(which) = self.pick(self.pipes.len()) else { return };
        let id = self.pipes[which].id;
        match self.draw(16) {
            15 => {
                self.draining = true;
                engine.drain(None);
            }
            0 => engine.end_pipe(id),
            1 => engine.lose_pipe(id),
            2..6 => {
                world::rest(engine, self);
                self.pipes[which].blocked = true;
                engine.set_pipe_blocked(id, true);
            }
            _ => {
                self.pipes[which].blocked = false;
                engine.set_pipe_blocked(id, false);
            }
        }
    }

    /// A handler does something, be it allowed now or not.
    fn command(&mut self, engine: &mut Engine, which: usize) {
        let Exchange { id, over, high } = self.exchanges[which];
        let body = vec![b'x'; [0, 1, 100, 1000][usize::from(self.draw(4))]];
        let status = [200, 204, 304, 404][usize::from(self.draw(4))];
        let mut answered = false;
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
                answered = true;
                engine.answer(id, status, &[], Body::Slice(&body))
            }
            5 => engine.begin(id, status, &[], (body.len() > 100).then_some(1000)),
            6 | 7 if high => return,
            6 | 7 => {
                engine.write(id, body.into()).map(|pressure| self.exchanges[which].high = pressure == Pressure::High)
            }
            8 => {
                answered = true;
                engine.end(id, &[(b"X", b"y")])
            }
            9 => engine.interim(id, 103, &[]),
            10 => engine.upgrade(id, &[]),
            12 => engine.relay_head(id, status.into(), framing),
            13 if high => return,
            13 => engine
                .relay_write(id, body.into())
                .map(|pressure| self.exchanges[which].high = pressure == Pressure::High),
            14 => {
                answered = true;
                engine.relay_end(id)
            }
            15 => {
                answered = true;
                engine.relay(id, status.into(), framing, Body::Slice(&body))
            }
            16 => engine.take_over(id),
            17 => {
                engine.close_connection(id.connection());
                return;
            }
            _ if status == 200 => engine.abort(id),
            _ => engine.close_after(id),
        };
        if over {
            let refused = matches!(outcome, Err(CommandError::Over | CommandError::Gone));
            assert!(refused, "a command on an exchange that is over: {outcome:?}");
        } else if answered && outcome.is_ok() {
            self.exchanges[which].over = true;
        }
    }

    /// What can be said between any two steps.
    fn check_books(&self, engine: &Engine) {
        let counters = engine.counters();
        let open = self.pipes.iter().filter(|pipe| pipe.open).count() as u64;
        let running = self.exchanges.iter().filter(|exchange| !exchange.over).count() as u64;
        assert!(counters.bytes_in <= self.fed);
        assert!(memory::held() - self.before < MEMORY, "{} bytes are held", memory::held() - self.before);
        if engine.has_events() {
            // What they tell is not in these books yet.
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
            self.pipes.iter().for_each(|pipe| engine.lose_pipe(pipe.id));
        }
        world::rest(engine, &mut self);
        self.check_books(engine);
        assert_eq!((0, 0), (engine.counters().open, engine.counters().running), "everybody has left");
    }

    fn exchange(&mut self, id: ExchangeId) -> &mut Exchange {
        self.exchanges.iter_mut().rev().find(|exchange| exchange.id == id).expect("a head before it")
    }

    fn pipe(&mut self, id: PipeId) -> &mut Pipe {
        let pipe = self.pipes.iter_mut().rev().find(|pipe| pipe.id == id).expect("a pipe that was opened");
        assert!(pipe.open, "an event of a pipe that is over");
        pipe
    }
}

impl Handler for Chaos<'_> {
    fn serve(&mut self, engine: &mut Engine, event: Event) {
        match event {
            Event::Head(id, _) => {
                assert!(self.exchanges.iter().all(|exchange| exchange.id != id));
                self.exchanges.push(Exchange { id, over: false, high: false });
                // A handler that acts at once.
                for _ in 0..self.draw(3) {
                    self.command(engine, self.exchanges.len() - 1);
                }
            }
            // Those of an exchange that was answered meanwhile may still be on their way.
            Event::Data(id, _) | Event::End(id, _) | Event::BadBody(id, _) => {
                self.exchange(id);
            }
            Event::Writable(id) => self.exchange(id).high = false,
            Event::Gone(id, _) => {
                self.gone += 1;
                let exchange = self.exchange(id);
                assert!(!exchange.over, "it ends twice");
                exchange.over = true;
            }
            Event::PipeOutput(id, bytes) => {
                self.output += bytes.len() as u64;
                assert!(!self.pipe(id).blocked, "bytes for an owner that takes none");
            }
            Event::PipeFlow(id, flowing) => {
                let pipe = self.pipe(id);
                assert_ne!(pipe.flowing, flowing, "it is told what it knows");
                pipe.flowing = flowing;
            }
            Event::PipeClosed(id, _) => {
                let pipe = self.pipe(id);
                (pipe.open, pipe.flowing) = (false, false);
            }
            Event::Opened(..) | Event::Closed(..) | Event::Refused(_) => panic!("nobody has asked for that"),
            Event::Report(report) => {
                assert_eq!(Severity::Debug, report.severity, "{}", report.message);
                self.refused += 1;
            }
            Event::Drained { cut } => {
                assert_eq!((true, self.cut), (self.draining, cut), "a drain is over once, long before its deadline");
                self.draining = false;
            }
        }
    }
}
