//! Stops accepting connections for a while when no descriptors are left (EMFILE, ENFILE).

use super::Engine;
use super::listeners::ListenerId;
use crate::driver::Driver;
use crate::event::Severity;
use crate::wire::Wire;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Stops accepting on a listener for a while, because no descriptors are left.
    pub(super) fn back_off(&mut self, id: ListenerId) {
        self.counters.accept_backoffs += 1;
        if let Err(error) = self.listeners.back_off(id, self.clock.millis(), &mut self.driver) {
            self.report(Severity::Error, "RW505", format!("the engine cannot stop watching a listener: {error}"));
        }
        let open = self.connections.len();
        let message =
            format!("no descriptors are left with {open} connections open; accepting pauses until some are free");
        self.report_limited(Severity::Warn, "RW504", message);
    }

    /// Accepts again on the listeners whose waiting time has passed.
    pub(super) fn retry_listeners(&mut self, now: u64) {
        for id in self.listeners.due_for_retry(now) {
            match self.listeners.watch_again(id, &mut self.driver) {
                Ok(()) => {
                    self.accept(id);
                }
                Err(_) => self.back_off(id),
            }
        }
    }
}
