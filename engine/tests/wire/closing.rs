//! Tests how connections end: closed by the client, in a drain, or by the engine.

use std::net::TcpStream;
use std::time::Duration;

use ropewalk_engine::event::Event;
use ropewalk_engine::{Body, CommandError, Engine, GoneReason, Limits, ListenerId};
use rustix::net::sockopt::set_socket_linger;

use crate::harness::{End, GET, Stream as _, World};

#[test]
fn rfc9112_9_6_a_half_closed_client_gets_responses_that_are_made_at_once() {
    let mut world = World::new().echoing_targets();
    let mut client = world.connect();
    client.send(["GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
    client.stream.shut_down_writing();
    assert_eq!("/1", world.response(&mut client).text());
    assert_eq!("/2", world.response(&mut client).text());
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!((0, 0), (world.engine.connections(), world.engine.counters().cut));
}

#[test]
fn a_half_closed_client_gets_a_whole_large_response() {
    let mut world = World::new().inline(|engine, event| {
        let Event::Head(id, _) = event else { return false };
        engine.respond(*id, 200, &[], Body::Shared(vec![b'x'; 8 << 20].into())).unwrap();
        true
    });
    let mut client = world.connect();
    client.send(GET);
    client.stream.shut_down_writing();
    assert_eq!(8 << 20, world.response(&mut client).body.len());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn an_exchange_that_waits_when_its_client_leaves_is_gone() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    client.stream.shut_down_writing();
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
    assert_eq!((0, 1), (world.engine.connections(), world.engine.counters().cut));
    assert_eq!(Err(CommandError::Gone), world.engine.respond(id, 200, &[], Body::Slice(b"")));
}

#[test]
fn a_reset_ends_an_exchange() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    reset(client.stream);
    assert_eq!((id, GoneReason::ClientReset), world.gone());
    assert_eq!(0, world.engine.connections());
}

#[test]
fn a_reset_ends_an_idle_connection() {
    let mut world = World::new().echoing_targets();
    let mut client = world.connect();
    client.send(GET);
    world.response(&mut client);
    reset(client.stream);
    world.until("the end of the connection", |world| world.engine.connections() == 0);
    assert!(world.events.is_empty());
}

#[test]
fn a_client_that_leaves_within_its_body() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    let (id, _) = world.head();
    world.receive(id);
    client.stream.shut_down_writing();
    assert!(matches!(world.event(), Event::Data(_, data) if data == "half"));
    world.engine.consumed(id, 4).unwrap();
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
}

#[test]
fn a_body_that_arrived_with_the_fin_is_read_to_its_end() {
    let mut world = World::new().inline(read_whole);
    let mut client = world.connect();
    let size = 300_000;
    client.send(upload(size));
    world.send_all(&mut client, &vec![b'x'; size]);
    client.stream.shut_down_writing();
    assert_eq!((200, "whole"), world.response(&mut client).brief());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_body_of_many_reads_is_read_before_the_fin_is_handled() {
    let mut world = World::new().inline(read_whole);
    let size = 150_000;
    let mut client = world.adopt(b"");
    client.send(upload(size));
    client.send(vec![b'x'; size]);
    client.stream.shut_down_writing();
    assert_eq!((200, "whole"), world.response(&mut client).brief());
}

fn upload(size: usize) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n")
}

/// Reads every request body, and responds when the body ends.
fn read_whole(engine: &mut Engine, event: &Event) -> bool {
    match event {
        Event::Head(id, _) => {
            let here = engine.receive(*id, None).unwrap();
            here.iter().for_each(|event| assert!(read_whole(engine, event)));
        }
        Event::Data(id, data) => engine.consumed(*id, data.len() as u64).unwrap(),
        Event::End(id, _) => engine.respond(*id, 200, &[], Body::Slice(b"whole")).unwrap(),
        _ => return false,
    }
    true
}

#[test]
fn a_client_that_leaves_within_its_head_is_closed() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HT");
    world.settle();
    client.stream.shut_down_writing();
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("", client.text());
}

