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
        /// True when its members are listed below it.
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
pub(super) fn arrange(watch: &WatchBrowse, listeners: &Listeners, now: Stamp) -> Vec<Line> {
    let wanted: Vec<String> = watch.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let mut text = String::new();
    let mut alone: Vec<(Rank<'_>, ListenerId)> = Vec::with_capacity(listeners.by_id.len());
    let mut groups: BTreeMap<&Address, Vec<(Rank<'_>, ListenerId)>> = BTreeMap::new();
    let shared = shared_addresses(listeners);
    for (id, listener) in &listeners.by_id {
        let forgotten = listener.gone.is_some_and(|gone| now.since(gone) > KEPT_AFTER_CLOSE);
        if forgotten || !matches(listener, &wanted, &mut text) {
            continue;
        }
        let entry = (order::rank(watch.order, listeners, listener), *id);
        match groups_key(listener, &shared) {
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
        push(&mut lines, watch, listeners, (id, members));
    }
    lines
}

fn push(
    lines: &mut Vec<Line>,
    watch: &WatchBrowse,
    listeners: &Listeners,
    (id, members): (ListenerId, Vec<ListenerId>),
) {
    if members.is_empty() {
        return lines.push(Line { id, part: Part::Alone, members });
    }
    let open = listeners.by_id.get(&id).is_some_and(|listener| watch.unfolded.contains(&listener.reading.address));
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

/// How many open TCP sockets listen at one address: more than one only with SO_REUSEPORT. Several unix sockets of one name are
/// no group: the name was bound anew.
fn shared_addresses(listeners: &Listeners) -> BTreeMap<&Address, u32> {
    let mut shared = BTreeMap::new();
    for listener in listeners.by_id.values().filter(|listener| listener.gone.is_none()) {
        if listener.reading.address.port().is_some() {
            *shared.entry(&listener.reading.address).or_default() += 1;
        }
    }
    shared.retain(|_, count| *count > 1);
    shared
}

fn groups_key<'s>(listener: &'s ListenerState, shared: &BTreeMap<&'s Address, u32>) -> Option<&'s Address> {
    let address = &listener.reading.address;
    (listener.gone.is_none() && shared.contains_key(address)).then_some(address)
}

/// True when the row of this listener has every wanted word.
fn matches(listener: &ListenerState, wanted: &[String], text: &mut String) -> bool {
    if wanted.is_empty() {
        return true;
    }
    text.clear();
    let family = listener.reading.address.family();
    let full = if listener.is_full() { say!(" FULL") } else { "" };
    _ = write!(text, "{} {family} {full}", listener.reading.address);
    if let Some(owner) = &listener.owner {
        let place = owner.place.as_deref().unwrap_or_default();
        _ = write!(text, " {} {} {place}", owner.command, owner.pid);
    }
    let text = text.to_lowercase();
    wanted.iter().all(|word| text.contains(word))
}
