//! Every key: its action, when it is bound, and its descriptions.

use std::time::Duration;

use crossterm::event::KeyCode;

use super::{Action, Binding, Key, Mode, Place, When};
use crate::session::recording::transport::PlayCommand;

const fn plain(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

const fn ctrl(letter: char) -> Key {
    Key { code: KeyCode::Char(letter), ctrl: true }
}

/// How far an arrow goes in a recording.
const NEAR: Duration = Duration::from_secs(1);

/// How far it goes with shift.
pub(super) const FAR: Duration = Duration::from_secs(10);

macro_rules! bindings {
    ($({ $($key:expr => $action:ident $(($which:expr))?),+; $when:ident; $(@$mode:ident $words:literal;)? $label:literal, $ascii:literal, $short:literal, $long:literal }),+
     $(,)?) => {
        /// Every key, in the order in which they are shown.
        pub static BINDINGS: &[Binding] = &[$(Binding {
            keys: &[$(($key, Action::$action $(($which))?)),+],
            when: when!($when), label: $label, ascii: $ascii, short: $short, long: $long,
            urgent: urgent!($($mode $words)?),
        }),+];
    };
}

macro_rules! when {
    (Always) => {
        When::Always
    };
    (Lab) => {
        When::Lab
    };
    (Run) => {
        When::Run
    };
    (Replay) => {
        When::Replay
    };
    ($place:ident) => {
        When::In(Place::$place)
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
    { plain(KeyCode::Left) => BacklogDown, plain(KeyCode::Right) => BacklogUp; Lab; "←→", "lf/rt", "backlog",
      "smaller or larger backlog: listen() again, nothing is lost" },
    { plain(KeyCode::Up) => ArrivalsUp, plain(KeyCode::Down) => ArrivalsDown; Lab; "↑↓", "up/dn", "arrivals",
      "more or fewer clients; in the list and the ladder: move" },
    { plain(KeyCode::Char('[')) => AcceptSlower, plain(KeyCode::Char(']')) => AcceptFaster; Lab; "[ ]", "[ ]", "accept",
      "call accept() less or more often" },
    { plain(KeyCode::Char(' ')) => PauseAccept; Lab; "space", "space", "pause",
      "stop calling accept(), or go on: what a stuck server looks like" },
    { plain(KeyCode::Char('b')) => Burst; Lab; "b", "b", "burst",
      "as many clients at once as both queues hold (at least 10)" },
    { plain(KeyCode::Char('h')) => HalfOpen; Lab; "h", "h", "half-open",
      "half of the new clients never send the final ACK: a SYN flood" },
    { plain(KeyCode::Char('c')) => Cookies; Lab; "c", "c", "cookies",
      "tcp_syncookies: 0 drops when full, 1 sends cookies then, 2 always" },
    { plain(KeyCode::Char('o')) => Overflow; Lab; "o", "o", "overflow",
      "tcp_abort_on_overflow: ACK on a full queue ignored (0) or RST (1)" },
    { plain(KeyCode::Enter) => Open; Stage; "enter", "enter", "list",
      "list of all connections; enter again: the ladder of one" },
    { plain(KeyCode::Char('f')) => Freeze; Run; @Frozen "unfreeze"; "f", "f", "freeze",
      "freeze the display; the run continues" },
    { plain(KeyCode::Char('R')) => Replay; Stage; "R", "R", "replay",
      "instant replay: the newest drop again, at a fifth of the speed" },
    { plain(KeyCode::Tab) => Panel; Stage; "tab", "tab", "panel",
      "next panel at the bottom: events, ledger, counters, settings" },
    { plain(KeyCode::Char('+')) => ZoomIn, plain(KeyCode::Char('=')) => ZoomIn, plain(KeyCode::Char('-')) => ZoomOut;
      Stage; "+ -", "+ -", "zoom",
      "timeline: a shorter or longer span, from 10 s to an hour" },
    { plain(KeyCode::PageUp) => Earlier, plain(KeyCode::PageDown) => Later; Stage; "pgup/pgdn", "pgup/pgdn", "past",
      "timeline: back in time, up to an hour, and forth; esc: now" },
    { plain(KeyCode::Char('l')) => RoundTrip; Lab; "l", "l", "latency",
      "next round-trip time of new clients; a long one fills the SYN queue" },
    { plain(KeyCode::Char('t')) => Step; Lab; @Step "resume time"; "t", "t", "step",
      "step mode: pause or resume client time" },
    { plain(KeyCode::Char('n')) => Next, plain(KeyCode::Char('.')) => Next; Lab; @Step "next"; "n", "n", "",
      "step mode: the next event, exactly one" },
    { plain(KeyCode::Char('a')) => AcceptOne; Lab; @Step "accept one"; "a", "a", "",
      "step mode: accept() is called once" },
    { plain(KeyCode::Char(',')) => Slow; Lab; ",", ",", "slow",
      "slow motion of clients and accept(); the kernel's timers keep theirs" },
    { plain(KeyCode::Char('x')) => Lose; Lab; "x", "x", "lose",
      "list and ladder: the chosen client's next segment is lost on its way" },
    { plain(KeyCode::Char('H')) => Hold; Lab; "H", "H", "hold",
      "list and ladder: hold the chosen client's segments; again: let them go" },
    { plain(KeyCode::Char('P')) => Projector; Run; "P", "P", "projector",
      "projector mode: fewer, larger things for the last row of a room" },
    { plain(KeyCode::Char('e')) => Language; Always; "e", "e", "",
      "switch language: English or Chinese" },
    { plain(KeyCode::Char('?')) => Help; Always; "?", "?", "help",
      "help for this screen; again: its next page, then close" },
    { plain(KeyCode::Char('q')) => Quit, ctrl('c') => Quit; Always; "q", "q", "quit",
      "end the run and print its summary (Ctrl-C does the same)" },
    { plain(KeyCode::Esc) => Close; Run; @Past "to now"; "esc", "esc", "",
      "timeline: back to now; elsewhere: close, or back" },
    { ctrl('z') => Suspend; Always; "ctrl-z", "ctrl-z", "",
      "stop qviz; `fg` brings it back" },
    { plain(KeyCode::Char('1')) => Predict(0), plain(KeyCode::Char('2')) => Predict(1), plain(KeyCode::Char('3')) => Predict(2),
      plain(KeyCode::Char('4')) => Predict(3), plain(KeyCode::Char('5')) => Predict(4), plain(KeyCode::Char('6')) => Predict(5),
      plain(KeyCode::Char('7')) => Predict(6), plain(KeyCode::Char('8')) => Predict(7), plain(KeyCode::Char('9')) => Predict(8);
      Lesson; @Asked "predict"; "1-9", "1-9", "",
      "lesson: predict what will happen, before it does" },
    { plain(KeyCode::Char(' ')) => GoOn; Lesson; @Reading "go on"; "space", "space", "",
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
      "list: only rows with a text; enter keeps it, esc clears it" },
    { plain(KeyCode::Esc) => Close; List; "esc", "esc", "back",
      "list: back to both queues" },
    { plain(KeyCode::Backspace) => Erase; Filter; "backspace", "backspace", "erase",
      "filter: erase the last letter" },
    { plain(KeyCode::Enter) => Keep; Filter; "enter", "enter", "keep",
      "filter: keep it and go back to the list" },
    { plain(KeyCode::Esc) => Drop; Filter; "esc", "esc", "clear",
      "filter: clear it, every row is shown" },
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
    { plain(KeyCode::Char(' ')) => Play(PlayCommand::Pause); Replay; "space", "space", "pause",
      "pause or resume; at the end: play again" },
    { plain(KeyCode::Left) => Play(PlayCommand::Back(NEAR)), plain(KeyCode::Right) => Play(PlayCommand::Ahead(NEAR)); Replay; "←→", "lf/rt", "1 s",
      "one second back or ahead; with shift ten seconds" },
    { plain(KeyCode::Char('{')) => Play(PlayCommand::Slower), plain(KeyCode::Char('}')) => Play(PlayCommand::Faster); Replay; "{ }", "{ }", "speed",
      "slower or faster, from 0.1× to 100×" },
    { plain(KeyCode::Char('.')) => Play(PlayCommand::Step); Replay; ".", ".", "step",
      "the next thing to be seen, then pause" },
    { plain(KeyCode::Char('>')) => NextDrop; Replay; ">", ">", "next drop",
      "the next drop, then pause" },
    { plain(KeyCode::Home) => Play(PlayCommand::Home), plain(KeyCode::End) => Play(PlayCommand::End); Replay; "home end", "home end", "ends",
      "to the beginning or to the end" },
    { plain(KeyCode::Up) => RowUp, plain(KeyCode::Down) => RowDown; Listeners; "↑↓", "up/dn", "choose",
      "watch: choose a listener" },
    { plain(KeyCode::Enter) => Open; Listeners; "enter", "enter", "look inside",
      "watch: who waits in the chosen listener; on a group: unfold it" },
    { plain(KeyCode::Char('/')) => Filter; Listeners; "/", "/", "filter",
      "watch: only rows with these words; enter keeps them, esc clears them" },
    { plain(KeyCode::Char('s')) => Sort; Listeners; "s", "s", "sort",
      "watch: by fullness, drops, wait, arrivals, address, or owner" },
    { plain(KeyCode::Left) => Fold, plain(KeyCode::Right) => Unfold; Listeners; "←→", "lf/rt", "fold",
      "watch: fold or unfold the sockets of an SO_REUSEPORT group" },
    { plain(KeyCode::Char('f')) => Freeze; Listeners; "f", "f", "pause",
      "watch: hold all numbers and go on reading them; the watch goes on" },
    { plain(KeyCode::Char('y')) => Copy; Listeners; "y", "y", "copy",
      "watch: copy what to do about the chosen listener; again: the next line" },
    { plain(KeyCode::PageUp) => PageUp, plain(KeyCode::PageDown) => PageDown; Listeners; "pgup pgdn", "pgup pgdn", "",
      "watch: one screen up or down" },
    { plain(KeyCode::Home) => Top, plain(KeyCode::End) => Bottom; Listeners; "home end", "home end", "",
      "watch: to the first or the last listener" },
    { plain(KeyCode::Esc) => Close; Listeners; "esc", "esc", "",
      "watch: clear the filter; close the help" },
    { plain(KeyCode::Esc) => Close; Listener; "esc", "esc", "all listeners",
      "one listener: back to all listeners" },
    { plain(KeyCode::Tab) => Panel; Listener; "tab", "tab", "panel",
      "one listener: what to do, who waits, half-open, counters, settings" },
    { plain(KeyCode::Char('y')) => Copy; Listener; "y", "y", "copy",
      "one listener: copy what to do; again: the next line" },
    { plain(KeyCode::Up) => RowUp, plain(KeyCode::Down) => RowDown; Listener; "↑↓", "up/dn", "scroll",
      "one listener: what to do or who waits, further down or up" },
    { plain(KeyCode::Char('+')) => ZoomIn, plain(KeyCode::Char('=')) => ZoomIn, plain(KeyCode::Char('-')) => ZoomOut; Listener; "+-", "+-", "zoom",
      "one listener: a shorter or a longer time on the timeline" },
    { plain(KeyCode::PageUp) => Earlier, plain(KeyCode::PageDown) => Later; Listener; "pgup/pgdn", "pgup/pgdn", "past",
      "one listener: the timeline's past, and back to now" },
    { plain(KeyCode::Char('f')) => Freeze; Listener; "f", "f", "freeze",
      "one listener: hold the picture; the watch goes on" },
}
