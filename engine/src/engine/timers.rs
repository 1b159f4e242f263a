//! The deadlines of connections that are scheduled, and those that have passed.

use std::collections::VecDeque;

use crate::driver::wheel::Wheel;

#[derive(Debug)]
pub(super) struct Timers {
    pub wheel: Wheel,
    /// Tokens and ticks that the wheel has returned and that were not handled.
    due: VecDeque<(u64, u64)>,
}

impl Timers {
    pub fn new(now: u64) -> Self {
        Timers { wheel: Wheel::new(now), due: VecDeque::new() }
    }

    /// When the next deadline may pass.
    pub fn next(&self) -> Option<u64> {
        self.wheel.next()
    }

    /// Collects the deadlines that have passed.
    pub fn expire(&mut self, now: u64) {
        self.wheel.expire(now, &mut self.due);
    }

    /// The token and tick of a deadline that has passed.
    pub fn pop(&mut self) -> Option<(u64, u64)> {
        self.due.pop_front()
    }

    /// Whether deadlines have passed that were not handled.
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }
}
