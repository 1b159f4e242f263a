//! Tests an engine in a forked child. Each test runs in one process: the engine plays the child, and duplicates of its
//! descriptors stand for those of the parent.

use std::cell::Cell;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use ropewalk_engine::access_log::Style;
use ropewalk_engine::driver::{Driver, Epoll, Ready, Token, Watch};
use ropewalk_engine::event::Event;
use ropewalk_engine::redaction::Redaction;
use ropewalk_engine::{Address, Body, CommandError, Engine, Limits};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::harness::{GET, World};

fn is_readable(descriptor: &OwnedFd) -> bool {
    let mut watched = [PollFd::new(descriptor, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut watched, Some(&now)).unwrap() == 1
}

#[test]
fn connections_stay_with_the_parent() {
    let mut world = World::new();
    let mut client = world.connect();
    client.send(GET);
    let (id, _) = world.head();
    let socket = world.engine.connection_descriptor(id.connection()).unwrap().try_clone_to_owned().unwrap();
    world.engine.begin(id, 200, &[], None).unwrap(); // sent with the next turn

    let parents = world.engine.descriptor().try_clone_to_owned().unwrap();
    world.engine.after_fork_in_child(false).unwrap();
    world.settle();
    assert_eq!(0, world.engine.connections());
    assert_eq!(0, world.engine.counters().running);
    assert_eq!(None, world.engine.next_deadline(), "deadlines are the parent's");
    client.read();
    assert_eq!((b"".as_slice(), None), (client.received.as_slice(), client.end));
    assert!(world.engine.is_inherited(id));
    assert_eq!(Err(CommandError::Gone), world.engine.end(id, &[]));

    // The parent's connections continue, and its driver still reports what arrives.
    rustix::io::write(&socket, b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    client.read();
    assert_eq!("HTTP/1.1 204 No Content\r\n\r\n", client.text());
    client.send(GET);
    world.settle();
    assert!(is_readable(&parents));
    assert_eq!(0, world.engine.counters().requests);
}

#[test]
fn both_processes_accept_on_a_listener() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let mut world = World::new().echoing_targets();
    world.address = address;
    world.engine.listen_inherited(listener.try_clone().unwrap().into()).unwrap();
    world.engine.after_fork_in_child(false).unwrap();
    let mut client = world.connect();
    client.send(GET);
    assert_eq!("/", world.response(&mut client).text());

    // The other process accepts this client first.
    let mut client = world.connect();
    let (mut accepted, _) = listener.accept().unwrap();
    world.settle();
    client.send(GET);
    accepted.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert_eq!(204, world.response(&mut client).status);
    assert!(world.events.is_empty(), "an empty queue is nothing to report");

    // The other process still accepts when this process stops.
    world.engine.drain(Some(0));
    world.settle();
    TcpStream::connect(address).unwrap();
    listener.accept().unwrap();
}

#[test]
fn a_turn_that_continues_in_the_child_ends_there() {
    let forked = Rc::new(Cell::new(false));
    let has_forked = Rc::clone(&forked);
    let mut world = World::new().inline(move |engine, event| {
        let Event::Head(id, _) = event else { return false };
        if has_forked.replace(true) {
            engine.respond(*id, 200, &[], Body::Slice(b"from the child")).unwrap();
        } else {
            engine.after_fork_in_child(true).unwrap();
        }
        true
    });
    let mut one = world.connect();
    one.send(GET);
    world.until("a fork", |_| forked.get());
    let mut two = world.connect();
    two.send(GET);
    assert_eq!("from the child", world.response(&mut two).text());
}

#[test]
fn log_lines_and_counters_stay_with_the_parent() {
    let mut world = World::new().echoing_targets();
    world.engine.set_access_log(Some(Style::Combined), Redaction::new([]));
    let mut client = world.connect();
    client.send(GET);
    world.response(&mut client);
    world.engine.after_fork_in_child(false).unwrap();
    assert_eq!(0, world.engine.access_log().unwrap().len());
    assert_eq!(0, world.engine.counters().requests);
    let mut client = world.connect();
    client.send(GET);
    world.response(&mut client);
    let log = String::from_utf8(world.engine.access_log().unwrap().take()).unwrap();
    assert_eq!(1, log.lines().count(), "{log}");
}

/// A driver that the child cannot reopen, because it has no descriptors left.
struct OutOfDescriptors(Epoll);

impl Driver for OutOfDescriptors {
    fn open() -> std::io::Result<Self> {
        Epoll::open().map(OutOfDescriptors)
    }

    fn reopen(&mut self) -> std::io::Result<()> {
        Err(rustix::io::Errno::MFILE.into())
    }

    fn descriptor(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.descriptor()
    }

    fn watch(&mut self, fd: std::os::fd::BorrowedFd<'_>, token: Token, watch: Watch) -> std::io::Result<()> {
        self.0.watch(fd, token, watch)
    }

    fn forget(&mut self, _: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
        panic!("the driver is the parent's")
    }

    fn poll(&mut self, ready: &mut Vec<Ready>) -> std::io::Result<()> {
        self.0.poll(ready)
    }

    fn wake(&mut self) -> std::io::Result<()> {
        self.0.wake()
    }
}

#[test]
fn without_descriptors_nothing_of_the_parent_is_changed() {
    let mut engine: Engine<OutOfDescriptors> = Engine::new(Limits::default()).unwrap();
    let listener = engine.listen_tcp("127.0.0.1", 0, None, false).unwrap();
    let parents = engine.descriptor().try_clone_to_owned().unwrap();
    let Some(Address::Inet(address)) = engine.local_address(listener) else { panic!("no address") };
    assert!(engine.after_fork_in_child(false).is_err());
    assert_eq!(None, engine.local_address(listener));
    assert!(!is_readable(&parents));
    TcpStream::connect(address).unwrap_err();
}
