//! What the user does to the segments of single clients: lose the next one, or hold them until they are let go.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::peer::Peer;

/// The wishes that are in force.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Interference {
    losing: BTreeSet<Peer>,
    /// The slots of the segments that are held, in their order.
    holding: BTreeMap<Peer, Vec<u32>>,
}

/// What happens to a segment that would reach its end now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) enum Fate {
    /// It arrives.
    Arrives,
    /// It is lost, and the wish is fulfilled.
    IsLost,
    /// It has to wait: [`Interference::keep`] it.
    IsHeld,
}

impl Interference {
    /// What happens to a segment of this client.
    pub(in crate::lab) fn fate(&mut self, peer: &Peer) -> Fate {
        if self.holding.contains_key(peer) {
            Fate::IsHeld
        } else if self.losing.remove(peer) {
            Fate::IsLost
        } else {
            Fate::Arrives
        }
    }

    /// True while this client's segments are held.
    pub(in crate::lab) fn is_holding(&self, peer: &Peer) -> bool {
        self.holding.contains_key(peer)
    }

    /// Loses the next segment of this client.
    pub(in crate::lab) fn lose_next(&mut self, peer: Peer) {
        self.losing.insert(peer);
    }

    /// Keeps the slot of a segment that is held.
    pub(in crate::lab) fn keep(&mut self, peer: Peer, slot: u32) {
        self.holding.entry(peer).or_default().push(slot);
    }

    /// Begins to hold this client's segments, or returns the slots of those that are let go.
    pub(in crate::lab) fn turn_hold(&mut self, peer: Peer) -> Vec<u32> {
        let Some(slots) = self.holding.remove(&peer) else {
            self.holding.insert(peer, Vec::new());
            return Vec::new();
        };
        slots
    }

    /// The slots of one client's held segments; the first of them may be lost by hand.
    pub(in crate::lab) fn take_first_held(&mut self, peer: &Peer) -> Option<u32> {
        let held = self.holding.get_mut(peer).filter(|held| !held.is_empty())?;
        Some(held.remove(0))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_loss_is_for_one_segment_and_a_hold_until_it_is_ended() {
        let (one, other) = (Peer::v4(Ipv4Addr::LOCALHOST, 1), Peer::v4(Ipv4Addr::LOCALHOST, 2));
        let mut wishes = Interference::default();
        wishes.lose_next(one);
        assert_eq!(
            [wishes.fate(&other), wishes.fate(&one), wishes.fate(&one)],
            [Fate::Arrives, Fate::IsLost, Fate::Arrives]
        );
        assert!(wishes.turn_hold(one).is_empty());
        assert_eq!(
            [wishes.fate(&one), wishes.fate(&one), wishes.fate(&other)],
            [Fate::IsHeld, Fate::IsHeld, Fate::Arrives]
        );
        (7..10).for_each(|slot| wishes.keep(one, slot));
        assert_eq!(wishes.take_first_held(&one), Some(7));
        assert_eq!(wishes.turn_hold(one), [8, 9]);
        assert_eq!(wishes.fate(&one), Fate::Arrives);
    }
}
