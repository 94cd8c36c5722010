//! The box of the lesson's text: title and progress on the upper edge, the text in bold, and on the
//! lower edge what to press next.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::letters::{LargeText, Letter, break_lines};
use super::super::{Scene, text};
use super::line_budget::{Line, LineBudget, PrioritizedText, VisiblePart};
use super::{step_text, words};
use crate::fold::course::LessonProgress;
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::keymap::Action;
use crate::ui::theme::ascii;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, progress: &LessonProgress) {
    let inner = frame(buf, area, scene, progress);
    keys(buf, area, scene, progress);
    let side = u16::from(inner.width > 40);
    let inner = Rect { x: inner.x + side, width: inner.width.saturating_sub(2 * side), ..inner };
    let tall = inner.height >= TALL && !scene.state.projector;
    let votes = scene.state.lesson.sums_of_votes();
    let budget = |dense| LineBudget { theme: scene.theme, columns: inner.width, dense, tall, votes };
    if scene.state.projector && large(buf, inner, scene, step_text::of(scene, progress, budget(true))) {
        return;
    }
    let said = |dense| step_text::of(scene, progress, budget(dense)).lines(budget(dense), inner.height);
    let (lines, visible) = said(false);
    let lines = if visible == VisiblePart::Whole { lines } else { said(true).0 };
    for (row, line) in (0..).zip(&lines) {
        write(buf, inner, row, scene, line);
    }
}

/// The same with its main sentence in large letters, where they have a shape and there is room; false where not.
fn large(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, mut content: PrioritizedText) -> bool {
    let Some((text, style)) = content.main.take() else { return false };
    let votes = scene.state.lesson.sums_of_votes();
    let budget = LineBudget { theme: scene.theme, columns: area.width, dense: true, tall: false, votes };
    if !content.choices.is_empty() {
        return large_question(buf, area, scene, (&text, &content.choices));
    }
    let most = usize::from(area.height / (Letter::Small.rows() + 1));
    let Some(lines) = break_lines(&text, Letter::Small, area.width, most) else { return false };
    let used = lines.len() as u16 * (Letter::Small.rows() + 1);
    let (others, visible) = content.lines(budget, area.height - used);
    if visible == VisiblePart::Less {
        return false;
    }
    let large_text = LargeText { letter: Letter::Small, style, ascii: scene.theme.ascii };
    for (row, line) in lines.iter().enumerate() {
        large_text.write(buf, area, (0, row as u16 * (Letter::Small.rows() + 1)), line);
    }
    let below = Rect { y: area.y + used, height: area.height - used, ..area };
    for (row, line) in (0..).zip(&others) {
        write(buf, below, row, scene, line);
    }
    true
}

/// A question and its choices, all in large letters; false where they do not fit.
fn large_question(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, (question, choices): (&str, &[String])) -> bool {
    let high = Letter::Small.rows() + 1;
    let most = usize::from(area.height / high);
    let broken = |texts: &[&str]| {
        let texts: Option<Vec<_>> =
            texts.iter().map(|text| break_lines(text, Letter::Small, area.width, most)).collect();
        texts.map(|texts| texts.concat()).filter(|lines| lines.len() <= most)
    };
    let each: Vec<_> = std::iter::once(question).chain(choices.iter().map(String::as_str)).collect();
    let Some(lines) = broken(&each).or_else(|| broken(&[question, &choices.join("   ")])) else { return false };
    let style = scene.theme.strong();
    for (row, line) in (0..).zip(&lines) {
        scene.large_text(Letter::Small, style).write(buf, area, (0, row * high), line);
    }
    true
}

fn write(buf: &mut Buffer, area: Rect, row: u16, scene: &Scene<'_>, line: &Line) {
    let mut col = 0;
    for (text, style, action) in &line.pieces {
        let end = text::write(buf, area, (col, row), text, *style);
        if let Some(action) = action.filter(|_| scene.state.lesson.played) {
            let key_area = Rect { x: area.x + col, width: end - col, ..text::row(area, row) };
            scene.hit_map.borrow_mut().note(key_area.intersection(area), Target::Key(action));
        }
        col = end;
    }
}

