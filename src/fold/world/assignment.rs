//! What was seen from the side, held against the listener's own drop count: causes are assigned where only one way of adding up is left,
//! and nothing is assigned otherwise.
//!
//! A SYN without an answer is no drop of the listener unless its count moved: a firewall, or an old connection with the same ports, is silent
//! too. Evidence only ever takes possibilities away; a reading of the count decides among what is left, or leaves it *not attributed*.

/// What became possible between two readings of the listener's drop count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sightings {
    /// SYNs that stayed without an answer; each moved the count by one, or never reached the listener.
    pub(super) silent: u64,
    /// By how much final ACKs moved it that were ignored for certain.
    pub(super) ignored: u64,
    /// Final ACKs, and data behind them, of which it is open whether they were ignored; each moved the count by at most two.
    pub(super) open: u64,
    /// Segments that may have ended at a request, which moves the count by one: SYNs sent again, RSTs.
    pub(super) noise: u64,
}

/// What the drop count says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The listener has dropped all silent SYNs. `noise`: how much of the rest was no drop, where that is certain.
    AllDropped { noise: Option<u64> },
    /// It has dropped none of them: they were silenced before it.
    NoneDropped { noise: Option<u64> },
    /// More than one way of adding up is left, or none.
    Open,
}

/// Decides what became of the silent SYNs, given by how much the listener's drop count has moved.
pub(super) fn decide(moved: u64, seen: Sightings) -> Decision {
    let Some(rest) = moved.checked_sub(seen.ignored) else { return Decision::Open };
    let beside = 2 * seen.open + seen.noise;
    let (fewest, most) = (rest.saturating_sub(beside), seen.silent.min(rest));
    if fewest > most {
        // More was dropped than was seen.
        return Decision::Open;
    }
    let noise = |dropped: u64| (seen.open == 0).then_some(rest - dropped);
    if fewest == seen.silent {
        Decision::AllDropped { noise: noise(seen.silent) }
    } else if most == 0 {
        Decision::NoneDropped { noise: noise(0) }
    } else {
        Decision::Open
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way in which so much could have been dropped: how many of the silent SYNs, in each.
    fn ways(moved: u64, seen: Sightings) -> Vec<u64> {
        let mut ways: Vec<u64> = (0..=seen.silent)
            .filter(|dropped| {
                (0..=2 * seen.open)
                    .any(|acks| (0..=seen.noise).any(|noise| dropped + acks + noise + seen.ignored == moved))
            })
            .collect();
        ways.dedup();
        ways
    }

    proptest! {
        #[test]
        fn only_the_one_way_that_adds_up_is_assigned(
            moved in 0..12_u64,
            silent in 0..6_u64,
            ignored in 0..6_u64,
            open in 0..3_u64,
            noise in 0..4_u64,
        ) {
            let seen = Sightings { silent, ignored, open, noise };
            let ways = ways(moved, seen);
            let (dropped, rest) = match decide(moved, seen) {
                Decision::AllDropped { noise } => (silent, noise),
                Decision::NoneDropped { noise } => (0, noise),
                Decision::Open => {
                    prop_assert!(ways.len() != 1 || (ways[0] != 0 && ways[0] != silent), "{ways:?}");
                    return Ok(());
                }
            };
            prop_assert_eq!(&ways, &[dropped]);
            prop_assert!(dropped + ignored + rest.unwrap_or(0) <= moved, "more than the listener has counted");
            if let Some(rest) = rest {
                prop_assert_eq!(dropped + ignored + rest, moved);
            }
        }
    }

    #[test]
    fn a_silent_syn_is_no_drop_of_a_listener_whose_count_stands_still() {
        let seen = Sightings { silent: 3, ..Sightings::default() };
        assert_eq!(decide(0, seen), Decision::NoneDropped { noise: Some(0) });
        assert_eq!(decide(3, seen), Decision::AllDropped { noise: Some(0) });
        assert_eq!(decide(2, seen), Decision::Open, "which two of the three?");
        assert_eq!(decide(4, seen), Decision::Open, "one was not seen");
        assert_eq!(decide(3, Sightings { noise: 1, ..seen }), Decision::Open, "two SYNs and a repeat, or three SYNs");
        assert_eq!(decide(4, Sightings { noise: 1, ..seen }), Decision::AllDropped { noise: Some(1) });
        assert_eq!(decide(5, Sightings { open: 1, ..seen }), Decision::AllDropped { noise: None });
    }
}
