//! Tests every deadline of a client, with limits that are short enough to wait for.

use ropewalk_engine::event::Event;
use ropewalk_engine::{Body, GoneReason, Limits};

use crate::harness::{End, GET, World};

const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";

#[test]
fn a_silent_connection_is_closed() {
    let mut world = World::with(Limits { head_timeout: 100, ..Limits::default() });
    let mut client = world.connect();
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("", client.text());
    assert_eq!(1, world.engine.counters().head_timeouts);
}

#[test]
fn rfc9110_15_5_9_a_head_that_takes_too_long_gets_408() {
    for served_before in [false, true] {
        let limits = Limits { head_timeout: 100, ..Limits::default() };
        let mut world = World::with(limits).echoing_targets();
        let mut client = world.connect();
        if served_before {
            client.send(GET);
            world.response(&mut client);
        }
        client.send("GET / HTTP/1.1\r\n");
        let response = world.response(&mut client);
        assert_eq!((408, Some("close")), (response.status, response.field("connection")));
        assert_eq!(End::Orderly, world.ended(&mut client));
        assert_eq!((1, 1), (world.engine.counters().head_timeouts, world.engine.counters().refused));
    }
}

#[test]
fn rfc9112_2_2_an_empty_line_does_not_begin_a_head() {
    for (served_before, counted) in [(false, (0, 1)), (true, (1, 0))] {
        for line in ["\r", "\r\n"] {
            let limits = Limits { head_timeout: 100, idle_timeout: 150, ..Limits::default() };
            let mut world = World::with(limits).echoing_targets();
            let mut client = world.connect();
            if served_before {
                client.send(GET);
                world.response(&mut client);
            }
            client.send(line);
            assert_eq!(End::Orderly, world.ended(&mut client));
            assert_eq!("", client.text(), "no 408, which the client could take for its next response");
            assert_eq!(counted, (world.engine.counters().idle_timeouts, world.engine.counters().head_timeouts));
        }
    }
}

#[test]
fn a_dripped_head_gets_no_more_time() {
    let mut world = World::with(Limits { head_timeout: 300, ..Limits::default() });
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\n");
    let mut drops = 0;
    world.until("the end of the dripping", |world| {
        if world.engine.counters().head_timeouts == 0 {
            drops += client.send_some(b"X: y\r\n");
        }
        world.engine.counters().head_timeouts == 1 || drops > 300
    });
    assert_eq!(408, world.response(&mut client).status);
}

#[test]
fn an_idle_connection_is_closed_without_a_response() {
    let mut world = World::with(Limits { idle_timeout: 100, ..Limits::default() }).echoing_targets();
    let mut client = world.connect();
    client.send(GET);
    assert_eq!(200, world.response(&mut client).status);
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("", client.text());
    assert_eq!((1, 0), (world.engine.counters().idle_timeouts, world.engine.counters().head_timeouts));
}

#[test]
fn a_handler_has_no_deadline() {
    let limits =
        Limits { head_timeout: 50, idle_timeout: 50, body_timeout: 50, write_timeout: 50, ..Limits::default() };
    let mut world = World::with(limits);
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    let mut other = world.connect();
    assert_eq!(End::Orderly, world.ended(&mut other), "time has passed");
    world.ok(id, "at last");
    assert_eq!("at last", world.response(&mut client).text());
}

#[test]
fn a_body_that_stalls_gets_408_and_its_exchange_is_gone() {
    let mut world = World::with(Limits { body_timeout: 100, ..Limits::default() });
    let mut client = world.connect();
    client.send([POST, "half"].concat());
    let (id, _) = world.head();
    world.receive(id);
    assert!(matches!(world.event(), Event::Data(..)));
    assert_eq!((id, GoneReason::BodyTimeout), world.gone());
    let response = world.response(&mut client);
    assert_eq!((408, Some("close")), (response.status, response.field("connection")));
    assert_eq!(1, world.engine.counters().body_timeouts);
    assert_eq!(0, world.engine.counters().running);
}

#[test]
fn a_body_that_stalls_after_the_head_of_its_response_ends_the_connection() {
    let mut world = World::with(Limits { body_timeout: 100, ..Limits::default() });
    let mut client = world.connect();
    client.send(POST);
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    world.receive(id);
    assert_eq!((id, GoneReason::BodyTimeout), world.gone());
    world.ended(&mut client);
    assert!(!client.text().contains("408"), "{}", client.text());
}

#[test]
fn a_body_that_no_handler_reads_has_no_deadline() {
    let mut world = World::with(Limits { body_timeout: 50, head_timeout: 50, ..Limits::default() });
    let mut client = world.connect();
    client.send(POST);
    let (id, _) = world.head();
    let mut other = world.connect();
    assert_eq!(End::Orderly, world.ended(&mut other), "time has passed");
    client.send("0123456789");
    assert_eq!(b"0123456789".to_vec(), world.body(id));
}

