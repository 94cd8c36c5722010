//! The text of the present step, as lines with ranks: the narration, the question with its choices, the result of the
//! prediction, and what is waited for.

use std::collections::BTreeMap;

use ratatui::style::Style;

use super::super::{Scene, text};
use super::line_budget::{Line, LineBudget, PAST, Piece, PrioritizedText};
use super::words::said;
use super::{ending, words};
use crate::fold::course::{LessonProgress, Page};
use crate::model::lesson::Phase;
use crate::say;
use crate::scenario::lesson::{Choice, Question, Step};
use crate::ui::keymap::Action;
use crate::ui::lesson::MOST_CHOICES;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// The text of the present step.
pub(super) fn of(scene: &Scene<'_>, progress: &LessonProgress, budget: LineBudget) -> PrioritizedText {
    let lesson_state = &scene.state.lesson;
    let Some(lesson) = lesson_state.lesson() else {
        let text = say!("this lesson's text cannot be read here");
        return PrioritizedText { main: Some((text.into(), Style::new())), ..PrioritizedText::default() };
    };
    if progress.over {
        return ending::of(scene, progress, lesson, budget);
    }
    let (Some(index), Some(step)) = (progress.step, lesson_state.step(progress)) else {
        let main = said(&lesson.learn, &BTreeMap::new());
        return PrioritizedText { main: Some((main, budget.theme.strong())), ..PrioritizedText::default() };
    };
    let page = lesson_state.page(scene.world, index).unwrap_or_default();
    let mut content = match progress.phase {
        Phase::Asked => asked(scene, (step, &page), progress, budget),
        Phase::Doing => doing(scene, (step, &page), progress, budget),
        Phase::Done => explained(scene, (step, &page), progress, budget),
        Phase::Missed => missed(scene, (step, &page), progress, budget),
    };
    if budget.tall {
        content.tail.extend(before(scene, progress, index, budget));
    }
    content
}

fn asked(
    scene: &Scene<'_>,
    (step, page): (&Step, &Page),
    progress: &LessonProgress,
    budget: LineBudget,
) -> PrioritizedText {
    let Some(ask) = &step.ask else { return PrioritizedText::default() };
    let mut tail = vec![LineBudget::gap(3)];
    tail.extend(choices(ask, page, progress, (budget, 0)));
    if let Some(change) = changed(scene, progress) {
        let text = say!("changed by hand: {change}. What is right is measured with that.", change);
        tail.extend(budget.marked("▲", &text, budget.theme.text(Meaning::Divergent)));
    }
    let large = |(index, choice): (usize, &Choice)| {
        let votes = budget.votes.and_then(|votes| votes.get(index).copied());
        let votes = votes.map_or_else(String::new, |votes| format!(" ×{votes}"));
        format!("{} {}{votes}", index + 1, said(&choice.text, &page.numbers))
    };
    PrioritizedText {
        main: Some((said(&ask.text, &page.numbers), budget.theme.strong())),
        tail,
        choices: ask.choices.iter().enumerate().map(large).collect(),
        ..PrioritizedText::default()
    }
}

/// The settings that keys have changed in this scene, before the question or since it was asked.
fn changed(scene: &Scene<'_>, progress: &LessonProgress) -> Option<String> {
    let world = scene.world;
    let (knobs, began) = (world.knobs.as_ref()?, world.began.as_ref()?);
    let played = scene.state.lesson.scene(progress)?;
    let turned = played.turned(progress.step?, &began.sysctls, (knobs, &world.sysctls));
    (!turned.is_empty()).then(|| words::of_all(&turned))
}

