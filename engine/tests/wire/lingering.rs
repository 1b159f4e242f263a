//! Tests lingering (RFC 9112, section 9.6): a client that is still sending can read its response, within limits.

use std::net::TcpStream;

use ropewalk_engine::event::Event;
use ropewalk_engine::{Address, Body, Engine, Limits};

use crate::harness::{Client, End, GET, Stream as _, World};

/// More bytes than the sockets between a client and the engine can buffer.
const UPLOAD: usize = 12 << 20;

const LARGE: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12582912\r\n\r\n";

/// Refuses every request with 413, because of its `Content-Length`.
fn too_large(engine: &mut Engine, event: &Event) -> bool {
    let Event::Head(id, _) = event else { return false };
    engine.respond(*id, 413, &[], Body::Slice(b"too large")).unwrap();
    true
}

fn refused_with(limits: Limits) -> (World, Client<TcpStream>) {
    let mut world = World::with(limits).inline(too_large);
    let mut client = world.connect();
    client.send(LARGE);
    world.until("the refusal", |world| world.engine.counters().responses[3] == 1);
    (world, client)
}

#[test]
fn a_client_may_send_for_longer_than_linger_timeout() {
    let limits = Limits { linger_timeout: 200, head_timeout: 800, ..Limits::default() };
    let (mut world, mut client) = refused_with(limits);
    let _silent = world.connect();
    world.until("time to pass", |world| {
        client.send_some(b"x");
        world.engine.counters().head_timeouts == 1
    });
    assert_eq!(1, world.engine.connections(), "its client has sent bytes all the time");
    assert_eq!((413, "too large"), world.response(&mut client).brief());
    assert_eq!(End::Orderly, world.ended(&mut client));
    world.until("the end of the silence", |world| world.engine.connections() == 0);
}

#[test]
fn a_client_that_drips_is_closed_after_linger_time() {
    let limits = Limits { linger_timeout: 60_000, linger_total_time: 200, ..Limits::default() };
    let (mut world, mut client) = refused_with(limits);
    world.until("the end of the dripping", |world| {
        let over = world.engine.connections() == 0;
        if !over {
            client.send_some(b"x");
        }
        over
    });
}

#[test]
fn a_client_that_sends_much_is_closed_after_linger_size() {
    let (mut world, mut client) = refused_with(Limits { linger_size: 100_000, ..Limits::default() });
    let data = vec![b'x'; 10_000];
    world.until("the end of the flood", |world| {
        let over = world.engine.connections() == 0;
        if !over {
            client.send_some(&data);
        }
        over
    });
    assert!((100_000..300_000).contains(&world.engine.counters().bytes_in), "at most the limit and one read");
}

#[test]
fn a_limit_of_0_is_no_limit() {
    let limits = Limits { linger_timeout: 0, linger_total_time: 0, head_timeout: 0, ..Limits::default() };
    let (mut world, client) = refused_with(limits);
    world.settle();
    assert_eq!((1, None), (world.engine.connections(), world.engine.next_deadline()));
    client.stream.shut_down_writing();
    world.until("the end of the client", |world| world.engine.connections() == 0);
}

