//! Going through all listeners of a machine: order, filter, groups, the chosen row, and the listener whose details are shown.
//!
//! The rows are put in order twice a second and after each key, so that they can be read; what each row shows is
//! read when it is drawn.

use std::collections::BTreeSet;
use std::time::Duration;

use super::keymap::{Action, Place};
use crate::fold::listeners::{ListenerState, Listeners};
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::stamp::Stamp;
use crate::model::watch::{Address, ListenerId};

pub mod figures;
pub mod lines;
pub mod order;
pub mod sampling;

use lines::{Line, Part};
use order::Order;
use sampling::SamplingCost;

/// How long the rows keep their order.
const CALM: Duration = Duration::from_millis(500);

/// How long a filter may be.
const LONGEST_FILTER: usize = 60;

/// Lines by which what to do may be scrolled.
const MOST_SCROLLED: usize = 200;

/// Rows that one screen is taken for when the size is not known.
const PAGE: usize = 10;

/// What fills the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// All listeners, one row each.
    #[default]
    All,
    /// One listener: both of its queues.
    One,
}

/// How many rows what to do about one listener has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AdviceShare {
    /// What it needs, at the cost of the panels.
    #[default]
    Needed,
    /// All that can be had: it is the chosen panel.
    All,
    /// What the chosen panel leaves.
    Left,
}

/// All listeners as they were when the user froze the list.
#[derive(Clone, Debug)]
pub struct FrozenListeners {
    /// When.
    pub at: Stamp,
    /// The listeners.
    pub listeners: Listeners,
}

/// What the screen remembers of going through the listeners.
#[derive(Clone, Debug, Default)]
pub struct WatchBrowse {
    /// What fills the screen.
    pub screen: Screen,
    /// The order of the rows.
    pub order: Order,
    /// Words that a row must have.
    pub filter: String,
    /// True while the filter is typed.
    pub typing: bool,
    /// The groups that are unfolded.
    pub unfolded: BTreeSet<Address>,
    /// The rows, in their order.
    pub lines: Vec<Line>,
    /// How many listeners there were when the rows were put in order, and how many of them were full.
    pub census: (usize, usize),
    /// The chosen row.
    pub row: usize,
    /// The first waiting client to be shown of the listener whose details are shown.
    pub scroll: usize,
    /// How many rows what to do has.
    pub advice: AdviceShare,
    /// The line that was copied last.
    pub copied: Option<String>,
    /// The listener whose details are shown.
    pub shown_id: Option<ListenerId>,
    /// The held listeners.
    pub held: Option<Box<FrozenListeners>>,
    /// What looking costs.
    pub sampling: SamplingCost,
    cursor: Option<(ListenerId, Part)>,
    ordered: Option<Stamp>,
    opened: bool,
}

impl WatchBrowse {
    /// Where keys count now.
    pub const fn place(&self) -> Place {
        match self.screen {
            Screen::One => Place::Listener,
            Screen::All if self.typing => Place::Filter,
            Screen::All => Place::Listeners,
        }
    }

    /// The listeners to be shown: those of now, or the held ones.
    pub fn listeners<'w>(&'w self, world: &'w World) -> &'w Listeners {
        self.held.as_ref().map_or(&world.listeners, |held| &held.listeners)
    }

    /// The moment that is shown: the present one, or the held one.
    pub fn moment(&self, now: Stamp) -> Stamp {
        self.held.as_ref().map_or(now, |held| held.at)
    }

    /// The chosen row.
    pub fn chosen(&self) -> Option<&Line> {
        self.lines.get(self.row)
    }