fn doing(
    scene: &Scene<'_>,
    (step, page): (&Step, &Page),
    progress: &LessonProgress,
    budget: LineBudget,
) -> PrioritizedText {
    let (theme, lesson_state) = (budget.theme, &scene.state.lesson);
    let mut content = PrioritizedText::default();
    if let Some(ask) = &step.ask {
        content.main = Some((said(&ask.text, &page.numbers), Style::new()));
        content.tail.push(LineBudget::gap(3));
        content.tail.extend(choices(ask, page, progress, (budget, 1)));
    } else if let Some(text) = lesson_state.earlier_texts(scene.world, progress.step.unwrap_or(0)).next() {
        content.main = Some((said(text.0, &text.1), Style::new()));
    }
    let what = words::of_all(&step.commands);
    let elapsed = numbers::countdown(scene.now.since(progress.since));
    let watch = if what.is_empty() {
        say!("watch the picture · {elapsed}", elapsed)
    } else {
        say!("watch: {what} · {elapsed}", what, elapsed)
    };
    content.tail.push(LineBudget::gap(3));
    content.tail.extend(budget.marked("▶", &watch, theme.text(Meaning::Travelling).patch(theme.strong())));
    if scene.world.tempo.held {
        let held = say!("client time paused · n: next event · a: one accept() · t: resume time");
        content.tail.extend(budget.marked("‖", held, theme.text(Meaning::Divergent)));
    }
    content
}

fn explained(
    scene: &Scene<'_>,
    (step, page): (&Step, &Page),
    progress: &LessonProgress,
    budget: LineBudget,
) -> PrioritizedText {
    let mut content = PrioritizedText::default();
    if let Some(ask) = &step.ask {
        content.head = verdict(ask, page, progress, budget);
        content.tail.push(LineBudget::gap(3));
        content.tail.extend(budget.text(&said(&ask.text, &page.numbers), budget.theme.calm(), 2));
        content.tail.extend(choices(ask, page, progress, (budget, 1)));
    }
    let text = match (&step.say, &step.ask) {
        (Some(text), _) => Some((text, page.numbers.clone())),
        (None, Some(_)) => None,
        (None, None) => scene.state.lesson.earlier_texts(scene.world, progress.step.unwrap_or(0)).next(),
    };
    content.main = text.map(|(text, numbers)| (said(text, &numbers), budget.theme.strong()));
    content
}

fn missed(
    scene: &Scene<'_>,
    (step, page): (&Step, &Page),
    progress: &LessonProgress,
    budget: LineBudget,
) -> PrioritizedText {
    let theme = budget.theme;
    let within = numbers::span(step.within);
    let text = say!("this did not come as usual within {within}: were knobs turned?", within);
    let head = budget.marked("▲", &text, theme.text(Meaning::Divergent).patch(theme.strong()));
    let main = if scene.state.lesson.played {
        say!("No harm done: space goes on, backspace plays the scene again.")
    } else {
        say!("The lesson went on from here.")
    };
    let mut tail = vec![LineBudget::gap(3)];
    if let Some(ask) = &step.ask {
        tail.extend(budget.text(&said(&ask.text, &page.numbers), theme.calm(), 2));
        tail.extend(choices(ask, page, progress, (budget, 1)));
    }
    PrioritizedText { head, main: Some((main.into(), Style::new())), tail, ..PrioritizedText::default() }
}

/// The result of the prediction.
fn verdict(ask: &Question, page: &Page, progress: &LessonProgress, budget: LineBudget) -> Vec<Line> {
    let theme = budget.theme;
    let answer = |index: usize| ask.choices.get(index).map(|choice| said(&choice.text, &page.numbers));
    let right_answer = page.right.iter().position(|right| *right == Some(true)).and_then(answer);
    let own_answer = progress.choice.and_then(|(index, verdict)| Some((answer(index)?, verdict)));
    let (good, other) = (theme.text(Meaning::Served), theme.text(Meaning::Divergent));
    let (mark, text, style) = match (own_answer, right_answer) {
        (Some((own_answer, Some(true))), _) => {
            ("✓", say!("you said “{mine}”, and so says the kernel", mine = own_answer), good)
        }
        (Some((own_answer, Some(false))), Some(right_answer)) => {
            ("◌", say!("you said “{mine}”; the kernel says “{truth}”", mine = own_answer, truth = right_answer), other)
        }
        (Some((own_answer, Some(false))), None) => {
            ("◌", say!("you said “{mine}”; it came otherwise", mine = own_answer), other)
        }
        (Some((own_answer, None)), _) => {
            ("·", say!("you said “{mine}”; that could not be decided here", mine = own_answer), theme.calm())
        }
        (None, Some(right_answer)) => ("✓", say!("the kernel says “{truth}”", truth = right_answer), good),
        (None, None) => return Vec::new(),
    };
    budget.marked(mark, &text, style.patch(theme.strong()))
}

