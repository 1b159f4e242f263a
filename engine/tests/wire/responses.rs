//! Tests responses: whole, streamed, from files, without a body, and with framing errors of the handler.

use std::io::{Seek as _, Write as _};
use std::os::fd::OwnedFd;

use bytes::Bytes;
use ropewalk_engine::event::Event;
use ropewalk_engine::{Body, CommandError, GoneReason, Limits, Pressure};

use crate::harness::{End, GET, World};

/// Returns an unnamed file with this content. The file disappears when it is closed.
fn file(content: &[u8]) -> std::fs::File {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("ropewalk-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let mut file = std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    file
}

/// Returns bytes with a pattern, so that a comparison detects any lost or repeated part.
fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index % 251) as u8).collect()
}

#[test]
fn whole_responses_of_many_sizes() {
    let mut world = World::new();
    let mut client = world.connect();
    for size in [0, 1, 8 * 1024, 8 * 1024 + 1, 100_000, 1 << 20] {
        for shared in [true, false] {
            let content = pattern(size);
            client.send(GET);
            let (id, _) = world.head();
            let body = if shared { Body::Shared(Bytes::from(content.clone())) } else { Body::Slice(&content) };
            world.engine.respond(id, 200, &[], body).unwrap();
            let response = world.response(&mut client);
            assert_eq!(Some(size.to_string().as_str()), response.field("content-length"));
            assert!(content == response.body, "{size} shared {shared}");
        }
    }
}

#[test]
fn rfc9110_9_3_2_a_response_to_head_has_a_length_and_no_body() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (id, _) = world.head();
    world.ok(id, "unseen");
    assert_eq!(Some("6"), world.head_response(&mut client).field("content-length"));

    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    let (id, _) = world.head();
    world.engine.respond(id, 200, &[(b"Content-Length", b"99")], Body::Slice(b"")).unwrap();
    assert_eq!(Some("99"), world.head_response(&mut client).field("content-length"));

    client.send(["HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", GET].concat());
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    world.engine.write(id, "unseen".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(Some("chunked"), world.head_response(&mut client).field("transfer-encoding"));

    let (id, _) = world.head();
    world.ok(id, "seen");
    assert_eq!("seen", world.response(&mut client).text());
}

#[test]
fn rfc9110_6_4_1_statuses_without_a_body() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET; 4].concat());
    for status in [204, 304] {
        let (id, _) = world.head();
        assert_eq!(Err(CommandError::NoBody(status)), world.engine.respond(id, status, &[], Body::Slice(b"x")));
        world.engine.respond(id, status, &[], Body::Slice(b"")).unwrap();
        let response = world.response(&mut client);
        assert_eq!((status, None), (response.status, response.field("content-length")));
        assert_eq!(None, response.field("transfer-encoding"));
    }
    let (id, _) = world.head();
    world.engine.begin(id, 204, &[], None).unwrap();
    world.engine.write(id, "unseen".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(204, world.response(&mut client).status);
    let (id, _) = world.head();
    world.ok(id, "next");
    assert_eq!("next", world.response(&mut client).text());
}

#[test]
fn rfc9112_7_1_a_streamed_response_is_chunked_with_trailers() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[(b"Trailer", b"X-Sum")], None).unwrap();
    assert_eq!(Ok(Pressure::Low), world.engine.write(id, "one ".into()));
    assert_eq!(Ok(Pressure::Low), world.engine.write(id, "".into()), "an empty part does not end the body");
    world.engine.write(id, pattern(10_000).into()).unwrap();
    assert!(matches!(world.engine.end(id, &[(b"X-Sum", b"a\r\nb")]), Err(CommandError::Field(_))));
    world.engine.end(id, &[(b"X-Sum", b"9")]).unwrap();
    let response = world.response(&mut client);
    assert_eq!([b"one ", pattern(10_000).as_slice()].concat(), response.body);
    assert_eq!("X-Sum: 9\r\n", response.trailers);
    assert_eq!(None, response.field("content-length"));
}

#[test]
fn the_head_of_a_streamed_response_does_not_wait_for_its_body() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    world.settle();
    client.read();
    assert!(client.text().ends_with("\r\n\r\n"), "{}", client.text());
}

