//! One row of the table: a listener, a group of them, or a group's member.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::super::{Scene, text};
use super::columns::{Column, MARK_WIDTH};
use super::{bar, names};
use crate::fold::listeners::{ListenerState, Listeners};
use crate::fold::world::World;
use crate::model::stamp::Stamp;
use crate::model::watch::{Address, Owner};
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::watch::figures;
use crate::ui::watch::lines::{Line, Part};

/// What a row shows: of a group the member that matters most, with the sums of all.
#[derive(Debug)]
pub(super) struct Entry<'s> {
    pub(super) listeners: &'s Listeners,
    pub(super) listener: &'s ListenerState,
    pub(super) part: Part,
    pub(super) members: Vec<&'s ListenerState>,
    pub(super) now: Stamp,
}

impl<'s> Entry<'s> {
    pub(super) fn of(line: &Line, listeners: &'s Listeners, now: Stamp) -> Option<Self> {
        let listener = listeners.by_id.get(&line.id)?;
        let members = line.members.iter().filter_map(|id| listeners.get(*id)).collect();
        Some(Self { listeners, listener, part: line.part, members, now })
    }

    /// Of a group how many members are full.
    pub(super) fn full(&self) -> usize {
        self.members.iter().filter(|listener| listener.is_full()).count()
    }

    fn sum<T: std::iter::Sum<T>>(&self, of: impl Fn(&ListenerState) -> Option<T>) -> Option<T> {
        if self.members.is_empty() {
            return of(self.listener);
        }
        let known: Vec<T> = self.members.iter().filter_map(|listener| of(listener)).collect();
        (!known.is_empty()).then(|| known.into_iter().sum())
    }

    fn most(&self, of: impl Fn(&ListenerState) -> Option<u32>) -> Option<u32> {
        self.members.iter().map(|listener| of(listener)).max().unwrap_or_else(|| of(self.listener))
    }

    /// About how many first SYNs come to its address per second, while not all are counted.
    fn arrivals_about_per_s(&self) -> Option<f64> {
        let whole = !matches!(self.part, Part::Member { .. });
        let group = whole.then(|| self.listeners.group_of(self.listener))?;
        self.listeners.group_arrivals_about_per_s(&group)
    }

    /// First SYNs per second to its address; unknown for a member of a group.
    fn arrivals_per_s(&self, world: &World) -> Option<f64> {
        match self.part {
            Part::Alone => world.arrivals_per_s(self.listener),
            Part::Group { .. } => self.listeners.group_arrivals_per_s(&self.listeners.group_of(self.listener)),
            Part::Member { .. } => None,
        }
    }

    /// Of the chosen listener they are known from the wire, also while it drops.
    fn accepts_per_s(&self, world: &World) -> Option<f64> {
        match self.part {
            Part::Alone => world.accepts_per_s(self.listener).or_else(|| self.listeners.accepts_per_s(self.listener)),
            Part::Group { .. } | Part::Member { .. } => None,
        }
    }

    /// Drops since the watch began, of all members.
    pub(super) fn drops(&self) -> Option<u64> {
        self.sum(figures::drops)
    }
}

pub(super) fn paint(buf: &mut Buffer, line: Rect, scene: &Scene<'_>, entry: &Entry<'_>, columns: &[(Column, u16)]) {
    let mut col = MARK_WIDTH;
    for (column, width) in columns {
        let (text, style) = cell(*column, *width, entry, scene);
        let text = if column.is_name() { names::cell(&text, *width) } else { names::cell_right(&text, *width) };
        text::write(buf, line, (col, 0), &text, style);
        col += width + 1;
    }
}

/// Marks the chosen row.
pub(super) fn choose(buf: &mut Buffer, line: Rect, scene: &Scene<'_>) {
    text::write(buf, line, (0, 0), "▶", scene.theme.strong());
    buf.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
}

