//! What a kernel does with a segment, for worlds that are told facts by hand: the outcome follows from the depths that the world shows.

use qviz::fold::connection::ServerSide;
use qviz::fold::world::World;
use qviz::model::cause::Cause;
use qviz::model::delivery::{Delivery, Outcome, Proof};
use qviz::model::event::{Environment, Event};
use qviz::model::segment::{Kind, Segment, Toward};
use qviz::model::settings::Sysctl;

/// The fact of this segment: delivered with its outcome in the lab, where that decides something; else seen.
pub(crate) fn fact(world: &World, segment: Segment) -> Event {
    let lab = world.began.as_ref().is_some_and(|began| began.environment == Environment::Lab && !began.watched);
    let Some((outcome, drops)) = outcome(world, &segment).filter(|_| lab) else { return Event::Segment(segment) };
    let by_cookie = world.connection(&segment.peer).is_some_and(|one| one.server == ServerSide::CookieSent);
    let mut fact = delivered(segment, outcome, drops);
    if let Event::Delivered(delivery) = &mut fact {
        delivery.redeems_cookie = by_cookie && segment.kind() != Kind::Syn;
    }
    fact
}

/// A delivered segment with this outcome.
pub(crate) fn delivered(segment: Segment, outcome: Outcome, drops: u8) -> Event {
    let (proof, depth_before, depth_after, redeems_cookie) = (Proof::Drops, None, None, false);
    Event::Delivered(Delivery { segment, outcome, proof, depth_before, depth_after, drops, redeems_cookie })
}

fn outcome(world: &World, segment: &Segment) -> Option<(Outcome, u8)> {
    if segment.toward == Toward::Client {
        return None;
    }
    let server = world.connection(&segment.peer).map_or(ServerSide::Nothing, |one| one.server);
    let full = world.accept_limit().is_some_and(|limit| world.accept_queue.depth() > limit);
    match (segment.kind(), server) {
        (Kind::Syn, ServerSide::HalfOpen) => Some((Outcome::Discarded, 1)),
        (Kind::Syn, _) if server.is_over() => Some(syn(world, full)),
        (Kind::Rst, ServerSide::HalfOpen) => Some((Outcome::RequestReset, 1)),
        (Kind::Ack | Kind::Data | Kind::Fin, ServerSide::HalfOpen | ServerSide::CookieSent) if !full => {
            Some((Outcome::Queued, 0))
        }
        (Kind::Ack | Kind::Data | Kind::Fin, ServerSide::CookieSent) => {
            Some((Outcome::Dropped(Cause::AckCookieAcceptQueueFull), 1))
        }
        (Kind::Ack | Kind::Data | Kind::Fin, ServerSide::HalfOpen) => {
            let abort = world.sysctls.value(Sysctl::AbortOnOverflow) == Some(1);
            Some((Outcome::Dropped(if abort { Cause::AckReset } else { Cause::AckAcceptQueueFull }), 2))
        }
        _ => None,
    }
}

fn syn(world: &World, accept_full: bool) -> (Outcome, u8) {
    let cookies = world.sysctls.value(Sysctl::Syncookies).unwrap_or(1);
    let half_open = world.syn_queue.depth();
    let crowded = world.syn_capacity().is_some_and(|capacity| half_open >= capacity);
    let max = world.sysctls.value(Sysctl::MaxSynBacklog).and_then(|max| u32::try_from(max).ok()).unwrap_or(u32::MAX);
    if cookies == 0 && crowded {
        (Outcome::Dropped(Cause::SynSynQueueFull), 1)
    } else if accept_full {
        (Outcome::Dropped(Cause::SynAcceptQueueFull), 1)
    } else if cookies == 0 && max.saturating_sub(half_open) < max >> 2 {
        (Outcome::Dropped(Cause::SynMaxSynBacklog), 1)
    } else if cookies == 2 || crowded {
        (Outcome::Cookie, 0)
    } else {
        (Outcome::Request, 0)
    }
}
