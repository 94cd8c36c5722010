//! The one table of keys: dispatch, footer, help, man page and README are made of it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::session::recording::transport::PlayCommand;

mod shown;
mod table;

pub use shown::{footer, shown};
pub use table::BINDINGS;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A smaller backlog.
    BacklogDown,
    /// A larger backlog.
    BacklogUp,
    /// More clients.
    ArrivalsUp,
    /// Fewer clients.
    ArrivalsDown,
    /// `accept()` less often.
    AcceptSlower,
    /// `accept()` more often.
    AcceptFaster,
    /// Stop calling `accept()`, or go on.
    PauseAccept,
    /// Hold the clients' time, or let it run.
    Step,
    /// Let the next client event happen.
    Next,
    /// `accept()` once.
    AcceptOne,
    /// Lose the chosen client's next segment.
    Lose,
    /// Hold the chosen client's segments, or let them go.
    Hold,
    /// The next slower motion, or none.
    Slow,
    /// Many clients at once, now.
    Burst,
    /// Half of the clients never answer, or all do.
    HalfOpen,
    /// The next round-trip time.
    RoundTrip,
    /// The next value of tcp_syncookies.
    Cookies,
    /// The other value of tcp_abort_on_overflow.
    Overflow,
    /// One row up, or back in time.
    RowUp,
    /// One row down, or forth in time.
    RowDown,
    /// One screen of rows up.
    PageUp,
    /// One screen of rows down.
    PageDown,
    /// The first row.
    Top,
    /// The last row.
    Bottom,
    /// Show a group in one row.
    Fold,
    /// Show a group's members.
    Unfold,
    /// The list of connections, and from there the ladder of one.
    Open,
    /// Another order of the list.
    Sort,
    /// Type a text that the rows of the list must have.
    Filter,
    /// One letter of that text.
    Letter(char),
    /// Without its last letter.
    Erase,
    /// Keep that text and go on.
    Keep,
    /// Drop that text.
    Drop,
    /// Lesson: go on.
    GoOn,
    /// Lesson: play the scene again, or the one before.
    Repeat,
    /// Lesson: predict that it will be this choice, counted from 0.
    Predict(u8),
    /// The next panel.
    Panel,
    /// A shorter span of time in the timeline.
    ZoomIn,
    /// A longer span of time in the timeline.
    ZoomOut,
    /// The timeline further back in time.
    Earlier,
    /// The timeline nearer to now.
    Later,
    /// Put the next line to paste into the clipboard.
    Copy,
    /// Hold the picture, or let it go.
    Freeze,
    /// The newest drop again, slowly.
    Replay,
    /// Projector mode on or off.
    Projector,
    /// The other language.
    Language,
    /// Show the help, its next page, or hide it.
    Help,
    /// The next page of the help.
    NextPage,
    /// The page of the help before.
    PageBefore,
    /// Close the overlay.
    Close,
    /// Replay: to the next drop.
    NextDrop,
    /// Play a recording in another way.
    Play(PlayCommand),
    /// Stop like any program in a shell.
    Suspend,
    /// End.
    Quit,
}

/// Where keys are pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// On the stage.
    #[default]
    Stage,
    /// On the stage while a lesson is played there: what counts on the stage counts too.
    Lesson,
    /// On the list of connections.
    List,
    /// While the list's filter is typed.
    Filter,
    /// On the ladder of one connection.
    Ladder,
    /// Watch: on the list of all listeners.
    Listeners,
    /// Watch: inside one listener.
    Listener,
    /// While the help is open.
    Help,
}

/// When a key counts, unless the place has its own use for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Wherever qviz is.
    Always,
    /// In the lab, where it changes a knob. In a recording a message says that it cannot be changed.
    Lab,
    /// In the lab and in a recording of it.
    Run,
    /// In a recording of a lab or of a watch.
    Replay,
    /// In this place, before all others.
    In(Place),
}

/// A state in which some keys matter more than the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The picture is held.
    Frozen,
    /// The timeline looks at the past.
    Past,
    /// The clients' clock is held.
    Step,
    /// A lesson asks for a prediction.
    Asked,
    /// A lesson waits until its text was read.
    Reading,
    /// A lesson shows calls instead of queues: keys that change the queues have no visible effect.
    Calls,
    /// Nothing has come yet of a lesson's scene, and there is one before it.
    Begins,
}

