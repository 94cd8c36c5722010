//! Segments as the tap saw them, in the kernel's own order.

use std::time::Duration;

use super::World;
use super::answer::Answer;
use super::demand::BURST;
use super::note::{Note, who};
use crate::fold::connection::{ClientSide, Connection, LastAck, ServerSide, Verdict};
use crate::fold::history::SLOT;
use crate::fold::ledger::Cause;
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment, Toward};
use crate::model::stamp::Stamp;

/// Within what time of each other two processors may look at two segments of one client.
const AT_ONCE: Duration = Duration::from_millis(1);

impl World {
    pub(super) fn segment(&mut self, at: Stamp, segment: &Segment) {
        self.write_segment(at, segment);
        if segment.kind() == Kind::Rst {
            self.tally(|tally| tally.rst += 1);
        }
        match (segment.toward, segment.kind()) {
            (Toward::Listener, Kind::Syn) => self.syn(at, segment),
            (Toward::Listener, Kind::Ack | Kind::Data | Kind::Fin) => self.ack(at, segment),
            (Toward::Listener, Kind::Rst) => self.client_reset(at, segment.peer),
            (Toward::Client, Kind::SynAck) => self.syn_ack(at, segment),
            (Toward::Client, Kind::Ack | Kind::Data | Kind::Fin) => self.child_spoke(at, segment),
            (Toward::Client, Kind::Rst) => self.server_reset(at, segment.peer),
            (Toward::Listener, Kind::SynAck) | (Toward::Client, Kind::Syn) => {}
        }
    }

    fn tally(&mut self, count: impl FnOnce(&mut super::SegmentTally)) {
        if let Some(tally) = &mut self.segments {
            count(tally);
        }
    }

    fn syn(&mut self, at: Stamp, segment: &Segment) {
        let verdict = self.admission();
        let peer = segment.peer;
        self.meet(at, peer);
        if let Some(before) = self.roster.connection(&peer).and_then(|one| one.trace.pending) {
            self.charge_silence(before, peer);
        }
        let one = self.roster.entry(peer, at);
        // A list can tell of a request before the SYN that made it is seen; that SYN does not end there.
        let meets_request = one.server == ServerSide::HalfOpen && one.syn_acks > 0;
        self.ledger.ended_at_request += u64::from(meets_request);
        one.trace.silent = false;
        if let Some(cause) = one.trace.charged.take() {
            self.ledger.witnesses_mut(cause).client += 1;
        }
        one.travel = None;
        one.trace.last_syn = at;
        one.syns = one.syns.saturating_add(1);
        one.trace.client_isn = segment.seq;
        one.trace.tells_cookie = segment.window_scale && !segment.timestamps;
        one.trace.cookie_bits = segment.cookie_bits;
        let first = one.syns == 1;
        let open = matches!(one.server, ServerSide::Nothing | ServerSide::CookieSent) || one.server.is_over();
        if open {
            one.trace.pending = Some(at);
            self.open.pending += 1;
            one.trace.verdict = verdict;
            self.open.coming += u32::from(verdict == Verdict::Request);
        }
        if first {
            one.trace.wanting = !one.half_open;
            self.history.slot_at(at).arrivals += 1;
            if one.trace.wanting {
                let Self { demand, history, .. } = self;
                let slots = (BURST.as_millis() / SLOT.as_millis()) as usize;
                demand.knock(|| history.last(slots).map(|slot| slot.arrivals).sum());
            }
            self.clients.started += u64::from(self.open.stranger.is);
        }
        if open {
            self.await_answer(at, peer);
        }
        self.tally(|tally| if first { tally.syn += 1 } else { tally.syn_retransmit += 1 });
    }

    fn syn_ack(&mut self, at: Stamp, segment: &Segment) {
        let peer = segment.peer;
        let Some(one) = self.roster.known(&peer) else {
            self.tally(|tally| tally.syn_ack += 1);
            return;
        };
        let first = one.syn_acks == 0;
        one.syn_acks = one.syn_acks.saturating_add(1);
        one.trace.server_isn = segment.seq;
        let answers = self.open.settle(one);
        let late = one.trace.silent;
        self.tally(|tally| if first { tally.syn_ack += 1 } else { tally.syn_ack_retransmit += 1 });
        if late && !answers {
            self.take_back_silence(peer);
        }
        if answers || late {
            let answer = self.read_answer(at, segment);
            self.answered(at, peer, answer);
        } else {
            self.answered_again(at, peer);
        }
    }

