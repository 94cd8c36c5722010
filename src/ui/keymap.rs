//! The one table of keys: dispatch, footer, help, man page and README are made of it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::session::tape::transport::Play;

mod replay;
mod shown;
mod watch;

pub use replay::{REPLAY_BINDINGS, action_in_replay};
pub use shown::{all, footer, footer_of, shown};
pub use watch::{WATCH_BINDINGS, action_in_watch, shown_in_watch};

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
    /// Let one thing happen.
    Next,
    /// `accept()` once.
    AcceptOne,
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
    /// Hold the picture, or let it go.
    Freeze,
    /// Fewer, larger things, or all of them.
    Projector,
    /// The other language.
    Language,
    /// Show the help, its next page, or hide it.
    Help,
    /// The next page of the help.
    NextPage,
    /// The page of the help before.
    PageBefore,
    /// Close what lies over the picture.
    Close,
    /// Play a recording in another way.
    Play(Play),
    /// Stop like any program in a shell.
    Suspend,
    /// End.
    Quit,
}

/// Where a key counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// Everywhere, unless the place has its own use for the key.
    #[default]
    Anywhere,
    /// On the stage only.
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
    /// While the help lies over the picture.
    Help,
}

/// A state in which some keys matter more than the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The picture is held.
    Frozen,
    /// The timeline looks at the past.
    Past,
    /// The clients' time stands still.
    Step,
    /// A lesson asks for a prediction.
    Asked,
    /// A lesson waits until what it says was read.
    Told,
    /// A lesson tells calls instead of queues: what changes the queues changes nothing that is seen.
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
    /// Where they count.
    pub place: Place,
    /// The keys as written on the screen.
    pub sign: &'static str,
    /// The same in ASCII.
    pub ascii: &'static str,
    /// A word or two for the footer; empty: not in the footer.
    pub short: &'static str,
    /// The mode in which it comes first in the footer, and its words there.
    pub urgent: Option<(Mode, &'static str)>,
    /// A sentence for help, man page and README.
    pub long: &'static str,
}

impl Binding {
    /// The keys in full words, for pages that have the room.
    pub fn spelled(&self) -> &'static str {
        match self.ascii {
            "lf/rt" => "left/right",
            "up/dn" => "up/down",
            full => full,
        }
    }
}

const fn plain(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

const fn ctrl(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), ctrl: true }
}

macro_rules! bindings {
    ($({ $($key:expr => $action:ident $(($which:literal))?),+; $($place:ident;)? $(@$mode:ident $words:literal;)? $sign:literal, $ascii:literal, $short:literal, $long:literal }),+
     $(,)?) => {
        /// Every key, in the order in which they are shown.
        pub const BINDINGS: &[Binding] = &[$(Binding {
            keys: &[$(($key, Action::$action $(($which))?)),+],
            place: place!($($place)?), sign: $sign, ascii: $ascii, short: $short, long: $long,
            urgent: urgent!($($mode $words)?),
        }),+];
    };
}

macro_rules! place {
    () => {
        Place::Anywhere
    };
    ($place:ident) => {
        Place::$place
    };
}

macro_rules! urgent {
    () => {
        None
    };
    ($mode:ident $words:literal) => {
        Some((Mode::$mode, $words))
    };
}

