//! The listener's own drop count (`sk_drops`) as a witness: read far more often than the counters, it tells within a moment what
//! became of a segment. It is noisy, but the noise is known: whatever the kernel throws away on behalf of a listener moves it.
//!
//! By how much a loss moves it is [`Cause::listener_weight`](crate::model::cause::Cause::listener_weight); every other segment that
//! ends at a request, a repeated SYN or a RST, moves it by one.

use super::{World, doubt};
use crate::fold::ledger::Unexplained;

/// Holds the ledger against the listener's drop count: as soon as both agree, everything charged so far is confirmed; where they
/// differ steadily by no more than what is in doubt, the count decides.
pub(super) fn read_drops(world: &mut World, drops: Option<u32>) {
    let Some(drops) = drops else { return };
    world.listener_drops.read(Some(drops));
    if world.segments.is_none() || world.open.pending > 0 {
        return;
    }
    let difference = listener_difference(world);
    if difference == 0 {
        world.ledger.confirm_by_listener();
        doubt::clear_doubts(world);
    } else if !world.open.guesses {
        // Where a request may have been taken for a cookie, or a cookie for a request, it is not certain what an ignored ACK weighs.
        doubt::settle_doubts_by_listener(world, difference);
    }
}

/// What the listener's own drop count says otherwise than the ledger.
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
