//! One listener of a watch, with what the rules need.

use std::time::Duration;

use super::holders::{Holder, accepting, workers};
use crate::fold::listeners::{Drops, Group, ListenerState, Listeners};
use crate::fold::world::World;
use crate::model::counters::Counter;
use crate::model::stamp::Stamp;
use crate::say;

/// One listener in its world.
#[derive(Clone, Copy, Debug)]
pub struct ListenerContext<'a> {
    /// The world; its segments and connections are of this listener if that is the chosen one.
    pub world: &'a World,
    /// The listener.
    pub listener: &'a ListenerState,
}

impl<'a> ListenerContext<'a> {
    pub(super) const fn of(world: &'a World, listener: &'a ListenerState) -> Self {
        Self { world, listener }
    }

    /// All listeners.
    pub const fn listeners(&self) -> &'a Listeners {
        &self.world.listeners
    }

    /// The present moment.
    pub const fn now(&self) -> Stamp {
        self.world.now
    }

    /// True when this listener was asked for by name, or was chosen.
    pub fn is_asked_for(&self) -> bool {
        let by_name = self.listeners().watching.as_ref().is_some_and(|watching| watching.target.is_some());
        by_name || self.is_chosen()
    }

    /// True when this is the chosen listener.
    pub fn is_chosen(&self) -> bool {
        self.listeners().chosen == Some(self.listener.id())
    }

    /// True when its queue was more than half full, or it has dropped.
    pub fn is_strained(&self) -> bool {
        self.listener.fullness_max().is_some_and(|fullness| fullness > 0.5)
            || self.listener.drops_since_made().is_some_and(|drops| drops.listener > 0)
    }

    /// False for idle listeners that were not asked for: the rules skip them.
    pub(super) fn is_relevant(&self) -> bool {
        let listener = self.listener;
        listener.accept_queue.max() > 0
            || listener.occupants.half_open.is_some_and(|count| count > 0)
            || self.is_asked_for()
            || self.is_strained()
    }

    /// The sockets of its address.
    pub fn group(&self) -> Group<'a> {
        self.world.listeners.group_of(self.listener)
    }

    /// True for a quiet socket of an SO_REUSEPORT group but the first: what is said of its limit is said of that one.
    pub(super) fn is_said_of_a_sibling(&self) -> bool {
        let first = self.group().members.iter().map(|member| member.id()).min();
        !self.is_strained() && first != Some(self.listener.id())
    }

    /// Its drops since the watch began; exact where the wire shows them.
    pub fn drops(&self) -> Option<Drops> {
        self.world.drops_of(self.listener)
    }

    /// Who should accept, for display.
    pub fn holder(&self) -> Holder {
        Holder::of(self.listener)
    }

    /// True when the queue is full now, or was for most of the last seconds: each accept() makes it less for a moment.
    pub fn is_mostly_full(&self) -> bool {
        self.listener.is_full() || self.listener.full_share(self.now()).is_some_and(|share| share >= 0.5)
    }

    /// True when its queue is full for a moment, the peak of a burst, and has dropped nothing while watched: it was seen with room, nobody has waited for
    /// a second, and it was full for less than that and for less than half of the last seconds.
    pub(super) fn is_full_without_harm(&self) -> bool {
        let LatelyFull { full, span, unbroken } = fullness(self);
        let moment = Duration::from_secs(1);
        let fits = |capacity| self.listener.depth_first() < capacity;
        self.listener.capacity().is_some_and(fits)
            && self.listener.occupants.oldest_wait_ms.is_none_or(|ms| Duration::from_millis(ms.into()) < moment)
            && unbroken < moment
            && full * 2 < span
            && self.drops().is_some_and(|drops| drops.listener == 0)
    }

    /// True when every process that may accept is stopped by a signal: one that sleeps in accept() may stand beside others that are busy.
    pub fn is_stopped(&self) -> bool {
        let processes = workers(self.listener);
        !processes.is_empty() && processes.iter().all(|process| process.state == 'T')
    }

    /// The stopped processes that keep connections waiting: all that should accept, or some of them while nobody takes any. Each socket of an
    /// SO_REUSEPORT group is often held by all workers and served by one.
    pub(super) fn stopped(&self) -> Vec<u32> {
        let stopped: Vec<_> =
            workers(self.listener).iter().filter(|process| process.state == 'T').map(|process| process.pid).collect();
        let idle = self.listener.unaccepted(self.now()).is_some_and(|idle| idle >= NOBODY_ACCEPTS);
        if self.is_stopped() || idle { stopped } else { Vec::new() }
    }

    /// True when the reason for which nothing is accepted has a rule of its own.
    pub(super) fn has_its_reason(&self) -> bool {
        !self.stopped().is_empty() || self.out_of_descriptors().is_some() || self.is_at_a_round_number()
    }

    /// True when it holds a round number of connections and takes no more.
    pub(super) fn is_at_a_round_number(&self) -> bool {
        let round = |served: u32| served >= 10 && (served.is_power_of_two() || served.is_multiple_of(10));
        self.listener.served.is_some_and(round) && self.listener.is_stalled(self.now())
    }

    /// A process that should accept and has no descriptor left: its id, its descriptors, its limit.
    pub fn out_of_descriptors(&self) -> Option<(u32, u32, u64)> {
        accepting(self.listener).into_iter().find_map(|process| {
            let (descriptors, limit) = (process.descriptors?, process.descriptor_limit?);
            (u64::from(descriptors) >= limit).then_some((process.pid, descriptors, limit))
        })
    }

    /// The evidence common to every finding about a listener.
    pub(super) fn evidence(&self) -> Vec<(&'static str, f64)> {
        let mut evidence = vec![("listener_id", self.listener.id().0 as f64)];
        evidence.extend(self.listener.reading.address.port().map(|port| ("port", f64::from(port))));
        evidence.extend(self.listener.owner.as_ref().map(|owner| ("pid", f64::from(owner.pid))));
        evidence
    }
}

