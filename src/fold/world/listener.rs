//! The listener's drop count (`sk_drops`) as a witness: read far more often than the counters, it shows the outcome of a segment
//! within a moment. It is noisy, but the noise is known: everything that the kernel discards on behalf of a listener moves it.
//!
//! A loss moves it by [`Cause::listener_weight`](crate::model::cause::Cause::listener_weight); every other segment that
//! ends at a request, a repeated SYN or a RST, moves it by one.

use super::{World, doubt};
use crate::fold::ledger::Unexplained;

/// Compares the ledger with the listener's drop count: when both agree, all charges so far are confirmed; if they differ steadily
/// by no more than what is in doubt, the count decides.
pub(super) fn read_drops(world: &mut World, drops: Option<u32>) {
    let Some(drops) = drops else { return };
    world.listener_drops.read(Some(drops));
    if world.open.delivers {
        if world.listener_drops.counted == world.ledger.listener_drops() {
            world.ledger.confirm_by_listener();
        }
        return;
    }
    if world.segments.is_none() || world.open.pending > 0 {
        return;
    }
    let difference = listener_difference(world);
    if difference == 0 {
        world.ledger.confirm_by_listener();
        doubt::clear_doubts(world);
    } else if !world.open.guesses {
        // If a request may have been mistaken for a cookie, or a cookie for a request, the weight of an ignored ACK is uncertain.
        doubt::settle_doubts_by_listener(world, difference);
    }
}

/// The difference between the listener's drop count and the ledger.
pub(super) fn unexplained_by_listener(world: &World) -> Option<Unexplained> {
    let (kernel, accounted) = (world.listener_drops.total()?, world.ledger.listener_drops());
    (kernel != accounted + world.ledger.syns_without_cause).then_some(Unexplained {
        counter: "sk_drops",
        kernel,
        accounted,
    })
}

/// By how much the kernel's count of the listener's drops exceeds the ledger's.
fn listener_difference(world: &World) -> i64 {
    let accounted = world.ledger.listener_drops() + world.ledger.syns_without_cause;
    world.listener_drops.counted.cast_signed() - accounted.cast_signed()
}