#[test]
fn a_fast_start_of_a_body_does_not_allow_a_long_slow_rest() {
    let limits =
        Limits { body_timeout: 200, body_grace: 50, body_rate: 1_000_000, body_size: 1 << 30, ..Limits::default() };
    let mut world = World::with(limits).inline(|engine, event| {
        match event {
            Event::Head(id, _) => assert!(engine.receive(*id, None).unwrap().is_empty()),
            // The error is ignored, because the last part may be reported after the abort.
            Event::Data(id, data) => drop(engine.consumed(*id, data.len() as u64)),
            _ => return false,
        }
        true
    });
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    world.settle();
    let worth_ten_seconds = vec![b'x'; 10_000_000];
    world.send_all(&mut client, &worth_ten_seconds);
    world.until("the abort", |world| {
        client.send_some(b"x");
        !world.events.is_empty()
    });
    assert_eq!(GoneReason::BodyTimeout, world.gone().1);
}

#[test]
fn a_body_slower_than_its_rate_is_aborted_even_if_it_never_stalls() {
    let limits = Limits { body_rate: 1_000_000, body_grace: 200, body_timeout: 60_000, ..Limits::default() };
    let mut world = World::with(limits);
    let mut client = world.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    let (id, _) = world.head();
    world.receive(id);
    let mut sent = 0;
    world.until("the abort", |world| {
        if world.engine.counters().body_timeouts == 0 && sent < 1000 {
            sent += client.send_some(b"x");
        }
        world.engine.counters().body_timeouts == 1
    });
    let last = world.events.pop_back();
    assert!(matches!(last, Some(Event::Gone(_, GoneReason::BodyTimeout))), "{last:?}");
    assert_eq!(408, world.response(&mut client).status);
}

#[test]
fn a_dropped_body_that_stalls_ends_the_connection() {
    let mut world = World::with(Limits { body_timeout: 100, ..Limits::default() });
    let mut client = world.connect();
    client.send(POST);
    let (id, _) = world.head();
    world.ok(id, "unread");
    assert_eq!("unread", world.response(&mut client).text());
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("", client.text());
    assert_eq!(1, world.engine.counters().body_timeouts);
}

#[test]
fn a_client_that_reads_nothing_of_a_stream_is_closed() {
    let mut world = World::with(Limits { write_timeout: 100, ..Limits::default() });
    let mut client = world.adopt(b"");
    client.send(GET);
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    world.engine.write(id, vec![b'x'; 8 << 20].into()).unwrap();
    assert_eq!((id, GoneReason::WriteTimeout), world.gone());
    assert_eq!((1, 0), (world.engine.counters().write_timeouts, world.engine.connections()));
}

#[test]
fn the_kernel_buffers_little_of_what_a_client_does_not_read() {
    let mut world = World::with(Limits { write_timeout: 100, ..Limits::default() });
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.respond(id, 200, &[], Body::Shared(vec![b'x'; 8 << 20].into())).unwrap();
    world.until("the abort", |world| world.engine.connections() == 0);
    let counters = world.engine.counters();
    assert!(counters.bytes_out < 1 << 20, "{} bytes went to the kernel", counters.bytes_out);
    assert_eq!((1, End::Reset), (counters.write_timeouts, world.ended(&mut client)));
}

#[test]
fn a_client_that_reads_nothing_of_a_whole_response_is_closed() {
    let mut world = World::with(Limits { write_timeout: 100, ..Limits::default() });
    let mut client = world.adopt(b"");
    client.send(GET);
    let (id, _) = world.head();
    world.engine.respond(id, 200, &[], Body::Shared(vec![b'x'; 8 << 20].into())).unwrap();
    world.until("the abort", |world| world.engine.connections() == 0);
    assert_eq!(1, world.engine.counters().write_timeouts);
}

#[test]
fn rfc9112_9_6_the_rest_of_a_refused_request_is_dropped_for_a_limited_time() {
    let mut world = World::with(Limits { linger_timeout: 100, ..Limits::default() });
    let mut client = world.connect();
    client.send("nonsense\r\n\r\n");
    assert_eq!(400, world.response(&mut client).status);
    assert_eq!(End::Orderly, world.ended(&mut client));
    world.until("the end of the lingering", |world| world.engine.connections() == 0);
}

#[test]
fn a_limit_of_0_is_no_limit() {
    let limits = Limits { head_timeout: 0, idle_timeout: 0, ..Limits::default() };
    let mut world = World::with(limits);
    let _client = world.connect();
    world.settle();
    assert_eq!((1, None), (world.engine.connections(), world.engine.next_deadline()));
}