    fn answered(&mut self, at: Stamp, peer: Peer, answer: Answer) {
        let either = self.may_be_either();
        let Some(one) = self.roster.known(&peer) else { return };
        (one.trace.by_cookie, one.trace.told) = (answer.cookie, answer.told);
        one.trace.missed = 0;
        one.trace.acks_before = one.acks_ignored;
        self.open.guesses |= !answer.told && either;
        let who = who(one);
        if answer.cookie {
            self.ledger.cookies_sent += 1;
            self.server_to(at, peer, ServerSide::CookieSent);
            self.note(Note::Cookie { who });
        } else {
            self.server_to(at, peer, ServerSide::HalfOpen);
            self.note(Note::HalfOpen { who, place: self.syn_queue.depth() });
        }
    }

    /// A SYN-ACK that no SYN asked for: the request's timer sent it, so the request still stands.
    fn answered_again(&mut self, at: Stamp, peer: Peer) {
        match self.roster.connection(&peer).map(|one| one.server) {
            Some(ServerSide::Queued) => {
                self.revise_to_ignored(at, peer);
                self.ledger.witnesses_mut(Cause::AckAcceptQueueFull).wire += 1;
            }
            Some(ServerSide::HalfOpen) => self.wire_saw_ignored_acks(peer),
            Some(ServerSide::Nothing | ServerSide::Expired | ServerSide::Pruned) => {
                self.server_to(at, peer, ServerSide::HalfOpen);
            }
            _ => {}
        }
    }

    /// The request repeats its SYN-ACK although its ACK came: each ACK since the last such proof was thrown away.
    fn wire_saw_ignored_acks(&mut self, peer: Peer) {
        let Some(one) = self.roster.known(&peer) else { return };
        let unseen = one.acks_ignored.saturating_sub(one.trace.acks_proved);
        one.trace.acks_proved = one.acks_ignored;
        self.ledger.witnesses_mut(Cause::AckAcceptQueueFull).wire += u64::from(unseen);
    }

    fn ack(&mut self, at: Stamp, segment: &Segment) {
        let peer = segment.peer;
        let Some(one) = self.roster.known(&peer) else { return };
        one.travel = None;
        if segment.end() != segment.seq {
            one.trace.data_end = Some(segment.end());
        }
        let answers_syn_ack = one.syn_acks > 0 && segment.ack == one.trace.server_isn.wrapping_add(1);
        let at_start = segment.seq == one.trace.client_isn.wrapping_add(1);
        let server = one.server;
        let final_ack = answers_syn_ack && at_start && segment.kind() == Kind::Ack;
        if final_ack {
            self.tally(|tally| tally.ack += 1);
        }
        match server {
            ServerSide::HalfOpen if answers_syn_ack => self.final_ack(at, segment),
            ServerSide::CookieSent if answers_syn_ack && at_start => {
                self.ledger.cookies_redeemed += 1;
                self.final_ack(at, segment);
            }
            ServerSide::Queued => {
                let Some(one) = self.roster.known(&peer) else { return };
                let at_once = one.trace.by_cookie && at.since(one.server_since) < AT_ONCE;
                self.open.twice += u64::from(answers_syn_ack && at_start && at_once);
                one.trace.at_door = one.trace.at_door.saturating_add(u16::from(answers_syn_ack && at_start));
                note_arrival(Some(one), segment);
            }
            ServerSide::ResetAway if answers_syn_ack && at_start => self.ack_after_reset(at, peer),
            _ => {}
        }
    }

    /// The request has been reset. Its RST leaves before it is gone (`tcp_check_req`, net/ipv4/tcp_minisocks.c).
    fn ack_after_reset(&mut self, at: Stamp, peer: Peer) {
        let reset = self.roster.connection(&peer).map(|one| one.server_since);
        if reset.is_some_and(|reset| at.since(reset) < AT_ONCE) {
            self.open.doubts.late(at, peer);
        }
    }

    fn final_ack(&mut self, at: Stamp, segment: &Segment) {
        let peer = segment.peer;
        let Some(one) = self.roster.known(&peer) else { return };
        if one.client == ClientSide::SynSent {
            one.client = ClientSide::Connected;
            one.client_since = at;
            one.write_connected(at);
            self.clients.connected += u64::from(self.open.stranger.is);
        }
        let (server, again, who) = (one.server, one.acks_ignored > 0, who(one));
        let told = one.trace.told;
        if again {
            let cause = self.refusal_cause(server);
            self.ledger.witnesses_mut(cause).client += 1;
        }
        let refusal = self.ack_refusal(server);
        self.decided(peer, refusal.is_none());
        one_mut(&mut self.roster, peer, |one| {
            one.trace.last_ack = refusal.map_or(LastAck::Taken, LastAck::Ignored);
        });
        if let Some(cause) = refusal {
            self.ignore_ack(at, peer, cause);
            return;
        }
        self.open.untold += u64::from(server == ServerSide::HalfOpen && !told);
        self.open.guessed += u64::from(server == ServerSide::CookieSent && !told);
        self.doubt_taken(at, peer, server);
        self.server_to(at, peer, ServerSide::Queued);
        note_arrival(self.roster.known(&peer), segment);
        let place = self.accept_queue.depth();
        self.note(if again {
            Note::Healed { who, phantom: server == ServerSide::CookieSent }
        } else {
            Note::Queued { who, place }
        });
    }

