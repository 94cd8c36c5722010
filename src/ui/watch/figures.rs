//! The numbers of one listener as the rows and their order need them.

use crate::fold::listeners::{Drops, ListenerState, Listeners};
use crate::say;

/// How full the accept queue is, in millionths of its capacity; more than a million when it is beyond it.
pub fn fullness(listener: &ListenerState) -> u64 {
    millionths(listener.fullness())
}

/// How full it was at most since the watch began, in millionths of its capacity.
pub fn peak(listener: &ListenerState) -> u64 {
    millionths(listener.fullness_max())
}

fn millionths(share: Option<f64>) -> u64 {
    (share.unwrap_or(0.0) * 1e6) as u64
}

/// Packets that this listener dropped since the watch began, at most; `None` where the kernel does not count them (unix sockets).
pub fn drops(listener: &ListenerState) -> Option<u64> {
    listener.drops().map(|drops| drops.listener)
}

/// The drops in words: exact, between two numbers, and what its counter has beside them.
pub fn drops_in_words(drops: Drops) -> String {
    let count = super::super::numbers::count;
    let sure = match (drops.is_exact(), drops.at_least) {
        (true, _) => count(drops.listener),
        (false, 0) => say!("at most {count}", count = count(drops.listener)),
        (false, least) => say!("{least} to {most}", least = count(least), most = count(drops.listener)),
    };
    if drops.noise > 0 {
        say!("{sure} (its counter has {noise} more, which are no loss)", sure, noise = count(drops.noise))
    } else {
        sure
    }
}

/// The accept queue's greatest depth in each of the last seconds, oldest first; `None` where nothing is known of one.
pub fn depths(listeners: &Listeners, listener: &ListenerState, seconds: usize) -> Vec<Option<u32>> {
    listeners.seconds(listener, seconds).into_iter().map(|second| second.map(|second| second.depth_max)).collect()
}
