//! The numbers of one listener as the rows and their order need them.

use crate::fold::listeners::{Drops, ListenerState, Listeners};
use crate::say;

/// How full the accept queue is, in millionths of its capacity; more than a million when it is beyond it.
pub fn fullness(one: &ListenerState) -> u64 {
    millionths(one.fullness())
}

/// How full it was at most since the watch began, in millionths of its capacity.
pub fn peak(one: &ListenerState) -> u64 {
    millionths(one.fullness_max())
}

fn millionths(share: Option<f64>) -> u64 {
    (share.unwrap_or(0.0) * 1e6) as u64
}

/// Packets that this listener dropped since the watch began, at most; `None` where nobody counts them (unix sockets).
pub fn drops(one: &ListenerState) -> Option<u64> {
    one.drops().map(|drops| drops.listener)
}

/// The drops in words: exact, between two numbers, and how much of its counter was noise.
pub fn drops_in_words(drops: Drops) -> String {
    let count = super::super::numbers::count;
    let sure = match (drops.is_exact(), drops.at_least) {
        (true, _) => count(drops.listener),
        (false, 0) => say!("at most {count}", count = count(drops.listener)),
        (false, least) => say!("{least} to {most}", least = count(least), most = count(drops.listener)),
    };
    if drops.noise > 0 {
        say!("{sure} (its counter says {noise} more: noise)", sure, noise = count(drops.noise))
    } else {
        sure
    }
}

/// The accept queue's greatest depth in each of the last seconds, oldest first; `None` where nothing is known of one.
pub fn depths(survey: &Listeners, one: &ListenerState, seconds: usize) -> Vec<Option<u32>> {
    survey.seconds(one, seconds).into_iter().map(|beat| beat.map(|beat| beat.depth_max)).collect()
}