#[test]
fn rfc9112_6_3_a_streamed_response_by_length() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], Some(8)).unwrap();
    world.engine.write(id, "four".into()).unwrap();
    world.engine.write(id, "more".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    let response = world.response(&mut client);
    assert_eq!(("fourmore", Some("8")), (response.text(), response.field("content-length")));
    assert_eq!(None, response.field("transfer-encoding"));
}

#[test]
fn rfc9112_6_3_an_http_1_0_client_gets_a_stream_until_the_connection_closes() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    world.engine.write(id, "until ".into()).unwrap();
    world.engine.write(id, "the end".into()).unwrap();
    world.engine.end(id, &[]).unwrap();
    assert_eq!(End::Orderly, world.ended(&mut client));
    let response = world.response(&mut client);
    assert_eq!(("until the end", Some("close")), (response.text(), response.field("connection")));
    assert_eq!(None, response.field("transfer-encoding"));
}

#[test]
fn an_abort_leaves_the_responses_before_it() {
    let mut world = World::new().inline(|engine, event| {
        let Event::Head(id, head) = event else { return false };
        match head.target() {
            b"/whole" => engine.respond(*id, 200, &[], Body::Slice(b"whole")).unwrap(),
            _ => engine.abort(*id).unwrap(),
        }
        true
    });
    let mut client = world.connect();
    client.send("GET /whole HTTP/1.1\r\nHost: a\r\n\r\nGET /aborted HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!("whole", world.response(&mut client).text());
    assert_eq!(End::Orderly, world.ended(&mut client));
}

#[test]
fn rfc9112_8_an_incomplete_response_that_the_close_would_end_is_reset() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send("GET / HTTP/1.0\r\n\r\n");
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    world.engine.write(id, "half".into()).unwrap();
    world.settle();
    world.engine.abort(id).unwrap();
    assert_eq!(End::Reset, world.ended(&mut client));
}

#[test]
fn a_writer_must_wait_until_the_response_is_writable() {
    let mut world = World::with(Limits { write_buffer: 64 * 1024, ..Limits::default() });
    let mut client = world.adopt(b"");
    client.send(GET);
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    let part = Bytes::from(pattern(16 * 1024));
    let mut parts = 1;
    while world.engine.write(id, part.clone()).unwrap() == Pressure::Low {
        parts += 1;
        assert!(parts < 1000, "the queue has no bound");
    }
    world.settle();
    assert!(world.events.is_empty(), "the client has read nothing");
    client.read();
    assert!(matches!(world.event(), Event::Writable(from) if from == id));
    world.engine.end(id, &[]).unwrap();
    let response = world.response(&mut client);
    assert!(response.body == part.repeat(parts));
    assert!(world.events.is_empty(), "reported once");
}

#[test]
fn back_pressure_also_applies_within_a_turn() {
    let mut world = World::with(Limits { write_buffer: 1024, ..Limits::default() }).inline(|engine, event| {
        let Event::Head(id, _) = event else { return false };
        engine.begin(*id, 200, &[], None).unwrap();
        assert_eq!(Ok(Pressure::High), engine.write(*id, vec![b'x'; 8 << 20].into()));
        engine.end(*id, &[]).unwrap();
        true
    });
    let mut client = world.adopt(b"");
    client.send(GET);
    assert_eq!(8 << 20, world.response(&mut client).body.len());
}

#[test]
fn regions_of_files() {
    let content = pattern(3 << 20);
    let mut world = World::new();
    let mut client = world.connect();
    for (offset, length) in [(0, content.len()), (0, 0), (1, 1), (5, 100_000), (content.len() - 7, 7)] {
        client.send(GET);
        let (id, _) = world.head();
        let body = Body::File { file: OwnedFd::from(file(&content)), offset: offset as u64, length: length as u64 };
        world.engine.respond(id, 200, &[], body).unwrap();
        let response = world.response(&mut client);
        assert!(content[offset..offset + length] == response.body, "{offset} {length}");
    }
    client.send(["HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", GET].concat());
    let (id, _) = world.head();
    let body = Body::File { file: OwnedFd::from(file(&content)), offset: 0, length: 9 };
    world.engine.respond(id, 200, &[], body).unwrap();
    assert_eq!(Some("9"), world.head_response(&mut client).field("content-length"));
    assert_eq!(b"/", world.head().1.target());
}

