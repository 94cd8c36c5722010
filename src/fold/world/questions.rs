//! Queries on a world.

use std::time::Duration;

use super::{World, readings};
use crate::fold::connection::Connection;
use crate::fold::ledger::{Balance, DropCount};
use crate::fold::listeners::{Drain, Drops, ListenerState};
use crate::fold::spread::DurationHistogram;
use crate::fold::trials::ExperimentResults;
use crate::fold::what_if::WhatIf;
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

    /// The same where the kernel's rule was measured: one less or more is told otherwise.
    pub fn measured_syn_capacity(&self) -> Option<u32> {
        self.began.as_ref()?.syn_rule.and(self.syn_capacity())
    }

    /// The counters' change since the session began.
    pub fn counters(&self) -> Counters {
        match (&self.counters_last, &self.counters_first) {
            (Some(last), Some(first)) => last.since(first),
            _ => Counters::default(),
        }
    }

    /// The change of the clients' counters since the session began; `None` where they are not apart from the server's.
    pub fn client_counters(&self) -> Option<Counters> {
        Some(self.client_counters_last.as_ref()?.since(self.client_counters_first.as_ref()?))
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
                if let Some(unexplained) = readings::unexplained_by_listener(self) {
                    balance.balanced = Some(false);
                    balance.unexplained.push(unexplained);
                }
                if recent && !self.ended {
                    Balance { balanced: Some(true), ..Balance::default() }
                } else if balance.balanced == Some(true) && self.ledger.undetermined > 0 {
                    undecided(say!("it could not be read what became of a segment"))
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

    /// True in a run of the lab in which no segment is seen.
    pub fn is_reduced(&self) -> bool {
        self.began.as_ref().is_some_and(|began| !began.watched && !began.tap)
    }

    /// True in the lab: what became of each segment is a fact.
    pub const fn delivers(&self) -> bool {
        self.open.delivers
    }

    /// The accept queue's depth by which a final ACK is judged: by the facts of its own server, or as read.
    pub(super) const fn accept_depth(&self) -> u32 {
        if self.open.foreign.active { self.open.foreign.supposed } else { self.accept_queue.depth() }
    }

    /// The accept queue's depth when it was read, and what has entered since: no lower than the kernel's, whatever has been accepted.
    pub(super) const fn accept_depth_at_most(&self) -> u32 {
        self.open.foreign.supposed
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
        let earlier = connection.queue_order.wrapping_sub(self.open.left);
        let others = self.accept_queue.depth().saturating_sub(1);
        connection.server.in_accept_queue().then(|| earlier.min(others))
    }

    /// By how much the listener's drop count has moved without a cause that is certain, seen from the side: at most so many drops, and
    /// what is no drop. `None` in the lab, and where the wire or the count is not seen.
    pub fn not_attributed(&self) -> Option<u64> {
        let seen = !self.open.delivers && self.segments.is_some();
        let counted = self.listener_drops.total().filter(|_| seen)?;
        Some(counted.saturating_sub(self.ledger.listener_drops()))
    }

    /// The part of the listener's drop count that the ledger accounts for. `None` where not all of it has a cause that is certain: what is
    /// only seen from the side is no account.
    pub fn accounted_drops(&self) -> Option<u64> {
        let is_account = self.open.delivers || self.not_attributed() == Some(0);
        is_account.then(|| self.ledger.listener_drops())
    }

    /// The drops of the chosen listener since it was chosen, where the wire shows a cause for all that its drop count has moved: exact.
    /// `None` otherwise, without a tap, when the tap lost something, and for listeners of our own.
    pub fn chosen_drops(&self) -> Option<Drops> {
        if !self.is_watched() || self.open.foreign.shared || self.segments.is_none() || self.losses.tap_dropped > 0 {
            return None;
        }
        let listener = self.ledger.kernel_drops();
        let counted = self.listener_drops.total()?;
        (self.not_attributed() == Some(0)).then(|| Drops { listener, at_least: listener, noise: counted - listener })
    }

    /// The drops of a listener since the watch began: as its own counter and those of its namespace bound them. What was inferred from the wire
    /// counts only where they leave it open, and only within their bounds.
    pub fn drops_of(&self, listener: &ListenerState) -> Option<Drops> {
        let by_counters = listener.drops()?;
        let chosen = self.listeners.chosen == Some(listener.id());
        let counted = by_counters.listener + by_counters.noise;
        let agrees = |wire: &Drops| {
            let within = (by_counters.at_least..=by_counters.listener).contains(&wire.listener);
            chosen && within && wire.listener + wire.noise == counted
        };
        let open = !by_counters.is_exact();
        Some(self.chosen_drops().filter(|wire| open && agrees(wire)).unwrap_or(by_counters))
    }

    /// How many of a listener's drops since the watch began have no cause that is certain. `None` where no cause can be seen, and where the causes
    /// seen are more than its counter admits.
    pub fn drops_without_cause(&self, listener: &ListenerState) -> Option<u64> {
        self.not_attributed()?;
        let causes = self.ledger.lost_by_cause().filter(|(cause, _)| cause.is_listen_drop());
        let certain: u64 = causes.map(|(_, lost)| lost.segments).sum();
        self.drops_of(listener)?.listener.checked_sub(certain)
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

    /// Connections per second that the chosen listener's program accepted, over whole periods of its rhythm; `None` without a tap, for other listeners,
    /// and where several sockets share the address.
    pub fn accepts_per_s(&self, listener: &ListenerState) -> Option<f64> {
        self.open.foreign.accepts.per_s(self.now, self.opened).filter(|_| self.sees_wire_of(listener))
    }

    /// Clients per second that came to a listener: of the chosen one as the wire shows them, of others as their first SYNs are counted. `None` where
    /// neither is seen.
    pub fn arrivals_per_s(&self, listener: &ListenerState) -> Option<f64> {
        let seen = self.sees_wire_of(listener);
        if seen {
            self.open.foreign.arrivals.per_s(self.now, self.opened)
        } else {
            self.listeners.arrivals_per_s(listener)
        }
    }

    /// True for the chosen listener of a watch with a tap, where no other socket shares its address.
    fn sees_wire_of(&self, listener: &ListenerState) -> bool {
        let observed = self.is_watched() && self.segments.is_some() && !self.open.foreign.shared;
        observed && self.listeners.chosen == Some(listener.id())
    }

    /// Connections that the chosen listener's program has accepted and reset without a byte of answer.
    pub fn reset_after_accept(&self) -> u64 {
        self.open.resets.after_accept
    }

    /// How long connections waited in a listener's queue since it is watched: those of the chosen one, by the lists of connections; those of a unix
    /// socket, by its depth. `None` for others, and where none was seen to come and to be accepted.
    pub fn waits_of<'a>(&'a self, listener: &'a ListenerState) -> Option<&'a DurationHistogram> {
        let chosen = self.is_watched() && self.listeners.chosen == Some(listener.id()) && !self.open.foreign.shared;
        let listed = (chosen && listener.reading.address.port().is_some()).then_some(&self.wait);
        listed.filter(|waits| waits.max_ms().is_some()).or_else(|| listener.waits())
    }

    /// What other limits would have done with the clients that this listener had in the last minute: the present one first, then longer ones up to the
    /// first that loses nobody, and where its queue never empties shorter ones. Empty without a tap, for unix sockets, and where several sockets share
    /// the address; those whose effect the traffic does not tell are left out.
    pub fn what_if(&self, listener: &ListenerState) -> Vec<WhatIf> {
        let observed = self.sees_wire_of(listener);
        let Some(limit) = listener.reading.queue.limit.filter(|_| observed) else { return Vec::new() };
        let Some(now) = self.traffic.as_it_was(limit) else { return Vec::new() };
        let mut tried = vec![now];
        let longer = [2, 4, 16, 64].map(|factor| limit.saturating_mul(factor)).into_iter().chain([1024, 4096]);
        let mut longer: Vec<_> = longer.filter(|backlog| *backlog > limit && *backlog <= LONGEST).collect();
        longer.sort_unstable();
        longer.dedup();
        let understood = self.traffic.is_understood(limit);
        let predicted = |backlog| self.traffic.predicted(backlog, understood);
        for backlog in longer {
            if tried.last().is_some_and(|last| last.lost == 0) {
                break;
            }
            tried.extend(predicted(backlog));
        }
        if listener.empties(self.now) == Some(false) && limit >= 4 {
            tried.extend(predicted(limit / 4));
        }
        tried.sort_by_key(|tried| (tried.backlog != limit, tried.backlog));
        tried
    }

    /// What this limit would have done with them, and the range of that; `None` where [`what_if`](Self::what_if) is empty, and where they do not tell.
    pub fn what_if_limit(&self, listener: &ListenerState, backlog: u32) -> Option<WhatIf> {
        let limit = listener.reading.queue.limit.filter(|_| self.sees_wire_of(listener))?;
        self.traffic.predicted(backlog, self.traffic.is_understood(limit)).map(|one| self.traffic.in_range(one))
    }

    /// How fast a listener's queue drains: by its accepts where they are known, else by its depth alone. `None` where nothing left it.
    pub fn drain_of(&self, listener: &ListenerState) -> Option<Drain> {
        let known = self.accepts_per_s(listener).or_else(|| self.listeners.accepts_per_s(listener));
        let exact = known.filter(|rate| *rate > 0.0).map(|accepts_per_s| Drain { accepts_per_s, exact: true });
        exact.or_else(|| listener.drain(self.now).filter(|_| known.is_none()))
    }

    /// Entries of the chosen listener's accept queue whose connections the kernel no longer lists: their clients have reset them. At least
    /// so many; `None` if undecided.
    pub fn places_of_the_reset(&self) -> Option<u32> {
        self.open.foreign.reset_entries().map(|reset| reset.min(self.accept_queue.depth()))
    }

    /// Entries of the accept queue whose clients have closed or reset their connections. Of a watched listener: those that the last list
    /// shows closed, and those that it no longer shows though the queue holds them. `None` if undecided, and where several sockets share
    /// the address, because a list is of all of them.
    pub fn closed_in_queue(&self) -> Option<u32> {
        if !self.is_watched() {
            return Some(self.roster.dead_in_queue());
        }
        let listed = self.listed.waiting.as_ref().filter(|_| !self.open.foreign.shared)?;
        let closed = listed.iter().filter(|waiting| waiting.closed).count();
        let closed = u32::try_from(closed).unwrap_or(u32::MAX);
        Some(closed.saturating_add(self.places_of_the_reset().unwrap_or(0)).min(self.accept_queue.depth()))
    }
}

/// The longest backlog that is tried on paper.
const LONGEST: u32 = 65_535;
