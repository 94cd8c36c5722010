//! Where the wire leaves a choice, the kernel's counters decide: which of two causes a silent SYN had, what was a cookie.

use std::time::Duration;

use super::{World, admission, doubt};
use crate::fold::connection::ServerSide;
use crate::model::cause::Cause;
use crate::model::counters::{Counter, Counters};
use crate::model::peer::Peer;
use crate::model::settings::Sysctl;
use crate::model::stamp::Stamp;

/// No timer ends a request before it looks at it for the first time (TCP_TIMEOUT_INIT, include/net/tcp.h).
const FIRST_TIMER: Duration = Duration::from_secs(1);

/// Holds the split of the charged SYNs against the counters: where the sum is right and the causes are not, the latest
/// charges are named as the counters say.
pub(super) fn arbitrate(world: &mut World) {
    if world.began.as_ref().is_some_and(|began| !began.private_counters) {
        return;
    }
    if world.open.pending > 0 {
        // The kernel may have counted them already: nothing can be named, but more than these cannot be missing.
        if lacks_at_most(world, world.open.pending) {
            world.open.balanced_at = Some(world.now);
        }
        return;
    }
    doubt::settle_doubts(world);
    let change = world.counters();
    let counter = |counter| change.value(counter);
    let (Some(overflows), Some(drops), Some(full)) =
        (counter(Counter::ListenOverflows), counter(Counter::ListenDrops), counter(Counter::TCPReqQFullDrop))
    else {
        return;
    };
    let acks: u64 = [Cause::AckAcceptQueueFull, Cause::AckCookieAcceptQueueFull, Cause::AckReset]
        .into_iter()
        .map(|cause| world.ledger.lost(cause).segments)
        .sum();
    if drops != world.ledger.kernel_drops() + world.ledger.syns_without_cause || overflows < acks {
        return;
    }
    let Some(rest) = drops.checked_sub(overflows + full) else { return };
    let wanted = [
        (Cause::SynAcceptQueueFull, overflows - acks),
        (Cause::SynSynQueueFull, full),
        (Cause::SynMaxSynBacklog, rest),
    ];
    for (cause, count) in wanted {
        rename_charges(world, cause, count, &wanted);
    }
    name_cookies(world, &change);
    name_cookies_redeemed_twice(world, &change);
    if world.ledger.balance(&change).balanced == Some(true) {
        world.open.charges.clear();
        world.open.twice = 0;
        doubt::clear_doubts(world);
        world.open.balanced_at = Some(world.now);
        world.ledger.confirm();
    }
}

fn lacks_at_most(world: &World, pending: u32) -> bool {
    let change = world.counters();
    world.ledger.expected().into_iter().all(|(counter, accounted)| {
        let lacking = change.value(counter).map_or(Some(0), |kernel| kernel.checked_sub(accounted));
        lacking.is_some_and(|lacking| lacking <= u64::from(pending))
    })
}

/// Where the wire does not tell a cookie from a request and it made a connection at once, the counters alone know.
fn name_cookies(world: &mut World, change: &Counters) {
    let beyond =
        |counter, accounted: u64| change.value(counter).map(|kernel| kernel.cast_signed() - accounted.cast_signed());
    let sent = beyond(Counter::SyncookiesSent, world.ledger.cookies_sent);
    let redeemed = beyond(Counter::SyncookiesRecv, world.ledger.cookies_redeemed);
    let Some(count) = sent.filter(|sent| Some(*sent) == redeemed) else { return };
    if !world.open.beyond.is(count) {
        return;
    }
    let (from, to) = match count {
        1.. => (&mut world.open.untold, &mut world.open.guessed),
        _ => (&mut world.open.guessed, &mut world.open.untold),
    };
    let Some(left) = from.checked_sub(count.unsigned_abs()) else { return };
    *from = left;
    *to += count.unsigned_abs();
    world.ledger.cookies_sent = world.ledger.cookies_sent.saturating_add_signed(count);
    world.ledger.cookies_redeemed = world.ledger.cookies_redeemed.saturating_add_signed(count);
}

/// Where only valid cookies are more than are known, and no more than could have been counted twice, they were.
fn name_cookies_redeemed_twice(world: &mut World, change: &Counters) {
    let Some(kernel) = change.value(Counter::SyncookiesRecv) else { return };
    let beyond = kernel.saturating_sub(world.ledger.cookies_redeemed);
    let sent_fits = change.value(Counter::SyncookiesSent) == Some(world.ledger.cookies_sent);
    if world.open.again.is(beyond.cast_signed()) && sent_fits && beyond <= world.open.twice {
        world.ledger.cookies_redeemed += beyond;
        world.open.twice -= beyond;
    }
}