#[test]
fn pipelined_files_and_bytes_keep_their_order() {
    let mut number = 0;
    let mut world = World::new().inline(move |engine, event| {
        let Event::Head(id, _) = event else { return false };
        number += 1;
        let body = match number % 2 {
            0 => Body::Slice(b"bytes"),
            _ => Body::File { file: OwnedFd::from(file(b"a file")), offset: 2, length: 4 },
        };
        engine.respond(*id, 200, &[], body).unwrap();
        true
    });
    let mut client = world.connect();
    client.send([GET; 4].concat());
    for expected in ["file", "bytes", "file", "bytes"] {
        assert_eq!(expected, world.response(&mut client).text());
    }
}

#[test]
fn a_file_that_becomes_shorter_ends_the_connection() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    let body = Body::File { file: OwnedFd::from(file(b"short")), offset: 0, length: 500_000 };
    world.engine.respond(id, 200, &[], body).unwrap();
    let Event::Report(report) = world.event() else { panic!("no report") };
    assert_eq!("RW307", report.code);
    world.ended(&mut client);
    assert!(client.text().ends_with("\r\n\r\nshort"), "{}", client.text());
    assert_eq!(0, world.engine.connections());
}

#[test]
fn a_small_file_that_is_shorter_than_its_content_length_is_not_sent() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    for (status, fields) in [(200, &[(&b"Content-Length"[..], &b"500"[..])][..]), (206, &[])] {
        let body = Body::File { file: OwnedFd::from(file(b"short")), offset: 0, length: 500 };
        let outcome = world.engine.respond(id, status, fields, body);
        assert_eq!(Err(CommandError::Length { announced: 500, written: 5 }), outcome);
    }
    world.ok(id, "another response");
    assert_eq!("another response", world.response(&mut client).text());
}

#[test]
fn a_small_file_that_became_shorter_is_sent_if_no_length_was_set() {
    for (content, offset, expected) in
        [(&b"short"[..], 0, "short"), (b"short", 3, "rt"), (b"", 0, ""), (b"short", 9, "")]
    {
        let mut world = World::new();
        let mut client = world.connect();
        client.send(GET);
        let (id, _) = world.head();
        let body = Body::File { file: OwnedFd::from(file(content)), offset, length: 500 };
        world.engine.respond(id, 200, &[], body).unwrap();
        let response = world.response(&mut client);
        assert_eq!((expected, Some(&*expected.len().to_string())), (response.text(), response.field("content-length")));
    }
}

#[test]
fn a_small_file_is_not_read_for_head() {
    let mut world = World::new();
    let mut client = world.connect();
    for fields in [&[(&b"Content-Length"[..], &b"500"[..])][..], &[]] {
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        let (id, _) = world.head();
        let body = Body::File { file: OwnedFd::from(file(b"short")), offset: 0, length: 500 };
        world.engine.respond(id, 200, fields, body).unwrap();
        assert_eq!(Some("500"), world.head_response(&mut client).field("content-length"));
    }
}

#[test]
fn a_connection_holds_at_most_one_file() {
    use std::os::fd::{AsFd, AsRawFd as _};
    let shared = std::rc::Rc::new(file(&vec![b'x'; 1 << 20]));
    let opened = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = opened.clone();
    let mut world = World::new().inline(move |engine, event| {
        let Event::Head(id, _) = event else { return false };
        count.set(count.get() + 1);
        let file = rustix::io::dup(shared.as_fd()).unwrap();
        assert!(file.as_raw_fd() > 0);
        engine.respond(*id, 200, &[], Body::File { file, offset: 0, length: 1 << 20 }).unwrap();
        true
    });
    let mut client = world.connect();
    client.send(GET.repeat(50));
    world.until("a full socket", |world| world.engine.counters().bytes_out > 0);
    world.settle();
    assert!(opened.get() < 5, "{} files are open for a client that reads nothing", opened.get());
    for _ in 0..50 {
        assert_eq!(1 << 20, world.response(&mut client).body.len());
    }
}

