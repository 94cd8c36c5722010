//! The verdict of a watch with `--fail-on`: which rule failed first, when, and what was dropped until the end. Start at [`Gate`].

use super::fail_on::{Alarm, FailOn};
use super::world::World;
use crate::model::counters::Counter;
use crate::model::event::Event;
use crate::model::stamp::Stamp;
use crate::model::watch::Target;
use crate::say;

/// The conditions of a watch, each with its alarm, and the first that held.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    rules: Vec<(FailOn, Alarm)>,
    failure: Option<RuleFailure>,
}

/// A condition that held.
#[derive(Clone, Debug)]
struct RuleFailure {
    /// Its place among the rules.
    rule: usize,
    /// When it first held.
    at: Stamp,
    /// Its reason at that time.
    sentence: String,
}

/// How a watch with conditions ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// A condition held.
    pub failed: bool,
    /// The first condition that held, as it was written.
    pub rule: Option<String>,
    /// When it first held.
    pub first_at: Option<Stamp>,
    /// SYNs and final ACKs that the watched listeners dropped since the watch began; an upper bound where it is not exact.
    pub dropped: u64,
    /// The reason, or what was not seen.
    pub sentence: String,
}

impl Gate {
    /// A gate for the listeners of `target`; `None`: for any.
    pub fn new(conditions: &[FailOn], target: Option<&Target>) -> Self {
        let alarm = |condition: &FailOn| (*condition, Alarm::new(vec![*condition], target.cloned()));
        Self { rules: conditions.iter().map(alarm).collect(), failure: None }
    }

    /// Tests the conditions after `world` has applied `event`, until the first one holds.
    pub fn observe(&mut self, world: &World, event: &Event) {
        if self.has_failed() {
            return;
        }
        let mut rules = self.rules.iter_mut().enumerate();
        self.failure = rules.find_map(|(rule, (_, alarm))| {
            Some(RuleFailure { rule, at: world.listeners.now, sentence: alarm.check(world, event)? })
        });
    }

    /// True once a condition has held.
    pub const fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The verdict at this moment; `None` without conditions. Where the condition can be tested at the end, its reason is that of now, from the same
    /// readings as the number of drops: a watch whose end was not awaited has no last event.
    pub fn verdict(&self, world: &World) -> Option<Verdict> {
        if self.rules.is_empty() {
            return None;
        }
        let dropped = dropped(world);
        let (since, failure) = (world.listeners.since, self.failure.as_ref());
        Some(Verdict {
            failed: failure.is_some(),
            rule: failure.map(|failure| self.rules[failure.rule].0.to_string()),
            first_at: failure.map(|failure| Stamp::ZERO + failure.at.since(since)),
            dropped,
            sentence: failure.map_or_else(
                || self.passed(dropped),
                |failure| {
                    let mut alarm = self.rules[failure.rule].1.clone();
                    alarm.check(world, &Event::Ended).unwrap_or_else(|| failure.sentence.clone())
                },
            ),
        })
    }

    fn passed(&self, dropped: u64) -> String {
        let rules = self.rules.iter().map(|(condition, _)| condition.to_string()).collect::<Vec<_>>().join(say!(", "));
        if dropped == 0 {
            say!("nothing was dropped, and no condition held: {rules}", rules)
        } else {
            say!("no condition held: {rules}; dropped packets: {dropped}", rules, dropped)
        }
    }
}

/// At most what the kernel counted for all listeners together.
fn dropped(world: &World) -> u64 {
    let listeners = world.listeners.wanted().filter_map(|listener| world.drops_of(listener));
    let all: u64 = listeners.map(|drops| drops.listener).sum();
    world.listeners.counters().value(Counter::ListenDrops).map_or(all, |counted| all.min(counted))
}
