//! Bodies of requests: framing, limits, 100 Continue, and bodies that no handler reads.

use std::collections::VecDeque;
use std::net::TcpStream;

use bytes::Bytes;
use ropewalk_engine::event::{BodyFault, Event};
use ropewalk_engine::exchange::Status;
use ropewalk_engine::{Body, CommandError, Engine, ExchangeId, Limits};

use crate::harness::{Client, Dice, End, GET, Stream, World};

fn post<S: Stream>(client: &mut Client<S>, fields: &str, body: &str) {
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}"));
}

#[test]
fn rfc9112_6_3_a_body_by_length_in_parts() {
    let mut world = World::new();
    let mut client = world.connect();
    post(&mut client, "Content-Length: 6", "abc");
    let (id, _) = world.head();
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(_, data) if data == "abc"));
    client.send("def");
    assert!(matches!(world.event(), Event::Data(_, data) if data == "def"));
    assert!(matches!(world.event(), Event::End(_, trailers) if trailers.is_empty()));
}

#[test]
fn rfc9112_7_1_chunks_and_trailers() {
    let mut world = World::new();
    let mut client = world.connect();
    let body = "3\r\nabc\r\n3;q=\"1\"\r\ndef\r\n0\r\nX-Sum: 9\r\nContent-Length: 1\r\n\r\n";
    post(&mut client, "Transfer-Encoding: chunked", &[body, GET].concat());
    let (id, _) = world.head();
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(_, data) if data == "abcdef"), "one event for small chunks");
    let Event::End(_, trailers) = world.event() else { panic!("no end") };
    assert_eq!(vec![(Bytes::from("x-sum"), Bytes::from("9"))], trailers, "framing is dropped from trailers");
    world.ok(id, "");
    assert_eq!(b"/", world.head().1.target());
}

#[test]
fn rfc9110_10_1_1_a_client_that_waits_gets_100_continue_when_its_body_is_read() {
    for framing in ["Content-Length: 3", "Transfer-Encoding: chunked"] {
        let mut world = World::new();
        let mut client = world.connect();
        post(&mut client, &format!("{framing}\r\nExpect: 100-Continue"), "");
        let (id, _) = world.head();
        world.settle();
        client.read();
        assert_eq!("", client.text(), "not before a handler reads");
        world.receive(id);
        assert_eq!("HTTP/1.1 100 Continue", world.response(&mut client).head);
        client.send(if framing.starts_with('C') { "abc" } else { "3\r\nabc\r\n0\r\n\r\n" });
        assert_eq!(b"abc".to_vec(), world.body(id));
        world.ok(id, "thanks");
        let response = world.response(&mut client);
        assert_eq!((200, None), (response.status, response.field("connection")));
    }
}

