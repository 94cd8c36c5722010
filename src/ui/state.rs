//! What the screen remembers between two frames, and the pure function that turns keys into commands.

use std::sync::Arc;
use std::time::Duration;

use ratatui::layout::Size;

use super::browse::Browse;
use super::hit_map::{FrameInfo, Scroll, Target};
use super::instant_replay::InstantReplay;
use super::keymap::{Action, Mode, Place};
use super::lesson::LessonState;
use super::panel::Panel;
use super::theme::Theme;
use super::watch::{KeyContext, WatchBrowse};
use super::window::Window;
use crate::fold::course::LessonProgress;
use crate::fold::world::World;
use crate::model::command::Command;
use crate::model::stamp::Stamp;
use crate::say;
use crate::session::recording::record::RecordingStatus;
use crate::session::recording::transport::PlaybackState;
use crate::text::lang::{Lang, within};

mod commands;
mod confirm;
mod look;
mod mouse;
mod panels;

pub use commands::PendingSettings;

/// How long a message for the user stays.
const MESSAGE: Duration = Duration::from_secs(5);

/// How long it is said what a key did.
pub const CONFIRMED_FOR: Duration = Duration::from_secs(2);

/// The time over which moves are counted to choose the density, in slots of the history.
const DENSITY_SLOTS: usize = 20;

/// Something that reaches the screen and is not a fact.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Msg {
    /// A key was pressed at this moment.
    Press(Action, Stamp),
    /// A key without a use here was pressed at this moment.
    Unbound(char, Stamp),
    /// The terminal has this size.
    Resize(Size),
    /// Something was clicked at this moment.
    Click(Target, Stamp),
    /// The wheel was turned over something.
    Wheel {
        /// What it turns.
        scroll: Scroll,
        /// Away from the person.
        up: bool,
    },
    /// Time has come to this moment; sent before each frame.
    Pulse(Stamp),
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

/// A request that concerns the whole program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitRequest {
    /// End.
    Quit,
    /// Stop like any program in a shell, until `fg`.
    Suspend,
}

/// A moment that is held while the run goes on: everything that was known then.
#[derive(Clone, Debug)]
pub struct FrozenView {
    /// When.
    pub at: Stamp,
    /// The world at that moment.
    pub world: Arc<World>,
}

/// The recording of which a frame is drawn into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The recording's name.
    pub name: String,
    /// Its last moment.
    pub end: Stamp,
}

/// What the screen remembers.
#[derive(Clone, Debug, Default)]
pub struct UiState {
    /// Colours and glyphs.
    pub theme: Theme,
    /// The language of the screen.
    pub lang: Lang,
    /// True when commands are carried out: a lab or a watch, not a recording.
    pub live: bool,
    /// The position of a replay; `None` in a live run.
    pub replay: Option<PlaybackState>,
    /// The terminal's size.
    pub size: Size,
    /// What the last frame reported.
    pub frame: FrameInfo,
    /// The chosen panel.
    pub panel: Panel,
    /// Projector mode.
    pub projector: bool,
    /// True when the terminal reports the mouse.
    pub mouse: bool,
    /// How many of the newest events lie above their panel.
    pub notes_above: usize,
    /// The open page of the help, counted from 0.
    pub help: Option<usize>,
    /// The held moment.
    pub frozen: Option<FrozenView>,
    /// What the timeline shows.
    pub window: Window,
    /// The state of the run's recording, if there is one.
    pub recording: Option<RecordingStatus>,
    /// The recording of which this is a frame in a file.
    pub origin: Option<Origin>,
    /// How finely moves are drawn.
    pub density: Density,
    /// The last key that asked the lab for something, and when.
    pub asked: Option<(Stamp, Action)>,
    /// A dropped client that is shown again, slowly.
    pub instant_replay: Option<InstantReplay>,
    /// Why something could not be done, until this moment.
    pub message: Option<(Stamp, String)>,
    /// What a key has done, until this moment.
    pub confirmed: Option<(Stamp, String)>,
    /// A line that the terminal shall put into the clipboard.
    pub copy: Option<String>,
    /// The user's request to the whole program.
    pub exit_request: Option<ExitRequest>,
    /// Settings that were requested and not confirmed by a fact yet.
    pub pending: PendingSettings,
    /// The list of connections and the ladder of one.
    pub browse: Browse,
    /// All listeners of a machine, and the one whose details are shown.
    pub watch: WatchBrowse,
    /// What is remembered of the lesson that is shown.
    pub lesson: LessonState,
}

