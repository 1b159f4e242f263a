//! Tests requests: single, pipelined, in any pieces, and refused.

use ropewalk_engine::event::Event;
use ropewalk_engine::method::Method;
use ropewalk_engine::{Body, CommandError, Limits, Version};

use crate::harness::{End, GET, World};

#[test]
fn one_request_and_its_response() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("POST /a%20b?c=d HTTP/1.1\r\nHost: a:80\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 3\r\n\r\nabc");
    let (id, head) = world.head();
    assert_eq!(Method::POST, head.method());
    assert_eq!((&b"/a%20b"[..], &b"c=d"[..]), (head.path(), head.query()));
    assert_eq!((&b"a:80"[..], Version::Http11, Some(3)), (head.host(), head.version(), head.length()));
    assert_eq!(4, head.field_count());
    assert_eq!(vec![&b"1"[..], b"2"], head.values(b"X-ONE").collect::<Vec<_>>());
    assert_eq!(b"abc".to_vec(), world.body(id));
    world.engine.respond(id, 201, &[(b"X-Two", b"3")], Body::Slice(b"made")).unwrap();
    let response = world.response(&mut client);
    assert_eq!((201, "made"), response.brief());
    let date = response.field("date").unwrap();
    assert_eq!(
        format!("HTTP/1.1 201 Created\r\nDate: {date}\r\nContent-Length: 4\r\nX-Two: 3"),
        response.head,
        "the fields are ours, then the handler's, and no others"
    );
    assert!(date.ends_with(" GMT") && date.len() == 29);
}

#[test]
fn rfc9112_9_3_a_connection_is_kept() {
    let mut world = World::new();
    let mut client = world.connect();
    for turn in 0..5 {
        client.send(GET);
        let (id, _) = world.head();
        world.ok(id, &turn.to_string());
        let response = world.response(&mut client);
        assert_eq!((200, turn.to_string().as_str()), response.brief());
        assert_eq!(None, response.field("connection"));
    }
    assert_eq!(1, world.engine.counters().accepted);
}

#[test]
fn rfc9112_9_6_nothing_after_connection_close_is_parsed() {
    for after in ["", GET, "nonsense"] {
        let mut world = World::new().echoing_targets();
        let mut client = world.connect();
        client.send(format!("GET /1 HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n{after}"));
        let response = world.response(&mut client);
        assert_eq!((200, "/1"), response.brief());
        assert_eq!(Some("close"), response.field("connection"));
        assert_eq!(End::Orderly, world.ended(&mut client));
        assert_eq!("", client.text());
        assert_eq!(1, world.engine.counters().requests);
    }
}

#[test]
fn rfc9112_9_6_bytes_after_a_last_request_do_not_reset_its_response() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (id, _) = world.head();
    client.send(GET);
    world.settle();
    world.ok(id, "last");
    assert_eq!((200, "last"), world.response(&mut client).brief());
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!(1, world.engine.counters().requests);
}

#[test]
fn a_handler_may_close_the_connection() {
    let mut world = World::new();
    for by_field in [true, false] {
        let mut client = world.connect();
        client.send([GET, GET].concat());
        let (id, _) = world.head();
        if by_field {
            world.engine.respond(id, 200, &[(b"connection", b"CLOSE")], Body::Slice(b"")).unwrap();
        } else {
            world.engine.close_after_response(id).unwrap();
            world.ok(id, "");
        }
        assert_eq!(Some("close"), world.response(&mut client).field("connection"));
        assert_eq!(End::Orderly, world.ended(&mut client));
        assert!(world.events.is_empty());
    }
}