#[test]
fn rfc9110_10_1_1_no_100_continue_for_a_body_that_is_not_read() {
    let mut world = World::new();
    let mut client = world.connect();
    post(&mut client, "Content-Length: 3\r\nExpect: 100-continue", "");
    let (id, _) = world.head();
    world.engine.respond(id, 403, &[], Body::Slice(b"no")).unwrap();
    let response = world.response(&mut client);
    assert_eq!((403, Some("close")), (response.status, response.field("connection")));
    client.stream.shut_down_writing();
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn rfc9110_10_1_1_a_client_that_does_not_wait_for_100_continue() {
    let mut world = World::new();
    let mut client = world.connect();
    post(&mut client, "Content-Length: 3\r\nExpect: 100-continue", "abc");
    let (id, _) = world.head();
    assert_eq!(b"abc".to_vec(), world.body(id));
    world.ok(id, "thanks");
    assert_eq!((200, "thanks"), world.response(&mut client).brief(), "no 100 where the body is here");
}

#[test]
fn an_unread_body_stops_the_reading_of_its_socket() {
    let limits = Limits { read_buffer: 16 * 1024, body_size: 64 << 20, ..Limits::default() };
    let mut world = World::with(limits);
    let mut client = world.adopt(b"");
    let body = vec![b'x'; 8 << 20];
    post(&mut client, &format!("Content-Length: {}", body.len()), "");
    let (id, _) = world.head();
    let mut sent = 0;
    loop {
        let count = client.send_some(&body[sent..]);
        world.settle();
        if count == 0 {
            break;
        }
        sent += count;
    }
    let held = world.engine.counters().bytes_in;
    assert!(held < 1024, "no handler reads, so nothing is read from the socket: {held}");

    world.receive(id);
    let mut received = 0;
    let mut waiting = 0;
    while received < body.len() {
        sent += client.send_some(&body[sent..]);
        world.settle();
        while let Some(Event::Data(_, data)) = world.events.pop_front() {
            waiting += data.len();
        }
        assert!(waiting <= 16 * 1024 + 64 * 1024, "one read more than the bound, at most: {waiting}");
        received += waiting;
        world.engine.consumed(id, waiting as u64).unwrap();
        waiting = 0;
    }
    assert_eq!(body.len(), received);
    world.ok(id, "all");
    assert_eq!("all", world.response(&mut client).text());
}

#[test]
fn a_reader_that_pauses_limits_what_is_read() {
    let limits = Limits { read_buffer: 16 * 1024, body_size: 64 << 20, ..Limits::default() };
    let mut world = World::with(limits);
    let mut client = world.adopt(b"");
    post(&mut client, "Content-Length: 8388608", "");
    let (id, _) = world.head();
    world.receive(id);
    while client.send_some(&[b'x'; 8192]) > 0 {
        world.settle();
    }
    let waiting: usize = world
        .events
        .iter()
        .map(|event| match event {
            Event::Data(_, data) => data.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert!((16 * 1024..=16 * 1024 + 64 * 1024).contains(&waiting), "{waiting}");
}

#[test]
fn a_small_unread_body_is_dropped_and_the_connection_kept() {
    for (fields, body) in
        [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\nX: y\r\n\r\n")]
    {
        let mut world = World::new();
        let mut client = world.connect();
        post(&mut client, fields, "");
        let (id, _) = world.head();
        world.ok(id, "unread");
        let response = world.response(&mut client);
        assert_eq!(("unread", None), (response.text(), response.field("connection")));
        client.send([body, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
        assert_eq!(b"/next", world.head().1.target());
    }
}

#[test]
fn rfc9112_9_6_a_large_unread_body_closes_the_connection_after_the_response() {
    let limits = Limits { discard_size: 1024, ..Limits::default() };
    let mut world = World::with(limits);
    let mut client = world.connect();
    post(&mut client, "Content-Length: 1000000", &"x".repeat(10_000));
    let (id, _) = world.head();
    world.engine.respond(id, 403, &[], Body::Slice(b"no")).unwrap();
    let more = vec![b'x'; 500_000];
    world.send_all(&mut client, &more);
    let response = world.response(&mut client);
    assert_eq!((403, "no", Some("close")), (response.status, response.text(), response.field("connection")));
    client.stream.shut_down_writing();
    assert_eq!(End::Orderly, world.ended(&mut client));
    world.until("the end of the lingering", |world| world.engine.connections() == 0);
}

#[test]
fn rfc9112_9_6_a_response_before_the_end_of_a_body_says_close() {
    let mut world = World::with(Limits { discard_size: 1024, ..Limits::default() });
    let mut client = world.connect();
    post(&mut client, "Content-Length: 1000000", "begun");
    let (id, _) = world.head();
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(_, data) if data == "begun"));
    world.ok(id, "enough");
    assert_eq!(Some("close"), world.response(&mut client).field("connection"));
}

#[test]
fn an_unread_chunked_body_is_dropped_up_to_a_limit() {
    let limits = Limits { discard_size: 1024, ..Limits::default() };
    let mut world = World::with(limits);
    let mut client = world.connect();
    post(&mut client, "Transfer-Encoding: chunked", "");
    let (id, _) = world.head();
    world.ok(id, "unread");
    assert_eq!("unread", world.response(&mut client).text());
    client.send(format!("800\r\n{}\r\n0\r\n\r\n{GET}", "x".repeat(0x800)));
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!(1, world.engine.counters().requests);
}

#[test]
fn rfc9110_15_5_14_a_length_over_the_limit_is_known_before_the_body() {
    let mut world = World::with(Limits { body_size: 10, ..Limits::default() });
    let mut client = world.connect();
    post(&mut client, "Content-Length: 11\r\nExpect: 100-continue", "");
    let (id, _) = world.head();
    let refused = world.engine.receive(id, None).map(|_| ());
    assert_eq!(Err(CommandError::BodyTooLarge { limit: 10 }), refused);
    world.engine.respond(id, 413, &[], Body::Slice(b"")).unwrap();
    let response = world.response(&mut client);
    assert_eq!((413, Some("close")), (response.status, response.field("connection")));
    client.send("hello there");
    client.stream.shut_down_writing();
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_route_may_allow_more_or_less_than_the_limit() {
    let mut world = World::with(Limits { body_size: 4, ..Limits::default() });
    let mut client = world.connect();
    post(&mut client, "Content-Length: 5", "hello");
    let (id, _) = world.head();
    world.receive_up_to(id, Some(5));
    assert!(matches!(world.event(), Event::Data(_, data) if data == "hello"));
    assert!(matches!(world.event(), Event::End(..)));
}

#[test]
fn rfc9110_15_5_14_chunks_over_the_limit_end_the_body() {
    let mut world = World::with(Limits { body_size: 10, ..Limits::default() });
    let mut client = world.connect();
    post(&mut client, "Transfer-Encoding: chunked", &format!("8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n{GET}"));
    let (id, _) = world.head();
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(..)));
    assert!(matches!(world.event(), Event::BadBody(_, BodyFault::TooLarge)));
    world.engine.respond(id, 413, &[], Body::Slice(b"")).unwrap();
    assert_eq!(413, world.response(&mut client).status);
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!(1, world.engine.counters().requests);
}

#[test]
fn rfc9112_7_1_malformed_chunks_end_the_body_and_nothing_after_them_is_parsed() {
    for bad in ["x\r\n", "+1\r\na\r\n", "0x1\r\na\r\n", "1\na\r\n", "1;\r\na\r\n", "1\r\nab\r\n", "0\r\nX : y\r\n\r\n"]
    {
        let mut world = World::new();
        let mut client = world.connect();
        post(&mut client, "Transfer-Encoding: chunked", &["1\r\na\r\n", bad, "0\r\n\r\n", GET].concat());
        let (id, _) = world.head();
        world.receive(id);
        let fault = loop {
            match world.event() {
                Event::Data(..) => {}
                Event::BadBody(_, fault) => break fault,
                other => panic!("{bad:?}: {other:?}"),
            }
        };
        assert!(matches!(fault, BodyFault::Malformed(_)), "{bad:?}");
        world.engine.respond(id, 400, &[], Body::Slice(b"bad")).unwrap();
        let response = world.response(&mut client);
        assert_eq!((400, Some("close")), (response.status, response.field("connection")), "{bad:?}");
        assert_eq!(End::Orderly, world.ended(&mut client));
        assert_eq!(1, world.engine.counters().requests, "{bad:?}");
    }
}

#[test]
fn a_bad_body_stays_bad_however_often_it_is_requested() {
    let mut world = World::new();
    let mut client = world.connect();
    post(&mut client, "Transfer-Encoding: chunked", "x\r\n0\r\n\r\n");
    let (id, _) = world.head();
    world.receive(id);
    assert!(matches!(world.event(), Event::BadBody(..)));
    world.receive(id);
    client.send("and more of it");
    world.settle();
    assert!(world.events.is_empty());
    world.engine.respond(id, 400, &[], Body::Slice(b"bad")).unwrap();
    assert_eq!((400, "bad"), world.response(&mut client).brief());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_response_may_be_sent_before_the_body_is_complete() {
    let mut world = World::new();
    let mut client = world.connect();
    post(&mut client, "Content-Length: 10", "12345");
    let (id, _) = world.head();
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(..)));
    world.ok(id, "enough");
    let response = world.response(&mut client);
    assert_eq!(("enough", None), (response.text(), response.field("connection")));
    client.send(["67890", GET].concat());
    assert_eq!(b"/", world.head().1.target(), "the rest is dropped");
}

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

/// A client, and a handler that requests more of a body at any time: while parts of it are in the inbox, and while the
/// handler has taken parts that it has not examined.
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
                // The engine may have the end already. Then there is nothing to pause.
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

/// A request with a body of three bytes. The body and three more bytes wait in the inbox.
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
    world.engine.take_over(id).unwrap();
    assert_eq!(Vec::<String>::new(), described(world.engine.receive(id, Some(u64::MAX)).unwrap()));
    assert_eq!(["abc", "the end", "raw"], *inbox(&mut world.engine));
}

/// Begins a response before any of a long body is read.
fn response_before_body(fields: &str) -> (World, Client<TcpStream>, ExchangeId) {
    let mut world = World::with(Limits { discard_size: 1024, ..Limits::default() });
    let mut client = world.connect();
    post(&mut client, fields, "");
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], Some(4)).unwrap();
    world.engine.write(id, "be".into()).unwrap();
    (world, client, id)
}

