//! Connections whose end the client has still to read.

use super::Engine;
use crate::driver::Driver;
use crate::wire::Wire;

/// Connections that may linger though the engine is full.
const TURNED_AWAY_KEPT: usize = 64;
/// Entries of the list of lingering connections that are kept before those that are over are taken out.
pub(super) const LINGERING_KEPT: usize = 64;

impl<D: Driver, W: Wire> Engine<D, W> {
    /// Whether there is room for another connection; one that lingers makes room for it.
    pub(super) fn makes_room(&mut self) -> bool {
        while self.is_full() {
            if !self.end_lingering(false) {
                return false;
            }
        }
        true
    }

    /// Closes the connection that lingers longest: one that counts, or any where a descriptor is wanted. False where there
    /// is none.
    pub(super) fn end_lingering(&mut self, any: bool) -> bool {
        while self.lingering.front().is_some_and(|&token| self.token_slot(token).is_none()) {
            self.lingering.pop_front();
        }
        let countable =
            |&token: &u64| self.token_slot(token).filter(|&slot| any || !self.connections[slot].turned_away);
        let Some((place, slot)) = self.lingering.iter().map(countable).enumerate().find_map(|(at, it)| Some((at, it?)))
        else {
            return false;
        };
        self.lingering.remove(place);
        self.close(slot);
        true
    }

    /// Whether a client that there is no room for may have its connection open until it has read so: some may, out of
    /// the descriptors that connections leave to others.
    pub(super) fn may_linger_though_full(&self) -> bool {
        self.turned_away_open < (self.descriptors / 64).min(TURNED_AWAY_KEPT)
    }

    /// Has a connection count for nothing: there is no room for it.
    pub(super) fn mark_turned_away(&mut self, slot: usize) {
        self.connections[slot].turned_away = true;
        self.turned_away_open += 1;
    }
}
