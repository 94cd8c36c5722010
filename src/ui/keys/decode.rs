//! Bytes of a terminal → keys and clicks. Pure; that a sequence takes too long is passed in.
//!
//! A terminal also answers questions, sometimes long after they were asked, and a slow line cuts sequences into pieces. A started
//! sequence must not hold back the keys behind it: it is given up ([`Decoder::give_up`]), and Ctrl-C ends any of them.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::Input;

/// What has been read and is no whole key yet.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The bytes of a started sequence.
    started: Vec<u8>,
    /// Within pasted text, which is no key.
    pasting: bool,
}

/// What a sequence's bytes mean so far.
#[derive(Debug)]
enum Step {
    /// It is whole.
    Whole(Option<Input>),
    /// Its next bytes are needed.
    More,
    /// It is whole, and this last byte belongs to what comes next.
    Before(Option<Input>),
    /// Text is pasted from here on, or its end has come.
    Paste(bool),
}

impl Decoder {
    /// The keys that these bytes complete.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Vec<Input> {
        let mut keys = Vec::new();
        for byte in bytes {
            self.take(*byte, &mut keys);
        }
        keys
    }

    /// True when the next bytes may belong to what was read already.
    pub(super) const fn is_within(&self) -> bool {
        self.pasting || !self.started.is_empty()
    }

    /// No byte has come for too long: a lone ESC was that key, and everything else was no key.
    pub(super) fn give_up(&mut self) -> Option<Input> {
        let lone = self.started == [ESC] && !self.pasting;
        *self = Self::default();
        lone.then(|| key(KeyCode::Esc, KeyModifiers::NONE))
    }

    fn take(&mut self, byte: u8, keys: &mut Vec<Input>) {
        if byte == CTRL_C {
            *self = Self::default();
            keys.push(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
            return;
        }
        if self.pasting && self.started.is_empty() && byte != ESC {
            return;
        }
        self.started.push(byte);
        match step(&self.started) {
            Step::More if self.started.len() < LONGEST => return,
            // Longer than any sequence: what follows is read anew.
            Step::More => {}
            Step::Whole(input) => keys.extend(input.filter(|_| !self.pasting)),
            Step::Paste(begins) => self.pasting = begins,
            Step::Before(input) => {
                keys.extend(input.filter(|_| !self.pasting));
                self.started.clear();
                return self.take(byte, keys);
            }
        }
        self.started.clear();
    }
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [ESC] | [ESC, b'[' | b'O'] => Step::More,
        // ESC twice: the first one was the key.
        [ESC, ESC] => Step::Before(Some(key(KeyCode::Esc, KeyModifiers::NONE))),
        [ESC, b'[', rest @ ..] => control_sequence(rest),
        [ESC, b'O', letter] => Step::Whole(named(*letter).map(|code| key(code, KeyModifiers::NONE))),
        // Answers of the terminal as a string, up to BEL or ESC \.
        [ESC, b']' | b'P' | b'_' | b'^' | b'X', .., BEL] | [ESC, b']' | b'P' | b'_' | b'^' | b'X', .., ESC, b'\\'] => {
            Step::Whole(None)
        }
        [ESC, b']' | b'P' | b'_' | b'^' | b'X', ..] => Step::More,
        [ESC, rest @ ..] => match character(rest) {
            Step::Whole(Some(Input::Key(pressed))) => {
                Step::Whole(Some(key(pressed.code, pressed.modifiers | KeyModifiers::ALT)))
            }
            other => other,
        },
        bytes => character(bytes),
    }
}

/// A key that is one character, or one control byte.
fn character(bytes: &[u8]) -> Step {
    let plain = |code| Step::Whole(Some(key(code, KeyModifiers::NONE)));
    match bytes {
        [b'\r'] => plain(KeyCode::Enter),
        [b'\t'] => plain(KeyCode::Tab),
        [0x7f] => plain(KeyCode::Backspace),
        [0] => Step::Whole(Some(key(KeyCode::Char(' '), KeyModifiers::CONTROL))),
        [byte @ 0x01..=0x1a] => Step::Whole(Some(key(KeyCode::Char((byte + 0x60) as char), KeyModifiers::CONTROL))),
        [byte @ 0x1c..=0x1f] => Step::Whole(Some(key(KeyCode::Char((byte + 0x18) as char), KeyModifiers::CONTROL))),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Step::Whole(text.chars().next().map(|letter| {
                let shift = if letter.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
                key(KeyCode::Char(letter), shift)
            })),
            // A letter's first bytes.
            Err(error) if error.error_len().is_none() => Step::More,
            Err(_) => Step::Whole(None),
        },
    }
}