impl UiState {
    /// Where keys count now.
    pub fn place(&self) -> Place {
        if self.help.is_some() { Place::Help } else { self.place_below_help() }
    }

    /// The same without the help.
    pub fn place_below_help(&self) -> Place {
        match self.browse.place() {
            Place::Stage if self.lesson.played => Place::Lesson,
            place => place,
        }
    }

    /// The modes in which the program is, the one that hides most first; `timeline` is true where there is one on the screen.
    pub fn modes(&self, world: &World, timeline: bool) -> Vec<Mode> {
        let past = self.window.until().is_some() && timeline;
        let step = world.tempo.held && !world.ended;
        let progress = world.lesson.as_deref();
        let modes = [
            (self.frozen.is_some(), Mode::Frozen),
            (past, Mode::Past),
            (progress.is_some_and(LessonProgress::asks), Mode::Asked),
            (progress.is_some_and(LessonProgress::waits_to_go_on), Mode::Reading),
            (progress.is_some_and(|progress| self.lesson.goes_back(progress)), Mode::Begins),
            (self.lesson.shows_calls(world), Mode::Calls),
            (step, Mode::Step),
        ];
        modes.into_iter().filter_map(|(is, mode)| is.then_some(mode)).collect()
    }

    /// The world that is looked at, and its present moment.
    fn shown<'a>(&self, frozen: Option<&'a FrozenView>, world: &'a World, now: Stamp) -> (&'a World, Stamp) {
        let now = self.replay.map_or(now, |replay| replay.position);
        frozen.map_or((world, now), |frozen| (&frozen.world, frozen.at))
    }

    /// Another scene begins: what was looked at in the one before is no more.
    pub fn begin_scene(&mut self) {
        (self.pending, self.browse, self.frozen) = (PendingSettings::default(), Browse::default(), None);
        self.window.return_to_now();
        self.notes_above = 0;
    }

    /// Lets a message that came up just now stay for its time on the wall clock, also in a replay.
    pub fn time_message(&mut self, now: Stamp) {
        for (said, lasts) in [(&mut self.message, MESSAGE), (&mut self.confirmed, CONFIRMED_FOR)] {
            if let Some((until, _)) = said {
                *until = now + lasts;
            }
        }
    }
}

/// Handles one message and returns the commands that follow from it.
pub fn update(state: &mut UiState, msg: Msg, world: &World) -> Vec<Command> {
    within(state.lang, || take(state, msg, world))
}

fn take(state: &mut UiState, msg: Msg, world: &World) -> Vec<Command> {
    match msg {
        Msg::Resize(size) => state.size = size,
        Msg::Unbound(key, now) => {
            state.message = Some((now + MESSAGE, say!("{key} has no effect here; ? lists the keys", key)));
        }
        Msg::Pulse(now) => pulse(state, now, world),
        Msg::Press(action, now) | Msg::Click(Target::Key(action), now) => {
            // What an earlier key did, or could not do, is said no longer.
            (state.message, state.confirmed) = (None, None);
            let pressed = if world.listeners.watching.is_some() { press_in_watch } else { press };
            let commands = pressed(state, action, now, world);
            confirm::say_so(state, action, now);
            return commands;
        }
        Msg::Wheel { up, .. } if world.listeners.watching.is_some() => {
            let turned = if up { Action::RowUp } else { Action::RowDown };
            return press_in_watch(state, turned, world.now, world);
        }
        Msg::Click(Target::Panel(panel), _) => panels::choose(state, panel),
        Msg::Click(Target::Connection(peer, id), now) => mouse::open(state, (peer, id), now, world),
        Msg::Wheel { scroll, up } => mouse::turn(state, scroll, up, world),
    }
    Vec::new()
}

