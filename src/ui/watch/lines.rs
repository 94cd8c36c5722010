//! From all listeners to rows: what the filter takes, groups folded or not, in order.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::WatchBrowse;
use super::order::{self, Rank};
use crate::fold::listeners::{ListenerState, Listeners};
use crate::model::stamp::Stamp;
use crate::model::watch::{Address, ListenerId};
use crate::say;

/// How long a listener that is gone keeps its row.
const KEPT_AFTER_CLOSE: Duration = Duration::from_secs(30);

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The listener; of a group the member that matters most in the order.
    pub id: ListenerId,
    /// Alone, or what of a group.
    pub part: Part,
    /// A group's members, in order; empty for a single listener.
    pub members: Vec<ListenerId>,
}

/// What a row is of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Of none.
    Alone,
    /// The group itself.
    Group {
        /// True when its members stand below it.
        open: bool,
    },
    /// One of its members.
    Member {
        /// True for the last one.
        last: bool,
    },
}

impl Part {
    /// The part without what changes by folding or by order.
    pub(super) const fn kind(self) -> Self {
        match self {
            Self::Alone => Self::Alone,
            Self::Group { .. } => Self::Group { open: false },
            Self::Member { .. } => Self::Member { last: false },
        }
    }
}

/// The rows at `now`.
pub(super) fn arrange(watch: &WatchBrowse, survey: &Listeners, now: Stamp) -> Vec<Line> {
    let wanted: Vec<String> = watch.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut text = String::new();
    let mut alone: Vec<(Rank<'_>, ListenerId)> = Vec::with_capacity(survey.by_id.len());
    let mut groups: BTreeMap<&Address, Vec<(Rank<'_>, ListenerId)>> = BTreeMap::new();
    let shared = shared_addresses(survey);
    for (id, one) in &survey.by_id {
        let forgotten = one.gone.is_some_and(|gone| now.since(gone) > KEPT_AFTER_CLOSE);
        if forgotten || !matches(one, &wanted, &mut text) {
            continue;
        }
        let entry = (order::rank(watch.order, survey, one), *id);
        match groups_key(one, &shared) {
            Some(address) => groups.entry(address).or_default().push(entry),
            None => alone.push(entry),
        }
    }
    let mut heads: Vec<(Rank<'_>, ListenerId, Vec<ListenerId>)> =
        alone.into_iter().map(|(rank, id)| (rank, id, Vec::new())).collect();
    for mut members in groups.into_values() {
        members.sort_unstable();
        if let Some((rank, id)) = members.first().cloned() {
            heads.push((rank, id, members.into_iter().map(|(_, id)| id).collect()));
        }
    }
    heads.sort_unstable();
    let mut lines = Vec::with_capacity(heads.len());
    for (_, id, members) in heads {
        push(&mut lines, watch, survey, (id, members));
    }
    lines
}

fn push(lines: &mut Vec<Line>, watch: &WatchBrowse, survey: &Listeners, (id, members): (ListenerId, Vec<ListenerId>)) {
    if members.is_empty() {
        return lines.push(Line { id, part: Part::Alone, members });
    }
    let open = survey.by_id.get(&id).is_some_and(|one| watch.unfolded.contains(&one.reading.address));
    lines.push(Line { id, part: Part::Group { open }, members: members.clone() });
    if open {
        let last = members.len() - 1;
        let rows = members.into_iter().enumerate();
        lines.extend(rows.map(|(index, id)| {
            let part = Part::Member { last: index == last };
            Line { id, part, members: Vec::new() }
        }));
    }
}

/// How many living TCP sockets listen at one address: more than one only with SO_REUSEPORT. Several unix sockets of one name are
/// no group: the name was bound anew.
fn shared_addresses(survey: &Listeners) -> BTreeMap<&Address, u32> {
    let mut shared = BTreeMap::new();
    for one in survey.by_id.values().filter(|one| one.gone.is_none()) {
        if one.reading.address.port().is_some() {
            *shared.entry(&one.reading.address).or_default() += 1;
        }
    }
    shared.retain(|_, count| *count > 1);
    shared
}

fn groups_key<'s>(one: &'s ListenerState, shared: &BTreeMap<&'s Address, u32>) -> Option<&'s Address> {
    let address = &one.reading.address;
    (one.gone.is_none() && shared.contains_key(address)).then_some(address)
}

/// True when the row of this listener has every wanted word.
fn matches(one: &ListenerState, wanted: &[String], text: &mut String) -> bool {
    if wanted.is_empty() {
        return true;
    }
    text.clear();
    let family = one.reading.address.family();
    let full = if one.is_full() { say!(" FULL") } else { "" };
    _ = write!(text, "{} {family} {full}", one.reading.address);
    if let Some(owner) = &one.owner {
        let place = owner.place.as_deref().unwrap_or_default();
        _ = write!(text, " {} {} {place}", owner.command, owner.pid);
    }
    let text = text.to_lowercase();
    wanted.iter().all(|word| text.contains(word))
}
