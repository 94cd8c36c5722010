//! Segments that were delivered to the lab's own listener. What became of each was read before the next one went, so that everything
//! here is a sum: nothing is supposed, and nothing is taken back.

use super::note::{Note, who};
use super::{World, admission, wire};
use crate::fold::connection::{ClientSide, ServerSide};
use crate::model::cause::Cause;
use crate::model::delivery::{Delivery, Outcome, Proof};
use crate::model::peer::Peer;
use crate::model::segment::{Kind, Segment};
use crate::model::stamp::Stamp;

pub(super) fn delivered(world: &mut World, at: Stamp, delivery: &Delivery) {
    let (segment, peer) = (&delivery.segment, delivery.segment.peer);
    let foreseen = admission::foreseen(world, delivery);
    world.ledger.deviations += u64::from(foreseen.is_some_and(|foreseen| foreseen != delivery.outcome));
    let meets_no_request =
        matches!(delivery.outcome, Outcome::Request | Outcome::Cookie | Outcome::Dropped(_) | Outcome::AnsweredByReset);
    if segment.kind() == Kind::Syn && meets_no_request {
        request_had_gone(world, at, peer);
    }
    wire::notice(world, at, segment);
    world.ledger.add(delivery);
    match segment.kind() {
        Kind::Syn => {
            wire::count_syn(world, at, segment);
            syn_outcome(world, at, delivery);
        }
        Kind::Rst => {
            if delivery.outcome == Outcome::RequestReset {
                world.ledger.client_resets += 1;
                world.server_to(at, peer, ServerSide::ResetAway);
            } else {
                wire::client_has_reset(world, at, peer);
            }
        }
        Kind::SynAck | Kind::Ack | Kind::Data | Kind::Fin => ack(world, at, delivery),
    }
}

fn syn_outcome(world: &mut World, at: Stamp, delivery: &Delivery) {
    let peer = delivery.segment.peer;
    match delivery.outcome {
        Outcome::Request => {
            world.server_to(at, peer, ServerSide::HalfOpen);
            let place = world.syn_queue.depth();
            note(world, peer, |who| Note::HalfOpen { who, place });
        }
        Outcome::Cookie => {
            world.ledger.cookies_sent += 1;
            world.server_to(at, peer, ServerSide::CookieSent);
            note(world, peer, |who| Note::Cookie { who });
        }
        Outcome::Dropped(cause) => {
            lose(world, at, delivery, cause);
            if let Some(one) = world.roster.known(&peer) {
                one.inference.charged = Some(cause);
            }
            world.release_if_over(at, peer);
        }
        Outcome::Queued
        | Outcome::Discarded
        | Outcome::Shadowed
        | Outcome::RequestReset
        | Outcome::AnsweredByReset
        | Outcome::Undetermined => {}
    }
}

/// A final ACK, or what follows it while there is no connection yet.
fn ack(world: &mut World, at: Stamp, delivery: &Delivery) {
    let (segment, peer) = (&delivery.segment, delivery.segment.peer);
    if world.roster.connection(&peer).is_none() && delivery.outcome == Outcome::Queued {
        // Its client has left, by the RST for another segment; this one was on its way and brought the cookie again.
        world.roster.entry(peer, at).client = ClientSide::Reset;
    }
    wire::note_progress(world, segment);
    wire::client_is_connected(world, at, peer);
    match delivery.outcome {
        Outcome::Queued => queue(world, at, segment, delivery.redeems_cookie),
        Outcome::Dropped(cause) => {
            if world.roster.connection(&peer).is_some_and(|one| one.acks_ignored > 0) {
                world.ledger.witnesses_mut(cause).client += 1;
            }
            lose(world, at, delivery, cause);
            if cause == Cause::AckReset {
                world.server_to(at, peer, ServerSide::ResetAway);
            }
        }
        Outcome::RequestReset => {
            world.ledger.client_resets += 1;
            world.server_to(at, peer, ServerSide::ResetAway);
        }
        Outcome::AnsweredByReset if world.roster.connection(&peer).is_some_and(|one| one.brings_cookie(segment)) => {
            cookie_is_spent(world, at, peer);
        }
        Outcome::AnsweredByReset => request_had_gone(world, at, peer),
        Outcome::Request | Outcome::Cookie | Outcome::Discarded | Outcome::Shadowed | Outcome::Undetermined => {}
    }
}

fn queue(world: &mut World, at: Stamp, segment: &Segment, by_cookie: bool) {
    let Some(one) = world.roster.connection(&segment.peer) else { return };
    let healed = one.acks_ignored > 0;
    if healed {
        let cause = if by_cookie { Cause::AckCookieAcceptQueueFull } else { Cause::AckAcceptQueueFull };
        world.ledger.witnesses_mut(cause).client += 1;
    }
    world.server_to(at, segment.peer, ServerSide::Queued);
    wire::note_arrival(world, segment);
    let place = world.accept_queue.depth();
    note(world, segment.peer, |who| {
        if healed { Note::Healed { who, phantom: by_cookie } } else { Note::Queued { who, place } }
    });
}

/// The kernel has thrown the segment away.
fn lose(world: &mut World, at: Stamp, delivery: &Delivery, cause: Cause) {
    let peer = delivery.segment.peer;
    if delivery.segment.kind() == Kind::Syn {
        world.charge(at, peer, cause);
    } else {
        world.ignore_ack(at, peer, cause);
    }
    world.ledger.witnesses_mut(cause).wire += u64::from(delivery.proof != Proof::None);
}

/// A cookie came back and was not valid.
fn cookie_is_spent(world: &mut World, at: Stamp, peer: Peer) {
    if world.roster.connection(&peer).is_some_and(|one| one.server == ServerSide::CookieSent) {
        world.server_to(at, peer, ServerSide::Nothing);
    }
}

/// The segment shows that the request of this connection, if there was one, is no more: its timer had ended it.
fn request_had_gone(world: &mut World, at: Stamp, peer: Peer) {
    if !world.roster.connection(&peer).is_some_and(|one| one.server.in_syn_queue()) {
        return;
    }
    let expired = admission::has_expired(world, peer);
    world.charge(at, peer, if expired { Cause::RequestExpired } else { Cause::RequestPruned });
    world.server_to(at, peer, if expired { ServerSide::Expired } else { ServerSide::Pruned });
}

fn note(world: &mut World, peer: Peer, what: impl FnOnce(super::note::NoteSubject) -> Note) {
    if let Some(one) = world.roster.connection(&peer) {
        let note = what(who(one));
        world.note(note);
    }
}
