//! Tests request bodies: framing, limits, 100 Continue, and bodies that no handler reads.

use bytes::Bytes;
use ropewalk_engine::event::{BodyFault, Event};
use ropewalk_engine::{Body, CommandError, Limits};

use crate::harness::{Client, End, GET, Stream, World};

pub fn post<S: Stream>(client: &mut Client<S>, fields: &str, body: &str) {
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
        assert!(waiting <= 16 * 1024 + 64 * 1024, "at most the limit and one read: {waiting}");
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
