//! What happens to an engine when its process forks.
//!
//! | | the parent | the child |
//! |---|---|---|
//! | connections | continue | the copies are closed, and nothing is sent to the clients |
//! | listeners | continue to accept | accept too |
//! | driver, timers, queued events, counters, log lines | are kept | start empty |
//! | the file of a UNIX socket | is removed when its listener closes | is not removed while the parent runs |
//!
//! The child changes nothing that it shares with the parent: no registration with the inherited epoll descriptor and no
//! socket option. It does not call shutdown(2).

use std::io;

use super::Engine;
use super::timers::Timers;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::driver::Driver;
use crate::exchange::ExchangeId;
use crate::outbox::OpenFiles;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// In a forked child, before any other call: closes the copies of the parent's connections, and accepts on the same
    /// listeners with a new driver. `mid_turn` means that this thread is running a turn. After an error, the engine
    /// must not be used, because it may still share its driver with the parent.
    pub fn after_fork_in_child(&mut self, mid_turn: bool) -> io::Result<()> {
        self.connections.disinherit();
        self.inbox.clear();
        self.ready.clear();
        self.scratch.resize(super::SCRATCH, 0);
        self.send_queue.take();
        (self.half_closed, self.resuming, self.lingering) = Default::default();
        self.compressing.clear();
        self.current = None;
        self.capacity.files = OpenFiles::default();
        self.counters = Counters::default();
        if let Some(access) = &mut self.access {
            drop(access.take());
        }
        self.clock = Clock::default();
        self.timers = Timers::new(self.clock.millis());
        self.in_turn &= mid_turn;
        let outcome = self.driver.reopen().and_then(|()| self.listeners.after_fork_in_child(&mut self.driver));
        if outcome.is_err() {
            // Do not call `stop_listening`, because the driver may still belong to the parent.
            self.listeners.clear();
        }
        outcome
    }

    /// In the parent, records that children have copies of the listening sockets. If `children_serve` is true, they may
    /// still accept after this process has stopped. Otherwise, this process shuts the sockets down for all processes
    /// when it stops.
    pub fn after_fork_in_parent(&mut self, children_serve: bool) {
        self.listeners.after_fork_in_parent(children_serve);
    }

    /// Whether an exchange began in the parent process, before the fork.
    pub fn is_inherited(&self, id: ExchangeId) -> bool {
        self.connections.is_inherited(id.connection)
    }
}
