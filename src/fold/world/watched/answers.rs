//! What is known of the chosen listener beyond what was read of it.

use crate::fold::history::SLOT;
use crate::fold::listeners::{Drops, RATE_SPAN, Watched};
use crate::fold::world::World;

impl World {
    /// What the chosen listener dropped since it was chosen, as the wire tells it: exact. `None` without a tap, when the tap lost
    /// something, and for listeners of our own.
    pub fn chosen_drops(&self) -> Option<Drops> {
        if !self.is_watched() || self.open.stranger.shared || self.segments.is_none() || self.losses.tap_dropped > 0 {
            return None;
        }
        let listener = self.ledger.kernel_drops();
        let counted = self.listener_drops.total()?;
        (counted >= listener).then(|| Drops { listener, at_least: listener, noise: counted - listener })
    }

    /// What a listener dropped since the watch began: by the wire where that tells it for all of this time, else by the counters.
    pub fn drops_of(&self, one: &Watched) -> Option<Drops> {
        let by_counters = one.drops()?;
        let chosen = self.survey.chosen == Some(one.id());
        let counted = by_counters.listener + by_counters.noise;
        let by_wire = self.chosen_drops().filter(|drops| chosen && drops.listener + drops.noise == counted);
        Some(by_wire.unwrap_or(by_counters))
    }

    /// What a listener dropped since it was made; the part since the watch began as [`World::drops_of`] tells it.
    pub fn drops_since_made_of(&self, one: &Watched) -> Option<Drops> {
        let (made, watched, better) = (one.drops_since_made()?, one.drops()?, self.drops_of(one)?);
        let all = made.listener + made.noise;
        let listener = made.listener - watched.listener + better.listener;
        Some(Drops {
            listener,
            at_least: made.at_least - watched.at_least + better.at_least,
            noise: all.saturating_sub(listener),
        })
    }

    /// Connections per second that the chosen listener's program has accepted over the last [`RATE_SPAN`]; `None` without a tap, for
    /// other listeners, and where several sockets share the address.
    pub fn accepts_per_s(&self, one: &Watched) -> Option<f64> {
        let told = self.is_watched() && self.segments.is_some() && !self.open.stranger.shared;
        let slots = (RATE_SPAN.as_millis() / SLOT.as_millis()) as usize;
        if !told
            || self.survey.chosen != Some(one.id())
            || self.history.slots().len() * SLOT.as_millis() as usize <= 1000
        {
            return None;
        }
        let count = slots.min(self.history.slots().len());
        let accepts: u64 = self.history.last(count).map(|slot| u64::from(slot.accepts)).sum();
        Some(accepts as f64 / (SLOT.as_secs_f64() * count as f64))
    }

    /// Places in the chosen listener's accept queue that are held by connections which the kernel does not list any more: their clients
    /// have reset them. `None` where that cannot be told.
    pub fn places_of_the_reset(&self) -> Option<u32> {
        let [last, before] = self.open.stranger.hidden;
        last.map(|last| before.map_or(last, |before| before.min(last)))
    }
}