#[test]
fn a_connection_is_kept_if_a_body_is_read_after_the_head_of_its_response() {
    let (mut world, mut client, id) = response_before_body("Content-Length: 100000");
    client.send("x".repeat(100_000));
    assert_eq!(100_000, world.body(id).len());
    world.engine.write(id, "en".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    let response = world.response(&mut client);
    assert_eq!(("been", None), (response.text(), response.field("connection")));
    client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(b"/next", world.head().1.target());
}

#[test]
fn a_connection_is_kept_if_little_of_a_body_is_left_at_the_end_of_its_response() {
    let (mut world, mut client, id) = response_before_body("Content-Length: 100000");
    client.send("x".repeat(99_000));
    world.receive(id);
    let mut read = 0;
    while read < 99_000 {
        let Event::Data(_, data) = world.event() else { panic!("not of the body") };
        read += data.len() as u64;
        world.engine.consumed(id, data.len() as u64).unwrap();
    }
    world.engine.write(id, "en".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(None, world.response(&mut client).field("connection"));
    client.send(["x".repeat(1000).as_str(), "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
    assert_eq!(b"/next", world.head().1.target());
}

#[test]
fn rfc9112_9_6_a_connection_ends_if_much_of_a_body_was_not_read() {
    let (mut world, mut client, id) = response_before_body("Content-Length: 100000");
    world.engine.write(id, "en".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!("been", world.response(&mut client).text());
    assert_eq!(End::Orderly, world.ended(&mut client));
    client.send(["x".repeat(100_000).as_str(), GET].concat());
    world.settle();
    assert_eq!(1, world.engine.counters().requests, "nothing after it is read");
}

#[test]
fn rfc9110_10_1_1_a_client_that_waits_and_gets_no_100_continue_gets_connection_close() {
    let (mut world, mut client, id) = response_before_body("Content-Length: 10\r\nExpect: 100-continue");
    world.engine.write(id, "en".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(Some("close"), world.response(&mut client).field("connection"));
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_handler_that_frames_its_response_may_begin_it_before_a_body_is_read() {
    for whole in [false, true] {
        let mut world = World::with(Limits { discard_size: 1024, ..Limits::default() });
        let mut client = world.connect();
        post(&mut client, "Content-Length: 100000", "");
        let (id, _) = world.head();
        let status = Status { code: 200, reason: Some(b"OK") };
        if whole {
            world.engine.relay(id, status, &[(b"Content-Length", b"4")], Body::Slice(b"been")).unwrap();
            assert_eq!(Some("close"), world.response(&mut client).field("connection"), "no handler will read it");
            continue;
        }
        world.engine.relay_head(id, status, &[(b"Content-Length", b"4")]).unwrap();
        client.send("x".repeat(100_000));
        assert_eq!(100_000, world.body(id).len());
        world.engine.relay_write(id, "been".into()).unwrap();
        world.engine.relay_end(id).unwrap();
        assert_eq!(None, world.response(&mut client).field("connection"));
        client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(b"/next", world.head().1.target());
    }
}