/// What the kernel's log says of a listener: that it may be flooded with SYNs.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoggedFlood(Option<Duration>);

impl LoggedFlood {
    pub(super) fn of(world: &World, listener: &ListenerState) -> Self {
        Self(world.listeners.flood_log.ago(listener.id(), world.now))
    }

    /// The same of the chosen listener.
    pub(super) fn of_chosen(world: &World) -> Self {
        world.listeners.chosen().map_or(Self(None), |listener| Self::of(world, listener))
    }

    pub(super) fn evidence(self) -> Option<(&'static str, f64)> {
        self.0.map(|ago| ("syn_flood_logged_s_ago", ago.as_secs_f64()))
    }

    /// Behind a sentence about the SYN queue.
    pub(super) fn after(self, sentence: String) -> String {
        let Some(ago) = self.0 else { return sentence };
        say!(
            "{sentence} The kernel's log named this address {ago} ago: possible SYN flooding.",
            sentence,
            ago = seconds(ago)
        )
    }
}

/// Nobody has taken a connection for so long: who is stopped beside others is why.
const NOBODY_ACCEPTS: Duration = Duration::from_secs(1);

/// The change of a counter: in a watch since that began, as its document shows it; in the lab since the run began.
pub(super) fn counter(world: &World, counter: Counter) -> Option<u64> {
    if world.is_watched() { world.listeners.counters().value(counter) } else { world.counter(counter) }
}

/// True where wire and lists are of several sockets: they tell nothing of the queue of one.
pub(super) fn is_one_of_several(world: &World) -> bool {
    let chosen = world.listeners.chosen().filter(|_| world.is_watched());
    chosen.is_some_and(|listener| world.listeners.group_of(listener).is_shared())
}

/// For how much of the last seconds a queue was full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LatelyFull {
    full: Duration,
    span: Duration,
    /// For how long without a break.
    unbroken: Duration,
}

impl LatelyFull {
    /// `full 2.9 of the last 3.0 s`, or `full for 60 s`.
    pub(super) fn words(self) -> String {
        if self.unbroken >= self.span {
            return say!("full for {full}", full = seconds(self.unbroken));
        }
        let span = seconds(self.span);
        if self.full < Duration::from_millis(100) {
            return say!("full {short} of the last {span}", short = seconds(self.full), span);
        }
        say!("full {full} of the last {span}", full = format_args!("{:.1}", self.full.as_secs_f64()), span)
    }
}

/// For how much of the last seconds this listener's queue was full.
pub(super) fn fullness(context: &ListenerContext<'_>) -> LatelyFull {
    let (full, span) = context.listener.full_lately(context.now());
    let unbroken =
        context.listener.accept_queue.full_since().map_or_else(Duration::default, |since| context.now().since(since));
    LatelyFull { full, span, unbroken }
}

/// A time in words: `1.5 s`, `13 ms`.
pub(super) fn seconds(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if span < Duration::from_millis(100) {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 10.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{seconds:.0} s")
    }
}
