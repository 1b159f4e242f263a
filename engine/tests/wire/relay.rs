//! Tests responses that handlers format as HTTP/1 themselves, and connections that have an owner.

use std::io::{Read as _, Write as _};

use bytes::Bytes;
use ropewalk_engine::event::Event;
use ropewalk_engine::head::FieldRef;
use ropewalk_engine::method::Methods;
use ropewalk_engine::{Body, CloseReason, CommandError, Limits, Pressure, Status};

use crate::harness::{End, GET, World};

const OK: Status<'static> = Status { code: 200, reason: Some(b"Fine") };
const CHUNKED: FieldRef<'static> = (b"Transfer-Encoding", b"chunked");

#[test]
fn nothing_is_added_to_a_head() {
    let mut world = World::new();
    let mut client = world.connect();
    for _ in 0..2 {
        client.send(GET);
        let (id, _) = world.head();
        world.engine.relay(id, OK, &[(b"content-LENGTH", b"2"), (b"X", b"y")], Body::Slice(b"hi")).unwrap();
        world.until("the response", |_| {
            client.read();
            client.text().ends_with("hi")
        });
        assert_eq!("HTTP/1.1 200 Fine\r\ncontent-LENGTH: 2\r\nX: y\r\n\r\nhi", client.text());
        client.received.clear();
    }
}

#[test]
fn bodies_that_are_framed_already() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.relay_head(id, OK, &[CHUNKED]).unwrap();
    assert_eq!(Pressure::Low, world.engine.relay_write(id, Bytes::from_static(b"2\r\nhi\r\n")).unwrap());
    world.engine.relay_write(id, Bytes::from_static(b"0\r\n\r\n")).unwrap();
    world.engine.relay_end(id).unwrap();
    assert_eq!(b"hi", &*world.response(&mut client).body);
    client.send(GET);
    let (id, _) = world.head();
    world.ok(id, "kept");
    assert_eq!(b"kept", &*world.response(&mut client).body);
}

#[test]
fn writes_outside_of_a_turn_are_sent_together() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.relay_head(id, OK, &[CHUNKED]).unwrap();
    world.engine.relay_write(id, Bytes::from_static(b"0\r\n\r\n")).unwrap();
    world.engine.relay_end(id).unwrap();
    client.read();
    assert_eq!("", client.text());
    world.settle();
    assert!(client.read_once().ends_with(b"\r\n\r\n0\r\n\r\n"));
}

#[test]
fn rfc9112_9_6_a_connection_that_is_not_kept_says_so() {
    let empty: FieldRef<'_> = (b"Content-Length", b"0");
    let close: FieldRef<'_> = (b"Connection", b"close");
    for (request, fields, said) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", &[empty][..], true),
        (GET, &[empty, close], true),
        (GET, &[], false),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", &[empty], false),
    ] {
        let mut world = World::new();
        let mut client = world.connect();
        client.send(request);
        let (id, _) = world.head();
        world.engine.relay(id, OK, fields, Body::Slice(b"")).unwrap();
        assert_eq!(End::Orderly, world.ended(&mut client));
        let text = client.text();
        assert_eq!(usize::from(said), text.matches("\r\nConnection: close\r\n").count(), "{text}");
        assert!(text.starts_with(if request.contains("1.0") { "HTTP/1.0 200" } else { "HTTP/1.1 200" }));
    }
}

#[test]
fn rfc9112_8_a_handler_must_keep_to_its_length() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.relay_head(id, OK, &[(b"Content-Length", b"8")]).unwrap();
    world.engine.relay_write(id, Bytes::from("short")).unwrap();
    assert_eq!(Err(CommandError::Length { announced: 8, written: 5 }), world.engine.relay_end(id));
    world.ended(&mut client);
}

#[test]
fn rfc9112_8_bytes_beyond_the_length_are_not_sent() {
    for parts in [&["much too long"][..], &["much", " too", " long"], &["much too", " long"]] {
        let mut world = World::new();
        let mut client = world.connect();
        client.send(GET);
        client.send(GET);
        let (id, _) = world.head();
        world.engine.relay_head(id, OK, &[(b"Content-Length", b"8")]).unwrap();
        let outcomes: Vec<_> = parts.iter().map(|part| world.engine.relay_write(id, Bytes::from(*part))).collect();
        assert_eq!(&Err(CommandError::Excess { announced: 8, written: 13 }), outcomes.last().unwrap());
        world.engine.relay_end(id).unwrap();
        world.ended(&mut client);
        assert!(client.text().ends_with("\r\n\r\nmuch too"), "{}", client.text());
    }
}