#[test]
fn every_last_response_reaches_a_client_that_sends_before_it_reads() {
    let begin = |engine: &mut Engine, event: &Event| {
        let Event::Head(id, _) = event else { return false };
        engine.close_after_response(*id).unwrap();
        engine.begin(*id, 403, &[], None).unwrap();
        engine.write(*id, "in parts".into()).unwrap();
        engine.end(*id, &[]).unwrap();
        true
    };
    let relay = |engine: &mut Engine, event: &Event| {
        let Event::Head(id, _) = event else { return false };
        let status = ropewalk_engine::exchange::Status { code: 403, reason: Some(b"No") };
        engine.relay(*id, status, &[(b"Content-Length", b"2")], Body::Slice(b"no")).unwrap();
        true
    };
    let limit = |engine: &mut Engine, event: &Event| {
        let Event::Head(id, _) = event else { return false };
        assert!(engine.receive(*id, None).is_err());
        engine.respond(*id, 413, &[], Body::Slice(b"")).unwrap();
        true
    };
    type Served = fn(&mut Engine, &Event) -> bool;
    let small = Limits { head_fields: 3, ..Limits::default() };
    let many = format!("{}A: 1\r\nB: 2\r\nC: 3\r\n\r\n", &LARGE[..LARGE.len() - 2]);
    let expecting = format!("{}Expect: 200-ok\r\n\r\n", &LARGE[..LARGE.len() - 2]);
    let bad_chunk = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n";
    let read_chunks = |engine: &mut Engine, event: &Event| match event {
        Event::Head(id, _) => {
            for event in engine.receive(*id, None).unwrap() {
                if let Event::BadBody(id, _) = event {
                    engine.respond(id, 400, &[], Body::Slice(b"")).unwrap();
                }
            }
            true
        }
        Event::BadBody(id, _) => {
            engine.respond(*id, 400, &[], Body::Slice(b"")).unwrap();
            true
        }
        _ => false,
    };
    let cases: [(&str, Served, u16); 8] = [
        ("nonsense\r\n\r\n", too_large, 400),
        (LARGE, too_large, 413),
        (LARGE, limit, 413),
        (&expecting, too_large, 417),
        (&many, too_large, 431),
        (LARGE, begin, 403),
        (LARGE, relay, 403),
        (bad_chunk, read_chunks, 400),
    ];
    for (head, served, status) in cases {
        let mut world = World::with(small.clone()).inline(served);
        let mut client = world.connect();
        client.send(head);
        world.send_all(&mut client, &vec![b'x'; UPLOAD]);
        let response = world.response(&mut client);
        assert_eq!((status, Some("close")), (response.status, response.field("connection")), "{head}");
        assert_eq!(End::Orderly, world.ended(&mut client), "{head}");
    }
}

