//! Tests clients that close their sending side (send a FIN) and still read, and clients that have disconnected.

use std::net::TcpStream;

use bytes::Bytes;
use ropewalk_engine::event::Event;
use ropewalk_engine::{Body, CommandError, ExchangeId, GoneReason, HalfClose, Limits, Pressure};
use rustix::net::sockopt::set_socket_linger;

use crate::harness::{Client, End, GET, Stream, World};

/// The choices with which an exchange continues after a FIN.
const SURVIVING: [HalfClose; 2] = [HalfClose::Respond, HalfClose::Finish];

fn waiting(world: &mut World, choice: HalfClose) -> (Client<TcpStream>, ExchangeId) {
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.set_half_close(id, choice).unwrap();
    (client, id)
}

/// Runs turns until the engine has handled the FIN and has no more work.
fn notice_fin(world: &mut World) {
    for _ in 0..2 {
        let before = world.engine.counters().turns;
        world.settle_within(20);
        assert!(world.engine.counters().turns - before < 20, "the engine runs turns without work");
    }
}

#[test]
fn a_streamed_response_is_sent_whole_and_ends_with_a_fin() {
    for (version, length) in [("1.1", None), ("1.1", Some(9)), ("1.0", None)] {
        let mut world = World::new();
        let mut client = world.connect();
        client.send(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n"));
        let (id, _) = world.head();
        world.engine.begin(id, 200, &[], length).unwrap();
        world.engine.write(id, Bytes::from("one")).unwrap();
        client.stream.shut_down_writing();
        notice_fin(&mut world);
        world.engine.write(id, Bytes::from("two")).unwrap();
        notice_fin(&mut world);
        world.engine.write(id, Bytes::from("six")).unwrap();
        world.engine.end(id, &[]).unwrap();
        assert_eq!("onetwosix", world.response(&mut client).text(), "HTTP/{version}, {length:?}");
        assert_eq!(End::Orderly, world.ended(&mut client));
        world.settle();
        assert!(world.events.is_empty());
        assert_eq!((0, 0), (world.engine.connections(), world.engine.counters().cut));
    }
}

#[test]
fn a_stream_of_events_ends_with_its_client() {
    for relayed in [false, true] {
        for choice in [HalfClose::Cancel, HalfClose::Respond] {
            let mut world = World::with(Limits { half_close_timeout: 3_600_000, ..Limits::default() });
            let (client, id) = waiting(&mut world, choice);
            let fields: &[(&[u8], &[u8])] = &[(b"Content-Type", b"Text/Event-Stream; charset=utf-8")];
            if relayed {
                world.engine.relay_head(id, 200.into(), fields).unwrap();
                world.engine.relay_write(id, Bytes::from("data: 1\n\n")).unwrap();
            } else {
                world.engine.begin(id, 200, fields, None).unwrap();
                world.engine.write(id, Bytes::from("data: 1\n\n")).unwrap();
            }
            notice_fin(&mut world);
            client.stream.shut_down_writing();
            let event = world.event();
            assert!(matches!(event, Event::Gone(gone, GoneReason::ClientLeft) if gone == id), "{event:?}");
        }
    }
}

#[test]
fn a_stream_of_events_that_its_handler_frames_ends_with_its_client() {
    let mut world = World::new();
    let (mut client, id) = waiting(&mut world, HalfClose::Cancel);
    world.engine.relay_head(id, 200.into(), &[(b"Content-Length", b"6")]).unwrap();
    world.engine.relay_write(id, Bytes::from("one")).unwrap();
    client.stream.shut_down_writing();
    notice_fin(&mut world);
    world.engine.relay_write(id, Bytes::from("two")).unwrap();
    world.engine.relay_end(id).unwrap();
    assert_eq!("onetwo", world.response(&mut client).text());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_stream_that_waits_for_its_client_continues_as_the_client_reads() {
    let mut world = World::new();
    let (mut client, id) = waiting(&mut world, HalfClose::Cancel);
    client.stream.shut_down_writing();
    world.engine.begin(id, 200, &[], None).unwrap();
    let part = Bytes::from(vec![b'x'; 100_000]);
    for _ in 0..100 {
        if world.engine.write(id, part.clone()).unwrap() == Pressure::High {
            while world.events.is_empty() {
                notice_fin(&mut world);
                client.read();
            }
            assert!(matches!(world.event(), Event::Writable(from) if from == id));
        }
    }
    world.engine.end(id, &[]).unwrap();
    assert_eq!(10_000_000, world.response(&mut client).body.len());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_stream_that_pauses_for_too_long_counts_as_waiting() {
    for choice in [HalfClose::Cancel, HalfClose::Respond] {
        let mut world = World::with(Limits { half_close_timeout: 50, ..Limits::default() });
        let (mut client, id) = waiting(&mut world, choice);
        world.engine.begin(id, 200, &[], None).unwrap();
        world.engine.write(id, Bytes::from("one")).unwrap();
        client.stream.shut_down_writing();
        assert_eq!((id, GoneReason::ClientLeft), world.gone());
        client.read();
        assert!(client.text().ends_with("3\r\none\r\n"));
        assert_eq!(End::Orderly, world.ended(&mut client));
    }
}

#[test]
fn a_waiting_exchange_is_reported_and_its_response_is_sent_or_neither() {
    for choice in SURVIVING {
        let mut world = World::with(Limits { half_close_timeout: 1, ..Limits::default() });
        let (mut client, id) = waiting(&mut world, choice);
        client.stream.shut_down_writing();
        if choice == HalfClose::Respond {
            assert!(matches!(world.event(), Event::HalfClosed(of) if of == id));
        }
        notice_fin(&mut world);
        assert!(world.events.is_empty(), "once");
        world.ok(id, "late");
        assert_eq!((200, "late"), world.response(&mut client).brief());
        assert_eq!(End::Orderly, world.ended(&mut client));
        assert_eq!(0, world.engine.counters().cut);
    }
}

#[test]
fn pipelined_requests_before_the_fin_all_get_responses() {
    for choice in SURVIVING {
        let mut world = World::new().inline(move |engine, event| {
            if let Event::Head(id, _) = event {
                engine.set_half_close(*id, choice).unwrap();
            }
            false
        });
        let mut client = world.connect();
        client.send([GET, GET].concat());
        client.stream.shut_down_writing();
        for text in ["1", "2"] {
            let (id, _) = world.head();
            notice_fin(&mut world);
            world.events.clear();
            world.ok(id, text);
            assert_eq!(text, world.response(&mut client).text());
        }
        assert_eq!(End::Orderly, world.ended(&mut client));
    }
}

#[test]
fn responses_before_a_cancelled_exchange_are_sent_whole() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET, GET].concat());
    let (first, _) = world.head();
    world.engine.respond(first, 200, &[], Body::Shared(vec![b'x'; 8 << 20].into())).unwrap();
    let mut second = None;
    while second.is_none() {
        world.settle();
        client.read();
        second = world.events.pop_front();
    }
    client.stream.shut_down_writing();
    assert_eq!(8 << 20, world.response(&mut client).body.len());
    assert!(matches!(world.event(), Event::Gone(_, GoneReason::ClientLeft)));
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_listener_may_allow_half_close_for_all_connections() {
    let mut world = World::with(Limits { half_close_timeout: 1, ..Limits::default() });
    let listener = world.engine.listen_tcp("127.0.0.1", 0, None, false).unwrap();
    world.engine.set_listener_half_close(listener, HalfClose::Finish);
    let Some(ropewalk_engine::Address::Inet(address)) = world.engine.local_address(listener) else {
        panic!("no address")
    };
    let first = world.address;
    for (address, lasts) in [(address, true), (first, false)] {
        world.address = address;
        let (mut client, id) = waiting(&mut world, HalfClose::Cancel);
        client.stream.shut_down_writing();
        notice_fin(&mut world);
        if !lasts {
            assert_eq!((id, GoneReason::ClientLeft), world.gone());
            continue;
        }
        world.engine.begin(id, 200, &[], None).unwrap();
        notice_fin(&mut world);
        world.engine.end(id, &[]).unwrap();
        assert_eq!((200, ""), world.response(&mut client).brief());
        assert_eq!(End::Orderly, world.ended(&mut client));
    }
}

#[test]
fn a_reset_is_no_half_close() {
    for choice in SURVIVING {
        let mut world = World::new();
        let (client, id) = waiting(&mut world, choice);
        client.stream.shut_down_writing();
        notice_fin(&mut world);
        world.events.clear();
        set_socket_linger(&client.stream, Some(std::time::Duration::ZERO)).unwrap();
        drop(client);
        assert_eq!((id, GoneReason::ClientReset), world.gone());
        assert_eq!(0, world.engine.connections());
    }
}

#[test]
fn a_client_that_is_gone_is_detected_when_something_is_sent() {
    let mut world = World::new();
    let (mut client, id) = waiting(&mut world, HalfClose::Cancel);
    world.engine.begin(id, 200, &[], None).unwrap();
    world.until("the head of the response", |_| {
        client.read();
        !client.received.is_empty()
    });
    drop(client); // all bytes were read, because unread bytes would make this a reset
    notice_fin(&mut world);
    assert!(world.events.is_empty(), "a FIN alone does not show that the client is gone");
    world.engine.write(id, Bytes::from("one")).unwrap();
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
}

#[test]
fn a_client_of_a_unix_socket_that_is_gone_is_detected_at_once() {
    let mut world = World::new();
    let mut client = world.adopt(b"");
    client.send(GET);
    let (id, _) = world.head();
    world.engine.set_half_close(id, HalfClose::Finish).unwrap();
    client.stream.shut_down_writing();
    notice_fin(&mut world);
    assert!(world.events.is_empty());
    drop(client);
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
}

#[test]
fn a_fin_within_a_body_ends_the_exchange() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    let (id, _) = world.head();
    world.engine.set_half_close(id, HalfClose::Finish).unwrap();
    world.receive(id);
    client.send("half");
    client.stream.shut_down_writing();
    assert!(matches!(world.event(), Event::Data(_, data) if data == "half"));
    world.engine.consumed(id, 4).unwrap();
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
}

