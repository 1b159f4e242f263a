//! Tests what surrounds the connections: listeners, limits, counters, the access log and reused slots.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use ropewalk_engine::access_log::Style;
use ropewalk_engine::driver::{Driver, Epoll, Ready, Token, Watch};
use ropewalk_engine::event::Event;
use ropewalk_engine::redaction::Redaction;
use ropewalk_engine::{Address, Body, CommandError, Engine, GoneReason, Limits};
use rustix::net::sockopt::set_socket_linger;

use crate::harness::{End, GET, World};

#[test]
fn a_panic_closes_the_connection_that_was_being_served() {
    let mut world = World::with(Limits { head_timeout: 300, ..Limits::default() });
    let mut waiting = world.connect();
    waiting.send(GET);
    let (id, _) = world.head();
    let mut slow = world.connect();
    slow.send("GET / HTTP/1.1\r\n");
    world.settle();
    waiting.send(GET);
    let mut last = world.adopt(b"GET / HT");

    world.engine.recover_from_panic();
    assert_eq!(End::Orderly, world.ended(&mut last));
    world.ok(id, "still here");
    assert_eq!("still here", world.response(&mut waiting).text());
    let (id, _) = world.head();
    world.ok(id, "the next");
    assert_eq!("the next", world.response(&mut waiting).text());
    assert_eq!(408, world.response(&mut slow).status);
}

#[test]
fn a_panic_within_a_poll_loses_no_readiness() {
    let mut engine: Engine<Panicking> = Engine::new(Limits::default()).unwrap();
    let listener = engine.listen_tcp("127.0.0.1", 0, None, false).unwrap();
    let Some(Address::Inet(address)) = engine.local_address(listener) else { panic!("no address") };
    let mut client = std::net::TcpStream::connect(address).unwrap();
    engine.begin_turn();
    engine.poll().unwrap();
    engine.end_turn();
    assert_eq!(1, engine.connections());
    std::io::Write::write_all(&mut client, GET.as_bytes()).unwrap();
    PANICS.set(true);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        engine.begin_turn();
        engine.poll()
    }));
    PANICS.set(false);
    assert!(outcome.is_err(), "the poll panicked");
    let mut other = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut other, GET.as_bytes()).unwrap();
    engine.recover_from_panic();
    engine.end_turn();
    let mut heads = 0;
    for _ in 0..10 {
        engine.begin_turn();
        engine.poll().unwrap();
        while let Some(event) = engine.next_event() {
            heads += usize::from(matches!(event, Event::Head(..)));
        }
        engine.end_turn();
    }
    assert!(heads >= 1, "a connection that the engine was not handling in the panic is served");
}

thread_local! {
    static PANICS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// A driver whose `poll` panics when a test requests it. The readiness that `poll` has read is then lost.
struct Panicking(Epoll);

impl Driver for Panicking {
    fn open() -> std::io::Result<Self> {
        Epoll::open().map(Panicking)
    }

    fn reopen(&mut self) -> std::io::Result<()> {
        self.0.reopen()
    }

    fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.descriptor()
    }

    fn watch(&mut self, fd: std::os::fd::BorrowedFd<'_>, token: Token, watch: Watch) -> std::io::Result<()> {
        self.0.watch(fd, token, watch)
    }

    fn forget(&mut self, fd: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
        self.0.forget(fd)
    }

    fn poll(&mut self, ready: &mut Vec<Ready>) -> std::io::Result<()> {
        let outcome = self.0.poll(ready);
        assert!(!PANICS.get(), "on request");
        outcome
    }

    fn wake(&mut self) -> std::io::Result<()> {
        self.0.wake()
    }
}

#[test]
fn peers_and_addresses_are_known() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, head) = world.head();
    let address = client.stream.local_addr().unwrap();
    assert_eq!((&Address::Inet(address), false), (head.peer(), head.is_secure()));
    assert_eq!(Some(Address::Inet(world.address)), world.engine.local(id));
}

#[test]
fn the_peer_of_a_request_is_known_after_it_has_left() {
    let mut world = World::new();
    let mut client = world.connect();
    let address = client.stream.local_addr().unwrap();
    client.send(GET);
    world.settle();
    set_socket_linger(&client.stream, Some(std::time::Duration::ZERO)).unwrap();
    drop(client);
    world.until("the reset", |world| world.engine.connections() == 0);
    let (_, head) = world.head();
    assert_eq!((&Address::Inet(address), false), (head.peer(), head.is_secure()));
}