    /// The listener whose details are shown, while it is known.
    pub fn shown_listener<'w>(&self, world: &'w World) -> Option<&'w ListenerState> {
        world.listeners.get(self.shown_id?)
    }

    /// The listener that a key is about: the one whose details are shown, or that of the chosen row.
    pub fn subject(&self) -> Option<ListenerId> {
        match self.screen {
            Screen::One => self.shown_id,
            Screen::All => self.chosen().map(|line| line.id),
        }
    }

    /// The next of these lines to paste after the one that was copied last; the first one at first.
    pub(super) fn copy(&mut self, commands: &[&str]) -> Option<String> {
        let last = self.copied.as_deref().and_then(|last| commands.iter().position(|command| *command == last));
        let next = last.map_or(0, |last| (last + 1) % commands.len());
        self.copied = commands.get(next).map(|command| (*command).to_owned());
        self.copied.clone()
    }

    /// Keeps up with the world.
    pub(super) fn follow(&mut self, world: &World, now: Stamp) {
        self.sampling.follow(world);
        // A watch of one target opens its details as soon as it is known.
        let asked = world.listeners.watching.as_ref().is_some_and(|watching| watching.target.is_some());
        if asked && !self.opened && world.listeners.chosen.is_some() {
            self.opened = true;
            (self.screen, self.shown_id) = (Screen::One, world.listeners.chosen);
        }
        // Its session follows a listener that starts again; so does the screen.
        let gone = |id| world.listeners.get(id).is_none_or(|listener| listener.gone.is_some());
        if let (Some(listener), Some(next)) = (self.shown_id, world.listeners.chosen)
            && listener != next
            && gone(listener)
        {
            self.shown_id = Some(next);
        }
        let due = self.ordered.is_none_or(|at| now < at || now.since(at) >= CALM);
        if due || self.lines.is_empty() {
            self.arrange(world, now);
        }
    }

    /// Takes a key; `None` where it means something else.
    pub(super) fn press(&mut self, action: Action, context: &KeyContext<'_>) -> Option<Vec<Command>> {
        let commands = match self.screen {
            Screen::One => self.press_inside(action, context)?,
            Screen::All => self.press_rows(action, context)?,
        };
        // Among ten thousand rows a cursor must not wait for their order.
        if !is_move(action) {
            self.arrange(context.world, context.now);
        }
        Some(commands)
    }

    fn press_inside(&mut self, action: Action, context: &KeyContext<'_>) -> Option<Vec<Command>> {
        match action {
            Action::Close => {
                (self.screen, self.shown_id, self.opened) = (Screen::All, None, true);
                return Some(vec![Command::Choose(None)]);
            }
            Action::RowDown if self.advice == AdviceShare::All => self.scroll = (self.scroll + 1).min(MOST_SCROLLED),
            Action::RowDown => self.scroll = (self.scroll + 1).min(waiting(context.world).saturating_sub(1)),
            Action::RowUp => self.scroll = self.scroll.saturating_sub(1),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn press_rows(&mut self, action: Action, context: &KeyContext<'_>) -> Option<Vec<Command>> {
        match action {
            Action::RowUp => self.go_to(self.row.saturating_sub(1)),
            Action::RowDown => self.go_to(self.row + 1),
            Action::PageUp => self.go_to(self.row.saturating_sub(context.page.max(1))),
            Action::PageDown => self.go_to(self.row + context.page.max(1)),
            Action::Top => self.go_to(0),
            Action::Bottom => self.go_to(usize::MAX),
            Action::Sort => self.order = self.order.next(),
            Action::Filter => self.typing = true,
            Action::Keep => self.typing = false,
            Action::Drop => {
                self.typing = false;
                self.filter.clear();
            }
            Action::Letter(letter) if self.filter.chars().count() < LONGEST_FILTER => self.filter.push(letter),
            Action::Letter(_) => {}
            Action::Erase => {
                self.filter.pop();
            }
            Action::Close => self.filter.clear(),
            Action::Freeze => self.hold(context),
            Action::Fold => self.fold(context.world, false),
            Action::Unfold => self.fold(context.world, true),
            Action::Open => return Some(self.open(context)),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn hold(&mut self, context: &KeyContext<'_>) {
        self.held = match self.held.take() {
            Some(_) => None,
            None => Some(Box::new(FrozenListeners { at: context.now, listeners: context.world.listeners.clone() })),
        };
    }

    /// Into the chosen listener, or a group's fold.
    fn open(&mut self, context: &KeyContext<'_>) -> Vec<Command> {
        let Some(line) = self.chosen() else { return Vec::new() };
        if let Part::Group { open } = line.part {
            self.fold(context.world, !open);
            return Vec::new();
        }
        let id = line.id;
        (self.screen, self.shown_id, self.scroll, self.opened) = (Screen::One, Some(id), 0, true);
        self.held = None;
        if context.live { vec![Command::Choose(Some(id))] } else { Vec::new() }
    }

    fn fold(&mut self, world: &World, open: bool) {
        let Some(line) = self.chosen() else { return };
        let Some(listener) = self.listeners(world).by_id.get(&line.id) else { return };
        let address = listener.reading.address.clone();
        match line.part {
            Part::Group { .. } if open => _ = self.unfolded.insert(address),
            Part::Group { .. } => _ = self.unfolded.remove(&address),
            Part::Member { .. } if !open => {
                _ = self.unfolded.remove(&address);
                let head = self.lines[..self.row].iter().rposition(|line| matches!(line.part, Part::Group { .. }));
                self.go_to(head.unwrap_or(self.row));
            }
            Part::Member { .. } | Part::Alone => {}
        }
    }

    fn go_to(&mut self, row: usize) {
        self.row = row.min(self.lines.len().saturating_sub(1));
        self.cursor = self.chosen().map(|line| (line.id, line.part.kind()));
    }

    /// Puts the rows in order; the chosen one stays chosen wherever it goes.
    fn arrange(&mut self, world: &World, now: Stamp) {
        self.ordered = Some(now);
        let shown = self.moment(world.now);
        self.lines = lines::arrange(self, self.listeners(world), shown);
        let open = || self.listeners(world).by_id.values().filter(|listener| listener.gone.is_none());
        self.census = (open().count(), open().filter(|listener| listener.is_full()).count());
        let is_cursor = |line: &Line| match self.cursor {
            Some((id, part)) => part == line.part.kind() && (line.id == id || line.members.contains(&id)),
            None => false,
        };
        let found = self.lines.iter().position(is_cursor);
        self.row = found.unwrap_or(self.row).min(self.lines.len().saturating_sub(1));
        // Without a chosen row the cursor stays at the top, whatever comes up there.
        if self.cursor.is_some() && found.is_none() {
            self.cursor = self.chosen().map(|line| (line.id, line.part.kind()));
        }
    }
}

/// The context in which a key is handled.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyContext<'w> {
    /// The world.
    pub(super) world: &'w World,
    /// The moment that is shown.
    pub(super) now: Stamp,
    /// True when commands are carried out: no recording.
    pub(super) live: bool,
    /// Rows of one screen.
    pub(super) page: usize,
}

impl<'w> KeyContext<'w> {
    /// A key pressed into a screen of this height.
    pub(super) fn new(world: &'w World, now: Stamp, live: bool, height: u16) -> Self {
        let page = usize::from(height).checked_sub(8).unwrap_or(PAGE);
        Self { world, now, live, page }
    }
}

/// True for keys that change nothing but the chosen row.
const fn is_move(action: Action) -> bool {
    use Action::{Bottom, PageDown, PageUp, RowDown, RowUp, Top};
    matches!(action, RowUp | RowDown | PageUp | PageDown | Top | Bottom)
}

/// How many clients wait, as far as they are listed.
fn waiting(world: &World) -> usize {
    world.listed.waiting.as_ref().map_or(0, Vec::len)
}