#[test]
fn rfc9112_8_a_whole_body_that_is_too_long_is_cut_at_its_length() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    let outcome = world.engine.relay(id, OK, &[(b"Content-Length", b"8")], Body::Slice(b"much too long"));
    assert_eq!(Err(CommandError::Excess { announced: 8, written: 13 }), outcome);
    world.engine.relay_end(id).unwrap();
    world.ended(&mut client);
    assert!(client.text().ends_with("\r\n\r\nmuch too"), "{}", client.text());
}

#[test]
fn rfc9112_7_1_chunks_without_a_last_chunk_end_the_connection() {
    for (body, kept) in [("2\r\nhi\r\n0\r\n\r\n", true), ("2\r\nhi\r\n", false), ("0\r\n", false)] {
        let mut world = World::new();
        let mut client = world.connect();
        client.send(GET);
        let (id, _) = world.head();
        world.engine.relay_head(id, OK, &[CHUNKED]).unwrap();
        for byte in body.bytes() {
            world.engine.relay_write(id, Bytes::copy_from_slice(&[byte])).unwrap();
        }
        assert_eq!(kept, world.engine.relay_end(id).is_ok(), "{body:?}");
        if kept {
            assert_eq!(b"hi", &*world.response(&mut client).body);
        } else {
            world.ended(&mut client);
        }
    }
}

#[test]
fn framing_that_cannot_be_sent() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    for fields in [
        &[CHUNKED, (b"Content-Length", b"1")][..],
        &[CHUNKED, CHUNKED],
        &[(b"Transfer-Encoding", b"gzip, chunked")],
        &[(b"X", b"a\r\nb")],
    ] {
        assert!(matches!(world.engine.relay_head(id, OK, fields), Err(CommandError::Field(_))), "{fields:?}");
    }
    assert_eq!(Err(CommandError::Status(101)), world.engine.relay_head(id, 101.into(), &[]));
    world.ok(id, "still there");
    assert_eq!(b"still there", &*world.response(&mut client).body);
}

#[test]
fn rfc9110_9_3_2_a_response_to_head_has_no_body() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (id, _) = world.head();
    world.engine.relay(id, OK, &[(b"Content-Length", b"4")], Body::Slice(b"left")).unwrap();
    assert_eq!(Some("4"), world.head_response(&mut client).field("content-length"));
}

#[test]
fn a_handler_takes_a_connection_over() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET, "after"].concat());
    let (id, _) = world.head();
    world.engine.switch_without_response(id).unwrap();
    assert_eq!(Err(CommandError::Started), world.engine.relay_head(id, OK, &[]));
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(_, bytes) if &*bytes == b"after"));
    world.engine.relay_write(id, Bytes::from_static(b"whatever")).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("whatever", client.text());
}

#[test]
fn a_connection_is_taken_over_in_the_middle_of_a_response() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET, "after"].concat());
    let (id, _) = world.head();
    world.engine.relay_head(id, OK, &[(b"Content-Length", b"4")]).unwrap();
    world.engine.relay_write(id, Bytes::from_static(b"body")).unwrap();
    world.engine.switch_without_response(id).unwrap();
    assert_eq!(Err(CommandError::Started), world.engine.switch_without_response(id));
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(_, bytes) if &*bytes == b"after"));
    world.engine.relay_write(id, Bytes::from_static(b" whatever")).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert!(client.text().ends_with("\r\n\r\nbody whatever"));
}

#[test]
fn the_end_of_a_connection_is_reported_last() {
    let mut world = World::new();
    world.engine.report_connections();
    let mut client = world.connect();
    client.send(GET);
    let Event::Opened(connection, peer) = world.event() else { panic!("not reported") };
    let (id, _) = world.head();
    assert_eq!(connection, id.connection());
    assert_eq!(peer, world.engine.addresses(connection).unwrap().0);
    drop(client);
    world.gone();
    assert!(matches!(world.event(), Event::Closed(closed, CloseReason::Done) if closed == connection));
    assert_eq!(None, world.engine.addresses(connection));
}

