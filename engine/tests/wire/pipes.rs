//! Tests pipes: connections without a socket, whose owner transports the bytes.

use ropewalk_engine::event::Event;
use ropewalk_engine::{Address, Body, CommandError, GoneReason, Limits, PipeId, Pressure};

use crate::harness::{GET, World};

fn open(world: &mut World) -> PipeId {
    let client = Address::Inet("192.0.2.1:5".parse().unwrap());
    world.engine.open_pipe(client, Address::Unknown, true)
}

/// Returns the output that the pipe has produced so far.
fn output(world: &mut World) -> String {
    world.settle();
    let mut text = Vec::new();
    world.events.retain(|event| match event {
        Event::PipeOutput(_, bytes) => {
            text.extend_from_slice(bytes);
            false
        }
        _ => true,
    });
    String::from_utf8(text).unwrap()
}

#[test]
fn bytes_go_in_and_come_out() {
    let mut world = World::new();
    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, &GET.as_bytes()[..5]);
    world.engine.feed_pipe(pipe, &GET.as_bytes()[5..]);
    let (id, head) = world.head();
    assert_eq!(("192.0.2.1:5".to_owned(), true), (head.peer().to_string(), head.is_secure()));
    world.ok(id, "through");
    let text = output(&mut world);
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nthrough"), "{text}");
    assert_eq!(1, world.engine.connections());
}

#[test]
fn an_orderly_end() {
    let mut world = World::new();
    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, b"GET / HTTP/1.0\r\n\r\n");
    let (id, _) = world.head();
    world.ok(id, "last");
    assert!(output(&mut world).ends_with("last"));
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));
    assert_eq!(0, world.engine.connections());
    world.engine.feed_pipe(pipe, b"after the end");
    world.settle();
    assert!(world.events.is_empty());
}

#[test]
fn the_end_of_the_other_side() {
    let mut world = World::new();
    let pipe = open(&mut world);
    world.engine.end_pipe(pipe);
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));

    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, GET.as_bytes());
    let (id, _) = world.head();
    world.engine.end_pipe(pipe);
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe), "the listener is open");
}

#[test]
fn a_lost_pipe() {
    let mut world = World::new();
    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, GET.as_bytes());
    let (id, _) = world.head();
    world.engine.disconnect_pipe(pipe);
    assert_eq!((id, GoneReason::ClientLeft), world.gone());
    assert!(matches!(world.event(), Event::PipeClosed(closed, false) if closed == pipe));
    assert_eq!(Err(CommandError::Gone), world.engine.respond(id, 200, &[], Body::Slice(b"")));
}

#[test]
fn the_events_of_one_pipe_have_no_end_before_its_head() {
    let mut world = World::new();
    let pipe = open(&mut world);
    world.engine.begin_turn();
    world.engine.feed_pipe(pipe, GET.as_bytes());
    world.engine.disconnect_pipe(pipe);
    assert!(matches!(world.engine.next_pipe_event(pipe), Some(Event::PipeClosed(..))));
    assert!(world.engine.next_pipe_event(pipe).is_none());
    let Some(Event::Head(id, _)) = world.engine.next_event() else { panic!("no head") };
    assert!(matches!(world.engine.next_event(), Some(Event::Gone(gone, _)) if gone == id));
}

#[test]
fn the_output_of_a_pipe_may_be_taken_before_other_events() {
    let mut world = World::new();
    let pipe = open(&mut world);
    world.engine.begin_turn();
    world.engine.feed_pipe(pipe, format!("{GET}{GET}").as_bytes());
    let Some(Event::Head(first, _)) = world.engine.next_event() else { panic!("no head") };
    assert!(world.engine.next_pipe_output(pipe).is_none());
    world.engine.respond(first, 200, &[], Body::Slice(b"one")).unwrap();
    assert!(world.engine.next_pipe_output(pipe).is_some_and(|bytes| bytes.ends_with(b"one")));
    assert!(world.engine.next_pipe_output(pipe).is_none());
    assert!(matches!(world.engine.next_event(), Some(Event::Head(second, _)) if second != first));
}

#[test]
fn an_owner_is_notified_when_its_bytes_are_not_read() {
    let mut world = World::with(Limits { read_buffer: 1024, ..Limits::default() });
    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n");
    let (id, _) = world.head();
    world.engine.feed_pipe(pipe, &[b'x'; 2000]);
    assert!(matches!(world.event(), Event::PipeFlow(id, false) if id == pipe));
    world.receive(id);
    assert!(
        matches!(world.event(), Event::Data(_, data) if data.len() == 2000),
        "the bytes that are here are returned"
    );
    assert!(matches!(world.event(), Event::PipeFlow(id, true) if id == pipe));
    world.engine.feed_pipe(pipe, &[b'x'; 1000]);
    world.settle();
    assert!(world.events.is_empty(), "the reader of the body pauses");
    world.engine.consumed(id, 2000).unwrap();
    assert!(matches!(world.event(), Event::Data(_, data) if data.len() == 1000));
    assert!(matches!(world.event(), Event::End(..)));
}

#[test]
fn a_blocked_owner_makes_writers_wait() {
    let mut world = World::with(Limits { write_buffer: 1024, ..Limits::default() });
    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, GET.as_bytes());
    let (id, _) = world.head();
    world.engine.set_pipe_blocked(pipe, true);
    world.engine.begin(id, 200, &[], Some(3000)).unwrap();
    assert_eq!(Ok(Pressure::High), world.engine.write(id, vec![b'x'; 3000].into()));
    assert_eq!("", output(&mut world));
    world.engine.set_pipe_blocked(pipe, false);
    let text = output(&mut world);
    assert!(text.ends_with(&"x".repeat(3000)));
    assert!(matches!(world.event(), Event::Writable(from) if from == id));
    world.engine.end(id, &[]).unwrap();
    world.settle();
    assert!(world.events.is_empty());
}

#[test]
fn a_refused_message_ends_the_pipe() {
    let mut world = World::new();
    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, b"nonsense\r\n\r\n");
    assert!(output(&mut world).starts_with("HTTP/1.1 400 "));
    assert!(matches!(world.event(), Event::PipeEnding(ending) if ending == pipe));
    world.engine.end_pipe(pipe);
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));
}

#[test]
fn a_drain_closes_pipes_too() {
    let mut world = World::new();
    let idle = open(&mut world);
    let busy = open(&mut world);
    world.engine.feed_pipe(busy, GET.as_bytes());
    let (id, _) = world.head();
    world.engine.drain(None);
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == idle));
    world.ok(id, "finished");
    assert!(output(&mut world).contains("Connection: close"));
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == busy));
    assert!(matches!(world.event(), Event::Drained { cut: 0 }));
}

#[test]
fn a_pipe_has_deadlines() {
    let mut world = World::with(Limits { head_timeout: 100, ..Limits::default() });
    let pipe = open(&mut world);
    world.engine.feed_pipe(pipe, b"GET / HT");
    world.until("a refusal", |world| world.engine.counters().head_timeouts == 1);
    assert!(output(&mut world).starts_with("HTTP/1.1 408 "));
    assert!(matches!(world.event(), Event::PipeEnding(ending) if ending == pipe));
    world.engine.end_pipe(pipe);
    assert!(matches!(world.event(), Event::PipeClosed(closed, true) if closed == pipe));
}