#[test]
fn the_response_of_an_owner_reaches_a_client_that_sends_before_it_reads() {
    let mut world = World::new();
    world.engine.report_connections();
    let mut client = world.connect();
    client.send(LARGE);
    let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
    let (id, _) = world.head();
    world.engine.switch_without_response(id).unwrap();
    world.engine.relay_write(id, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".into()).unwrap();
    world.engine.close_connection(connection);
    world.send_all(&mut client, &vec![b'x'; UPLOAD]);
    assert_eq!(400, world.response(&mut client).status);
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn no_lingering_where_an_owner_has_sent_nothing() {
    let mut world = World::new();
    world.engine.report_connections();
    let mut client = world.connect();
    client.send(LARGE);
    let Event::Opened(connection, _) = world.event() else { panic!("not reported") };
    world.head();
    world.engine.close_connection(connection);
    world.settle();
    assert_eq!(0, world.engine.connections());
}

#[test]
fn a_drain_lingers_no_longer_than_drain_grace() {
    let limits = Limits { drain_grace: 1, linger_timeout: 60_000, ..Limits::default() };
    let (mut world, mut before) = refused_with(limits);
    let mut within = world.connect();
    world.until("two connections", |world| world.engine.connections() == 2);
    within.send("POST / HTT");
    world.settle();
    world.engine.drain(Some(120_000));
    within.send(&LARGE["POST / HTT".len()..]);
    for client in [&mut before, &mut within] {
        assert_eq!(413, world.response(client).status);
        assert_eq!(End::Orderly, world.ended(client));
    }
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_client_that_drips_does_not_delay_a_drain() {
    // The drain's own deadline would also end the connection, but only after a minute. `until` does not wait that long.
    let limits = Limits { drain_grace: 100, linger_timeout: 60_000, linger_total_time: 0, ..Limits::default() };
    let (mut world, mut client) = refused_with(limits);
    world.engine.drain(Some(60_000));
    world.until("the end of the dripping", |world| {
        let over = world.engine.connections() == 0;
        if !over {
            client.send_some(b"x");
        }
        over
    });
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

fn full() -> (World, Client<TcpStream>) {
    full_with(Limits::default())
}

fn full_with(limits: Limits) -> (World, Client<TcpStream>) {
    let mut world = World::with(Limits { connections: 1, ..limits }).echoing_targets();
    let mut one = world.connect();
    one.send(GET);
    assert_eq!(200, world.response(&mut one).status);
    (world, one)
}

#[test]
fn rfc9110_15_6_4_a_client_that_is_turned_away_can_read_the_refusal() {
    let (mut world, one) = full();
    let mut other = world.connect();
    other.send(LARGE);
    world.send_all(&mut other, &vec![b'x'; UPLOAD]);
    let response = world.response(&mut other);
    assert_eq!((503, Some("1")), (response.status, response.field("retry-after")));
    assert_eq!(End::Orderly, world.ended(&mut other));
    drop(one);
    world.until("the end of the first", |world| world.engine.connections() == 1);
    let mut third = world.connect();
    third.send(GET);
    assert_eq!(200, world.response(&mut third).status, "a client that was turned away takes no slot");
}

#[test]
fn a_limited_number_may_linger_while_the_engine_is_full() {
    let (mut world, mut one) = full_with(Limits { linger_timeout: 0, linger_total_time: 0, ..Limits::default() });
    let mut others: Vec<_> = (0..100).map(|_| world.connect()).collect();
    for other in &mut others {
        assert_eq!(503, world.response(other).status);
    }
    assert_eq!(100, world.engine.counters().turned_away);
    // The limit is one connection for every 64 descriptors that connections may use (80% of the process's descriptors),
    // and at most 64.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let lingering = (limit / 5 * 4 / 64).min(64) as usize;
    assert!(lingering > 1, "too few descriptors for this test: {limit}");
    assert_eq!(1 + lingering, world.engine.connections());
    one.send(GET);
    assert_eq!(200, world.response(&mut one).status);
    drop(others);
    world.until("the end of the others", |world| world.engine.connections() == 1);
}

#[test]
fn a_lingering_connection_makes_room_for_another() {
    let mut world = World::with(Limits { connections: 2, ..Limits::default() }).inline(|engine, event| {
        let Event::Head(id, head) = event else { return false };
        if head.has_body() {
            return too_large(engine, event);
        }
        engine.respond(*id, 200, &[], Body::Slice(head.target())).unwrap();
        true
    });
    let mut uploads = [world.connect(), world.connect()];
    for client in &mut uploads {
        client.send(LARGE);
        assert_eq!(413, world.response(client).status);
    }
    let mut other = world.connect();
    other.send(GET);
    assert_eq!(200, world.response(&mut other).status);
    assert_eq!((2, 0), (world.engine.connections(), world.engine.counters().turned_away));
    for client in &mut uploads[1..] {
        client.stream.shut_down_writing();
        assert_eq!(End::Orderly, world.ended(client), "the last connection still lingers");
    }
}

#[test]
fn the_owner_of_a_pipe_ends_its_side_and_keeps_reading() {
    let mut world = World::with(Limits { read_buffer: 1024, ..Limits::default() });
    let pipe = world.engine.open_pipe(Address::Unknown, Address::Unknown, true);
    world.engine.feed_pipe(pipe, LARGE.as_bytes());
    let (id, _) = world.head();
    world.engine.feed_pipe(pipe, &[b'x'; 2000]);
    assert!(matches!(world.event(), Event::PipeFlow(_, false)));
    world.engine.respond(id, 403, &[], Body::Slice(b"no")).unwrap();
    assert!(matches!(world.event(), Event::PipeOutput(_, bytes) if bytes.ends_with(b"no")));
    assert!(matches!(world.event(), Event::PipeEnding(ending) if ending == pipe));
    assert!(matches!(world.event(), Event::PipeFlow(_, true)), "else the client could not send more");
    world.engine.feed_pipe(pipe, &[b'x'; 2000]);
    world.settle();
    assert!(world.events.is_empty());
    world.engine.end_pipe(pipe);
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));
}

#[test]
fn a_pipe_lingers_no_longer_than_a_socket() {
    for (limits, floods) in [
        (Limits { linger_timeout: 100, ..Limits::default() }, false),
        (Limits { linger_total_time: 100, ..Limits::default() }, false),
        (Limits { linger_size: 100, ..Limits::default() }, true),
    ] {
        let mut world = World::with(limits);
        let pipe = world.engine.open_pipe(Address::Unknown, Address::Unknown, false);
        world.engine.feed_pipe(pipe, b"nonsense\r\n\r\n");
        assert!(matches!(world.event(), Event::PipeOutput(..)));
        assert!(matches!(world.event(), Event::PipeEnding(_)));
        if floods {
            world.engine.feed_pipe(pipe, &[b'x'; 101]);
        }
        assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));
    }
}

#[test]
fn a_lingering_pipe_makes_room_for_another() {
    let mut world = World::with(Limits { connections: 1, ..Limits::default() });
    let pipe = world.engine.open_pipe(Address::Unknown, Address::Unknown, false);
    world.engine.feed_pipe(pipe, b"nonsense\r\n\r\n");
    assert!(matches!(world.event(), Event::PipeOutput(..)));
    assert!(matches!(world.event(), Event::PipeEnding(_)));
    let next = world.engine.open_pipe(Address::Unknown, Address::Unknown, false);
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));
    world.engine.feed_pipe(next, GET.as_bytes());
    world.head();
}