#[test]
fn an_owner_closes_after_an_incomplete_response() {
    let mut world = World::new();
    world.engine.report_connections();
    let mut client = world.connect();
    client.send(GET);
    let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
    let (id, _) = world.head();
    world.engine.relay_head(id, OK, &[]).unwrap();
    world.engine.relay_write(id, Bytes::from_static(b"half")).unwrap();
    world.engine.close_connection(connection);
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert!(client.text().ends_with("\r\n\r\nhalf"));
    world.gone();
    assert!(matches!(world.event(), Event::Closed(_, CloseReason::Done)));
}

#[test]
fn an_owner_aborts() {
    let mut world = World::new();
    world.engine.report_connections();
    let mut client = world.connect();
    client.send(GET);
    let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
    world.head();
    world.engine.abort_connection(connection);
    assert_eq!(End::Reset, world.ended(&mut client));
    world.gone();
    assert!(matches!(world.event(), Event::Closed(_, CloseReason::Aborted)));
}

#[test]
fn a_connection_is_released_before_its_first_request() {
    let mut world = World::new();
    world.engine.report_connections();
    let mut client = world.connect();
    let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
    client.send("GET /");
    world.settle();
    let (socket, read) = world.engine.release(connection).unwrap();
    let mut socket = std::net::TcpStream::from(socket);
    socket.set_nonblocking(false).unwrap();
    let mut rest = vec![0; 5 - read.len()];
    socket.read_exact(&mut rest).unwrap();
    assert_eq!(b"GET /", &*[read, rest].concat());
    socket.write_all(b"by another").unwrap();
    drop(socket);
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("by another", client.text());
    assert_eq!(0, world.engine.connections());
    assert!(world.events.is_empty());
}

#[test]
fn an_owner_sets_the_idle_timeout_of_a_connection() {
    let mut world = World::with(Limits { idle_timeout: 1, ..Limits::default() });
    world.engine.report_connections();
    let mut client = world.connect();
    let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
    world.engine.set_idle_timeout(connection, 0);
    client.send(GET);
    let (id, _) = world.head();
    world.ok(id, "idle");
    world.response(&mut client);
    let wheel = world.engine.next_deadline();
    world.engine.set_idle_timeout(connection, 20);
    assert!(world.engine.next_deadline() <= wheel || wheel.is_none());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn the_idle_timeout_of_an_owner_also_limits_silences_within_a_request() {
    let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx";
    for (sent, timeouts) in [("", (1, 0)), ("GET / HT", (1, 0)), (post, (0, 1))] {
        let mut world = World::with(Limits { idle_timeout: 0, ..Limits::default() });
        world.engine.report_connections();
        let mut client = world.connect();
        let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
        world.engine.set_idle_timeout(connection, 20);
        client.send(sent);
        if sent == post {
            let (id, _) = world.head();
            world.engine.receive(id, None).unwrap();
        }
        assert_eq!(End::Orderly, world.ended(&mut client), "{sent:?}");
        let counters = world.engine.counters();
        assert_eq!(timeouts, (counters.head_timeouts, counters.body_timeouts), "{sent:?}");
    }
}

#[test]
fn the_owner_of_a_pipe_responds_to_refused_messages() {
    let mut world = World::new();
    let pipe = world.engine.open_pipe(ropewalk_engine::Address::Unknown, ropewalk_engine::Address::Unknown, false);
    world.engine.delegate_refusals(pipe.connection());
    world.engine.feed_pipe(pipe, [GET, "no request\r\n\r\n"].concat().as_bytes());
    let (id, _) = world.head();
    world.ok(id, "before");
    assert!(matches!(world.event(), Event::PipeOutput(_, bytes) if bytes.ends_with(b"before")));
    assert!(matches!(world.event(), Event::Refused(refused) if refused == pipe));
    assert!(matches!(world.event(), Event::PipeEnding(_)));
    world.engine.end_pipe(pipe);
    assert!(matches!(world.event(), Event::PipeClosed(_, true)));
}

#[test]
fn methods_that_are_not_registered() {
    let mut world = World::new();
    world.engine.set_methods(Methods::Any);
    let mut client = world.connect();
    client.send("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n");
    let (id, head) = world.head();
    assert_eq!(b"BREW", head.method_name());
    world.ok(id, "coffee");
    assert_eq!(b"coffee", &*world.response(&mut client).body);
}