/// A request that no dump has ever listed, answered by a SYN-ACK that does not tell, while the kernel counts more cookies than
/// the wire has shown, or one of those shown is only a guess, or the request would be too young to be gone: it was a cookie.
pub(super) fn was_a_cookie(world: &mut World, at: Stamp, peer: Peer) -> bool {
    let sent = world.counter(Counter::SyncookiesSent).unwrap_or(0);
    let Some(one) = world.roster.known(&peer) else { return false };
    if one.inference.cookie_decided || one.inference.listed > 0 {
        return false;
    }
    let cookies_on = world.sysctls.value(Sysctl::Syncookies) != Some(0);
    let too_young_to_die = cookies_on && at.since(one.server_since) < FIRST_TIMER;
    if sent <= world.ledger.cookies_sent {
        // No more cookies than are known: then one that was only taken for a cookie was a request, or the counters are behind.
        if let Some(guessed) = world.open.guessed.checked_sub(1) {
            world.open.guessed = guessed;
            world.open.untold += 1;
            world.ledger.cookies_sent = world.ledger.cookies_sent.saturating_sub(1);
            world.ledger.cookies_redeemed = world.ledger.cookies_redeemed.saturating_sub(1);
        } else if !too_young_to_die {
            return false;
        }
    }
    one.inference.by_cookie = true;
    world.ledger.cookies_sent += 1;
    let ignored = recast_ignored(world, at, peer, ServerSide::CookieSent);
    world.ledger.cookies_redeemed += u64::from(ignored);
    if let Some(one) = world.roster.known(&peer)
        && ignored > 0
    {
        world.clients.ghosts -= u64::from(std::mem::take(&mut one.was_ghost));
        world.clients.phantoms += u64::from(!std::mem::replace(&mut one.was_phantom, true));
    }
    true
}

/// What was taken for a cookie because the SYN queue seemed full is listed: it is a request.
pub(super) fn was_a_request(world: &mut World, at: Stamp, peer: Peer) {
    let Some(one) = world.roster.known(&peer) else { return };
    one.inference.by_cookie = false;
    world.ledger.cookies_sent = world.ledger.cookies_sent.saturating_sub(1);
    let ignored = recast_ignored(world, at, peer, ServerSide::HalfOpen);
    world.ledger.cookies_redeemed = world.ledger.cookies_redeemed.saturating_sub(u64::from(ignored));
    if let Some(one) = world.roster.known(&peer)
        && ignored > 0
    {
        world.clients.phantoms -= u64::from(std::mem::take(&mut one.was_phantom));
        world.clients.ghosts += u64::from(!std::mem::replace(&mut one.was_ghost, true));
    }
}

/// Puts a connection's ignored ACKs down to what they met, now that this is known; how many they are.
fn recast_ignored(world: &mut World, at: Stamp, peer: Peer, to: ServerSide) -> u16 {
    let Some(one) = world.roster.connection(&peer) else { return 0 };
    let (ignored, from) = (one.acks_ignored, one.server);
    let (before, after) = (admission::refusal_cause(world, from), admission::refusal_cause(world, to));
    world.server_to(at, peer, to);
    for _ in 0..ignored {
        world.refund(peer, before);
        world.charge(at, peer, after);
    }
    ignored
}

fn rename_charges(world: &mut World, to: Cause, count: u64, wanted: &[(Cause, u64)]) {
    for index in (0..world.open.charges.len()).rev() {
        if world.ledger.lost(to).segments >= count {
            break;
        }
        let (peer, from) = world.open.charges[index];
        let surplus = from.is_none_or(|from| {
            wanted.iter().any(|(cause, count)| *cause == from && world.ledger.lost(from).segments > *count)
        });
        if !surplus {
            continue;
        }
        match from {
            Some(from) => world.refund(peer, from),
            None => world.ledger.syns_without_cause -= 1,
        }
        world.charge(world.now, peer, to);
        world.open.charges[index].1 = Some(to);
        if let Some(one) = world.roster.known(&peer) {
            one.inference.charged = one.inference.silent.then_some(to);
        }
    }
}
