//! Tests that the responses of one turn are sent together.

use ropewalk_engine::event::Event;
use ropewalk_engine::{Body, ExchangeId, Status};

use crate::harness::{Client, GET, World};

type Clients = Vec<Client<std::net::TcpStream>>;

/// Connects clients and sends their requests, so that the current turn reads all of them.
fn read_requests(count: usize) -> (World, Clients) {
    let mut world = World::new();
    let mut clients: Clients = (0..count).map(|_| world.connect()).collect();
    world.settle();
    for client in &mut clients {
        client.send(GET);
    }
    world.engine.begin_turn();
    world.engine.poll().unwrap();
    (world, clients)
}

fn respond(world: &mut World) -> ExchangeId {
    let Some(Event::Head(id, _)) = world.engine.next_event() else { panic!("no request") };
    world.engine.respond(id, 200, &[], Body::Slice(b"here")).unwrap();
    id
}

/// Returns how many clients have received their response.
fn served(clients: &mut Clients) -> usize {
    clients.iter_mut().for_each(Client::read);
    clients.iter().filter(|client| client.text().ends_with("here")).count()
}

#[test]
fn without_batching_each_response_is_sent_at_once() {
    let (mut world, mut clients) = read_requests(3);
    for count in 1..=3 {
        respond(&mut world);
        assert_eq!(count, served(&mut clients));
    }
    world.engine.end_turn();
}

#[test]
fn responses_wait_while_requests_are_ready_and_leave_with_the_last() {
    let (mut world, mut clients) = read_requests(3);
    world.engine.start_batching(0);
    respond(&mut world);
    world.engine.event_handled(10, 10);
    respond(&mut world);
    world.engine.event_handled(10, 20);
    assert_eq!(0, served(&mut clients));
    respond(&mut world);
    assert_eq!(1, served(&mut clients), "no response is left to wait for");
    world.engine.flush_queued();
    assert_eq!(3, served(&mut clients));
    world.engine.end_turn();
}

#[test]
fn responses_are_sent_when_they_have_waited_long_enough() {
    let (mut world, mut clients) = read_requests(4);
    world.engine.start_batching(0);
    for (now, count) in [(900, 0), (1_800, 0), (2_700, 3)] {
        respond(&mut world);
        world.engine.event_handled(900, now);
        assert_eq!(count, served(&mut clients), "at {now}");
    }
    world.engine.end_turn();
}

#[test]
fn responses_are_sent_after_a_slow_event_and_the_next_ones_at_once() {
    let (mut world, mut clients) = read_requests(4);
    world.engine.start_batching(0);
    respond(&mut world);
    assert_eq!(0, served(&mut clients));
    world.engine.event_handled(1_001, 1_001);
    assert_eq!(1, served(&mut clients));
    respond(&mut world);
    assert_eq!(2, served(&mut clients));
    world.engine.end_turn();
}

#[test]
fn after_a_slow_event_the_responses_to_pipelined_requests_are_still_sent_together() {
    let (mut world, mut clients) = read_requests(2);
    world.engine.start_batching(0);
    respond(&mut world);
    world.engine.event_handled(1_001, 1_001);
    respond(&mut world);
    world.engine.end_turn();
    clients.iter_mut().for_each(Client::read);
    let sent = clients[0].text().len();
    clients[0].send(GET.repeat(3));
    world.engine.begin_turn();
    world.engine.poll().unwrap();
    world.engine.start_batching(1_100);
    for now in [1_110, 1_120] {
        respond(&mut world);
        world.engine.event_handled(10, now);
        clients[0].read();
        assert_eq!(sent, clients[0].text().len(), "at {now}");
    }
    respond(&mut world);
    clients[0].read();
    assert_eq!(3, clients[0].text()[sent..].matches("200 OK").count());
    world.engine.end_turn();
}

#[test]
fn a_response_that_fills_its_buffer_does_not_wait() {
    let (mut world, mut clients) = read_requests(2);
    world.engine.start_batching(0);
    let Some(Event::Head(id, _)) = world.engine.next_event() else { panic!("no request") };
    let content = vec![b'x'; world.engine.limits().write_buffer as usize + 1];
    world.engine.respond(id, 200, &[], Body::Slice(&content)).unwrap();
    clients[0].read();
    assert!(clients[0].text().starts_with("HTTP/1.1 200 OK"));
    world.engine.end_turn();
}

#[test]
fn a_response_whose_client_leaves_meanwhile_is_dropped() {
    let (mut world, mut clients) = read_requests(3);
    world.engine.start_batching(0);
    respond(&mut world);
    drop(clients.remove(0));
    respond(&mut world);
    respond(&mut world);
    world.engine.end_turn();
    world.settle();
    assert_eq!(2, served(&mut clients));
    assert_eq!(2, world.engine.connections());
}

#[test]
fn a_response_that_waits_is_sent_before_a_deadline_closes_its_connection() {
    let (mut world, mut clients) = read_requests(2);
    world.engine.start_batching(0);
    respond(&mut world);
    assert_eq!(0, served(&mut clients));
    let Some(Event::Head(..)) = world.engine.next_event() else { panic!("no request") };
    world.engine.drain(Some(0));
    world.engine.poll_again().unwrap();
    assert_eq!(1, served(&mut clients));
    world.engine.end_turn();
}

#[test]
fn a_response_that_waits_is_sent_before_everything_is_closed() {
    let (mut world, mut clients) = read_requests(2);
    world.engine.start_batching(0);
    respond(&mut world);
    assert_eq!(0, served(&mut clients));
    assert_eq!(1, world.engine.close_all(), "the second request has no response");
    assert_eq!(1, served(&mut clients));
    world.engine.end_turn();
}

#[test]
fn a_response_that_was_written_between_turns_is_sent_before_a_deadline_closes_its_connection() {
    let (mut world, mut clients) = read_requests(1);
    let Some(Event::Head(id, _)) = world.engine.next_event() else { panic!("no request") };
    world.engine.end_turn();
    world.engine.drain(Some(0));
    let status = Status { code: 200, reason: Some(b"OK") };
    world.engine.relay_head(id, status, &[(b"Content-Length", b"4")]).unwrap();
    world.engine.relay_write(id, "here".into()).unwrap();
    world.engine.relay_end(id).unwrap();
    assert_eq!(0, served(&mut clients), "the responses are sent in the next turn");
    world.engine.begin_turn();
    world.engine.poll().unwrap();
    assert_eq!(1, served(&mut clients));
    world.engine.end_turn();
}
