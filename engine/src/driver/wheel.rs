//! A hashed timer wheel. It is cheap for deadlines that are postponed often, because an entry is examined only when its
//! slot is due. If the deadline is later by then, the owner inserts the entry again.

use std::collections::VecDeque;

const SLOTS: usize = 512;

/// Milliseconds per slot. A deadline may be handled up to this much too late.
pub const TICK: u64 = 128;

/// A timer wheel. It holds keys, each with the tick at which the key is due.
#[derive(Debug)]
pub struct Wheel {
    slots: Vec<Vec<u64>>,
    occupied: [u64; SLOTS / 64],
    /// The next tick to be handled.
    current: u64,
    /// All slots before this tick are empty.
    soonest: u64,
}

impl Wheel {
    /// Makes an empty wheel that starts at `now` milliseconds.
    pub fn new(now: u64) -> Self {
        Wheel {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            occupied: [0; SLOTS / 64],
            current: now / TICK,
            soonest: u64::MAX,
        }
    }

    /// The tick at which a deadline is handled: the first tick that starts after the deadline.
    pub fn tick_of(deadline: u64) -> u64 {
        deadline / TICK + 1
    }

    /// Inserts a key. Returns the tick at which the key will be due, at most one rotation from now.
    pub fn insert(&mut self, key: u64, deadline: u64) -> u64 {
        let tick = Self::tick_of(deadline).clamp(self.current, self.current + SLOTS as u64 - 1);
        let slot = (tick % SLOTS as u64) as usize;
        self.slots[slot].push(key);
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.soonest = self.soonest.min(tick);
        tick
    }

    /// Moves the keys whose tick has passed to `due`, each with its tick.
    pub fn expire(&mut self, now: u64, due: &mut VecDeque<(u64, u64)>) {
        let last = now / TICK;
        if last < self.current {
            return;
        }
        for tick in self.soonest.max(self.current)..=last.min(self.current + SLOTS as u64 - 1) {
            if self.is_occupied(tick) {
                let slot = (tick % SLOTS as u64) as usize;
                self.occupied[slot / 64] &= !(1 << (slot % 64));
                due.extend(std::mem::take(&mut self.slots[slot]).into_iter().map(|key| (key, tick)));
            }
        }
        self.current = last + 1;
        if self.soonest <= last {
            let ticks = self.current..self.current + SLOTS as u64;
            self.soonest = ticks.into_iter().find(|&tick| self.is_occupied(tick)).unwrap_or(u64::MAX);
        }
    }

    /// The time at which the next key may be due, in milliseconds. None if the wheel is empty.
    pub fn next(&self) -> Option<u64> {
        (self.soonest != u64::MAX).then(|| self.soonest * TICK)
    }

    fn is_occupied(&self, tick: u64) -> bool {
        let slot = (tick % SLOTS as u64) as usize;
        self.occupied[slot / 64] & (1 << (slot % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expired(wheel: &mut Wheel, now: u64) -> Vec<u64> {
        let mut due = VecDeque::new();
        wheel.expire(now, &mut due);
        due.into_iter().map(|(key, _)| key).collect()
    }

    #[test]
    fn a_key_is_due_after_its_deadline_and_once() {
        let mut wheel = Wheel::new(10_000);
        wheel.insert(1, 10_500);
        wheel.insert(2, 12_000);
        assert!(expired(&mut wheel, 10_500).is_empty());
        let next = wheel.next().unwrap();
        assert!((10_500..10_500 + 2 * TICK).contains(&next));
        assert_eq!(vec![1], expired(&mut wheel, next));
        assert_eq!(vec![2], expired(&mut wheel, 60_000));
        assert!(expired(&mut wheel, 1_000_000).is_empty());
        assert_eq!(None, wheel.next());
    }

    #[test]
    fn a_far_deadline_is_due_within_one_rotation() {
        let mut wheel = Wheel::new(0);
        let tick = wheel.insert(1, 10_000_000);
        assert_eq!(SLOTS as u64 - 1, tick);
        assert_eq!(vec![1], expired(&mut wheel, tick * TICK));
    }

    #[test]
    fn a_passed_deadline_is_due_at_once() {
        let mut wheel = Wheel::new(100_000);
        expired(&mut wheel, 100_000);
        wheel.insert(1, 5);
        assert_eq!(vec![1], expired(&mut wheel, 100_000 + TICK));
    }
}
