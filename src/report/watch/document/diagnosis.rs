//! The findings of a watch, as its document shows them.

use super::{Diagnosis, NextAction};
use crate::fold::finding::{Check, Finding, RULES};
use crate::fold::world::World;
use crate::report::summary::seconds;
use crate::say;
use crate::text::sanitize;

impl Diagnosis {
    /// Every finding of the watch, those in force before ended ones of the same severity.
    pub(in crate::report::watch) fn all(world: &World) -> Vec<Self> {
        let is_it = |one: &Finding, other: &Finding| one.rule == other.rule && one.subject == other.subject;
        let in_force = |finding: &Finding| world.findings.iter().any(|now| is_it(now, finding));
        let diagnosis = |finding: &Finding| {
            let in_force = in_force(finding);
            let sentence = sanitize::line(&finding.sentence.to_string());
            Self {
                rule: finding.rule.clone(),
                severity: finding.severity,
                since_s: seconds(finding.since),
                until_s: (!in_force).then(|| seconds(finding.until)),
                in_force,
                listener: finding.subject.as_ref().map(|subject| sanitize::line(&subject.address.to_string())),
                evidence: finding.evidence.clone(),
                sentence: if in_force { sentence } else { past(finding, &sentence) },
                // What is over needs no command.
                actions: finding.actions.iter().filter(|_| in_force).map(NextAction::of).collect(),
            }
        };
        let known = |finding: &Finding| world.listeners.get(finding.subject.as_ref()?.id);
        let asked_for = |one: &&Finding| known(one).is_none_or(|listener| world.listeners.asks_for(listener));
        let mut all: Vec<_> = world.found.values().filter(asked_for).map(diagnosis).collect();
        // Findings about a listener as such come before the details of the chosen one.
        let rank = |finding: &Self| {
            let place = RULES.iter().position(|rule| rule.name == finding.rule);
            place.map(|place| (matches!(RULES[place].check, Check::World(_)), place))
        };
        all.sort_by_key(|finding| (std::cmp::Reverse((finding.severity, finding.in_force)), rank(finding)));
        all
    }
}

/// A finding that holds no longer, with its beginning and its end.
fn past(finding: &Finding, sentence: &str) -> String {
    let tenths = |at| format!("{:.1}", seconds(at));
    say!(
        "over; from {since} s to {until} s: {sentence}",
        since = tenths(finding.since),
        until = tenths(finding.until),
        sentence
    )
}
