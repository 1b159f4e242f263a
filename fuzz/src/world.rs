//! An engine whose connections are pipes. Without sockets and timeouts, the same input always has the same result.

use ropewalk_engine::event::Event;
use ropewalk_engine::{Address, Engine, Limits, PipeId};

/// An engine must become idle within this many turns.
const PATIENCE: usize = 10_000;

/// Handles the events of an engine.
pub trait Handler {
    /// Handles one event. May run any commands.
    fn serve(&mut self, engine: &mut Engine, event: Event);
}

/// Makes an engine with these limits, which reports every refusal.
pub fn engine(limits: Limits) -> Engine {
    let mut engine = Engine::new(limits).expect("descriptors for an engine");
    engine.set_debug(true);
    engine
}

/// Opens a pipe.
pub fn open(engine: &mut Engine) -> PipeId {
    engine.open_pipe(Address::Unknown, Address::Unknown, false)
}

/// Runs a turn that begins with `start`, as the binding does. Returns whether there were events.
pub fn turn(engine: &mut Engine, handler: &mut impl Handler, start: impl FnOnce(&mut Engine)) -> bool {
    engine.begin_turn();
    start(engine);
    engine.start_batching(0);
    let mut events = false;
    loop {
        while let Some(event) = engine.next_event() {
            events = true;
            handler.serve(engine, event);
            engine.event_handled(0, 0);
        }
        engine.flush_queued();
        if !engine.has_events() {
            break;
        }
    }
    engine.end_turn();
    events
}

/// Runs turns until two in a row have no events.
pub fn rest(engine: &mut Engine, handler: &mut impl Handler) {
    let mut quiet = 0;
    for _ in 0..PATIENCE {
        quiet = if turn(engine, handler, |engine| engine.poll().expect("a driver that can be polled")) {
            0
        } else {
            quiet + 1
        };
        if quiet == 2 {
            return;
        }
    }
    panic!("the engine does not become idle");
}