/// The choices: each with its key, the chosen one marked, and the right one once it has been measured. These two are left out last.
fn choices(ask: &Question, page: &Page, progress: &LessonProgress, (budget, rank): (LineBudget, u8)) -> Vec<Line> {
    let theme = budget.theme;
    let open = progress.phase == Phase::Asked;
    let chosen = progress.choice.map(|(index, _)| index);
    let choice_lines = |(index, choice): (usize, &Choice)| {
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
        let bar = budget.votes.filter(|_| open).map(|votes| bar(index, votes));
        let room = budget.columns.saturating_sub(3 + bar.as_ref().map_or(0, |_| BAR));
        let text = budget.broken(&said(&choice.text, &page.numbers), room);
        let marks = std::iter::once(format!("{mark}{} ", index + 1)).chain(std::iter::repeat("   ".to_owned()));
        let row = |(row, (mark, text)): (usize, (String, String))| Line {
            pieces: vec![(mark, number, action), (text, style, action)],
            rank: if loud { rank } else { rank + 1 },
            follows: row > 0,
            ..Line::default()
        };
        let mut rows = marks.zip(text).enumerate().map(row).collect::<Vec<_>>();
        if let (Some(bar), Some(first)) = (bar, rows.first_mut()) {
            let width: u16 = first.pieces.iter().map(|(text, ..)| text::width(text)).sum();
            let gap = " ".repeat(usize::from(budget.columns.saturating_sub(BAR + width)));
            first.pieces.extend([(gap, style, action), (bar, theme.text(Meaning::Travelling), action)]);
        }
        rows
    };
    let width = |pieces: &[Piece]| pieces.iter().map(|(text, ..)| text::width(text)).sum::<u16>();
    let mut lines: Vec<Line> = Vec::new();
    for mut rows in ask.choices.iter().enumerate().map(choice_lines) {
        let fits = |line: &&mut Line| {
            budget.dense && budget.votes.is_none() && width(&line.pieces) + width(&rows[0].pieces) + 2 <= budget.columns
        };
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

/// The votes for a choice: a bar as long as its share of the most, and their number.
fn bar(index: usize, votes: [u32; MOST_CHOICES]) -> String {
    let (mine, most) = (votes.get(index).copied().unwrap_or(0), votes.into_iter().max().unwrap_or(0));
    let longest = u32::from(BAR) - 5;
    let length = (mine * longest).div_ceil(most.max(longest)) as usize;
    format!(" {} {mine}", "█".repeat(length))
}

/// Columns of a bar with its number.
const BAR: u16 = 24;

/// The earlier texts of this scene, the newest first.
fn before(scene: &Scene<'_>, progress: &LessonProgress, index: usize, budget: LineBudget) -> Vec<Line> {
    let skipped = usize::from(
        progress.phase == Phase::Doing && scene.state.lesson.step(progress).is_some_and(|step| step.ask.is_none()),
    );
    let mut lines = Vec::new();
    for (text, numbers) in scene.state.lesson.earlier_texts(scene.world, index).skip(skipped) {
        if lines.is_empty() {
            lines.push(LineBudget::gap(PAST));
            lines.push(LineBudget::heading(say!("SAID BEFORE"), budget.theme.calm(), PAST));
        }
        lines.push(LineBudget::gap(PAST + 1));
        lines.extend(budget.text(&said(text, &numbers), budget.theme.calm(), PAST));
    }
    lines
}
