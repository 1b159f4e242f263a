//! Tests how the engine reports the end of a connection to its owner: whether the client closed or reset it, and when.

use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use ropewalk_engine::event::Event;
use ropewalk_engine::{Body, CloseReason, ConnectionId, ExchangeId, GoneReason, HalfClose};
use rustix::net::sockopt::set_socket_linger;

use crate::harness::{Client, End, GET, Stream as _, World};

const OK: ropewalk_engine::exchange::Status<'_> = ropewalk_engine::exchange::Status { code: 200, reason: None };
const UPLOAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf";

type Setup = fn(&mut World, &mut Client<TcpStream>) -> (ConnectionId, Option<ExchangeId>);

/// The states in which a connection may be when its client disconnects.
const STATES: [(&str, Setup); 7] = [
    ("fresh", |world, _| (opened(world), None)),
    ("idle", |world, client| {
        client.send(GET);
        let connection = opened(world);
        let (id, _) = world.head();
        world.ok(id, "");
        world.response(client);
        (connection, None)
    }),
    ("waiting for its response", |world, client| {
        client.send(GET);
        running(world)
    }),
    ("within a body that no handler reads yet", |world, client| {
        client.send(UPLOAD);
        running(world)
    }),
    ("within a body", |world, client| {
        client.send(UPLOAD);
        let (connection, id) = running(world);
        world.receive(id.unwrap());
        assert!(matches!(world.event(), Event::Data(..)));
        world.engine.consumed(id.unwrap(), 4).unwrap();
        (connection, id)
    }),
    ("within a response", |world, client| {
        client.send(GET);
        let (connection, id) = running(world);
        world.engine.relay_head(id.unwrap(), OK, &[(b"Content-Length", b"10")]).unwrap();
        world.engine.relay_write(id.unwrap(), Bytes::from_static(b"half")).unwrap();
        world.until("half of it", |_| {
            client.text().ends_with("half") || {
                client.read();
                false
            }
        });
        (connection, id)
    }),
    ("switched", |world, client| {
        client.send(GET);
        let (connection, id) = running(world);
        world.engine.switch_without_response(id.unwrap()).unwrap();
        (connection, id)
    }),
];

fn opened(world: &mut World) -> ConnectionId {
    let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
    connection
}

fn running(world: &mut World) -> (ConnectionId, Option<ExchangeId>) {
    let connection = opened(world);
    (connection, Some(world.head().0))
}

fn reporting() -> World {
    let mut world = World::new();
    world.engine.report_connections();
    world
}

fn reset(stream: &TcpStream) {
    set_socket_linger(stream, Some(Duration::ZERO)).unwrap();
}

/// Waits until a connection has ended. Returns why its exchange ended early, if it did, and why the connection ended.
fn ends(world: &mut World, id: Option<ExchangeId>) -> (Option<GoneReason>, CloseReason) {
    let mut reason = None;
    loop {
        match world.event() {
            Event::Gone(gone, why) => {
                assert_eq!((id, None), (Some(gone), reason.replace(why)));
            }
            Event::Closed(_, closing) => return (reason, closing),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_reset_is_distinguished_from_a_close() {
    for (state, bring) in STATES {
        for (resets, reason, closing) in
            [(true, GoneReason::ClientReset, CloseReason::Lost), (false, GoneReason::ClientLeft, CloseReason::Done)]
        {
            let mut world = reporting();
            let mut client = world.connect();
            let (_, id) = bring(&mut world, &mut client);
            if resets {
                reset(&client.stream);
            }
            drop(client);
            if !resets && state == "within a response" {
                world.settle();
                world.engine.relay_write(id.unwrap(), Bytes::from_static(b"more")).unwrap();
                world.settle();
                // After the client has closed its socket, its kernel responds to new bytes with a reset.
                let _ = world.engine.relay_write(id.unwrap(), Bytes::from_static(b".."));
            }
            assert_eq!((id.map(|_| reason), closing), ends(&mut world, id), "{state}, {resets}");
        }
    }
}

#[test]
fn an_error_after_the_client_has_closed_is_no_reset() {
    let mut world = reporting();
    let mut client = world.connect();
    let (_, bring) = STATES[5];
    let (_, id) = bring(&mut world, &mut client);
    client.stream.shut_down_writing();
    world.settle();
    reset(&client.stream);
    drop(client);
    assert_eq!((Some(GoneReason::ClientLeft), CloseReason::Done), ends(&mut world, id));
}

#[test]
fn a_close_and_an_error_seen_at_once_are_no_reset() {
    let mut world = reporting();
    let mut client = world.connect();
    let (_, bring) = STATES[2];
    let (_, id) = bring(&mut world, &mut client);
    client.stream.shut_down_writing();
    reset(&client.stream);
    drop(client);
    assert_eq!((Some(GoneReason::ClientLeft), CloseReason::Done), ends(&mut world, id));
}

#[test]
fn a_client_that_may_half_close_has_not_left_after_its_fin() {
    for state in [2, 5, 6] {
        let mut world = reporting();
        let mut client = world.connect();
        let (connection, id) = STATES[state].1(&mut world, &mut client);
        world.engine.set_connection_half_close(connection, HalfClose::Finish);
        client.stream.shut_down_writing();
        world.settle();
        assert!(world.events.is_empty());
        reset(&client.stream);
        drop(client);
        assert_eq!((Some(GoneReason::ClientReset), CloseReason::Lost), ends(&mut world, id));
    }
}

#[test]
fn a_unix_client_that_leaves_bytes_unread_resets() {
    for (unread, closing) in [(true, CloseReason::Lost), (false, CloseReason::Done)] {
        let mut world = reporting();
        let mut client = world.adopt(GET.as_bytes());
        let (id, _) = world.head();
        world.engine.relay_head(id, OK, &[(b"Content-Length", b"10")]).unwrap();
        world.engine.relay_write(id, Bytes::from_static(b"half")).unwrap();
        world.settle();
        if !unread {
            client.read();
            assert!(client.text().ends_with("half"));
        }
        drop(client);
        assert_eq!(closing, ends(&mut world, Some(id)).1);
    }
}

#[test]
fn lingering_is_reported_before_the_client_has_closed() {
    let mut world = reporting();
    let mut client = world.connect();
    let (connection, id) = STATES[6].1(&mut world, &mut client);
    world.engine.relay_write(id.unwrap(), Bytes::from_static(b"bye")).unwrap();
    world.engine.end(id.unwrap(), &[]).unwrap();
    assert!(matches!(world.event(), Event::Lingering(of) if of == connection));
    assert_eq!(1, world.engine.connections(), "the connection lingers");
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("bye", client.text());
    drop(client);
    assert_eq!((None, CloseReason::Done), ends(&mut world, None));
}

#[test]
fn lingering_is_not_reported_before_all_is_sent() {
    let mut world = reporting();
    let mut client = world.connect();
    let (_, id) = STATES[6].1(&mut world, &mut client);
    world.engine.relay_write(id.unwrap(), vec![b'x'; 16 << 20].into()).unwrap();
    world.engine.end(id.unwrap(), &[]).unwrap();
    world.settle();
    assert!(world.events.is_empty());
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!(16 << 20, client.text().len());
    assert!(matches!(world.event(), Event::Lingering(_)));
}

#[test]
fn connections_without_an_owner_are_not_reported() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (id, _) = world.head();
    world.engine.respond(id, 200, &[], Body::Slice(b"")).unwrap();
    world.response(&mut client);
    drop(client);
    world.settle();
    assert!(world.events.is_empty());
}