    fn client_reset(&mut self, at: Stamp, peer: Peer) {
        match self.roster.connection(&peer).map(|one| one.server) {
            Some(ServerSide::HalfOpen) => {
                self.ledger.client_resets += 1;
                self.ledger.ended_at_request += 1;
                self.server_to(at, peer, ServerSide::ResetAway);
            }
            Some(ServerSide::Queued) => self.server_to(at, peer, ServerSide::QueuedDead),
            _ => {}
        }
    }

    fn server_reset(&mut self, at: Stamp, peer: Peer) {
        if self.was_closed_late(at, peer) {
            return;
        }
        let aborts = self.refusal_cause(ServerSide::HalfOpen) == Cause::AckReset;
        let Some(one) = self.roster.known(&peer) else { return };
        self.open.settle(one);
        let last_ack = std::mem::take(&mut one.trace.last_ack);
        match (one.server, last_ack) {
            (
                ServerSide::HalfOpen | ServerSide::CookieSent | ServerSide::Queued,
                LastAck::Taken | LastAck::Ignored(_),
            ) if !aborts || one.trace.by_cookie => {
                self.ack_met_nothing(at, peer, last_ack);
            }
            (ServerSide::Queued, LastAck::Taken) => {
                self.revise_to_ignored(at, peer);
                self.reset_away(at, peer);
            }
            (ServerSide::HalfOpen, _) => self.reset_away(at, peer),
            (ServerSide::CookieSent, _) => self.server_to(at, peer, ServerSide::Nothing),
            _ => {}
        }
    }

    /// A request ends once, by however many ACKs at the same time.
    fn reset_away(&mut self, at: Stamp, peer: Peer) {
        self.ledger.witnesses_mut(Cause::AckReset).wire += 1;
        let ignored =
            self.roster.connection(&peer).map_or(0, |one| one.acks_ignored.saturating_sub(one.trace.acks_before));
        for _ in 1..ignored {
            self.ledger.resets_shared += 1;
            self.open.doubts.shared(at, peer);
        }
        self.server_to(at, peer, ServerSide::ResetAway);
    }

    /// The final ACK was answered with RST though nothing resets on overflow: the request had gone already (or the cookie was not
    /// valid any more), so this ACK was neither taken nor a victim of a full queue.
    fn ack_met_nothing(&mut self, at: Stamp, peer: Peer, last_ack: LastAck) {
        if let LastAck::Ignored(cause) = last_ack {
            self.take_back_ignored(peer, cause);
        }
        let Some(one) = self.roster.known(&peer) else { return };
        if one.trace.by_cookie {
            self.ledger.cookies_redeemed = self.ledger.cookies_redeemed.saturating_sub(1);
            self.server_to(at, peer, ServerSide::Nothing);
            return;
        }
        let expired = self.has_expired(peer);
        let cause = if expired { Cause::RequestExpired } else { Cause::RequestPruned };
        self.charge(at, peer, cause);
        self.server_to(at, peer, if expired { ServerSide::Expired } else { ServerSide::Pruned });
    }

    /// Only an existing connection acknowledges data, sends data or FIN.
    fn child_spoke(&mut self, at: Stamp, segment: &Segment) {
        let Some(one) = self.roster.known(&segment.peer) else { return };
        one.hears(segment.ack);
        one.trace.child_spoke = true;
        if one.acks_ignored > 0 {
            self.revise_to_taken(at, segment.peer);
        }
        if segment.kind() != Kind::Ack {
            self.server_spoke(at, segment.peer);
        }
    }
}

impl Connection {
    /// The server has everything up to here: what the client has sent before is not sent again.
    fn hears(&mut self, ack: u32) {
        self.trace.heard = None;
        if self.trace.data_end == Some(ack) && self.client == ClientSide::Connected {
            self.trace.heard = self.retry.take();
        }
    }

    /// What the server has said was lost on its way: the client's timer runs on.
    pub(super) fn hears_nothing(&mut self) {
        if let Some(retry) = self.trace.heard.take() {
            self.retry = Some(retry);
        }
    }
}

fn note_arrival(one: Option<&mut Connection>, segment: &Segment) {
    let Some(one) = one else { return };
    one.bytes = one.bytes.saturating_add(u32::from(segment.payload));
    one.client_closed |= segment.kind() == Kind::Fin;
}

fn one_mut(roster: &mut super::roster::Roster, peer: Peer, change: impl FnOnce(&mut Connection)) {
    if let Some(one) = roster.known(&peer) {
        change(one);
    }
}