bindings! {
    { plain(KeyCode::Left) => BacklogDown, plain(KeyCode::Right) => BacklogUp; "←→", "lf/rt", "backlog",
      "smaller or larger backlog: listen() again, nothing is lost" },
    { plain(KeyCode::Up) => ArrivalsUp, plain(KeyCode::Down) => ArrivalsDown; "↑↓", "up/dn", "arrivals",
      "more or fewer clients; in the list and the ladder: move" },
    { plain(KeyCode::Char('[')) => AcceptSlower, plain(KeyCode::Char(']')) => AcceptFaster; "[ ]", "[ ]", "accept",
      "call accept() less or more often" },
    { plain(KeyCode::Char(' ')) => PauseAccept; "space", "space", "pause",
      "stop calling accept(), or go on: what a stuck server looks like" },
    { plain(KeyCode::Char('b')) => Burst; "b", "b", "burst",
      "as many clients at once as both queues hold (at least 10)" },
    { plain(KeyCode::Char('h')) => HalfOpen; "h", "h", "half-open",
      "half of the new clients never send the final ACK: a SYN flood" },
    { plain(KeyCode::Char('c')) => Cookies; "c", "c", "cookies",
      "tcp_syncookies: 0 drops when full, 1 sends cookies then, 2 always" },
    { plain(KeyCode::Char('o')) => Overflow; "o", "o", "overflow",
      "tcp_abort_on_overflow: ACK on a full queue ignored (0) or RST (1)" },
    { plain(KeyCode::Enter) => Open; Stage; "enter", "enter", "list",
      "list of all connections; enter again: the ladder of one" },
    { plain(KeyCode::Char('f')) => Freeze; @Frozen "unfreeze"; "f", "f", "freeze",
      "hold this moment and look around in it; the run goes on behind" },
    { plain(KeyCode::Tab) => Panel; Stage; "tab", "tab", "panel",
      "next panel at the bottom: events, ledger, counters, settings" },
    { plain(KeyCode::Char('+')) => ZoomIn, plain(KeyCode::Char('=')) => ZoomIn, plain(KeyCode::Char('-')) => ZoomOut;
      Stage; "+ -", "+ -", "zoom",
      "timeline: a shorter or longer span, from 10 s to an hour" },
    { plain(KeyCode::PageUp) => Earlier, plain(KeyCode::PageDown) => Later; Stage; "pgup/pgdn", "pgup/pgdn", "past",
      "timeline: back in time, up to an hour, and forth; esc: now" },
    { plain(KeyCode::Char('l')) => RoundTrip; "l", "l", "latency",
      "next round-trip time of new clients; a long one fills the SYN queue" },
    { plain(KeyCode::Char('t')) => Step; @Step "let time run"; "t", "t", "step",
      "step mode: the clients' time stands still, or goes on" },
    { plain(KeyCode::Char('n')) => Next; @Step "next"; "n", "n", "",
      "step mode: the next thing happens, exactly one" },
    { plain(KeyCode::Char('a')) => AcceptOne; @Step "accept one"; "a", "a", "",
      "step mode: accept() is called once" },
    { plain(KeyCode::Char(',')) => Slow; ",", ",", "slow",
      "slow motion of clients and accept(); the kernel's timers keep theirs" },
    { plain(KeyCode::Char('P')) => Projector; "P", "P", "projector",
      "projector mode: fewer, larger things for the last row of a room" },
    { plain(KeyCode::Char('e')) => Language; "e", "e", "",
      "say everything in the other language, English or Chinese" },
    { plain(KeyCode::Char('?')) => Help; "?", "?", "help",
      "help for this screen; again: its next page, then close" },
    { plain(KeyCode::Char('q')) => Quit, ctrl('c') => Quit; "q", "q", "quit",
      "end the run and print its summary (Ctrl-C does the same)" },
    { plain(KeyCode::Esc) => Close; @Past "to now"; "esc", "esc", "",
      "timeline: back to now; elsewhere: close, or back" },
    { ctrl('z') => Suspend; "ctrl-z", "ctrl-z", "",
      "stop qviz; `fg` brings it back" },
    { plain(KeyCode::Char('1')) => Predict(0), plain(KeyCode::Char('2')) => Predict(1), plain(KeyCode::Char('3')) => Predict(2),
      plain(KeyCode::Char('4')) => Predict(3), plain(KeyCode::Char('5')) => Predict(4), plain(KeyCode::Char('6')) => Predict(5),
      plain(KeyCode::Char('7')) => Predict(6), plain(KeyCode::Char('8')) => Predict(7), plain(KeyCode::Char('9')) => Predict(8);
      Lesson; @Asked "predict"; "1-9", "1-9", "",
      "lesson: predict what will happen, before it does" },
    { plain(KeyCode::Char(' ')) => GoOn; Lesson; @Told "go on"; "space", "space", "",
      "lesson: go on" },
    { plain(KeyCode::Backspace) => Repeat; Lesson; @Begins "scene before"; "backspace", "backspace", "repeat",
      "lesson: this scene again from its beginning; there: the one before" },
    { plain(KeyCode::Char('p')) => PauseAccept; Lesson; "p", "p", "pause accept()",
      "lesson: stop calling accept(), or go on (elsewhere: space)" },
    { plain(KeyCode::Up) => RowUp, plain(KeyCode::Down) => RowDown; List; "↑↓", "up/dn", "choose",
      "list: choose a connection" },
    { plain(KeyCode::Enter) => Open; List; "enter", "enter", "ladder",
      "list: the ladder of the chosen connection" },
    { plain(KeyCode::Char('s')) => Sort; List; "s", "s", "sort",
      "list: newest first, by state, by tries, or by next timer" },
    { plain(KeyCode::Char('/')) => Filter; List; "/", "/", "filter",
      "list: only rows with a text; enter keeps it, esc drops it" },
    { plain(KeyCode::Esc) => Close; List; "esc", "esc", "back",
      "list: back to both queues" },
    { plain(KeyCode::Backspace) => Erase; Filter; "backspace", "backspace", "erase",
      "filter: erase the last letter" },
    { plain(KeyCode::Enter) => Keep; Filter; "enter", "enter", "keep",
      "filter: keep it and go back to the list" },
    { plain(KeyCode::Esc) => Drop; Filter; "esc", "esc", "drop",
      "filter: drop it, every row is shown" },
    { ctrl('c') => Quit; Filter; "ctrl-c", "ctrl-c", "quit",
      "filter: end the run (q is a letter here)" },
    { plain(KeyCode::Up) => RowUp, plain(KeyCode::Down) => RowDown; Ladder; "↑↓", "up/dn", "scroll",
      "ladder: earlier or later lines, where not all fit" },
    { plain(KeyCode::Enter) => Open; Ladder; "enter", "enter", "next",
      "ladder: the ladder of the next connection of the list" },
    { plain(KeyCode::Esc) => Close; Ladder; "esc", "esc", "back",
      "ladder: back to the list" },
    { plain(KeyCode::Tab) => NextPage, plain(KeyCode::Char(' ')) => NextPage, plain(KeyCode::Down) => NextPage,
      plain(KeyCode::PageDown) => NextPage; Help; "tab", "tab", "next page",
      "help: next page (space, down and pgdn do the same)" },
    { plain(KeyCode::Backspace) => PageBefore, plain(KeyCode::Up) => PageBefore, plain(KeyCode::PageUp) => PageBefore;
      Help; "backspace", "backspace", "page before",
      "help: the page before (up and pgup do the same)" },
    { plain(KeyCode::Esc) => Close; Help; "esc", "esc", "close",
      "help: close it" },
}