#[test]
fn rfc9112_8_a_wrong_length_closes_the_connection() {
    for (written, more) in [("too much", false), ("two", true)] {
        let mut world = World::new();
        let mut client = world.connect();
        client.send(GET);
        let (id, _) = world.head();
        world.engine.begin(id, 200, &[], Some(4)).unwrap();
        let outcome = world.engine.write(id, written.into());
        let outcome = if more { world.engine.end(id, &[]) } else { outcome.map(|_| ()) };
        assert_eq!(Err(CommandError::Length { announced: 4, written: written.len() as u64 }), outcome);
        assert_eq!((id, GoneReason::Aborted), world.gone());
        world.ended(&mut client);
        assert_eq!(Err(CommandError::Gone), world.engine.end(id, &[]));
    }
}

#[test]
fn a_wrong_length_of_a_whole_response_is_found_before_anything_is_sent() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    let wrong = world.engine.respond(id, 200, &[(b"Content-Length", b"5")], Body::Slice(b"four"));
    assert_eq!(Err(CommandError::Length { announced: 5, written: 4 }), wrong);
    world.engine.respond(id, 500, &[], Body::Slice(b"sorry")).unwrap();
    assert_eq!((500, "sorry"), world.response(&mut client).brief());
}

#[test]
fn rfc9110_5_5_invalid_fields_are_not_sent() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    for field in [(&b"X"[..], &b"a\r\nb"[..]), (b"X", b"a\0"), (b"X Y", b"a"), (b"Transfer-Encoding", b"gzip")] {
        assert!(matches!(world.engine.respond(id, 200, &[field], Body::Slice(b"")), Err(CommandError::Field(_))));
        assert!(matches!(world.engine.begin(id, 200, &[field], None), Err(CommandError::Field(_))));
        assert!(matches!(world.engine.interim(id, 103, &[field]), Err(CommandError::Field(_))));
    }
    for status in [0, 99, 100, 101, 600, 1000] {
        assert_eq!(Err(CommandError::Status(status)), world.engine.respond(id, status, &[], Body::Slice(b"")));
    }
    world.ok(id, "clean");
    assert_eq!((200, "clean"), world.response(&mut client).brief());
}

#[test]
fn commands_out_of_order_are_errors() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    assert_eq!(Err(CommandError::NotStarted), world.engine.write(id, "x".into()).map(|_| ()));
    assert_eq!(Err(CommandError::NotStarted), world.engine.end(id, &[]));
    world.engine.begin(id, 200, &[], None).unwrap();
    assert_eq!(Err(CommandError::Started), world.engine.begin(id, 200, &[], None));
    assert_eq!(Err(CommandError::Started), world.engine.respond(id, 200, &[], Body::Slice(b"")));
    assert_eq!(Err(CommandError::Started), world.engine.interim(id, 103, &[]));
    world.engine.end(id, &[]).unwrap();
    assert_eq!((200, ""), world.response(&mut client).brief());
}

#[test]
fn commands_after_the_end_are_errors_and_do_not_reach_the_next_exchange() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET, GET].concat());
    let (first, _) = world.head();
    world.ok(first, "first");
    let (second, _) = world.head();
    assert_ne!(first, second);
    assert_eq!(Err(CommandError::Complete), world.engine.respond(first, 200, &[], Body::Slice(b"late")));
    assert_eq!(Err(CommandError::Complete), world.engine.begin(first, 200, &[], None));
    assert_eq!(Err(CommandError::Complete), world.engine.write(first, "late".into()).map(|_| ()));
    assert_eq!(Err(CommandError::Complete), world.engine.end(first, &[]));
    assert_eq!(Err(CommandError::Complete), world.engine.receive(first, None).map(|_| ()));
    assert_eq!(Err(CommandError::Complete), world.engine.abort(first));
    world.ok(second, "second");
    assert_eq!("first", world.response(&mut client).text());
    assert_eq!("second", world.response(&mut client).text());
}

#[test]
fn commands_after_the_loss_of_the_connection_are_errors() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    drop(client);
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
    assert_eq!(Err(CommandError::Gone), world.engine.write(id, "late".into()).map(|_| ()));
    assert_eq!(Err(CommandError::Gone), world.engine.end(id, &[]));
}

#[test]
fn an_aborted_exchange_closes_its_connection() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    world.engine.abort(id).unwrap();
    assert_eq!((id, GoneReason::Aborted), world.gone());
    world.ended(&mut client);
    assert_eq!("", client.text());
    assert_eq!((1, 0), (world.engine.counters().cut, world.engine.counters().running));
}
