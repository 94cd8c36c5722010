//! Readings of the kernel, held against what the fold has kept event by event.

use super::World;
use crate::fold::connection::ServerSide;
use crate::fold::ledger::Cause;
use crate::model::counters::Counters;
use crate::model::peer::Peer;
use crate::model::sample::{HalfOpen, Listed, QueueReading};
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;

/// Dumps in a row that must lack a request before it counts as removed (a dump is not a snapshot).
pub(super) const MISSED: u8 = 2;

impl World {
    pub(super) fn read_queue(&mut self, at: Stamp, reading: &QueueReading) {
        let limit_before = self.reading.limit;
        self.reading = *reading;
        if reading.limit != limit_before {
            self.set_capacities(at);
        }
        let Some(depth) = reading.depth else { return };
        if self.is_watched() {
            self.read_watched_depth(at, depth);
        }
        if self.segments.is_some() && !self.is_watched() {
            self.revise_to_depth(at, depth);
        }
        if self.accept_queue.depth() != depth {
            self.accept_queue.corrections += u64::from(self.segments.is_some());
            self.accept_queue.set(at, depth);
        }
        self.open.decisions.clear();
        self.read_drops(reading.drops);
        let slot = self.history.slot_at(at);
        slot.accept_last = depth;
        slot.accept_max = slot.accept_max.max(depth);
    }

    /// Revises the latest decisions about final ACKs until the depth is what was read.
    fn revise_to_depth(&mut self, at: Stamp, depth: u32) {
        for index in (0..self.open.decisions.len()).rev() {
            let kept = self.accept_queue.depth();
            let decision = self.open.decisions[index];
            if kept == depth {
                break;
            } else if kept < depth && !decision.taken {
                self.revise_to_taken(at, decision.peer);
            } else if kept > depth && decision.taken && !self.has_shown_itself(decision.peer) {
                self.revise_to_ignored(at, decision.peer);
            }
        }
        self.revise_doubtful(at, depth);
    }

    /// True when the server's end of the connection has spoken: it exists, whatever the depth seems to say.
    fn has_shown_itself(&self, peer: Peer) -> bool {
        self.roster.connection(&peer).is_some_and(|one| one.trace.child_spoke)
    }

    pub(super) fn read_lists(&mut self, at: Stamp, listed: &Listed) {
        if let Some(half_open) = &listed.half_open {
            self.read_half_open(at, half_open);
            self.desk.listed_at = at;
            self.listed.half_open = Some(half_open.clone());
        }
        if let Some(waiting) = &listed.waiting {
            if self.is_watched() {
                self.read_watched_waiting(at, waiting);
            } else {
                self.read_waiting(at, waiting);
            }
            self.listed.waiting = Some(waiting.clone());
        }
    }

    fn read_half_open(&mut self, at: Stamp, listed: &[HalfOpen]) {
        self.open.dump += 1;
        let dump = self.open.dump;
        for request in listed {
            self.forget_if_left(request.peer);
            let one = self.roster.entry(request.peer, at);
            one.trace.listed = dump;
            one.trace.missed = 0;
            match one.server {
                ServerSide::Queued if !self.open.stranger.blind => self.revise_to_ignored(at, request.peer),
                ServerSide::CookieSent if !one.trace.told => self.was_a_request(at, request.peer),
                ServerSide::Nothing | ServerSide::Expired | ServerSide::Pruned => {
                    self.server_to(at, request.peer, ServerSide::HalfOpen);
                }
                _ => {}
            }
            self.learn_retransmits(request);
        }
        let gone = self.missing_requests(at, dump);
        for (peer, cause) in gone {
            if self.request_vanished(at, peer) || self.was_a_cookie(at, peer) {
                continue;
            }
            self.charge(at, peer, cause);
            let to = if cause == Cause::RequestExpired { ServerSide::Expired } else { ServerSide::Pruned };
            self.server_to(at, peer, to);
        }
        self.set_listed_requests(at, listed.len());
    }

    /// Requests that several dumps in a row did not list: removed by their timer. After the last SYN-ACK it has expired, before it
    /// was pruned.
    fn missing_requests(&mut self, at: Stamp, dump: u64) -> Vec<(Peer, Cause)> {
        let retries = self.synack_retries();
        let mut gone = Vec::new();
        for one in self.roster.iter_mut() {
            if !one.server.in_syn_queue() || one.trace.listed == dump {
                continue;
            }
            if one.trace.missed == 0 {
                one.trace.missed_at = at;
            }
            one.trace.missed = one.trace.missed.saturating_add(1);
            if one.trace.missed >= MISSED {
                let last_sent = i64::from(one.syn_acks) > retries;
                gone.push((one.peer, if last_sent { Cause::RequestExpired } else { Cause::RequestPruned }));
            }
        }
        gone.sort_unstable();
        gone
    }

    fn synack_retries(&self) -> i64 {
        self.sysctls.value(Sysctl::SynackRetries).unwrap_or(5)
    }

    /// True when the request's last SYN-ACK had been sent: it was not pruned, it has expired.
    pub(super) fn has_expired(&self, peer: Peer) -> bool {
        self.roster.connection(&peer).is_some_and(|one| i64::from(one.syn_acks) > self.synack_retries())
    }

    pub(super) fn read_counters(&mut self, counters: &Counters) {
        if self.counters_first.is_none() {
            self.counters_first = Some(counters.clone());
        }
        self.counters_last = Some(counters.clone());
        self.counters_at = Some(self.now);
        self.arbitrate();
    }
}
