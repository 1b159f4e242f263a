//! Tests responses that begin before the request body is read.

use std::net::TcpStream;

use ropewalk_engine::event::Event;
use ropewalk_engine::exchange::Status;
use ropewalk_engine::{Body, ExchangeId, Limits};

use super::bodies::post;
use crate::harness::{Client, End, GET, World};

/// Begins a response before any part of a long request body is read.
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
    assert_eq!(1, world.engine.counters().requests, "the bytes after the first request are not parsed");
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
            assert_eq!(Some("close"), world.response(&mut client).field("connection"), "no handler will read the body");
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