#[test]
fn rfc9112_9_3_2_pipelined_responses_keep_their_order() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([1, 2, 3].map(|number| format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")).concat());
    for number in 1..=3 {
        let (id, head) = world.head();
        assert_eq!(format!("/{number}").as_bytes(), head.target());
        world.settle();
        assert!(world.events.is_empty(), "the next request waits for this response");
        world.ok(id, &number.to_string());
    }
    for number in 1..=3 {
        assert_eq!((200, number.to_string().as_str()), world.response(&mut client).brief());
    }
}

#[test]
fn pipelined_responses_sent_at_once_leave_together() {
    let mut world = World::new().echoing_targets();
    let mut client = world.connect();
    client.send([1, 2, 3].map(|number| format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n")).concat());
    world.until("three requests", |world| world.engine.counters().responses[1] == 3);
    client.received = client.read_once();
    for number in 1..=3 {
        assert_eq!((200, format!("/{number}").as_str()), world.response(&mut client).brief());
    }
}

#[test]
fn a_flood_of_pipelined_requests_does_not_fill_memory_with_responses() {
    let mut world = World::with(Limits { write_buffer: 64 * 1024, ..Limits::default() }).inline(|engine, event| {
        let Event::Head(id, _) = event else { return false };
        engine.respond(*id, 200, &[], Body::Slice(&[b'x'; 100_000])).unwrap();
        true
    });
    let mut client = world.adopt(b"");
    client.send(GET.repeat(1000));
    world.settle();
    let served = world.engine.counters().requests;
    assert!(served < 20, "{served} responses of 100 kB wait for a client that reads none");
    for _ in 0..1000 {
        assert_eq!(100_000, world.response(&mut client).body.len());
    }
}

#[test]
fn rfc9112_9_3_http_1_0() {
    let mut world = World::new().echoing_targets();
    let mut client = world.connect();
    client.send("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let response = world.response(&mut client);
    assert_eq!((200, "/1", Some("keep-alive")), (response.status, response.text(), response.field("connection")));
    client.send("GET /2 HTTP/1.0\r\n\r\n");
    let response = world.response(&mut client);
    assert_eq!((200, "/2", Some("close")), (response.status, response.text(), response.field("connection")));
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn a_head_that_arrives_byte_by_byte() {
    let mut world = World::new().echoing_targets();
    let mut client = world.adopt(b"");
    for byte in b"\r\nGET /drip HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n" {
        assert_eq!(0, world.engine.counters().requests);
        client.send([*byte]);
        world.settle();
    }
    assert_eq!((200, "/drip"), world.response(&mut client).brief());
}

#[test]
fn every_split_of_two_pipelined_requests() {
    let first =
        "POST /one HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";
    let second = "GET /two HTTP/1.1\r\nHost: a\r\n\r\n";
    let both = [first, second].concat();
    for split in 0..=both.len() {
        let mut world = World::new();
        let mut client = world.adopt(&both.as_bytes()[..split]);
        client.send(&both.as_bytes()[split..]);
        let (id, head) = world.head();
        assert_eq!(b"/one", head.target(), "{split}");
        assert_eq!(b"abc".to_vec(), world.body(id), "{split}");
        world.ok(id, "one");
        let (id, head) = world.head();
        assert_eq!(b"/two", head.target(), "{split}");
        world.ok(id, "two");
        assert_eq!("one", world.response(&mut client).text(), "{split}");
        assert_eq!("two", world.response(&mut client).text(), "{split}");
    }
}

#[test]
fn a_refused_message_gets_a_response_and_nothing_after_it_is_parsed() {
    for (message, status) in [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\n\r\n", 417),
    ] {
        let mut world = World::new().echoing_targets();
        let mut client = world.connect();
        client.send(format!("GET /before HTTP/1.1\r\nHost: a\r\n\r\n{message}{GET}"));
        assert_eq!((200, "/before"), world.response(&mut client).brief());
        let response = world.response(&mut client);
        assert_eq!((status, Some("close")), (response.status, response.field("connection")), "{message}");
        assert!(response.text().starts_with(&format!("{status} ")), "{}", response.text());
        assert_eq!(End::Orderly, world.ended(&mut client));
        assert_eq!("", client.text());
        let counters = world.engine.counters();
        assert_eq!((1, 1, 0), (counters.requests, counters.refused, counters.running));
    }
}

#[test]
fn refusals_are_reported_in_debug_mode() {
    let mut world = World::new();
    world.engine.set_debug(true);
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\n\r\n");
    let Event::Report(report) = world.event() else { panic!("no report") };
    assert_eq!("RW510", report.code);
    assert!(report.message.contains("there is no Host"), "{}", report.message);
}

#[test]
fn sizes_of_heads_are_limited_as_they_arrive() {
    let limits = Limits { request_line: 40, head_size: 200, head_fields: 5, ..Limits::default() };
    let long = "x".repeat(300);
    for (bytes, status) in [
        (format!("GET /{long}"), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}"), 431),
        (format!("GET / HTTP/1.1\r\n{}", "X: y\r\n".repeat(6)), 431),
    ] {
        let mut world = World::with(limits.clone());
        let mut client = world.connect();
        client.send(&bytes);
        assert_eq!(status, world.response(&mut client).status, "{bytes}");
        assert_eq!(End::Orderly, world.ended(&mut client));
    }
}

#[test]
fn rfc9110_15_2_an_interim_response_comes_first() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.interim(id, 103, &[(b"Link", b"</s.css>; rel=preload")]).unwrap();
    let early = world.response(&mut client);
    assert_eq!("HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload", early.head);
    assert_eq!(Err(CommandError::Status(200)), world.engine.interim(id, 200, &[]));
    assert_eq!(Err(CommandError::Status(101)), world.engine.interim(id, 101, &[]));
    world.ok(id, "final");
    assert_eq!((200, "final"), world.response(&mut client).brief());
    assert_eq!([1, 1, 0, 0, 0], world.engine.counters().responses);
}

#[test]
fn rfc9110_15_2_an_http_1_0_client_gets_no_interim_response() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let (id, _) = world.head();
    world.engine.interim(id, 103, &[]).unwrap();
    world.ok(id, "final");
    assert_eq!((200, "final"), world.response(&mut client).brief());
}

#[test]
fn rfc9110_7_8_no_bytes_after_an_upgrade_are_lost() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: rope\r\n\r\nbehind the head ");
    let (id, _) = world.head();
    world.engine.upgrade(id, &[(b"Upgrade", b"rope")]).unwrap();
    assert_eq!(Err(CommandError::Started), world.engine.respond(id, 200, &[], Body::Slice(b"")));
    let switched = world.response(&mut client);
    assert_eq!("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: rope", switched.head);

    client.send("and after");
    world.receive(id);
    let mut raw = Vec::new();
    while raw.len() < 25 {
        let Event::Data(_, data) = world.event() else { panic!("not data") };
        raw.extend_from_slice(&data);
        world.engine.consumed(id, data.len() as u64).unwrap();
    }
    assert_eq!(b"behind the head and after", raw.as_slice());

    world.engine.write(id, "raw ".into()).unwrap();
    world.engine.write(id, "bytes".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(End::Orderly, world.ended(&mut client));
    assert_eq!("raw bytes", client.text());
    assert_eq!(0, world.engine.counters().running);
}

#[test]
fn rfc9110_7_8_no_upgrade_of_http_1_0_or_before_the_body_is_complete() {
    for request in ["GET / HTTP/1.0\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"] {
        let mut world = World::new();
        let mut client = world.connect();
        client.send(request);
        let (id, _) = world.head();
        assert_eq!(Err(CommandError::Status(101)), world.engine.upgrade(id, &[]));
        world.ok(id, "plain");
        assert_eq!((200, "plain"), world.response(&mut client).brief());
    }
}
