//! What is said now, as lines that know how much they matter: the narration, the question with its choices, what became of the
//! prediction, and what is waited for.

use std::collections::BTreeMap;

use ratatui::style::Style;

use super::super::{Scene, ink};
use super::paper::{Line, LineBudget, PAST, Piece, PrioritizedText};
use super::words::said;
use super::{ending, words};
use crate::fold::course::{LessonProgress, Page};
use crate::model::lesson::Phase;
use crate::say;
use crate::scenario::lesson::{Choice, Question, Step};
use crate::text::wrap;
use crate::ui::keymap::Action;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// What is said now.
pub(super) fn of(scene: &Scene<'_>, course: &LessonProgress, paper: LineBudget) -> PrioritizedText {
    let notebook = &scene.state.lesson;
    let Some(lesson) = notebook.lesson() else {
        let text = say!("this lesson's text cannot be read here");
        return PrioritizedText { main: Some((text.into(), Style::new())), ..PrioritizedText::default() };
    };
    if course.over {
        return ending::of(scene, course, lesson, paper);
    }
    let (Some(index), Some(step)) = (course.step, notebook.step(course)) else {
        let main = said(&lesson.learn, &BTreeMap::new());
        return PrioritizedText { main: Some((main, paper.theme.strong())), ..PrioritizedText::default() };
    };
    let page = notebook.page(scene.world, index).unwrap_or_default();
    let mut speech = match course.phase {
        Phase::Asked => asked(step, &page, course, paper),
        Phase::Doing => doing(scene, (step, &page), course, paper),
        Phase::Done => told(scene, (step, &page), course, paper),
        Phase::Missed => missed(scene, (step, &page), course, paper),
    };
    if paper.tall {
        speech.tail.extend(before(scene, course, index, paper));
    }
    speech
}

fn asked(step: &Step, page: &Page, course: &LessonProgress, paper: LineBudget) -> PrioritizedText {
    let Some(ask) = &step.ask else { return PrioritizedText::default() };
    let mut tail = vec![LineBudget::gap(3)];
    tail.extend(choices(ask, page, course, (paper, 0)));
    PrioritizedText {
        main: Some((said(&ask.text, &page.numbers), paper.theme.strong())),
        tail,
        ..PrioritizedText::default()
    }
}

fn doing(
    scene: &Scene<'_>,
    (step, page): (&Step, &Page),
    course: &LessonProgress,
    paper: LineBudget,
) -> PrioritizedText {
    let (theme, notebook) = (paper.theme, &scene.state.lesson);
    let mut speech = PrioritizedText::default();
    if let Some(ask) = &step.ask {
        speech.main = Some((said(&ask.text, &page.numbers), Style::new()));
        speech.tail.push(LineBudget::gap(3));
        speech.tail.extend(choices(ask, page, course, (paper, 1)));
    } else if let Some(text) = notebook.said_before(scene.world, course.step.unwrap_or(0)).next() {
        speech.main = Some((said(text.0, &text.1), Style::new()));
    }
    let what = words::of_all(&step.commands);
    let elapsed = numbers::countdown(scene.now.since(course.since));
    let watch = if what.is_empty() {
        say!("watch the picture · {elapsed}", elapsed)
    } else {
        say!("watch: {what} · {elapsed}", what, elapsed)
    };
    speech.tail.push(LineBudget::gap(3));
    speech.tail.extend(paper.signed("▶", &watch, theme.text(Meaning::Travelling).patch(theme.strong())));
    if scene.world.tempo.held {
        let held = say!("the clients' time stands still · n: next thing · a: one accept() · t: let time run");
        speech.tail.extend(paper.signed("‖", held, theme.text(Meaning::Otherwise)));
    }
    speech
}

fn told(
    scene: &Scene<'_>,
    (step, page): (&Step, &Page),
    course: &LessonProgress,
    paper: LineBudget,
) -> PrioritizedText {
    let mut speech = PrioritizedText::default();
    if let Some(ask) = &step.ask {
        speech.head = verdict(ask, page, course, paper);
        speech.tail.push(LineBudget::gap(3));
        speech.tail.extend(paper.text(&said(&ask.text, &page.numbers), paper.theme.calm(), 2));
        speech.tail.extend(choices(ask, page, course, (paper, 1)));
    }
    let text = match (&step.say, &step.ask) {
        (Some(text), _) => Some((text, page.numbers.clone())),
        (None, Some(_)) => None,
        (None, None) => scene.state.lesson.said_before(scene.world, course.step.unwrap_or(0)).next(),
    };
    speech.main = text.map(|(text, numbers)| (said(text, &numbers), paper.theme.strong()));
    speech
}

