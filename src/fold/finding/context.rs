//! One listener of a watch, as a rule sees it.

use std::fmt;
use std::time::Duration;

use crate::fold::listeners::{Drops, Group, ListenerState, Listeners};
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::say;

/// One listener and what stands around it.
#[derive(Clone, Copy, Debug)]
pub struct ListenerContext<'a> {
    /// The world; it is about this listener if that is the chosen one.
    pub world: &'a World,
    /// The listener.
    pub one: &'a ListenerState,
}

impl<'a> ListenerContext<'a> {
    pub(super) const fn of(world: &'a World, one: &'a ListenerState) -> Self {
        Self { world, one }
    }

    /// All listeners.
    pub const fn survey(&self) -> &'a Listeners {
        &self.world.listeners
    }

    /// The moment of the look.
    pub const fn now(&self) -> Stamp {
        self.world.now
    }

    /// True when this listener was asked for by name, or was chosen.
    pub fn is_asked_for(&self) -> bool {
        let by_name = self.survey().watching.as_ref().is_some_and(|watching| watching.target.is_some());
        by_name || self.is_chosen()
    }

    /// True when the world is about this listener.
    pub fn is_chosen(&self) -> bool {
        self.survey().chosen == Some(self.one.id())
    }

    /// True when its queue was more than half full, or it has dropped.
    pub fn is_strained(&self) -> bool {
        self.one.fullness_max().is_some_and(|fullness| fullness > 0.5)
            || self.one.drops_since_made().is_some_and(|drops| drops.listener > 0)
    }

    /// False for the many that nobody waits for and nobody asked for: the rules need not look at them.
    pub(super) fn is_worth_a_look(&self) -> bool {
        let one = self.one;
        one.accept_queue.max() > 0
            || one.crowding.half_open.is_some_and(|count| count > 0)
            || self.is_asked_for()
            || self.is_strained()
    }

    /// Its siblings and itself.
    pub fn group(&self) -> Group<'a> {
        self.world.listeners.group_of(self.one)
    }

    /// What it dropped since the watch began; by the wire where that tells it exactly.
    pub fn drops(&self) -> Option<Drops> {
        self.world.drops_of(self.one)
    }

    /// Who holds it, to be looked at.
    pub fn holder(&self) -> Holder {
        Holder(self.one.owner.as_ref().map(|owner| (owner.pid, owner.command.clone())))
    }

    /// Which listener: the numbers that every finding about one carries.
    pub(super) fn evidence(&self) -> Vec<(&'static str, f64)> {
        let mut evidence = vec![("listener_id", self.one.id().0 as f64)];
        evidence.extend(self.one.reading.address.port().map(|port| ("port", f64::from(port))));
        evidence.extend(self.one.owner.as_ref().map(|owner| ("pid", f64::from(owner.pid))));
        evidence
    }
}

/// Who holds a listener: `pid 42 (nginx)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder(Option<(u32, String)>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some((pid, command)) => f.write_str(&say!("pid {pid} ({command})", pid, command)),
            None => f.write_str(say!("its process (you may not see which)")),
        }
    }
}

/// A time in words: `1.5 s`.
pub(super) fn seconds(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}