/// What follows ESC `[`: parameters, intermediates, and a final byte.
fn control_sequence(rest: &[u8]) -> Step {
    // X10's mouse report has three bytes behind its final one; Linux' console has one more letter for F1 to F5.
    match rest {
        [b'M', _, _, _] | [b'[', _] => return Step::Whole(None),
        [b'M', ..] if rest.len() < 4 => return Step::More,
        [b'['] => return Step::More,
        _ => {}
    }
    let Some((last, parameters)) = rest.split_last() else { return Step::More };
    match last {
        0x20..=0x3f => Step::More,
        0x40..=0x7e => final_byte(parameters, *last),
        // No sequence goes on like that.
        _ => Step::Before(None),
    }
}

fn final_byte(parameters: &[u8], last: u8) -> Step {
    if let [b'<', report @ ..] = parameters {
        return Step::Whole(mouse(report, last));
    }
    if parameters.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b';')) {
        return Step::Whole(None);
    }
    let numbers = numbers(parameters);
    let modifiers = modifiers(numbers.get(1).copied().unwrap_or(1));
    let code = match (last, numbers.first()) {
        (b'~', Some(200)) => return Step::Paste(true),
        (b'~', Some(201)) => return Step::Paste(false),
        (b'~', Some(1 | 7)) => KeyCode::Home,
        (b'~', Some(4 | 8)) => KeyCode::End,
        (b'~', Some(2)) => KeyCode::Insert,
        (b'~', Some(3)) => KeyCode::Delete,
        (b'~', Some(5)) => KeyCode::PageUp,
        (b'~', Some(6)) => KeyCode::PageDown,
        (b'Z', _) => return Step::Whole(Some(key(KeyCode::BackTab, KeyModifiers::SHIFT))),
        // An answer that tells the cursor's place ends as F3 does with a modifier.
        (b'R', _) => return Step::Whole(None),
        (letter, _) => match named(letter) {
            Some(code) => code,
            None => return Step::Whole(None),
        },
    };
    Step::Whole(Some(key(code, modifiers)))
}

/// The keys that a letter names, behind ESC `[` as behind ESC `O`.
const fn named(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

/// A report with plain numbers: what, column, row.
fn mouse(report: &[u8], last: u8) -> Option<Input> {
    let text = std::str::from_utf8(report).ok()?;
    let numbers = text.split(';').map(|number| number.parse::<u16>().ok()).collect::<Option<Vec<_>>>()?;
    let [what, column, row] = numbers[..] else { return None };
    let button = match what & 0b11 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (what & 0b1110_0000, what & 0b11, last) {
        (64, 0, b'M') => MouseEventKind::ScrollUp,
        (64, 1, b'M') => MouseEventKind::ScrollDown,
        (0, 0..=2, b'M') => MouseEventKind::Down(button),
        (0, 0..=2, b'm') => MouseEventKind::Up(button),
        _ => return None,
    };
    let (column, row) = (column.checked_sub(1)?, row.checked_sub(1)?);
    Some(Input::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

/// Parameters as numbers; one that is missing or too large is 0.
fn numbers(parameters: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(parameters);
    text.split(';').map(|number| number.parse().unwrap_or(0)).collect()
}

/// Modifiers as xterm encodes them: 1 and a bit each for Shift, Alt, Ctrl.
fn modifiers(parameter: u16) -> KeyModifiers {
    let bits = parameter.saturating_sub(1);
    [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)]
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .fold(KeyModifiers::NONE, |sum, (_, modifier)| sum | modifier)
}

const fn key(code: KeyCode, modifiers: KeyModifiers) -> Input {
    Input::Key(KeyEvent::new(code, modifiers))
}

const ESC: u8 = 0x1b;
const BEL: u8 = 0x07;
const CTRL_C: u8 = 0x03;

/// More bytes than any key, click or short answer has.
const LONGEST: usize = 256;

#[cfg(test)]
mod tests;
