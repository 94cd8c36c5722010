//! The box in which the lesson speaks: its title and where it stands on the upper edge, what is said in strong ink, and on the
//! lower edge what to press next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::letters::{LargeText, Letter, broken};
use super::super::{Scene, ink};
use super::paper::{Line, LineBudget, PrioritizedText, VisiblePart};
use super::{speech, words};
use crate::fold::course::LessonProgress;
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::keymap::Action;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, course: &LessonProgress) {
    let inner = frame(buf, area, scene, course);
    keys(buf, area, scene, course);
    let side = u16::from(inner.width > 40);
    let inner = Rect { x: inner.x + side, width: inner.width.saturating_sub(2 * side), ..inner };
    let tall = inner.height >= TALL && !scene.state.projector;
    let paper = |dense| LineBudget { theme: scene.theme, columns: inner.width, dense, tall };
    if scene.state.projector && large(buf, inner, scene, speech::of(scene, course, paper(true))) {
        return;
    }
    let said = |dense| speech::of(scene, course, paper(dense)).lines(paper(dense), inner.height);
    let (lines, seen) = said(false);
    let lines = if seen == VisiblePart::Whole { lines } else { said(true).0 };
    for (row, line) in (0..).zip(&lines) {
        write(buf, inner, row, scene, line);
    }
}

/// The same with its main sentence in large letters, where they have a shape and there is room; false where not.
fn large(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, mut speech: PrioritizedText) -> bool {
    let Some((text, style)) = speech.main.take() else { return false };
    let paper = LineBudget { theme: scene.theme, columns: area.width, dense: true, tall: false };
    let most = usize::from(area.height / (Letter::Small.rows() + 1));
    let Some(lines) = broken(&text, Letter::Small, area.width, most) else { return false };
    let used = lines.len() as u16 * (Letter::Small.rows() + 1);
    let (others, seen) = speech.lines(paper, area.height - used);
    if seen == VisiblePart::Less {
        return false;
    }
    let pen = LargeText { letter: Letter::Small, style, ascii: scene.theme.ascii };
    for (row, line) in lines.iter().enumerate() {
        pen.write(buf, area, (0, row as u16 * (Letter::Small.rows() + 1)), line);
    }
    let below = Rect { y: area.y + used, height: area.height - used, ..area };
    for (row, line) in (0..).zip(&others) {
        write(buf, below, row, scene, line);
    }
    true
}

fn write(buf: &mut Buffer, area: Rect, row: u16, scene: &Scene<'_>, line: &Line) {
    let mut col = 0;
    for (text, style, action) in &line.pieces {
        let end = ink::write(buf, area, (col, row), text, *style);
        if let Some(action) = action.filter(|_| scene.state.lesson.played) {
            let spot = Rect { x: area.x + col, width: end - col, ..ink::row(area, row) };
            scene.hit_map.borrow_mut().note(spot.intersection(area), Target::Key(action));
        }
        col = end;
    }
}

/// A double frame, unlike every other one, with the lesson's title and where it stands.
fn frame(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, course: &LessonProgress) -> Rect {
    let strong = scene.theme.strong();
    let lesson = scene.state.lesson.lesson();
    let title = lesson.map_or_else(|| course.name.clone(), |lesson| words::said(&lesson.title, &course.kept));
    let (title, standing) = heading(&title, standings(scene, course), area.width.saturating_sub(6));
    let inner = ink::frame(buf, area, (&title, strong), (&standing, strong), strong);
    for place in area.intersection(buf.area).positions() {
        let edge =
            place.x == area.x || place.x + 1 == area.right() || place.y == area.y || place.y + 1 == area.bottom();
        if edge && let Some(double) = double(buf[place].symbol()) {
            buf[place].set_symbol(double);
        }
    }
    inner
}

fn double(sign: &str) -> Option<&'static str> {
    const PAIRS: [(&str, &str); 6] = [("─", "═"), ("│", "║"), ("┌", "╔"), ("┐", "╗"), ("└", "╚"), ("┘", "╝")];
    PAIRS.iter().find(|(single, _)| *single == sign).map(|(_, double)| *double)
}

/// The title and where the lesson stands, as long as both fit into a row: the word that it is a lesson is left out first.
fn heading(title: &str, standings: [String; 3], columns: u16) -> (String, String) {
    let long = say!("LESSON · {title}", title);
    let fits = |title: &str, standing: &str| ink::width(title) + ink::width(standing) <= columns;
    if fits(&long, &standings[0]) {
        let [standing, ..] = standings;
        return (long, standing);
    }
    let shortest = standings[2].clone();
    let standing = standings.into_iter().find(|standing| fits(title, standing)).unwrap_or(shortest);
    (ink::fit(title, columns.saturating_sub(ink::width(&standing))), standing)
}

/// The score, and which scene of how many; then what matters most of it, and that in signs.
fn standings(scene: &Scene<'_>, course: &LessonProgress) -> [String; 3] {
    let (right, all) = course.score();
    let scenes = scene.state.lesson.lesson().map_or(1, |lesson| lesson.scenes.len());
    let score = (all > 0).then(|| say!("{right} of {all} right", right, all));
    let place = if course.over {
        say!("the end").to_owned()
    } else {
        say!("scene {place} of {scenes}", place = course.scene + 1, scenes)
    };
    let both = score.as_ref().map_or_else(|| place.clone(), |score| format!("{score} · {place}"));
    if course.over {
        let signs = if all > 0 { format!("{right}/{all}") } else { String::new() };
        return [both, score.unwrap_or(place), signs];
    }
    [both, place, format!("{}/{scenes}", course.scene + 1)]
}

/// What to press next, on the lower edge; a click presses it.
fn keys(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, course: &LessonProgress) {
    let area = area.intersection(buf.area);
    if !scene.state.lesson.played || area.height < 3 {
        return;
    }
    let theme = scene.theme;
    let edge = Rect { x: area.x + 1, y: area.bottom() - 1, width: area.width.saturating_sub(2), height: 1 };
    let choices = scene.state.lesson.step(course).and_then(|step| step.ask.as_ref()).map_or(0, |ask| ask.choices.len());
    let numbers = format!("1-{}", choices.min(9));
    let asked = course.asks();
    let back = if scene.state.lesson.goes_back(course) { say!("the scene before") } else { say!("repeats the scene") };
    let all = [
        (asked, numbers.as_str(), say!("predict"), None),
        (course.waits_to_go_on(), "space", say!("goes on"), Some(Action::GoOn)),
        (course.step.is_some(), "backspace", back, Some(Action::Repeat)),
        (course.over, "q", say!("leaves"), Some(Action::Quit)),
    ];
    let mut col = 0;
    for (_, key, words, action) in all.into_iter().filter(|(wanted, ..)| *wanted) {
        let width = ink::width(key) + ink::width(words) + 3;
        if col + width > edge.width {
            break;
        }
        let style = if action == Some(Action::GoOn) || asked { theme.strong() } else { Style::new() };
        let pieces = [(" ", style), (key, theme.strong()), (" ", style), (words, style), (" ", style)];
        let end = ink::pieces(buf, edge, (col, 0), &pieces);
        if let Some(action) = action {
            let spot = Rect { x: edge.x + col, width: end - col, ..edge };
            scene.hit_map.borrow_mut().note(spot, Target::Key(action));
        }
        col = end + 1;
    }
}

/// From so many rows on there is room for what was said before.
const TALL: u16 = 18;