fn pulse(state: &mut UiState, now: Stamp, world: &World) {
    let frozen = state.frozen.clone();
    let (seen, moment) = state.shown(frozen.as_ref(), world, now);
    let recent = seen.history.last(DENSITY_SLOTS);
    let moves: u32 = recent.map(|slot| slot.arrivals + slot.accepts + slot.kernel_drops()).sum();
    state.density = state.density.after(moves * 10 / DENSITY_SLOTS as u32);
    state.browse.follow(seen, moment);
    look::keep(state, seen, moment);
    state.lesson.read(world);
    if world.listeners.watching.is_some() {
        state.watch.follow(seen, moment);
    }
    state.message.take_if(|(until, _)| *until <= now);
    state.confirmed.take_if(|(until, _)| *until <= now);
    let shown = state.replay.map_or(now, |replay| replay.position);
    state.instant_replay.take_if(|replay| replay.is_over(shown));
}

fn press(state: &mut UiState, action: Action, now: Stamp, world: &World) -> Vec<Command> {
    let frozen = state.frozen.clone();
    let (seen, moment) = state.shown(frozen.as_ref(), world, now);
    match action {
        Action::Quit => state.exit_request = Some(ExitRequest::Quit),
        Action::Suspend => state.exit_request = Some(ExitRequest::Suspend),
        Action::Help | Action::NextPage | Action::PageBefore => look::help(state, action),
        Action::Close if state.help.is_some() => state.help = None,
        // The session itself is played, not the picture of it: a held one would hide that.
        Action::Play(_) | Action::NextDrop => state.frozen = None,
        Action::Panel => panels::next(state, seen),
        Action::Replay => look::replay(state, now, world),
        Action::Freeze => look::freeze(state, now, world),
        Action::Projector => state.projector = !state.projector,
        Action::Language => state.lang = state.lang.other(),
        Action::ZoomIn | Action::ZoomOut | Action::Earlier | Action::Later => {
            if let Err(why) = look::window(state, action, seen, moment) {
                state.message = Some((now + MESSAGE, why.into()));
            }
        }
        inside if state.browse.press(inside, seen) => state.browse.follow(seen, moment),
        Action::Close if state.instant_replay.is_some() => state.instant_replay = None,
        Action::Close if state.window.until().is_none() => {
            state.message = Some((now + MESSAGE, say!("nothing to close").into()));
        }
        Action::Close => state.window.return_to_now(),
        action => match commands::commands_for(
            &mut state.pending,
            (state.live, state.browse.chosen_peer()),
            action,
            now,
            world,
        ) {
            Ok(commands) => {
                state.asked = (!commands.is_empty()).then_some((now, action));
                if state.frozen.is_some() && !commands.is_empty() {
                    state.message =
                        Some((now + MESSAGE, say!("done in the run behind this held moment; f shows it").into()));
                }
                if let Some(wish) = commands.iter().find_map(|command| commands::about_client(command, world)) {
                    state.confirmed = Some((now + CONFIRMED_FOR, wish));
                }
                return commands;
            }
            Err(why) => state.message = Some((now + MESSAGE, why)),
        },
    }
    Vec::new()
}

/// A watch has no knobs: keys look around, and at most ask for the details of one listener.
fn press_in_watch(state: &mut UiState, action: Action, now: Stamp, world: &World) -> Vec<Command> {
    let frozen = state.frozen.clone();
    let (seen, moment) = state.shown(frozen.as_ref(), world, now);
    match action {
        Action::Quit => state.exit_request = Some(ExitRequest::Quit),
        Action::Suspend => state.exit_request = Some(ExitRequest::Suspend),
        Action::Help | Action::NextPage | Action::PageBefore => look::help(state, action),
        Action::Close if state.help.is_some() => state.help = None,
        Action::Play(_) | Action::NextDrop => state.frozen = None,
        Action::ZoomIn | Action::ZoomOut | Action::Earlier | Action::Later => {
            if let Err(why) = look::window(state, action, seen, moment) {
                state.message = Some((now + MESSAGE, why.into()));
            }
        }
        Action::Language => state.lang = state.lang.other(),
        Action::Close if state.window.until().is_some() => state.window.return_to_now(),
        inside => {
            let context = KeyContext::new(seen, moment, state.live, state.size.height);
            if let Some(commands) = state.watch.press(inside, &context) {
                if !commands.is_empty() {
                    state.frozen = None;
                }
                return commands;
            }
            match inside {
                Action::Panel => panels::next_of_watch(state, seen),
                Action::Freeze => look::freeze(state, now, world),
                Action::Copy => look::copy(state, seen, now),
                _ => {}
            }
        }
    }
    Vec::new()
}