#[test]
fn a_unix_socket_serves_too() {
    let mut world = World::new().echoing_targets();
    let path = std::env::temp_dir().join(format!("ropewalk-wire-{}", std::process::id()));
    let listener = world.engine.listen_unix(&path, None, None).unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    std::io::Write::write_all(&mut client, b"GET /unix HTTP/1.0\r\n\r\n").unwrap();
    world.until("a response", |world| world.engine.counters().responses[1] == 1 && world.engine.connections() == 0);
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert!(text.ends_with("\r\n\r\n/unix"), "{text}");
    world.engine.stop_listening(listener);
    assert!(!path.exists());
}

#[test]
fn an_inherited_listener_serves_and_stays_open_in_its_other_process() {
    let mut world = World::new().echoing_targets();
    let inherited = TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = OwnedFd::from(inherited.try_clone().unwrap());
    let listener = world.engine.listen_inherited(ours).unwrap();
    world.address = inherited.local_addr().unwrap();
    let mut client = world.connect();
    client.send(GET);
    assert_eq!(200, world.response(&mut client).status);
    world.engine.stop_listening(listener);
    world.connect();
    inherited.set_nonblocking(false).unwrap();
    inherited.accept().unwrap();
    world.settle();
    assert_eq!(1, world.engine.counters().accepted, "accepted by the remaining listener");
}

#[test]
fn an_adopted_socket_comes_with_the_bytes_read_from_it() {
    let mut world = World::new().echoing_targets();
    let mut client = world.adopt(b"GET /adop");
    client.send("ted HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!("/adopted", world.response(&mut client).text());
    assert_eq!(1, world.engine.counters().accepted);
}

#[test]
fn only_a_connected_stream_socket_is_adopted() {
    let mut world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(world.engine.adopt(OwnedFd::from(listener), b"").is_err());
    let file = std::fs::File::open("/dev/null").unwrap();
    assert!(world.engine.adopt(OwnedFd::from(file), b"").is_err());
    assert_eq!(0, world.engine.connections());
}

#[test]
fn rfc9110_15_6_4_over_the_limit_of_connections_503_at_once() {
    let mut world = World::with(Limits { connections: 2, ..Limits::default() });
    let mut kept = [world.connect(), world.connect()];
    world.until("two connections", |world| world.engine.connections() == 2);
    let mut turned_away = world.connect();
    turned_away.send(GET);
    let response = world.response(&mut turned_away);
    assert_eq!((503, Some("close")), (response.status, response.field("connection")));
    assert_eq!("503 Service Unavailable: too many connections are open\n", response.text());
    assert_eq!(End::Orderly, world.ended(&mut turned_away));
    drop(turned_away);
    world.until("the end of its connection", |world| world.engine.connections() == 2);
    assert_eq!((2, 1), (world.engine.connections(), world.engine.counters().turned_away));

    for client in &mut kept {
        client.send(GET);
        let (id, _) = world.head();
        world.ok(id, "kept");
        assert_eq!("kept", world.response(client).text());
    }
    drop(kept);
    world.until("room", |world| world.engine.connections() == 0);
    let mut client = world.connect();
    client.send(GET);
    world.head();
}

#[test]
fn counters_count_what_happened() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET, GET, GET].concat());
    let (id, _) = world.head();
    assert_eq!((1, 1, 1), {
        let counters = world.engine.counters();
        (counters.open, counters.requests, counters.running)
    });
    world.ok(id, "");
    for status in [404, 500] {
        let (id, _) = world.head();
        world.engine.respond(id, status, &[], Body::Slice(b"")).unwrap();
    }
    for _ in 0..3 {
        world.response(&mut client);
    }
    client.send("nonsense\r\n\r\n");
    world.response(&mut client);
    let counters = world.engine.counters();
    assert_eq!([0, 1, 0, 2, 1], counters.responses);
    assert_eq!((3, 0, 1), (counters.requests, counters.running, counters.refused));
    assert_eq!(4, counters.latency.iter().sum::<u64>());
    assert_eq!((3 * GET.len() + 12) as u64, counters.bytes_in);
    assert!(counters.bytes_out > 400 && counters.turns > 0);
}