fn cell(column: Column, width: u16, entry: &Entry<'_>, scene: &Scene<'_>) -> (String, Style) {
    let (theme, listener) = (scene.theme, entry.listener);
    let plain = if listener.gone.is_some() { theme.calm() } else { Style::new() };
    let queue = &listener.reading.queue;
    let depth = queue.depth.unwrap_or(0);
    let counted = |value: Option<u32>| match value {
        Some(0) => ("0".to_owned(), theme.calm()),
        value => (number(value.map(u64::from)), plain),
    };
    match column {
        Column::Address => (address(entry, width), if listener.is_full() { theme.strong() } else { plain }),
        Column::Owner => (owner(listener), plain),
        Column::Place => (place(listener).to_owned(), theme.calm()),
        Column::Bar => (bar::bar(depth, listener.capacity(), width), bar::style(depth, listener.capacity(), theme)),
        Column::Queue => (filled(entry, width), bar::style(depth, listener.capacity(), theme)),
        Column::Peak => counted(entry.most(|listener| Some(listener.accept_queue.max()))),
        Column::Syn if listener.reading.address.port().is_none() => (String::new(), plain),
        Column::Syn => counted(entry.most(|listener| listener.occupants.half_open)),
        Column::Arrivals => match entry.arrivals_about_per_s() {
            Some(about) => (format!("~{}", numbers::rate(about).trim_end_matches("/s")), plain),
            None => rate(entry.arrivals_per_s(scene.world), plain, scene),
        },
        Column::Accepts => rate(entry.accepts_per_s(scene.world), plain, scene),
        Column::DropsPerS => {
            let per_s = entry.sum(|listener| entry.listeners.drops_per_s(listener));
            rate(per_s, if per_s > Some(0.0) { theme.text(Meaning::Lost) } else { plain }, scene)
        }
        Column::Drops => match entry.drops() {
            Some(0) => ("0".into(), theme.calm()),
            drops => (number(drops), if drops.is_some() { theme.text(Meaning::Lost) } else { theme.calm() }),
        },
        Column::Oldest => {
            match entry.most(|listener| listener.occupants.oldest_wait_ms.filter(|_| listener.gone.is_none())) {
                Some(ms) if depth > 0 => (numbers::span4(Duration::from_millis(ms.into())), waiting(ms, scene)),
                _ => (String::new(), plain),
            }
        }
        Column::Lately => {
            let spark =
                bar::spark(&figures::depths(entry.listeners, listener, usize::from(width)), listener.capacity(), width);
            (spark, bar::style(listener.accept_queue.max().min(depth.max(1)), listener.capacity(), theme))
        }
    }
}

fn waiting(ms: u32, scene: &Scene<'_>) -> Style {
    let shade = super::super::placement::shade(Duration::from_millis(ms.into()));
    scene.theme.text(Meaning::Waiting(shade))
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| numbers::UNKNOWN.into(), numbers::count)
}

fn rate(per_s: Option<f64>, style: Style, scene: &Scene<'_>) -> (String, Style) {
    match per_s {
        None => (numbers::UNKNOWN.into(), scene.theme.calm()),
        Some(per_s) => (numbers::rate(per_s).trim_end_matches("/s").to_owned(), style),
    }
}

/// Depth and capacity, and a word when no more fit.
fn filled(entry: &Entry<'_>, width: u16) -> String {
    let (listener, queue) = (entry.listener, &entry.listener.reading.queue);
    if let Some(gone) = listener.gone {
        return say!("gone {time}", time = numbers::span4(entry.now.since(gone)).trim());
    }
    let unknown = |value: Option<u32>| value.map_or_else(|| numbers::UNKNOWN.into(), |value| value.to_string());
    let numbers = format!("{}/{}", unknown(queue.depth), unknown(listener.capacity()));
    let word = if listener.is_full() { say!(" FULL") } else { "" };
    let group = match entry.part {
        Part::Group { .. } if entry.full() > 0 => say!(" {full} FULL", full = entry.full()),
        _ => String::new(),
    };
    let fits = |word: &&str| text::width(&numbers) + text::width(word) <= width;
    let word = [group.as_str(), word, "!"].into_iter().filter(|word| !word.is_empty()).find(fits).unwrap_or_default();
    if listener.is_full() { format!("{numbers}{word}") } else { numbers }
}

/// Where it listens, with its place in a group.
fn address(entry: &Entry<'_>, width: u16) -> String {
    match entry.part {
        Part::Alone => names::shorten(&place_of(entry.listener), width),
        Part::Group { open } => {
            let (mark, count) = (if open { "-" } else { "+" }, format!(" ×{}", entry.members.len()));
            let room = width.saturating_sub(text::width(&count) + 2);
            format!("{mark} {}{count}", names::shorten(&place_of(entry.listener), room))
        }
        Part::Member { last } => format!("{} inode {}", if last { "└" } else { "├" }, entry.listener.reading.inode),
    }
}

/// The address; of a socket bound to all IPv6 addresses also whether it takes IPv4.
pub(super) fn place_of(listener: &ListenerState) -> String {
    match (&listener.reading.address, listener.reading.v6_only) {
        (Address::Tcp(address), Some(v6_only)) if address.is_ipv6() && address.ip().is_unspecified() => {
            format!("{address} {}", if v6_only { say!("6 only") } else { "4+6" })
        }
        (Address::Unix(name), _) if name.is_empty() => say!("(unix, no name)").into(),
        (address, _) => address.to_string(),
    }
}

/// Name, process and how many more; whose it is where it cannot be seen.
pub(super) fn owner(listener: &ListenerState) -> String {
    match (&listener.owner, listener.reading.uid) {
        (Some(Owner { pid, command, others: 0, .. }), _) => format!("{command} {pid}"),
        (Some(Owner { pid, command, others, .. }), _) => format!("{command} {pid} +{others}"),
        (None, Some(0)) => say!("— (root's)").into(),
        (None, Some(uid)) => say!("— (uid {uid})", uid),
        (None, None) => numbers::UNKNOWN.into(),
    }
}

pub(super) fn place(listener: &ListenerState) -> &str {
    listener.owner.as_ref().and_then(|owner| owner.place.as_deref()).unwrap_or_default()
}
