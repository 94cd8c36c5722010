//! Which rows the timeline has: both queues always; drops, flows and single causes as room comes.

use crate::fold::world::World;
use crate::model::cause::Cause;
use crate::say;

/// The rows, from top to bottom.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Rows of the accept queue.
    pub(super) accept: u16,
    /// Rows of the SYN queue.
    pub(super) syn: u16,
    /// Whether arrivals and `accept()` calls have a row each.
    pub(super) flows: bool,
    /// One row each.
    pub(super) drops: Vec<DropRow>,
}

/// A row of drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DropRow {
    pub(super) name: &'static str,
    pub(super) causes: Vec<Cause>,
}

/// What the kernel drops at the listener.
pub(super) const LISTEN_DROPS: [Cause; 6] = [
    Cause::SynAcceptQueueFull,
    Cause::SynSynQueueFull,
    Cause::SynMaxSynBacklog,
    Cause::AckAcceptQueueFull,
    Cause::AckCookieAcceptQueueFull,
    Cause::AckReset,
];

/// The causes of drops in this session: a row that has come stays.
pub(super) fn causes(world: &World) -> Vec<Cause> {
    LISTEN_DROPS.into_iter().filter(|cause| world.lost(*cause).segments > 0).collect()
}

/// Plans so many rows.
pub(super) fn plan(height: u16, causes: &[Cause]) -> Rows {
    let flows = height >= 6;
    let drops = match height {
        0..3 => Vec::new(),
        3..9 => vec![all()],
        _ => by_cause(causes),
    };
    let rest = height - drops.len() as u16 - if flows { 2 } else { 0 };
    Rows { accept: rest.div_ceil(2), syn: rest / 2, flows, drops }
}

fn all() -> DropRow {
    DropRow { name: say!("✗ drop"), causes: LISTEN_DROPS.to_vec() }
}

fn by_cause(causes: &[Cause]) -> Vec<DropRow> {
    let row = |cause: &Cause| DropRow { name: name(*cause), causes: vec![*cause] };
    match causes {
        [] | [_] => vec![all()],
        few if few.len() <= MOST => few.iter().map(row).collect(),
        many => {
            let (first, rest) = many.split_at(MOST - 1);
            first.iter().map(row).chain([DropRow { name: say!("✗ others"), causes: rest.to_vec() }]).collect()
        }
    }
}

/// The dropped segment and the reason.
fn name(cause: Cause) -> &'static str {
    match cause {
        Cause::SynAcceptQueueFull => say!("✗SYN accept"),
        Cause::SynSynQueueFull => say!("✗SYN SYN"),
        Cause::SynMaxSynBacklog => say!("✗SYN 3 of 4"),
        Cause::AckAcceptQueueFull => say!("◌ACK ghost"),
        Cause::AckCookieAcceptQueueFull => say!("◌ACK cookie"),
        Cause::AckReset => say!("↯ACK reset"),
        Cause::RequestExpired | Cause::RequestPruned | Cause::ClientLost => say!("⊘ other"),
    }
}

/// Rows of single causes.
const MOST: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_height_is_filled_and_holds_both_queues() {
        for height in 2..40 {
            for causes in 0..=LISTEN_DROPS.len() {
                let rows = plan(height, &LISTEN_DROPS[..causes]);
                let sum = rows.accept + rows.syn + if rows.flows { 2 } else { 0 } + rows.drops.len() as u16;
                assert_eq!(sum, height, "{rows:?}");
                assert!(rows.accept > 0 && rows.syn > 0, "{height}: {rows:?}");
            }
        }
    }

    #[test]
    fn no_cause_is_left_out_of_the_rows_of_drops() {
        for (height, causes) in [(3, 6), (6, 1), (10, 0), (10, 2), (10, 3), (10, 6)] {
            let mut shown: Vec<_> =
                plan(height, &LISTEN_DROPS[..causes]).drops.into_iter().flat_map(|row| row.causes).collect();
            shown.sort();
            shown.dedup();
            assert!(shown.len() >= causes, "{height} {causes}: {shown:?}");
        }
        assert!(Cause::ALL.into_iter().filter(|cause| cause.is_listen_drop()).eq(LISTEN_DROPS));
    }
}