/// The keys that count in a place, in the order in which they are shown: those of a list, a filter or a ladder stand before those
/// that count everywhere. Of these, the ones that the place uses otherwise are left out, and a filter has no use for letters.
pub fn bindings(place: Place) -> impl Iterator<Item = &'static Binding> {
    let own = move || BINDINGS.iter().filter(move |binding| binding.place == place);
    let is_free = move |key: Key| {
        let taken = own().flat_map(|own| own.keys).any(|(own, _)| *own == key);
        !taken && (place != Place::Filter || key.ctrl)
    };
    let is_first = move |binding: &Binding| binding.place == place && !matches!(place, Place::Anywhere | Place::Stage);
    let is_shared = move |binding: &Binding| match binding.place {
        Place::Anywhere => place == Place::Anywhere || binding.keys.iter().all(|(key, _)| is_free(*key)),
        Place::Stage if place == Place::Lesson => binding.keys.iter().all(|(key, _)| is_free(*key)),
        other => other == place && !is_first(binding),
    };
    own().filter(move |binding| is_first(binding)).chain(BINDINGS.iter().filter(move |binding| is_shared(binding)))
}

/// What this key event asks for in a place. A key that is held counts as pressed again and again.
pub fn action(event: &KeyEvent, place: Place) -> Option<Action> {
    if event.kind == KeyEventKind::Release || event.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    let pressed = Key { code: event.code, ctrl: event.modifiers.contains(KeyModifiers::CONTROL) };
    let letter = match pressed {
        Key { code: KeyCode::Char(letter), ctrl: false } if place == Place::Filter => Some(Action::Letter(letter)),
        _ => None,
    };
    let places: &[Place] = match place {
        Place::Filter if !pressed.ctrl => &[Place::Filter],
        Place::Lesson => &[Place::Lesson, Place::Stage, Place::Anywhere],
        place => &[place, Place::Anywhere],
    };
    let keys = places.iter().flat_map(|place| BINDINGS.iter().filter(move |binding| binding.place == *place));
    let bound = keys.flat_map(|binding| binding.keys).find(|(key, _)| *key == pressed).map(|(_, action)| *action);
    letter.or(bound)
}

#[cfg(test)]
mod tests;
