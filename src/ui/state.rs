//! What the screen remembers between two frames, and the pure function that turns keys into wishes.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Size;

use super::browse::{Browse, Screen};
use super::keymap::Action;
use super::theme::Theme;
use super::view;
use super::view::spots::{Roll, Spots, Target};
use super::watch::{Asks, Watch};
use crate::model::command::Command;
use crate::model::stamp::Stamp;
use crate::model::world::World;
use crate::session::tape::transport::Playing;

mod wishes;

pub use wishes::Asked;

/// How long a message for the person at the keys stays.
const MESSAGE: Duration = Duration::from_secs(5);

/// The time over which moves are counted to choose the density, in slots of the history.
const DENSITY_SLOTS: usize = 20;

/// Something that reaches the screen and is not a fact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Msg {
    /// A key was pressed at this moment.
    Press(Action, Stamp),
    /// The terminal has this size.
    Resize(Size),
    /// Something was clicked at this moment.
    Click(Target, Stamp),
    /// The wheel was turned over something.
    Wheel {
        /// What it turns.
        roll: Roll,
        /// Away from the person.
        up: bool,
    },
    /// Time has come to this moment; sent before each frame.
    Pulse(Stamp),
}

/// A panel of which small screens show one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Panel {
    /// What happened lately.
    #[default]
    Notes,
    /// What was lost, by cause.
    Ledger,
    /// The kernel's counters that moved.
    Counters,
    /// The settings in force.
    Settings,
}

impl Panel {
    /// The panel after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Notes => Self::Ledger,
            Self::Ledger => Self::Counters,
            Self::Counters => Self::Settings,
            Self::Settings => Self::Notes,
        }
    }
}

/// How finely moves are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Density {
    /// Each connection by its name.
    #[default]
    Cells,
    /// Each connection as a mark.
    Marks,
    /// Flows with their width and numbers.
    Flows,
}

impl Density {
    /// The density for so many moves per second. Between two thresholds it stays as it is, so that the picture does not flicker.
    #[must_use]
    pub const fn after(self, moves_per_s: u32) -> Self {
        match (self, moves_per_s) {
            (_, 400..) | (Self::Flows, 250..) => Self::Flows,
            (_, 45..) | (Self::Marks | Self::Flows, 30..) => Self::Marks,
            _ => Self::Cells,
        }
    }
}

/// A wish that concerns the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// End.
    Quit,
    /// Stop like any program in a shell, until `fg`.
    Suspend,
}

/// A picture that is held while the run goes on.
#[derive(Clone, Debug)]
pub struct Still {
    /// When it was taken.
    pub at: Stamp,
    /// The picture.
    pub picture: Buffer,
    /// What stands where on it.
    pub spots: Spots,
    /// Kernel drops at that moment.
    pub drops: u64,
    /// Connections accepted at that moment.
    pub accepted: u64,
}

/// What the screen remembers.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a wish of its own")]
pub struct UiState {
    /// Colours and signs.
    pub theme: Theme,
    /// True when wishes are carried out: a lab, not a recording.
    pub listens: bool,
    /// Where a replay stands; `None` in the lab.
    pub replay: Option<Playing>,
    /// The terminal's size.
    pub size: Size,
    /// The chosen panel.
    pub panel: Panel,
    /// Fewer, larger things, for the last row of a room.
    pub projector: bool,
    /// True when the terminal reports the mouse.
    pub mouse: bool,
    /// How many of the newest events lie above their panel.
    pub notes_above: usize,
    /// True when the help lies over the picture.
    pub help: bool,
    /// The held picture.
    pub still: Option<Still>,
    /// How finely moves are drawn.
    pub density: Density,
    /// A line for the person at the keys, until this moment.
    pub message: Option<(Stamp, String)>,
    /// What the person at the keys wishes of the whole program.
    pub parting: Option<Parting>,
    /// Wishes that no fact has confirmed yet.
    pub asked: Asked,
    /// The list of connections and the ladder of one.
    pub browse: Browse,
    /// All listeners of a machine, and the one that one looks into.
    pub watch: Watch,
}

impl UiState {
    /// Lets a message that came up just now stay for its time on the clock of the person at the keys.
    pub fn time_message(&mut self, now: Stamp) {
        if let Some((until, _)) = &mut self.message {
            *until = now + MESSAGE;
        }
    }
}

/// Takes one message and returns the wishes that follow from it.
pub fn update(state: &mut UiState, msg: Msg, world: &World) -> Vec<Command> {
    match msg {
        Msg::Resize(size) => state.size = size,
        Msg::Pulse(now) => pulse(state, now, world),
        Msg::Press(action, now) | Msg::Click(Target::Key(action), now) if world.survey.watching.is_some() => {
            return press_in_watch(state, action, now, world);
        }
        Msg::Wheel { up, .. } if world.survey.watching.is_some() => {
            let turned = if up { Action::RowUp } else { Action::RowDown };
            return press_in_watch(state, turned, world.now, world);
        }
        Msg::Press(action, now) | Msg::Click(Target::Key(action), now) => return press(state, action, now, world),
        Msg::Click(Target::Panel(panel), _) => choose(state, panel),
        Msg::Click(Target::Connection(peer, id), now) => {
            if state.browse.look(world, (peer, id)) {
                state.still = None;
                state.browse.follow(world, now);
            }
        }
        Msg::Wheel { roll, up } => turn(state, roll, up, world),
    }
    Vec::new()
}

