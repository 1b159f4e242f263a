//! Tests fairness: small requests are served in time, however much other clients send.

use ropewalk_engine::ExchangeId;
use ropewalk_engine::event::Event;

use crate::harness::{Client, GET, World};

const FLOODS: usize = 64;
const UPLOAD: &str = "POST /flood HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Starts uploads in one-byte chunks. The sockets hold more bytes than one poll reads.
fn flooded(world: &mut World) -> Vec<(ExchangeId, Client<std::net::TcpStream>)> {
    let chunks = b"1\r\nx\r\n".repeat(512 * 1024);
    let floods = (0..FLOODS).map(|_| {
        let mut client = world.connect();
        client.send(UPLOAD);
        let (id, _) = world.head();
        world.receive_up_to(id, Some(u64::MAX));
        while client.send_some(&chunks) > 0 {
            world.settle();
        }
        world.events.clear();
        (id, client)
    });
    floods.collect()
}

/// Requests more of every upload's body.
fn receive_more(world: &mut World, floods: &[(ExchangeId, Client<std::net::TcpStream>)]) {
    for (id, _) in floods {
        world.engine.consumed(*id, u64::MAX).unwrap();
    }
}

#[test]
fn a_request_is_served_before_the_next_part_of_any_flood() {
    let mut world = World::new();
    let floods = flooded(&mut world);
    let mut quiet = world.connect();
    world.settle();
    receive_more(&mut world, &floods);
    quiet.send(GET);
    let position = |world: &mut World| world.events.iter().position(|event| matches!(event, Event::Head(..)));
    world.until("the request", |world| position(world).is_some());
    assert!(position(&mut world) <= Some(FLOODS), "at most one event of each flood is before it");
}

#[test]
fn a_poll_reads_no_more_than_its_share_of_floods() {
    let mut world = World::new();
    let floods = flooded(&mut world);
    receive_more(&mut world, &floods);
    let before = world.engine.counters().bytes_in;
    world.engine.begin_turn();
    world.engine.poll().unwrap();
    let read = world.engine.counters().bytes_in - before;
    assert!((1..=320 * 1024).contains(&read), "{read} bytes");
    assert!(world.engine.has_backlog());
    world.engine.end_turn();
}
