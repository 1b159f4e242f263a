//! Tests clients and handlers that act at random. The engine's counters must stay consistent, the engine must have no
//! work left after a few turns, and it must free everything at the end.

use std::os::unix::net::UnixStream;

use ropewalk_engine::event::Event;
use ropewalk_engine::redaction::Redaction;
use ropewalk_engine::{Body, ExchangeId, Limits};

use crate::harness::{Client, Dice, GET, World};

const RUNS: u64 = 200;
const STEPS: usize = 500;

/// What clients send: whole requests, parts of requests, and malformed requests.
const PIECES: [&str; 19] = [
    GET,
    GET,
    GET,
    GET,
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 150\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n",
    "a\r\n0123456789\r\n",
    "0\r\n\r\n",
    "0123456789",
    "GET / HT",
    "nonsense\r\n\r\n",
];

struct Chaos {
    dice: Dice,
    world: World,
    clients: Vec<Client<UnixStream>>,
    exchanges: Vec<ExchangeId>,
}

impl Chaos {
    fn new(seed: u64) -> Self {
        let limits = Limits {
            read_buffer: 64,
            write_buffer: 256,
            body_size: 200,
            discard_size: 50,
            linger_timeout: 60_000,
            ..Limits::default()
        };
        let mut world = World::with(limits);
        world.engine.set_access_log(Some(ropewalk_engine::access_log::Style::Combined), Redaction::new([]));
        Chaos { dice: Dice(seed), world, clients: Vec::new(), exchanges: Vec::new() }
    }

    fn step(&mut self) {
        match self.dice.roll(40) {
            0..3 if self.clients.len() < 6 => self.clients.push(self.world.adopt(b"")),
            0..12 => self.send(),
            12 => self.leave(),
            13..16 => self.clients.iter_mut().for_each(Client::read),
            16..24 => self.rest(),
            _ => self.command(),
        }
        self.take_events();
    }

    fn send(&mut self) {
        let Some(client) = pick(&mut self.dice, &mut self.clients) else { return };
        let piece = PIECES[self.dice.roll(PIECES.len())];
        // The result is ignored, because the engine may have closed the connection.
        let _ = std::io::Write::write(&mut client.stream, piece.as_bytes());
    }

    fn leave(&mut self) {
        if self.clients.is_empty() {
            return;
        }
        let index = self.dice.roll(self.clients.len());
        if self.dice.roll(2) == 0 {
            self.clients.swap_remove(index);
        } else if self.clients[index].end.is_none() {
            let _ = self.clients[index].stream.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Sends a random command of a handler, whether the command is legal now or not.
    fn command(&mut self) {
        // Usually choose a recent exchange, because it may still be running.
        let recent = if self.dice.roll(10) == 0 { 0 } else { self.exchanges.len().saturating_sub(6) };
        let Some(&mut id) = pick(&mut self.dice, &mut self.exchanges[recent..]) else { return };
        let size = [0, 1, 100, 1000, 300_000][self.dice.roll(5)];
        let body = vec![b'x'; size];
        let engine = &mut self.world.engine;
        // The result is ignored. Any result is correct, as long as the engine does not panic.
        let _ = match self.dice.roll(12) {
            0 | 1 => engine.receive(id, None).map(|events| self.world.events.extend(events)),
            2 => engine.receive(id, Some(20)).map(|events| self.world.events.extend(events)),
            3 => engine.consumed(id, size as u64),
            4 | 5 => engine.respond(id, [200, 204, 304, 413, 500][self.dice.roll(5)], &[], Body::Slice(&body)),
            6 => engine.begin(id, [200, 204][self.dice.roll(2)], &[], [None, Some(1000)][self.dice.roll(2)]),
            7 | 8 => engine.write(id, body.into()).map(|_| ()),
            9 => engine.end(id, &[(b"X", b"y")]),
            10 => engine.interim(id, 103, &[]),
            _ => match self.dice.roll(3) {
                0 => engine.upgrade(id, &[]),
                1 => engine.close_after_response(id),
                _ => engine.abort(id),
            },
        };
    }

    /// Checks that the engine has no work left after a few turns.
    fn rest(&mut self) {
        let before = self.world.engine.counters().turns;
        self.world.settle_within(100);
        assert!(self.world.engine.counters().turns - before < 100, "the engine runs turns without work");
    }

    fn take_events(&mut self) {
        while let Some(event) = self.world.events.pop_front() {
            if let Event::Head(id, _) = event {
                self.exchanges.push(id);
            }
        }
        let counters = self.world.engine.counters();
        assert!(counters.running <= self.world.engine.connections() as u64);
    }

    fn finish(mut self) {
        self.clients.clear();
        for _ in 0..20 {
            self.rest();
            self.take_events();
            for &id in &self.exchanges {
                let _ = self.world.engine.consumed(id, 1 << 30);
            }
        }
        assert_eq!(0, self.world.engine.connections(), "every client has left");
        assert_eq!(0, self.world.engine.counters().running);
    }
}

fn pick<'a, T>(dice: &mut Dice, choices: &'a mut [T]) -> Option<&'a mut T> {
    match choices.len() {
        0 => None,
        length => choices.get_mut(dice.roll(length)),
    }
}

#[test]
fn random_actions_leave_the_counters_consistent() {
    for seed in 1..=RUNS {
        let outcome = std::panic::catch_unwind(|| {
            let mut chaos = Chaos::new(seed);
            for _ in 0..STEPS {
                chaos.step();
            }
            chaos.finish();
        });
        assert!(outcome.is_ok(), "with the seed {seed}");
    }
}
