//! Runs the rules and keeps their findings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{
    Check, Diagnosis, Finding, ListenerContext, RULES, Rule, Subject, Verdict, accept_too_slow, burst_too_large,
};
use crate::fold::director;
use crate::fold::history;
use crate::fold::listeners::ListenerState;
use crate::fold::world::{self, World};
use crate::model::event::Event;
use crate::model::stamp::Stamp;

/// Interval of running the rules.
const PACE: Duration = Duration::from_millis(250);

/// Findings that contradict each other: of two under the same settings the later one is kept, which has seen more.
const CONTRADICT: [[&str; 2]; 1] = [[accept_too_slow::RULE.name, burst_too_large::RULE.name]];

/// The most findings in force; the most severe are kept.
pub(super) const IN_FORCE: usize = 256;

/// The most findings about listeners remembered.
pub(super) const FOUND: usize = 1024;

impl World {
    /// Applies one fact, then runs the rules and chooses the headline if they are due. Facts are in the order of their stamps; an earlier stamp counts as
    /// the last one. [`Event::Began`], [`Event::Watching`] and the opening of a lesson start a new world; the listeners, their
    /// findings and the progress of a lesson survive [`Event::Began`].
    pub fn apply(&mut self, at: Stamp, event: &Event) {
        world::apply(self, at, event);
        review(self);
        director::direct(self);
    }
}

/// Runs the rules, if they are due or the session is over, and updates the findings.
fn review(world: &mut World) {
    let due = world.reviewed.is_none_or(|last| world.now.since(last) >= PACE) || world.ended;
    if !due {
        return;
    }
    world.reviewed = Some(world.now);
    let mut findings = Vec::new();
    let mut undecided = BTreeSet::new();
    let mut covered = Vec::new();
    let known: BTreeMap<_, _> =
        world.findings.iter().map(|known| (key(known.rule.as_str(), known.subject.as_ref()), known)).collect();
    let mut keep = |rule: &Rule, subject: Option<Subject>, diagnosis: Diagnosis| {
        let since = known.get(&key(rule.name, subject.as_ref())).map_or(world.now, |known| known.since);
        let evidence = diagnosis.evidence.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let Diagnosis { severity, sentence, actions, .. } = diagnosis;
        let (rule, until) = (rule.name.to_owned(), world.now);
        findings.push(Finding { rule, severity, since, until, evidence, sentence, actions, subject });
    };
    let chosen = world.listeners.chosen().map(|listener| subject(&ListenerContext::of(world, listener)));
    for listener in world.listeners.live() {
        let context = ListenerContext::of(world, listener);
        if !context.is_relevant() {
            continue;
        }
        for rule in RULES {
            let Check::Listener(check) = rule.check else { continue };
            match check(&context) {
                Verdict::Found(mut diagnosis) => {
                    diagnosis.evidence.extend(context.evidence());
                    keep(rule, Some(subject(&context)), diagnosis);
                }
                Verdict::TooEarly => _ = undecided.insert(rule.name),
                Verdict::Covered => covered.push(key(rule.name, Some(&subject(&context)))),
                Verdict::Absent => {}
            }
        }
    }
    // Without a chosen listener a watch has nothing for the rules about the world.
    let about_one = world.listeners.watching.is_none() || world.began.is_some();
    for rule in RULES.iter().filter(|_| about_one) {
        let Check::World(check) = rule.check else { continue };
        match check(world) {
            Verdict::Found(diagnosis) => keep(rule, chosen.clone(), diagnosis),
            Verdict::TooEarly => _ = undecided.insert(rule.name),
            Verdict::Covered => covered.push(key(rule.name, chosen.as_ref())),
            Verdict::Absent => {}
        }
    }
    for key in covered {
        world.found.remove(&key);
    }
    let undecided = RULES.iter().map(|rule| rule.name).filter(|name| undecided.contains(name)).collect();
    order(world, &mut findings);
    remember(world, &findings);
    world.findings = findings;
    world.undecided = undecided;
}

/// In the lab the rules' own order is kept; in a watch the most severe come first, and of these those about the listener that loses most now, then
/// about the one whose clients wait longest.
fn order(world: &World, findings: &mut Vec<Finding>) {
    if findings.iter().any(|finding| finding.subject.is_some()) {
        findings.sort_by_cached_key(|finding| {
            let listener = finding.subject.as_ref().and_then(|subject| world.listeners.get(subject.id));
            (Reverse(finding.severity), Reverse(listener.map(|listener| harm(world, listener))))
        });
        findings.truncate(IN_FORCE);
    }
}

/// What a listener's clients suffer now: packets lost in a thousand seconds, and how long the oldest one waits, in ms. Where ages are not shown
/// (unix sockets) that follows from the depth and the drain.
fn harm(world: &World, listener: &ListenerState) -> (u64, u64) {
    let lost = world.listeners.drops_per_s(listener).unwrap_or(0.0) * 1e3;
    let depth = f64::from(listener.depth());
    let by_drain = world.drain_of(listener).map(|drain| (depth / drain.accepts_per_s * 1e3) as u64);
    (lost as u64, listener.occupants.oldest_wait_ms.map(u64::from).or(by_drain).unwrap_or(0))
}

fn remember(world: &mut World, findings: &[Finding]) {
    for finding in findings {
        let opposite = CONTRADICT.iter().find_map(|[one, other]| {
            if finding.rule == *one { Some(other) } else { (finding.rule == *other).then_some(one) }
        });
        let opposite = opposite.map(|rule| key(rule, finding.subject.as_ref()));
        // Under other settings both may have been so, one after the other.
        if let Some(opposite) = opposite
            && world.found.get(&opposite).is_some_and(|found| !is_changed_since(world, found.since))
        {
            world.found.remove(&opposite);
        }
        let key = key(&finding.rule, finding.subject.as_ref());
        if world.found.len() < FOUND || world.found.contains_key(&key) {
            // What comes and goes has been there since it was seen first.
            let since = world.found.get(&key).map_or(finding.since, |before| before.since.min(finding.since));
            world.found.insert(key, Finding { since, ..finding.clone() });
        }
    }
}

/// True when a setting was changed since a moment.
fn is_changed_since(world: &World, moment: Stamp) -> bool {
    world.history.since(history::number(moment)).any(|(_, slot)| slot.mark)
}

/// The key of a finding: the rule, and the listener if it is about one of many.
fn key(rule: &str, subject: Option<&Subject>) -> String {
    subject.map_or_else(|| rule.to_owned(), |subject| format!("{rule} {}", subject.id.0))
}

fn subject(context: &ListenerContext<'_>) -> Subject {
    Subject { id: context.listener.id(), address: context.listener.reading.address.clone() }
}