fn missed(
    scene: &Scene<'_>,
    (step, page): (&Step, &Page),
    course: &LessonProgress,
    paper: LineBudget,
) -> PrioritizedText {
    let theme = paper.theme;
    let within = numbers::span(step.within);
    let text = say!("this did not come as usual within {within}: were knobs turned?", within);
    let head = paper.signed("▲", &text, theme.text(Meaning::Otherwise).patch(theme.strong()));
    let main = if scene.state.lesson.played {
        say!("No harm done: space goes on, backspace plays the scene again.")
    } else {
        say!("The lesson went on from here.")
    };
    let mut tail = vec![LineBudget::gap(3)];
    if let Some(ask) = &step.ask {
        tail.extend(paper.text(&said(&ask.text, &page.numbers), theme.calm(), 2));
        tail.extend(choices(ask, page, course, (paper, 1)));
    }
    PrioritizedText { head, main: Some((main.into(), Style::new())), tail }
}

/// What became of the prediction.
fn verdict(ask: &Question, page: &Page, course: &LessonProgress, paper: LineBudget) -> Vec<Line> {
    let theme = paper.theme;
    let answer = |index: usize| ask.choices.get(index).map(|choice| said(&choice.text, &page.numbers));
    let truth = page.right.iter().position(|right| *right == Some(true)).and_then(answer);
    let mine = course.choice.and_then(|(index, verdict)| Some((answer(index)?, verdict)));
    let (good, other) = (theme.text(Meaning::Served), theme.text(Meaning::Otherwise));
    let (sign, text, style) = match (mine, truth) {
        (Some((mine, Some(true))), _) => ("✓", say!("you said “{mine}”, and so says the kernel", mine), good),
        (Some((mine, Some(false))), Some(truth)) => {
            ("◌", say!("you said “{mine}”; the kernel says “{truth}”", mine, truth), other)
        }
        (Some((mine, Some(false))), None) => ("◌", say!("you said “{mine}”; it came otherwise", mine), other),
        (Some((mine, None)), _) => ("·", say!("you said “{mine}”; that could not be told here", mine), theme.calm()),
        (None, Some(truth)) => ("✓", say!("the kernel says “{truth}”", truth), good),
        (None, None) => return Vec::new(),
    };
    paper.signed(sign, &text, style.patch(theme.strong()))
}

/// The choices: each with its key, the chosen one marked, and the right one once it has been measured. These two are left out last.
fn choices(ask: &Question, page: &Page, course: &LessonProgress, (paper, rank): (LineBudget, u8)) -> Vec<Line> {
    let theme = paper.theme;
    let open = course.phase == Phase::Asked;
    let chosen = course.choice.map(|(index, _)| index);
    let one = |(index, choice): (usize, &Choice)| {
        let action = (open && index < 9).then_some(Action::Predict(index as u8));
        let mark = match page.right.get(index) {
            _ if open => " ",
            Some(Some(true)) => "✓",
            _ if chosen == Some(index) => "›",
            _ => " ",
        };
        let loud = open || chosen == Some(index) || mark == "✓";
        let style = if loud { Style::new() } else { theme.calm() };
        let number = if open { theme.strong() } else { style };
        let text = wrap::lines(&said(&choice.text, &page.numbers), paper.columns.saturating_sub(3));
        let signs = std::iter::once(format!("{mark}{} ", index + 1)).chain(std::iter::repeat("   ".to_owned()));
        let row = |(row, (sign, text)): (usize, (String, String))| Line {
            pieces: vec![(sign, number, action), (text, style, action)],
            rank: if loud { rank } else { rank + 1 },
            follows: row > 0,
            ..Line::default()
        };
        signs.zip(text).enumerate().map(row).collect::<Vec<_>>()
    };
    let width = |pieces: &[Piece]| pieces.iter().map(|(text, ..)| ink::width(text)).sum::<u16>();
    let mut lines: Vec<Line> = Vec::new();
    for mut rows in ask.choices.iter().enumerate().map(one) {
        let fits = |line: &&mut Line| paper.dense && width(&line.pieces) + width(&rows[0].pieces) + 2 <= paper.columns;
        if rows.len() == 1
            && let Some(line) = lines.last_mut().filter(fits)
        {
            line.pieces.push(("  ".into(), Style::new(), None));
            line.pieces.append(&mut rows[0].pieces);
            line.rank = line.rank.min(rows[0].rank);
        } else {
            lines.extend(rows);
        }
    }
    lines
}

/// What was said before in this scene, the newest first.
fn before(scene: &Scene<'_>, course: &LessonProgress, index: usize, paper: LineBudget) -> Vec<Line> {
    let skipped = usize::from(
        course.phase == Phase::Doing && scene.state.lesson.step(course).is_some_and(|step| step.ask.is_none()),
    );
    let mut lines = Vec::new();
    for (text, numbers) in scene.state.lesson.said_before(scene.world, index).skip(skipped) {
        if lines.is_empty() {
            lines.push(LineBudget::gap(PAST));
            lines.push(LineBudget::heading(say!("SAID BEFORE"), paper.theme.calm(), PAST));
        }
        lines.push(LineBudget::gap(PAST + 1));
        lines.extend(paper.text(&said(text, &numbers), paper.theme.calm(), PAST));
    }
    lines
}
