//! Tests that the parts of a body arrive in order, however the handler requests them.

use std::collections::VecDeque;
use std::net::TcpStream;

use ropewalk_engine::event::Event;
use ropewalk_engine::{Engine, ExchangeId, Limits};

use super::bodies::post;
use crate::harness::{Client, Dice, World};

#[test]
fn a_body_arrives_in_order_however_often_it_is_received() {
    for (chunk, size) in [(1, 30_000), (1_000, 200_000), (16 << 10, 200_000), (64 << 10, 300_000)] {
        for seed in 1..=20 {
            let body: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
            let mut request = b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            for part in body.chunks(chunk) {
                request.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                request.extend_from_slice(part);
                request.extend_from_slice(b"\r\n");
            }
            request.extend_from_slice(b"0\r\n\r\n");
            let mut upload = Upload::new(seed);
            upload.play(&request.repeat(2));
            let whole = upload.bodies.iter().map(|received| *received == body).collect::<Vec<_>>();
            assert_eq!(vec![true, true], whole, "chunks of {chunk}, seed {seed}");
        }
    }
}

/// A client, and a handler that may call `receive` at any time: while parts of the body are in the inbox, or before it
/// has processed the parts that it has taken.
struct Upload {
    dice: Dice,
    world: World,
    taken: VecDeque<Event>,
    bodies: Vec<Vec<u8>>,
    responses: usize,
}

impl Upload {
    fn new(seed: u64) -> Self {
        let limits = Limits { body_size: 1 << 20, ..Limits::default() };
        let (taken, bodies) = (VecDeque::new(), Vec::new());
        Upload { dice: Dice(seed), world: World::with(limits), taken, bodies, responses: 0 }
    }

    fn play(&mut self, requests: &[u8]) {
        let mut client = self.world.adopt(b"");
        let mut sent = 0;
        let mut current = None;
        for _ in 0..1_000_000 {
            let engine = &mut self.world.engine;
            match (self.dice.roll(6), current) {
                (0 | 1, _) => sent += client.send_some(&requests[sent..]),
                (2, _) => {
                    engine.begin_turn();
                    engine.poll().unwrap();
                    engine.end_turn();
                }
                (3, Some(id)) => {
                    for event in engine.receive(id, None).unwrap() {
                        self.serve(event, &mut current);
                    }
                }
                (4, _) => self.taken.extend(engine.next_event()),
                (5, _) => {
                    if let Some(event) = self.taken.pop_front() {
                        self.serve(event, &mut current);
                    }
                }
                _ => {}
            }
            if self.responses == 2 {
                return;
            }
        }
        panic!("the bodies never end");
    }

    fn serve(&mut self, event: Event, current: &mut Option<ExchangeId>) {
        match event {
            Event::Head(id, _) => {
                *current = Some(id);
                self.bodies.push(Vec::new());
            }
            Event::Data(id, data) => {
                self.bodies.last_mut().unwrap().extend_from_slice(&data);
                self.world.engine.consumed(id, data.len() as u64).unwrap();
            }
            Event::End(id, _) => {
                *current = None;
                self.responses += 1;
                self.world.ok(id, "");
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Sends a request with a body of three bytes, and three more bytes. All of these bytes wait in the inbox.
fn queued_body(world: &mut World, client: &mut Client<TcpStream>) -> ExchangeId {
    post(client, "Content-Length: 3\r\nConnection: upgrade\r\nUpgrade: echo", "");
    let (id, _) = world.head();
    world.receive(id);
    client.send("abcraw");
    world.until("a body", |world| {
        world.engine.begin_turn();
        world.engine.poll().unwrap();
        world.engine.has_events()
    });
    id
}

fn described(events: impl IntoIterator<Item = Event>) -> Vec<String> {
    let describe = |event| match event {
        Event::Data(_, data) => String::from_utf8_lossy(&data).into_owned(),
        Event::End(..) => "the end".to_owned(),
        other => panic!("{other:?}"),
    };
    events.into_iter().map(describe).collect()
}

fn inbox(engine: &mut Engine) -> Vec<String> {
    described(std::iter::from_fn(|| engine.next_event()))
}

#[test]
fn an_upgrade_drops_queued_parts_of_the_body() {
    let mut world = World::new();
    let mut client = world.connect();
    let id = queued_body(&mut world, &mut client);
    world.engine.upgrade(id, &[(b"Upgrade", b"echo")]).unwrap();
    let raw = world.engine.receive(id, Some(u64::MAX)).unwrap();
    assert_eq!((vec!["raw".to_owned()], vec![]), (described(raw), inbox(&mut world.engine)));
}

#[test]
fn raw_bytes_do_not_overtake_the_body_before_them() {
    let mut world = World::new();
    let mut client = world.connect();
    let id = queued_body(&mut world, &mut client);
    world.engine.switch_without_response(id).unwrap();
    assert_eq!(Vec::<String>::new(), described(world.engine.receive(id, Some(u64::MAX)).unwrap()));
    assert_eq!(["abc", "the end", "raw"], *inbox(&mut world.engine));
}