fn pulse(state: &mut UiState, now: Stamp, world: &World) {
    let recent = world.history.last(DENSITY_SLOTS);
    let moves: u32 = recent.map(|slot| slot.arrivals + slot.accepts + slot.kernel_drops()).sum();
    state.density = state.density.after(moves * 10 / DENSITY_SLOTS as u32);
    state.browse.follow(world, now);
    if world.survey.watching.is_some() {
        state.watch.follow(world, now);
    }
    state.message.take_if(|(until, _)| *until <= now);
}

fn press(state: &mut UiState, action: Action, now: Stamp, world: &World) -> Vec<Command> {
    match action {
        Action::Quit => state.parting = Some(Parting::Quit),
        Action::Suspend => state.parting = Some(Parting::Suspend),
        Action::Help => state.help = !state.help,
        Action::Close if state.help => state.help = false,
        // The session itself is played, not the picture of it.
        Action::Play(_) => {}
        Action::Panel => state.panel = next_panel(state),
        Action::Freeze => freeze(state, now, world),
        Action::Projector => {
            state.projector = !state.projector;
            state.still = None;
        }
        inside if browse(state, inside, now, world) => {}
        Action::Close => {}
        wish => match wishes::wish(&mut state.asked, state.listens, wish, now, world) {
            Ok(commands) => return commands,
            Err(why) => state.message = Some((now + MESSAGE, why)),
        },
    }
    Vec::new()
}

/// A watch has no knobs: keys look around, and at most ask for the details of one listener.
fn press_in_watch(state: &mut UiState, action: Action, now: Stamp, world: &World) -> Vec<Command> {
    match action {
        Action::Quit => state.parting = Some(Parting::Quit),
        Action::Suspend => state.parting = Some(Parting::Suspend),
        Action::Help => state.help = !state.help,
        Action::Close if state.help => state.help = false,
        Action::Play(_) => {}
        inside => {
            let asks = Asks::new(world, now, state.listens, state.size.height);
            if let Some(commands) = state.watch.press(inside, &asks) {
                state.still = None;
                return commands;
            }
            match inside {
                Action::Panel => state.panel = next_panel(state),
                Action::Freeze => freeze(state, now, world),
                _ => {}
            }
        }
    }
    Vec::new()
}

/// True when the key has moved something among the connections; a held picture lets go then.
fn browse(state: &mut UiState, action: Action, now: Stamp, world: &World) -> bool {
    let moved = state.browse.press(action, world);
    if moved {
        state.still = None;
        state.browse.follow(world, now);
    }
    moved
}

/// Where panels stand side by side, only the last one's place is shared.
const fn next_panel(state: &UiState) -> Panel {
    match state.panel {
        Panel::Settings => Panel::Notes,
        _ if view::layout::is_roomy(state.size) => Panel::Settings,
        panel => panel.next(),
    }
}

/// A click on a panel's title shows that panel; where it is shown already, the one with which it shares its place.
const fn choose(state: &mut UiState, panel: Panel) {
    let shares = view::layout::is_roomy(state.size) && matches!(panel, Panel::Counters | Panel::Settings);
    state.panel = if shares || panel as u8 == state.panel as u8 { next_panel(state) } else { panel };
}

/// The wheel goes one row at a time where a row is chosen, three where lines only move.
fn turn(state: &mut UiState, roll: Roll, up: bool, world: &World) {
    let row = if up { Action::RowUp } else { Action::RowDown };
    match roll {
        Roll::Rows => {
            let lines = if state.browse.screen == Screen::Ladder { 3 } else { 1 };
            for _ in 0..lines {
                state.browse.press(row, world);
            }
        }
        Roll::Notes if up => state.notes_above = state.notes_above.saturating_sub(3),
        Roll::Notes => state.notes_above = (state.notes_above + 3).min(world.notes.len().saturating_sub(1)),
        Roll::Timeline => {}
    }
}

fn freeze(state: &mut UiState, now: Stamp, world: &World) {
    if state.still.take().is_none() {
        let help = std::mem::take(&mut state.help);
        let (picture, spots) = view::picture_and_spots(state.size, world, state, now);
        state.still = Some(Still {
            at: now,
            picture,
            spots,
            drops: world.ledger.kernel_drops(),
            accepted: world.clients.accepted,
        });
        state.help = help;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn density_changes_late_and_returns_later() {
        assert_eq!(Density::Cells.after(44), Density::Cells);
        assert_eq!(Density::Cells.after(45), Density::Marks);
        assert_eq!(Density::Marks.after(31), Density::Marks);
        assert_eq!(Density::Marks.after(29), Density::Cells);
        assert_eq!(Density::Marks.after(400), Density::Flows);
        assert_eq!(Density::Flows.after(251), Density::Flows);
        assert_eq!(Density::Flows.after(100), Density::Marks);
        assert_eq!(Density::Flows.after(0), Density::Cells);
    }

    #[test]
    fn freezing_holds_the_picture_and_lets_it_go() {
        let (mut state, world) = (UiState::default(), World::new());
        update(&mut state, Msg::Resize(Size::new(80, 24)), &world);
        update(&mut state, Msg::Press(Action::Freeze, Stamp::from_millis(5)), &world);
        let still = state.still.as_ref().unwrap();
        assert_eq!((still.at, still.picture.area.width), (Stamp::from_millis(5), 80));
        update(&mut state, Msg::Press(Action::Freeze, Stamp::from_millis(9)), &world);
        assert!(state.still.is_none());
    }

    #[test]
    fn a_message_ends() {
        let (mut state, world) = (UiState::default(), World::new());
        update(&mut state, Msg::Press(Action::Burst, Stamp::ZERO), &world);
        assert!(state.message.is_some());
        update(&mut state, Msg::Pulse(Stamp::ZERO + MESSAGE), &world);
        assert!(state.message.is_none());
    }
}
