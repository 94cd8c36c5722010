//! Queries on a world.

use std::time::Duration;

use super::{World, listener};
use crate::fold::connection::Connection;
use crate::fold::history::SLOT;
use crate::fold::ledger::{Balance, DropCount};
use crate::fold::listeners::{Drops, ListenerState, RATE_SPAN};
use crate::fold::trials::ExperimentResults;
use crate::fold::world::next_steps::{self, NextSteps};
use crate::model::cause::Cause;
use crate::model::counters::{Counter, Counters};
use crate::model::peer::Peer;
use crate::say;

/// How long the ledger and the counters may differ while the session runs.
const DIFFERENCE_TIMEOUT: Duration = Duration::from_secs(1);

impl World {
    /// The accept queue's limit: as last read, else as `listen()` reported it.
    pub fn accept_limit(&self) -> Option<u32> {
        self.reading.limit.or_else(|| self.listening.and_then(|listening| listening.limit))
    }

    /// How many connections the accept queue holds.
    pub fn accept_capacity(&self) -> Option<u32> {
        self.accept_limit().map(crate::model::queue::accept_capacity)
    }

    /// How many half-open requests the SYN queue holds before it is full.
    pub fn syn_capacity(&self) -> Option<u32> {
        self.accept_limit().map(|limit| self.syn_rule.capacity(limit))
    }

    /// The counters' change since the session began.
    pub fn counters(&self) -> Counters {
        match (&self.counters_last, &self.counters_first) {
            (Some(last), Some(first)) => last.since(first),
            _ => Counters::default(),
        }
    }

    /// The change of one counter since the session began.
    pub fn counter(&self, counter: Counter) -> Option<u64> {
        self.counters().value(counter)
    }

    /// Compares the ledger with the counters. While the session runs the two are read at different moments: a difference counts
    /// only after [`DIFFERENCE_TIMEOUT`].
    pub fn balance(&self) -> Balance {
        let undecided = |reason| Balance { balanced: None, reason: Some(reason), unexplained: Vec::new() };
        match &self.began {
            Some(began) if !began.private_counters => {
                undecided(say!("the counters of this network namespace are shared with other programs"))
            }
            _ if self.trials != ExperimentResults::default() => {
                undecided(say!("a trial has used this network namespace as well"))
            }
            _ if self.segments.is_none() => undecided(say!("segments are not seen: no packet tap")),
            _ if self.losses.tap_dropped > 0 => undecided(say!("the packet tap lost segments")),
            _ if self.counters_first.is_none() => undecided(say!("the counters could not be read")),
            _ => {
                let recent = self.open.balanced_at.is_some_and(|at| self.now.since(at) < DIFFERENCE_TIMEOUT);
                let mut balance = self.ledger.balance(&self.counters());
                if let Some(unexplained) = listener::unexplained_by_listener(self) {
                    balance.balanced = Some(false);
                    balance.unexplained.push(unexplained);
                }
                if recent && !self.ended {
                    Balance { balanced: Some(true), ..Balance::default() }
                } else if balance.balanced == Some(true) && self.ledger.syns_without_cause > 0 {
                    undecided(say!("a SYN stayed without an answer, and no counter says why"))
                } else {
                    balance
                }
            }
        }
    }

    /// One connection.
    pub fn connection(&self, peer: &Peer) -> Option<&Connection> {
        self.roster.connection(peer)
    }

    /// Packets lost for `cause`, and how many clients.
    pub const fn lost(&self, cause: Cause) -> DropCount {
        self.ledger.lost(cause)
    }

    /// True when the listener belongs to another program.
    pub const fn is_watched(&self) -> bool {
        self.open.foreign.active
    }

    /// The accept queue's depth by which a segment is judged.
    pub(super) const fn accept_depth(&self) -> u32 {
        if self.open.foreign.active { self.open.foreign.supposed } else { self.accept_queue.depth() }
    }

    /// Segments in no log: there was too much to follow.
    pub const fn segments_not_logged(&self) -> u64 {
        self.log_switch.not_kept
    }

    /// True while segment logs are written.
    #[cfg(any(test, feature = "internals"))]
    pub const fn writes_segment_logs(&self) -> bool {
        self.log_switch.open
    }

    /// What will happen to this connection if nothing changes.
    pub fn next_steps(&self, connection: &Connection) -> NextSteps {
        next_steps::next_steps(self, connection)
    }

    /// How many connections `accept()` takes before this one, if it waits for that.
    pub fn queued_before(&self, connection: &Connection) -> Option<u32> {
        let earlier =
            |other: &&Connection| other.server.in_accept_queue() && other.queue_order < connection.queue_order;
        connection.server.in_accept_queue().then(|| self.roster.iter().filter(earlier).count() as u32)
    }

    /// The drops of the chosen listener since it was chosen, from the wire: exact. `None` without a tap, when the tap lost
    /// something, and for listeners of our own.
    pub fn chosen_drops(&self) -> Option<Drops> {
        if !self.is_watched() || self.open.foreign.shared || self.segments.is_none() || self.losses.tap_dropped > 0 {
            return None;
        }
        let listener = self.ledger.kernel_drops();
        let counted = self.listener_drops.total()?;
        (counted >= listener).then(|| Drops { listener, at_least: listener, noise: counted - listener })
    }

    /// The drops of a listener since the watch began: from the wire if that covers all of this time, else from the counters.
    pub fn drops_of(&self, listener: &ListenerState) -> Option<Drops> {
        let by_counters = listener.drops()?;
        let chosen = self.listeners.chosen == Some(listener.id());
        let counted = by_counters.listener + by_counters.noise;
        let by_wire = self.chosen_drops().filter(|drops| chosen && drops.listener + drops.noise == counted);
        Some(by_wire.unwrap_or(by_counters))
    }

    /// The drops of a listener since it was made; the part since the watch began as in [`World::drops_of`].
    pub fn drops_since_made_of(&self, listener: &ListenerState) -> Option<Drops> {
        let (made, watched, better) = (listener.drops_since_made()?, listener.drops()?, self.drops_of(listener)?);
        let all = made.listener + made.noise;
        let listener = made.listener - watched.listener + better.listener;
        Some(Drops {
            listener,
            at_least: made.at_least - watched.at_least + better.at_least,
            noise: all.saturating_sub(listener),
        })
    }

    /// Connections per second that the chosen listener's program accepted over the last [`RATE_SPAN`]; `None` without a tap, for
    /// other listeners, and where several sockets share the address.
    pub fn accepts_per_s(&self, listener: &ListenerState) -> Option<f64> {
        let observed = self.is_watched() && self.segments.is_some() && !self.open.foreign.shared;
        let slots = (RATE_SPAN.as_millis() / SLOT.as_millis()) as usize;
        if !observed
            || self.listeners.chosen != Some(listener.id())
            || self.history.slots().len() * SLOT.as_millis() as usize <= 1000
        {
            return None;
        }
        let count = slots.min(self.history.slots().len());
        let accepts: u64 = self.history.last(count).map(|slot| u64::from(slot.accepts)).sum();
        Some(accepts as f64 / (SLOT.as_secs_f64() * count as f64))
    }

    /// Entries of the chosen listener's accept queue whose connections the kernel no longer lists: their clients have reset them.
    /// `None` if undecided.
    pub fn places_of_the_reset(&self) -> Option<u32> {
        let [last, before] = self.open.foreign.hidden;
        last.map(|last| before.map_or(last, |before| before.min(last)))
    }
}