/// One key as pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Which key.
    pub code: KeyCode,
    /// With Ctrl.
    pub ctrl: bool,
}

/// One or more keys and what they do.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys, each with its action; a pair (less, more) shares one line.
    pub keys: &'static [(Key, Action)],
    /// When they count.
    pub when: When,
    /// The keys as written on the screen.
    pub label: &'static str,
    /// The same in ASCII.
    pub ascii: &'static str,
    /// A word or two for the footer; empty: not in the footer.
    pub short: &'static str,
    /// The mode in which it comes first in the footer, and its text there.
    pub urgent: Option<(Mode, &'static str)>,
    /// A sentence for help, man page and README.
    pub long: &'static str,
}

impl Binding {
    /// True for a key that only a watch has.
    pub const fn is_of_watch(&self) -> bool {
        matches!(self.when, When::In(Place::Listeners | Place::Listener))
    }

    /// The keys in full words, for pages that have the room.
    pub fn spelled(&self) -> &'static str {
        match self.ascii {
            "lf/rt" => "left/right",
            "up/dn" => "up/down",
            full => full,
        }
    }
}

impl Action {
    /// True for what only a lesson that is played can do.
    pub const fn is_for_the_lesson(self) -> bool {
        matches!(self, Self::GoOn | Self::Repeat | Self::Predict(_))
    }

    /// True for an action that only a lab can carry out.
    fn is_for_the_lab(self) -> bool {
        let knobs = BINDINGS.iter().filter(|binding| binding.when == When::Lab);
        knobs.flat_map(|binding| binding.keys).any(|(_, action)| *action == self)
    }
}

/// What this key event asks for in a place of a live run (`live`) or of a recording. A key that is held counts as pressed again
/// and again.
pub fn action(event: &KeyEvent, live: bool, place: Place) -> Option<Action> {
    if event.kind == KeyEventKind::Release || event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let pressed = Key { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) };
    if let (Place::Filter, Key { code: KeyCode::Char(letter), ctrl: false }) = (place, pressed) {
        return Some(Action::Letter(letter));
    }
    let far = event.modifiers.contains(KeyModifiers::SHIFT);
    Some(match bound(pressed, live, place)?.1 {
        Action::Play(PlayCommand::Back(_)) if far => Action::Play(PlayCommand::Back(table::FAR)),
        Action::Play(PlayCommand::Ahead(_)) if far => Action::Play(PlayCommand::Ahead(table::FAR)),
        action => action,
    })
}

/// The sign of a key that writes one.
pub fn sign(event: &KeyEvent) -> Option<char> {
    let plain = event.modifiers.difference(KeyModifiers::SHIFT).is_empty();
    match event.code {
        KeyCode::Char(sign) if plain && event.kind != KeyEventKind::Release => Some(sign),
        _ => None,
    }
}

/// The row of the table that a key means in a place, and what it asks for there.
fn bound(pressed: Key, live: bool, place: Place) -> Option<(&'static Binding, Action)> {
    use When::{Always, In, Lab, Replay, Run};
    let own = In(place);
    let order: &[When] = match place {
        // A filter has no use for the letters of others.
        Place::Filter if !pressed.ctrl => &[own],
        Place::Lesson if live => &[own, In(Place::Stage), Lab, Run, Always],
        Place::Listeners | Place::Listener if live => &[own, Always],
        Place::Listeners | Place::Listener => &[Replay, own, Always],
        // A recorded lesson is not played any more: its stage is one like every other.
        Place::Lesson => &[In(Place::Stage), Replay, Lab, Run, Always],
        _ if live => &[own, Lab, Run, Always],
        _ => &[own, Replay, Lab, Run, Always],
    };
    let rows = order.iter().flat_map(|when| BINDINGS.iter().filter(move |binding| binding.when == *when));
    let mut keys = rows.flat_map(|binding| binding.keys.iter().map(move |(key, action)| (binding, *key, *action)));
    keys.find(|(_, key, _)| *key == pressed).map(|(binding, _, action)| (binding, action))
}