#[test]
fn a_drain_closes_idle_connections_and_finishes_running_exchanges() {
    let mut world = World::with(Limits { drain_grace: 1, ..Limits::default() });
    let mut idle = world.connect();
    idle.send(GET);
    let (id, _) = world.head();
    world.ok(id, "");
    world.response(&mut idle);
    let mut running = world.connect();
    running.send(GET);
    let (id, _) = world.head();

    world.engine.drain(None);
    assert_eq!(End::Orderly, world.ended(&mut idle));
    world.until("the end of the listener", |world| world.engine.local_address(ListenerId(0)).is_none());
    assert!(TcpStream::connect(world.address).is_err(), "the listener is closed");
    assert!(world.events.is_empty());
    world.ok(id, "finished");
    let response = world.response(&mut running);
    assert_eq!(("finished", Some("close")), (response.text(), response.field("connection")));
    assert_eq!(End::Orderly, world.ended(&mut running));
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_drain_serves_the_request_that_arrived_just_before_it() {
    let mut world = World::new().echoing_targets();
    let mut client = world.connect();
    client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    world.engine.drain(None);
    let response = world.response(&mut client);
    assert_eq!(("/late", Some("close")), (response.text(), response.field("connection")));
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_drain_responds_to_a_request_that_was_on_its_way() {
    let mut world = World::with(Limits { drain_grace: 60_000, ..Limits::default() }).echoing_targets();
    let mut kept = world.connect();
    kept.send(GET);
    world.response(&mut kept);
    let mut fresh = world.connect();
    world.until("two connections", |world| world.engine.connections() == 2);

    world.engine.drain(Some(120_000));
    world.settle();
    for client in [&mut kept, &mut fresh] {
        client.send([GET, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
        let responses =
            [world.response(client), world.response(client)].map(|it| it.field("connection").map(str::to_owned));
        assert_eq!([None, Some("close".to_owned())], responses);
        assert_eq!(End::Orderly, world.ended(client));
    }
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_drain_responds_to_requests_pipelined_before_it_and_to_none_after() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(["GET /1 HTTP/1.1\r\nHost: a\r\n\r\n", "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
    let (first, _) = world.head();
    world.engine.drain(None);
    client.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    world.ok(first, "1");
    let (second, _) = world.head();
    world.ok(second, "2");
    let responses = [world.response(&mut client), world.response(&mut client)];
    assert_eq!([("1", None), ("2", Some("close"))], responses.each_ref().map(|it| (it.text(), it.field("connection"))));
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_drain_waits_for_a_head_that_has_begun() {
    let mut world = World::with(Limits { drain_grace: 1, ..Limits::default() }).echoing_targets();
    let (mut slow, mut silent) = (world.connect(), world.connect());
    slow.send("GET /slow HTTP/1.1\r\n");
    world.until("two connections", |world| world.engine.connections() == 2);
    world.engine.drain(None);
    assert_eq!(End::Orderly, world.ended(&mut silent));
    slow.send("Host: a\r\n\r\n");
    assert_eq!("/slow", world.response(&mut slow).text());
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_drain_serves_every_client_whose_handshake_is_complete() {
    let mut world = World::new().echoing_targets();
    let mut clients: Vec<_> = (0..600).map(|_| world.connect()).collect();
    clients.iter_mut().for_each(|client| client.send(GET));
    world.engine.drain(None);
    for client in &mut clients {
        assert_eq!(200, world.response(client).status);
    }
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_drain_does_not_linger_where_nothing_is_unread() {
    let mut world = World::with(Limits { linger_timeout: 60_000, ..Limits::default() });
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.drain(None);
    world.ok(id, "last");
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
    assert_eq!("last", world.response(&mut client).text());
}

#[test]
fn a_listener_that_was_shut_down_elsewhere_is_removed() {
    let mut world = World::new();
    let shared = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let id = world.engine.listen_inherited(shared.try_clone().unwrap().into()).unwrap();
    rustix::net::shutdown(&shared, rustix::net::Shutdown::Both).unwrap();
    world.engine.drain(None);
    assert_eq!(None, world.engine.local_address(id));
    assert!(matches!(world.event(), Event::Report(report) if report.code == "RW505"));
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_drain_without_connections_is_over_at_once() {
    let mut world = World::new();
    world.engine.drain(None);
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn the_deadline_of_a_drain_aborts_running_exchanges_and_counts_them() {
    let mut world = World::new();
    let mut clients = [world.connect(), world.connect()];
    for client in &mut clients {
        client.send(GET);
        world.head();
    }
    world.engine.drain(Some(50));
    assert_eq!(GoneReason::Stopped, world.gone().1);
    assert_eq!(GoneReason::Stopped, world.gone().1);
    assert!(matches!(world.event(), Event::Drained { cut: 2 }));
    for client in &mut clients {
        world.ended(client);
        assert_eq!("", client.text());
    }
    world.settle();
    assert!(world.events.is_empty(), "reported once");
}

#[test]
fn a_second_drain_can_only_be_shorter() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    world.head();
    world.engine.drain(Some(60_000));
    world.engine.drain(Some(20));
    assert_eq!(GoneReason::Stopped, world.gone().1);
    assert!(matches!(world.event(), Event::Drained { cut: 1 }));
}

#[test]
fn closing_the_engine_aborts_everything() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    let mut idle = world.connect();
    world.settle();
    assert_eq!(1, world.engine.close_all());
    assert_eq!((id, GoneReason::Stopped), world.gone());
    world.ended(&mut client);
    world.ended(&mut idle);
    assert!(TcpStream::connect(world.address).is_err());
}

#[test]
fn a_stopped_listener_leaves_its_connections() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.stop_listening(ListenerId(0));
    assert!(TcpStream::connect(world.address).is_err());
    world.ok(id, "still here");
    let response = world.response(&mut client);
    assert_eq!(("still here", None), (response.text(), response.field("connection")));
}

#[test]
fn a_client_that_leaves_while_a_large_response_is_sent() {
    let mut world = World::with(Limits::default()).inline(|engine, event| {
        let Event::Head(id, _) = event else { return false };
        engine.respond(*id, 200, &[], Body::Shared(vec![b'x'; 32 << 20].into())).unwrap();
        true
    });
    let mut client = world.connect();
    client.send(GET);
    world.until("a full socket", |world| world.engine.counters().bytes_out > 0);
    reset(client.stream);
    world.until("the end of the connection", |world| world.engine.connections() == 0);
    let mut other = world.connect();
    other.send(GET);
    assert_eq!(200, world.response(&mut other).status);
}

/// Closes a connection so that its peer receives a reset (RST).
fn reset(stream: TcpStream) {
    set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
}