#[test]
fn the_access_log_has_a_line_for_each_response() {
    let mut world = World::new();
    world.engine.set_access_log(Some(Style::Combined), Redaction::new([]));
    let mut client = world.connect();
    client.send("GET /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: \"me\"\r\nReferer: http://r/\r\n\r\n");
    let (id, _) = world.head();
    world.ok(id, "hello");
    world.response(&mut client);
    client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n");
    let (id, _) = world.head();
    world.ok(id, "hello");
    world.head_response(&mut client);
    client.send("GET /s HTTP/1.1\r\nHost: a\r\n\r\n");
    let (id, _) = world.head();
    world.engine.begin(id, 200, &[], None).unwrap();
    world.engine.write(id, "part".into()).unwrap();
    client.send("GET /never HTTP/1.1\r\n");
    drop(client);
    world.gone();
    let mut client = world.connect();
    client.send("GET /gone HTTP/1.1\r\nHost: a\r\n\r\n");
    world.head();
    drop(client);
    world.gone();
    let mut client = world.connect();
    client.send("nonsense\r\n\r\n");
    let refused = world.response(&mut client).body.len();

    let log = String::from_utf8(world.engine.access_log().unwrap().take()).unwrap();
    let lines: Vec<String> = log.lines().map(without_time).collect();
    assert_eq!(
        vec![
            r#"127.0.0.1 - - "GET /a?b HTTP/1.1" 200 5 "http://r/" "\"me\"""#,
            r#"127.0.0.1 - - "HEAD /h HTTP/1.1" 200 0 "-" "-""#,
            r#"127.0.0.1 - - "GET /s HTTP/1.1" 200 4 "-" "-""#,
            r#"127.0.0.1 - - "GET /gone HTTP/1.1" 499 0 "-" "-""#,
            &format!(r#"127.0.0.1 - - "-" 400 {refused} "-" "-""#),
        ],
        lines
    );
}

fn without_time(line: &str) -> String {
    let (before, rest) = line.split_once('[').unwrap();
    let (_, after) = rest.split_once("] ").unwrap();
    [before, after].concat()
}

#[test]
fn the_id_of_an_exchange_is_never_reused() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (old, _) = world.head();
    drop(client);
    assert_eq!((old, GoneReason::ClientLeft), world.gone());
    assert_eq!(0, world.engine.connections());

    let mut client = world.connect();
    client.send(GET);
    let (new, _) = world.head();
    assert_ne!(old, new, "the slot is the same, the generation is not");
    assert_eq!(Err(CommandError::Gone), world.engine.respond(old, 200, &[], Body::Slice(b"wrong")));
    assert_eq!(Err(CommandError::Gone), world.engine.abort(old));
    world.ok(new, "right");
    assert_eq!("right", world.response(&mut client).text());
}

#[test]
fn the_deadline_of_a_closed_connection_does_not_end_its_successor() {
    let mut world = World::with(Limits { head_timeout: 250, ..Limits::default() });
    for _ in 0..3 {
        drop(world.connect());
        world.until("a connection that was closed again", |world| {
            world.engine.counters().accepted > 0 && world.engine.connections() == 0
        });
    }
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    let mut silent = world.connect();
    world.ended(&mut silent);
    world.ok(id, "in time");
    assert_eq!("in time", world.response(&mut client).text());
}

#[test]
fn a_turn_takes_its_share_of_events_and_leaves_the_rest_for_the_next() {
    let mut world = World::new().echoing_targets();
    let mut clients: Vec<_> = (0..40).map(|_| world.connect()).collect();
    for client in &mut clients {
        client.send(GET.repeat(10));
    }
    for client in &mut clients {
        for _ in 0..10 {
            assert_eq!((200, "/"), world.response(client).brief());
        }
    }
    assert_eq!(400, world.engine.counters().requests);
}

#[test]
fn a_command_outside_of_a_turn_wakes_the_descriptor() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send([GET, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n"].concat());
    let (id, _) = world.head();
    world.settle();
    world.ok(id, "first");
    let (_, head) = world.head();
    assert_eq!(b"/next", head.target());
}

#[test]
fn an_idle_engine_does_not_spin() {
    let mut world = World::new().echoing_targets();
    let mut client = world.connect();
    client.send(GET);
    world.response(&mut client);
    world.settle();
    let turns = world.engine.counters().turns;
    world.settle();
    assert_eq!(turns, world.engine.counters().turns);
}

#[test]
fn a_busy_exchange_with_unread_bytes_does_not_spin() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let _running = world.head();
    client.send(GET.repeat(100));
    world.settle();
    let turns = world.engine.counters().turns;
    world.settle();
    assert_eq!(turns, world.engine.counters().turns);
}

#[test]
fn two_engines_are_independent() {
    let mut one = World::new().echoing_targets();
    let other: Engine = Engine::new(Limits::default()).unwrap();
    let mut client = one.connect();
    client.send(GET);
    assert_eq!(200, one.response(&mut client).status);
    assert_eq!((1, 0), (one.engine.connections(), other.connections()));
    assert!(!one.events.iter().any(|event| matches!(event, Event::Report(_))));
}
