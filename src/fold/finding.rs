//! Diagnoses as lints: one file per rule, with evidence attached. Start at [`RULES`].
//!
//! A rule checks the [`World`], or each listener of a watch ([`ListenerContext`]), and returns a [`Verdict`].

use std::time::Duration;

pub use super::diagnosis::{Action, Finding, Severity, Subject};
use super::history::{SLOT, Slot};
use super::world::World;
use crate::model::cause::Cause;
use crate::model::settings::Arrivals;
use crate::text::sentence::Sentence;

mod above_capacity;
mod accept_too_slow;
mod actions;
mod backlog_clamped;
mod burst_too_large;
mod closed_in_queue;
mod context;
mod cookies_in_use;
mod ghosts;
mod half_open_pile_up;
mod holders;
mod not_listened_again;
mod one_client_many_overflows;
mod phantoms;
mod reset_after_accept;
mod review;
mod syn_rst_checks;
mod three_quarters_rule;
mod unanswered_before_listener;
mod watch;

pub use context::ListenerContext;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its fixed name.
    pub name: &'static str,
    /// What it means, where in the kernel it comes from, what to do.
    pub explain: &'static str,
    /// Its check.
    pub check: Check,
}

/// What a rule checks.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// The world: the lab's own listener, or the chosen one of a watch.
    World(fn(&World) -> Verdict),
    /// Each listener of a watch.
    Listener(fn(&ListenerContext<'_>) -> Verdict),
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It does not hold.
    Absent,
    /// It may hold, but not for long or often enough yet; or the evidence has not been read yet.
    TooEarly,
    /// Another rule says more about the same trouble: what this one said before is not kept.
    Covered,
    /// It holds.
    Found(Diagnosis),
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// How much it matters.
    pub severity: Severity,
    /// The evidence, by name with unit.
    pub evidence: Vec<(&'static str, f64)>,
    /// One sentence: what, why, what to do.
    pub sentence: Sentence,
    /// What to do, the surest first.
    pub actions: Vec<Action>,
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
    unanswered_before_listener::RULE,
    syn_rst_checks::RULE,
    reset_after_accept::RULE,
    above_capacity::RULE,
    watch::OWNER_STOPPED,
    watch::OWNER_OUT_OF_DESCRIPTORS,
    watch::OWNER_THROTTLED,
    watch::AT_ITS_CONNECTION_LIMIT,
    watch::SERVER_STALLED,
    watch::ACCEPT_QUEUE_FULL,
    watch::UNIX_SOCKET_FULL,
    watch::LONG_WAIT,
    watch::RESET_ON_CLOSE,
    watch::TWO_PROGRAMS_ONE_PORT,
    watch::ONE_MEMBER_FULL,
    watch::OVERFLOWED,
    watch::SYN_QUEUE_CROWDED,
    watch::DEFERRED_ACCEPT,
    watch::UNEVEN_WORKERS,
    watch::LIMIT_WAS_SOMAXCONN,
    watch::LIMIT_IS_SOMAXCONN,
    watch::DEFAULT_BACKLOG,
];

/// True when a witness other than the fold's own account has seen losses of this cause, or no such witness exists (neither
/// private counters nor a drop count).
fn is_confirmed(world: &World, cause: Cause) -> bool {
    let private = world.began.as_ref().is_some_and(|began| began.private_counters);
    let can_be = world.listener_drops.total().is_some() || (private && world.counters_first.is_some());
    let seen = world.ledger.witnesses(cause);
    !can_be || seen.wire.max(seen.counters).max(seen.listener).max(seen.client) > 0
}

/// The lines to paste about one listener, in the order in which they are shown.
pub fn commands<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<&'f str> {
    let mut commands: Vec<&str> = Vec::new();
    for action in findings.flat_map(|finding| &finding.actions) {
        if !commands.contains(&action.command.as_str()) {
            commands.push(&action.command);
        }
    }
    commands
}

/// Averages of the last seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct RecentActivity {
    /// Over how much time.
    span: Duration,
    arrivals_per_s: f64,
    accepts_per_s: f64,
    /// Share of the time in which the accept queue held its capacity, 0 to 1.
    full: f64,
    drops: u32,
    /// True when clients go on coming: not all at once, and not as a burst that is over.
    keeps_coming: bool,
}

/// The least time over which rates are taken.
const LEAST: Duration = Duration::from_secs(3);

/// The time over which the rate of random arrivals is taken.
const RANDOM: Duration = Duration::from_secs(10);

/// The time from one burst or wave of the lab's clients to the next.
fn period(world: &World) -> Option<Duration> {
    match world.knobs.as_ref().filter(|_| !world.is_watched())?.arrivals {
        Arrivals::Burst { period, .. } | Arrivals::Wave { period, .. } => Some(period.max(SLOT)),
        Arrivals::Steady | Arrivals::Poisson => None,
    }
}

/// The time over which the rates of arrivals and accepts are taken: whole bursts or waves. A part of one would say that clients come faster
/// than they do.
fn span(world: &World) -> Duration {
    let random = world.knobs.as_ref().is_some_and(|knobs| knobs.arrivals == Arrivals::Poisson) && !world.is_watched();
    match period(world) {
        Some(period) => period.saturating_mul(LEAST.div_duration_f64(period).ceil() as u32),
        None if random => RANDOM,
        None => LEAST,
    }
}

/// The last [`span`] of the session; `None` when the session is younger than that.
fn lately(world: &World) -> Option<RecentActivity> {
    let span = span(world);
    let count = slots_of(span);
    let slots: Vec<_> = world.history.last(count).collect();
    if slots.len() < count {
        return None;
    }
    let per_s = |total: u32| f64::from(total) / span.as_secs_f64();
    let full = slots.iter().filter(|slot| slot.limit.is_some_and(|limit| slot.accept_max > limit)).count();
    Some(RecentActivity {
        span,
        arrivals_per_s: per_s(slots.iter().map(|slot| slot.arrivals).sum()),
        accepts_per_s: per_s(slots.iter().map(|slot| slot.accepts).sum()),
        full: full as f64 / count as f64,
        drops: slots.iter().map(|slot| slot.kernel_drops()).sum(),
        keeps_coming: period(world).map_or_else(|| keeps_coming(&slots), |period| comes_again(world, slots_of(period))),
    })
}

fn slots_of(span: Duration) -> usize {
    span.div_duration_f64(SLOT).round() as usize
}

/// True when the last arrival is at most a second old, and the first one at least a second before it.
fn keeps_coming(slots: &[&Slot]) -> bool {
    let arrives = |slot: &&Slot| slot.arrivals > 0;
    let (first, last) = (slots.iter().position(arrives), slots.iter().rposition(arrives));
    let second = slots_of(Duration::from_secs(1));
    // The last slot is still being filled.
    first.zip(last).is_some_and(|(first, last)| last + 1 + second >= slots.len() && last - first >= second)
}

/// True when clients came within the last so many slots, from one wave to the next, and before them. A wave takes a third of that.
fn comes_again(world: &World, count: usize) -> bool {
    let both: Vec<_> = world.history.last(2 * count).collect();
    let (before, last) = both.split_at(both.len().saturating_sub(count));
    before.len() > count / 3 && [before, last].iter().all(|slots| slots.iter().any(|slot| slot.arrivals > 0))
}
