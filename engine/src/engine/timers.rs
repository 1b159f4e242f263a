//! The scheduled deadlines of connections, and the deadlines that have passed.

use std::collections::VecDeque;

use crate::driver::wheel::Wheel;

#[derive(Debug)]
pub(super) struct Timers {
    pub wheel: Wheel,
    /// The tokens and ticks that the timer wheel has returned and that were not handled yet.
    due: VecDeque<(u64, u64)>,
}

impl Timers {
    pub fn new(now: u64) -> Self {
        Timers { wheel: Wheel::new(now), due: VecDeque::new() }
    }

    /// The time at which the next deadline may pass.
    pub fn next(&self) -> Option<u64> {
        self.wheel.next()
    }

    /// Moves the deadlines that have passed from the wheel to `due`.
    pub fn expire(&mut self, now: u64) {
        self.wheel.expire(now, &mut self.due);
    }

    /// Removes a deadline that has passed. Returns its token and its tick.
    pub fn pop(&mut self) -> Option<(u64, u64)> {
        self.due.pop_front()
    }

    /// Whether passed deadlines were not handled yet.
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }
}
