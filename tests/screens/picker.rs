//! The list of lessons: whole at every size, in both languages, with what is done and what is next.

use std::collections::BTreeMap;
use std::sync::Arc;

use qviz::scenario::lesson::Lesson;
use qviz::scenario::library;
use qviz::text::lang::Lang;
use qviz::ui::picker::Picker;
use qviz::ui::theme::{Depth, Theme};
use qviz::ui::view::picker::paint;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect, Size};

use crate::picture::{lines, rows};
use crate::snapshot::store;

fn everything() -> Vec<Arc<Lesson>> {
    [library::lessons().unwrap(), library::challenges().unwrap()].concat()
}

fn picker(lang: Lang, ascii: bool) -> Picker {
    let done = ["two-queues", "n-plus-one", "handshake"].map(|name| (name.to_owned(), (1, 2)));
    Picker::new(everything(), (BTreeMap::from(done), None), (lang, Theme::named("dark", Depth::True, ascii).unwrap()))
}

fn drawn(picker: &Picker, (width, height): (u16, u16)) -> Buffer {
    let mut buf = Buffer::empty(Rect::from((Position::ORIGIN, Size::new(width, height))));
    paint(&mut buf, picker);
    buf
}

#[test]
fn it_shows_chapters_minutes_what_is_done_and_what_is_next() {
    let text = lines(&drawn(&picker(Lang::English, false), (80, 24)));
    store("lessons_80x24_unicode", &text);
    assert!(text.contains("3 of 34 done") && text.contains("When a queue is full"), "{text}");
    let next = text.lines().find(|line| line.contains("next")).unwrap();
    assert!(next.contains("  4 ") && next.contains(" min"), "{next}");
    assert!(text.lines().any(|line| line.contains("  3 ✓ The handshake")), "{text}");
    store("lessons_80x24_ascii", &lines(&drawn(&picker(Lang::English, true), (80, 24))));
}

#[test]
fn every_lesson_is_reached_and_seen_at_every_size_in_both_languages() {
    for size in [(60, 16), (80, 24), (120, 36), (200, 60)] {
        for lang in Lang::ALL {
            let mut picker = picker(lang, false);
            for (index, lesson) in everything().iter().enumerate() {
                picker.cursor = index;
                let picture = drawn(&picker, size);
                let text = lines(&picture);
                let title: String = lesson.title.in_language(lang).chars().take(12).collect();
                let squeezed = text.replace(' ', "");
                assert!(squeezed.contains(&title.replace(' ', "")), "{size:?} {title}:\n{text}");
                assert!(text.contains(&format!("qviz lesson {}", lesson.name)), "{text}");
                assert!(rows(&picture).iter().all(|row| !row.contains('\u{fffd}')), "{text}");
            }
        }
    }
}
