//! Tests an engine that has few descriptors left. The descriptor limit applies to the whole process, so this file has
//! only one test.

#[allow(dead_code)]
#[path = "wire/harness.rs"]
mod harness;

use std::fs::File;

use ropewalk_engine::Limits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use harness::{End, World};

/// The maximum number of descriptors of this process. The engine uses 80% of them, and lets one refused connection
/// linger for every 64 of those.
const DESCRIPTORS: u64 = 400;
const LINGERING: usize = 5;

/// Opens files until only `but` descriptors are free.
fn take_descriptors(taken: &mut Vec<File>, but: usize) {
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    taken.truncate(taken.len().saturating_sub(but));
}

#[test]
fn connections_that_are_turned_away_give_their_descriptors_back() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(DESCRIPTORS), maximum }).unwrap();
    let limits = Limits { connections: 1, linger_timeout: 0, linger_total_time: 0, ..Limits::default() };
    let mut world = World::with(limits).echoing_targets();
    let mut one = world.connect();
    one.send(harness::GET);
    assert_eq!(200, world.response(&mut one).status);
    let mut away: Vec<_> = (0..LINGERING).map(|_| world.connect()).collect();
    for client in &mut away {
        assert_eq!(503, world.response(client).status);
    }
    assert_eq!(1 + LINGERING, world.engine.connections());

    let mut taken = Vec::new();
    let mut later = Vec::new();
    for client in &mut away {
        take_descriptors(&mut taken, 1);
        let mut next = world.connect(); // its socket uses the last descriptor
        assert_eq!(503, world.response(&mut next).status);
        assert_eq!(0, world.engine.counters().accept_backoffs);
        assert_eq!(End::Orderly, world.ended(client), "the connection that has lingered longest was closed");
        later.push(next);
    }

    // Each round also closed a second connection, because accept(2) needs a descriptor even to find that no client
    // waits.
    assert_eq!(1, world.engine.connections());
    // If no connection lingers, the engine stops accepting for a while.
    take_descriptors(&mut taken, 1);
    let mut next = world.connect();
    world.until("a pause", |world| world.engine.counters().accept_backoffs == 1);
    drop(taken);
    assert_eq!(503, world.response(&mut next).status);
}
