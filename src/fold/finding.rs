//! Diagnoses as lints: one file per rule, with evidence attached. Start at [`RULES`].
//!
//! A rule looks at the [`World`], or at one listener of a watch after the other ([`ListenerContext`]), and says what it found, that it is too
//! early to tell, or nothing.

pub use super::diagnosis::{Finding, Severity, Subject};
use super::history::Slot;
use super::world::World;
use crate::model::cause::Cause;
use crate::text::sentence::Sentence;

mod accept_too_slow;
mod backlog_clamped;
mod burst_too_large;
mod closed_in_queue;
mod context;
mod cookies_in_use;
mod ghosts;
mod half_open_pile_up;
mod not_listened_again;
mod one_client_many_overflows;
mod phantoms;
mod review;
mod three_quarters_rule;
mod watch;

pub use context::ListenerContext;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its fixed name.
    pub name: &'static str,
    /// What it means, where in the kernel it comes from, what to do.
    pub explain: &'static str,
    /// How it looks.
    pub check: Check,
}

/// How a rule looks.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// At the world: at the lab's own listener, or at the chosen one of a watch.
    World(fn(&World) -> Verdict),
    /// At each listener of a watch by itself.
    Listener(fn(&ListenerContext<'_>) -> Verdict),
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Nothing of the kind.
    Absent,
    /// It looks like it, but not for long, or not often enough; or what it would rest on has not been read yet.
    TooEarly,
    /// It is so.
    Found(Diagnosis),
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// How much it matters.
    pub severity: Severity,
    /// The numbers that it rests on, by name with unit.
    pub evidence: Vec<(&'static str, f64)>,
    /// One sentence: what, why, what to do.
    pub sentence: Sentence,
}

/// Every rule, the most urgent ones first.
pub const RULES: &[Rule] = &[
    accept_too_slow::RULE,
    burst_too_large::RULE,
    half_open_pile_up::RULE,
    three_quarters_rule::RULE,
    not_listened_again::RULE,
    backlog_clamped::RULE,
    ghosts::RULE,
    phantoms::RULE,
    closed_in_queue::RULE,
    one_client_many_overflows::RULE,
    cookies_in_use::RULE,
    watch::SERVER_STALLED,
    watch::ACCEPT_QUEUE_FULL,
    watch::UNIX_SOCKET_FULL,
    watch::ONE_MEMBER_FULL,
    watch::OVERFLOWED,
    watch::SYN_QUEUE_CROWDED,
    watch::DEFERRED_ACCEPT,
    watch::LIMIT_WAS_SOMAXCONN,
    watch::LIMIT_IS_SOMAXCONN,
    watch::DEFAULT_BACKLOG,
];

/// True when another witness than the fold's own reckoning has seen losses of this cause. Where none can (no counters of one's own, no
/// drop count), the reckoning has to do.
fn is_confirmed(world: &World, cause: Cause) -> bool {
    let private = world.began.as_ref().is_some_and(|began| began.private_counters);
    let can_be = world.listener_drops.total().is_some() || (private && world.counters_first.is_some());
    let seen = world.ledger.witnesses(cause);
    !can_be || seen.wire.max(seen.counters).max(seen.listener).max(seen.client) > 0
}

/// What the last seconds were like.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RecentActivity {
    arrivals_per_s: f64,
    accepts_per_s: f64,
    /// Share of the time in which the accept queue held its capacity, 0 to 1.
    full: f64,
    drops: u32,
    /// True when somebody has come within the last second, and not everybody at once.
    keeps_coming: bool,
}

/// True when the last arrival is not older than a second, and the first one is at least a second before it.
fn keeps_coming(slots: &[&Slot]) -> bool {
    let arrives = |slot: &&Slot| slot.arrivals > 0;
    let (first, last) = (slots.iter().position(arrives), slots.iter().rposition(arrives));
    // The last slot is still being filled.
    first.zip(last).is_some_and(|(first, last)| last + 1 + SECOND >= slots.len() && last - first >= SECOND)
}

/// The slots of one second.
const SECOND: usize = 10;

/// The last `seconds` of the session; `None` when the session is younger than that.
fn lately(world: &World, seconds: u32) -> Option<RecentActivity> {
    let count = seconds as usize * SECOND;
    let slots: Vec<_> = world.history.last(count).collect();
    if slots.len() < count {
        return None;
    }
    let per_s = |total: u32| f64::from(total) / f64::from(seconds);
    let full = slots.iter().filter(|slot| slot.limit.is_some_and(|limit| slot.accept_max > limit)).count();
    Some(RecentActivity {
        arrivals_per_s: per_s(slots.iter().map(|slot| slot.arrivals).sum()),
        accepts_per_s: per_s(slots.iter().map(|slot| slot.accepts).sum()),
        full: full as f64 / count as f64,
        drops: slots.iter().map(|slot| slot.kernel_drops()).sum(),
        keeps_coming: keeps_coming(&slots),
    })
}
