//! The list of lessons to choose from: chapters, minutes, what was done and what is next. A pure state; its loop is
//! [`run::pick`](super::run::pick).

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::theme::Theme;
use crate::scenario::lesson::Lesson;
use crate::text::lang::Lang;

/// Predictions of a lesson that was played to its end: right ones, and all.
pub type Score = (usize, usize);

/// The list, and the chosen row.
#[derive(Clone, Debug)]
pub struct Picker {
    /// Every lesson, in its order.
    pub lessons: Vec<Arc<Lesson>>,
    /// Those that were played to their end.
    pub done: BTreeMap<String, Score>,
    /// The chosen one.
    pub cursor: usize,
    /// The language of the screen.
    pub lang: Lang,
    /// Colours and glyphs.
    pub theme: Theme,
    /// The one that was played a moment ago: what is next comes after it.
    played: usize,
    /// The digits of a number that is being typed.
    typed: String,
}

/// What a key means for the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picked {
    /// This lesson.
    Lesson(usize),
    /// None: the list is left.
    Nothing,
    /// It goes on.
    Open,
}

impl Picker {
    /// The list with the next lesson chosen; `played`: the one that was played a moment ago.
    pub fn new(
        lessons: Vec<Arc<Lesson>>,
        (done, played): (BTreeMap<String, Score>, Option<usize>),
        (lang, theme): (Lang, Theme),
    ) -> Self {
        let played = played.unwrap_or(0);
        let mut picker = Self { lessons, done, cursor: 0, lang, theme, played, typed: String::new() };
        picker.cursor = picker.next().unwrap_or(0);
        picker
    }

    /// The first lesson that was not played to its end, from the one on that was played a moment ago.
    pub fn next(&self) -> Option<usize> {
        let open = |index: &usize| !self.done.contains_key(&self.lessons[*index].name);
        (self.played..self.lessons.len()).find(open).or_else(|| (0..self.lessons.len()).find(open))
    }

    /// Handles a key.
    pub fn press(&mut self, key: &KeyEvent) -> Picked {
        if key.kind == KeyEventKind::Release {
            return Picked::Open;
        }
        let typed = std::mem::take(&mut self.typed);
        let last = self.lessons.len().saturating_sub(1);
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Picked::Nothing,
            KeyCode::Char('q') | KeyCode::Esc => return Picked::Nothing,
            KeyCode::Enter | KeyCode::Char(' ') if !self.lessons.is_empty() => return Picked::Lesson(self.cursor),
            KeyCode::Up | KeyCode::Char('k') => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => self.cursor = (self.cursor + 1).min(last),
            KeyCode::PageUp => self.cursor = self.cursor.saturating_sub(PAGE),
            KeyCode::PageDown => self.cursor = (self.cursor + PAGE).min(last),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = last,
            KeyCode::Char('e') => self.lang = self.lang.other(),
            KeyCode::Char(digit) if digit.is_ascii_digit() => self.number(typed, digit),
            _ => {}
        }
        Picked::Open
    }

    /// One digit more; where no lesson has that number, a new number begins.
    fn number(&mut self, typed: String, digit: char) {
        for number in [typed + &digit.to_string(), digit.to_string()] {
            let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            if let Some(place) = place.filter(|place| *place < self.lessons.len()) {
                (self.cursor, self.typed) = (place, number);
                return;
            }
        }
    }
}

/// How many rows a page has.
const PAGE: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::library::lessons;

    fn picker(done: &[&str]) -> Picker {
        let done = done.iter().map(|name| ((*name).to_owned(), (1, 2))).collect();
        Picker::new(lessons().unwrap(), (done, None), (Lang::English, Theme::default()))
    }

    fn press(picker: &mut Picker, code: KeyCode) -> Picked {
        picker.press(&KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn the_first_one_that_is_not_done_is_chosen() {
        assert_eq!(picker(&[]).cursor, 0);
        assert_eq!(picker(&["two-queues", "n-plus-one", "burst"]).cursor, 2);
        let all: Vec<_> = lessons().unwrap().iter().map(|lesson| lesson.name.clone()).collect();
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        assert_eq!((picker(&all).next(), picker(&all).cursor), (None, 0));
        let mut after = picker(&["burst"]);
        let burst = after.lessons.iter().position(|lesson| lesson.name == "burst").unwrap();
        after.played = burst;
        assert_eq!(after.next(), Some(burst + 1), "not the first of all");
        after.done.clear();
        assert_eq!(after.next(), Some(burst), "it was left before its end");
    }

    #[test]
    fn arrows_and_numbers_choose_and_enter_begins() {
        let mut picker = picker(&[]);
        press(&mut picker, KeyCode::Down);
        press(&mut picker, KeyCode::Down);
        assert_eq!(press(&mut picker, KeyCode::Enter), Picked::Lesson(2));
        press(&mut picker, KeyCode::Char('1'));
        assert_eq!(picker.cursor, 0);
        press(&mut picker, KeyCode::Char('2'));
        assert_eq!(picker.cursor, 11, "12");
        press(&mut picker, KeyCode::Char('9'));
        assert_eq!(picker.cursor, 8, "there is no 129");
        press(&mut picker, KeyCode::Up);
        press(&mut picker, KeyCode::Char('2'));
        assert_eq!(picker.cursor, 1, "another key ends a number");
        assert_eq!(press(&mut picker, KeyCode::End), Picked::Open);
        press(&mut picker, KeyCode::Down);
        assert_eq!(picker.cursor, picker.lessons.len() - 1);
        assert_eq!(press(&mut picker, KeyCode::Char('q')), Picked::Nothing);
    }
}