#[test]
fn a_body_that_arrived_with_the_fin_may_be_read_late() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nwhole");
    let (id, _) = world.head();
    world.engine.set_half_close(id, HalfClose::Finish).unwrap();
    client.stream.shut_down_writing();
    notice_fin(&mut world);
    assert_eq!(b"whole".to_vec(), world.body(id));
    world.ok(id, "thanks");
    assert_eq!("thanks", world.response(&mut client).text());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_command_after_the_client_has_left_is_gone() {
    let mut world = World::new();
    let (client, id) = waiting(&mut world, HalfClose::Cancel);
    client.stream.shut_down_writing();
    world.engine.begin_turn();
    while world.engine.counters().cut == 0 {
        world.engine.poll().unwrap();
        world.engine.flush_queued();
    }
    assert_eq!(Err(CommandError::Gone), world.engine.respond(id, 200, &[], Body::Slice(b"")));
}

#[test]
fn the_choice_for_an_exchange_does_not_apply_to_the_next() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET, GET].concat());
    let (first, _) = world.head();
    world.ok(first, "1");
    let (second, _) = world.head();
    world.engine.set_half_close(second, HalfClose::Finish).unwrap();
    assert_eq!(Err(CommandError::Complete), world.engine.set_half_close(first, HalfClose::Cancel));
    client.stream.shut_down_writing();
    notice_fin(&mut world);
    assert!(world.events.is_empty(), "the second continues");
    world.ok(second, "2");
    assert_eq!("1", world.response(&mut client).text());
    assert_eq!("2", world.response(&mut client).text());
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!(Err(CommandError::Gone), world.engine.set_half_close(second, HalfClose::Cancel));
}

#[test]
fn the_owner_of_a_pipe_may_allow_half_close() {
    let mut world = World::new();
    let pipe = world.engine.open_pipe(ropewalk_engine::Address::Unknown, ropewalk_engine::Address::Unknown, false);
    world.engine.set_connection_half_close(pipe.connection(), HalfClose::Finish);
    world.engine.feed_pipe(pipe, GET.as_bytes());
    let (id, _) = world.head();
    world.engine.end_pipe(pipe);
    notice_fin(&mut world);
    assert!(world.events.is_empty());
    world.ok(id, "late");
    assert!(matches!(world.event(), Event::PipeOutput(_, bytes) if bytes.ends_with(b"late")));
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));
}