/// A double frame, unlike every other one, with the lesson's title and progress.
fn frame(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, progress: &LessonProgress) -> Rect {
    let strong = scene.theme.strong();
    let lesson = scene.state.lesson.lesson();
    // A title may be the answer: it comes with the first one.
    let title = match lesson {
        Some(lesson) if lesson.challenge => words::said(&lesson.title, &progress.kept),
        _ if progress.answers.is_empty() && !progress.over => String::new(),
        Some(lesson) => words::said(&lesson.title, &progress.kept),
        None => progress.name.clone(),
    };
    let title = ascii::written_out(&title, scene.theme.ascii);
    let kind = if lesson.is_some_and(|lesson| lesson.challenge) { say!("CHALLENGE") } else { say!("LESSON") };
    let (title, standing) = heading(kind, &title, standings(scene, progress), area.width.saturating_sub(6));
    let inner = text::frame(buf, area, (&title, strong), (&standing, strong), strong);
    for place in area.intersection(buf.area).positions() {
        let edge =
            place.x == area.x || place.x + 1 == area.right() || place.y == area.y || place.y + 1 == area.bottom();
        if edge && let Some(double) = double(buf[place].symbol()) {
            buf[place].set_symbol(double);
        }
    }
    inner
}

fn double(corner: &str) -> Option<&'static str> {
    const PAIRS: [(&str, &str); 6] = [("─", "═"), ("│", "║"), ("┌", "╔"), ("┐", "╗"), ("└", "╚"), ("┘", "╝")];
    PAIRS.iter().find(|(single, _)| *single == corner).map(|(_, double)| *double)
}

/// The title and the progress, as long as both fit into a row: that it is a lesson or a challenge is left out first.
fn heading(kind: &str, title: &str, standings: [String; 3], columns: u16) -> (String, String) {
    let long = if title.is_empty() { kind.to_owned() } else { format!("{kind} · {title}") };
    let title = if title.is_empty() { kind } else { title };
    let fits = |title: &str, standing: &str| text::width(title) + text::width(standing) <= columns;
    if fits(&long, &standings[0]) {
        let [standing, ..] = standings;
        return (long, standing);
    }
    let shortest = standings[2].clone();
    let standing = standings.into_iter().find(|standing| fits(title, standing)).unwrap_or(shortest);
    (text::fit(title, columns.saturating_sub(text::width(&standing))), standing)
}

/// The score and the scene's number of how many; then the more important of the two, and that as digits.
fn standings(scene: &Scene<'_>, progress: &LessonProgress) -> [String; 3] {
    let (right, all) = progress.score();
    let scenes = scene.state.lesson.lesson().map_or(1, |lesson| lesson.scenes.len());
    let score = (all > 0).then(|| say!("{right} of {all} right", right, all));
    let place = if progress.over {
        say!("the end").to_owned()
    } else {
        say!("scene {place} of {scenes}", place = progress.scene + 1, scenes)
    };
    let both = score.as_ref().map_or_else(|| place.clone(), |score| format!("{score} · {place}"));
    if progress.over {
        let short = if all > 0 { format!("{right}/{all}") } else { String::new() };
        return [both, score.unwrap_or(place), short];
    }
    [both, place, format!("{}/{scenes}", progress.scene + 1)]
}

/// What to press next, on the lower edge; a click presses it.
fn keys(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, progress: &LessonProgress) {
    let area = area.intersection(buf.area);
    if !scene.state.lesson.played || area.height < 3 {
        return;
    }
    let theme = scene.theme;
    let edge = Rect { x: area.x + 1, y: area.bottom() - 1, width: area.width.saturating_sub(2), height: 1 };
    let choices =
        scene.state.lesson.step(progress).and_then(|step| step.ask.as_ref()).map_or(0, |ask| ask.choices.len());
    let numbers = format!("1-{}", choices.min(9));
    let asked = progress.asks();
    let class = scene.state.lesson.votes.is_some();
    let back =
        if scene.state.lesson.goes_back(progress) { say!("the scene before") } else { say!("repeats the scene") };
    let all = [
        (asked && class, numbers.as_str(), say!("count a hand"), None),
        (asked && class, "space", say!("takes the most votes"), Some(Action::GoOn)),
        (asked && !class, numbers.as_str(), say!("predict"), None),
        (progress.waits_to_go_on(), "space", say!("goes on"), Some(Action::GoOn)),
        (progress.step.is_some(), "backspace", back, Some(Action::Repeat)),
        (progress.over, "q", say!("leaves"), Some(Action::Quit)),
    ];
    let mut col = 0;
    for (_, key, words, action) in all.into_iter().filter(|(wanted, ..)| *wanted) {
        let width = text::width(key) + text::width(words) + 3;
        if col + width > edge.width {
            break;
        }
        let style = if action == Some(Action::GoOn) || asked { theme.strong() } else { Style::new() };
        let pieces = [(" ", style), (key, theme.strong()), (" ", style), (words, style), (" ", style)];
        let end = text::pieces(buf, edge, (col, 0), &pieces);
        if let Some(action) = action {
            let key_area = Rect { x: edge.x + col, width: end - col, ..edge };
            scene.hit_map.borrow_mut().note(key_area, Target::Key(action));
        }
        col = end + 1;
    }
}

/// From so many rows on there is room for earlier texts.
const TALL: u16 = 18;
