//! Tests correct clients and handlers whose steps are interleaved at random. Bytes arrive in any pieces, bodies are
//! read and responses are sent at any time and in any form. Every client must get exactly its responses, in order.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;

use bytes::Bytes;
use ropewalk_engine::event::Event;
use ropewalk_engine::{Body, ExchangeId, Limits, Pressure};

use crate::harness::{Client, Dice, World};

const RUNS: u64 = 60;
const CLIENTS: usize = 4;
const REQUESTS: usize = 8;

/// A client, the bytes that it will send, and how many of them it has sent.
struct ScriptedClient {
    client: Client<UnixStream>,
    script: Vec<u8>,
    sent: usize,
    expected: Vec<Vec<u8>>,
}

/// The exchange that a handler is working on.
#[derive(Default)]
struct Work {
    body: Vec<u8>,
    unread: u64,
    target: Vec<u8>,
    received: bool,
    complete: bool,
    /// The part of a streamed response that was not sent yet.
    stream: Option<Bytes>,
    waits: bool,
}

struct Interleaving {
    dice: Dice,
    world: World,
    clients: Vec<ScriptedClient>,
    work: BTreeMap<ExchangeId, Work>,
}

impl Interleaving {
    fn new(seed: u64) -> Self {
        let limits = Limits { read_buffer: 512, write_buffer: 4096, ..Limits::default() };
        let mut dice = Dice(seed);
        let mut coin = Dice(seed);
        let mut world = World::with(limits).inline(move |engine, event| {
            let Event::Head(id, head) = event else { return false };
            let at_once = head.target().starts_with(b"/get") && coin.roll(2) == 0;
            if at_once {
                let content = response_body(head.target(), 0);
                engine.respond(*id, 200, &[], Body::Shared(content.into())).unwrap();
            }
            at_once
        });
        let clients = (0..CLIENTS).map(|_| scripted_client(&mut dice, &mut world)).collect();
        Interleaving { dice, world, clients, work: BTreeMap::new() }
    }

    fn step(&mut self) {
        match self.dice.roll(8) {
            0..3 => self.send(),
            3 => self.read(),
            4 => self.world.settle(),
            _ => self.work(),
        }
        self.take_events();
    }

    fn send(&mut self) {
        let client = &mut self.clients[self.dice.roll(CLIENTS)];
        let rest = &client.script[client.sent..];
        let most = [1, 10, 100, 5000][self.dice.roll(4)].min(rest.len());
        client.sent += client.client.send_some(&rest[..most]);
    }

    fn read(&mut self) {
        let index = self.dice.roll(CLIENTS);
        self.clients[index].client.read();
    }

    /// Lets a handler take one step.
    fn work(&mut self) {
        if self.work.is_empty() {
            return;
        }
        let chosen = self.dice.roll(self.work.len());
        let (&id, work) = self.work.iter_mut().nth(chosen).unwrap();
        let engine = &mut self.world.engine;
        if !work.received {
            work.received = true;
            self.world.events.extend(engine.receive(id, None).unwrap());
        } else if work.unread > 0 {
            engine.consumed(id, work.unread).unwrap();
            work.unread = 0;
        } else if let Some(rest) = &mut work.stream {
            if rest.is_empty() {
                engine.end(id, &[]).unwrap();
                self.work.remove(&id);
            } else if !work.waits {
                let part = rest.split_to(rest.len().min(3000));
                work.waits = engine.write(id, part).unwrap() == Pressure::High;
            }
        } else if work.complete {
            let content = response_body(&work.target, work.body.len());
            match self.dice.roll(3) {
                0 => engine.begin(id, 200, &[], None).unwrap(),
                1 => engine.begin(id, 200, &[], Some(content.len() as u64)).unwrap(),
                _ => {
                    engine.respond(id, 200, &[], Body::Shared(content.into())).unwrap();
                    self.work.remove(&id);
                    return;
                }
            }
            work.stream = Some(content.into());
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.world.events.pop_front() {
            match event {
                Event::Head(id, head) => {
                    let complete = !head.target().starts_with(b"/post");
                    let work = Work { target: head.target().into(), received: complete, complete, ..Work::default() };
                    self.work.insert(id, work);
                }
                Event::Data(id, data) => {
                    let work = self.work.get_mut(&id).unwrap();
                    work.body.extend_from_slice(&data);
                    work.unread += data.len() as u64;
                }
                Event::End(id, _) => self.work.get_mut(&id).unwrap().complete = true,
                Event::Writable(id) => self.work.get_mut(&id).unwrap().waits = false,
                other => panic!("{other:?}"),
            }
        }
    }

    fn is_over(&self) -> bool {
        self.world.engine.counters().responses[1] == (CLIENTS * REQUESTS) as u64
    }

    fn finish(mut self) {
        for client in &mut self.clients {
            for expected in &client.expected {
                assert!(*expected == self.world.response(&mut client.client).body);
            }
            assert!(client.client.received.is_empty());
        }
    }
}

fn scripted_client(dice: &mut Dice, world: &mut World) -> ScriptedClient {
    let mut client = ScriptedClient { client: world.adopt(b""), script: Vec::new(), sent: 0, expected: Vec::new() };
    for number in 0..REQUESTS {
        let size = [0, 1, 100, 5000][dice.roll(4)];
        let body = "b".repeat(size);
        let (target, request) = match dice.roll(3) {
            0 => (format!("/get{number}"), "\r\n".to_owned()),
            1 => (format!("/post{number}"), format!("Content-Length: {size}\r\n\r\n{body}")),
            _ => (format!("/post{number}"), format!("Transfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk(&body))),
        };
        let bodiless = target.starts_with("/get") || request.starts_with("Content-Length: 0");
        let target = if bodiless { target.replace("post", "get") } else { target };
        client.script.extend_from_slice(format!("POST {target} HTTP/1.1\r\nHost: a\r\n{request}").as_bytes());
        client.expected.push(response_body(target.as_bytes(), if bodiless { 0 } else { size }));
    }
    client
}

fn chunk(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("{:x}\r\n{body}\r\n", body.len()) }
}

/// Returns the body for the response to a request. Its size depends on the request's target and body size.
fn response_body(target: &[u8], size: usize) -> Vec<u8> {
    let text = format!("{} of {size};", String::from_utf8_lossy(target));
    text.repeat([1, 50, 2000, 10_000][text.bytes().map(usize::from).sum::<usize>() % 4]).into_bytes()
}

#[test]
fn every_client_gets_its_responses_in_order() {
    for seed in 1..=RUNS {
        let mut patience = Interleaving::new(seed);
        let mut steps = 0;
        while !patience.is_over() {
            patience.step();
            steps += 1;
            assert!(steps < 200_000, "with the seed {seed}, an exchange does not finish");
        }
        patience.finish();
    }
}
