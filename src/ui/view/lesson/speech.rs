//! What is said now, as lines that know how much they matter: the narration, the question with its choices, what became of the
//! prediction, and what is waited for.

use std::collections::BTreeMap;

use ratatui::style::Style;

use super::super::{Scene, ink};
use super::words;
use super::wrap::wrapped;
use crate::model::lang;
use crate::model::lesson::{Course, Phase};
use crate::say;
use crate::scenario::holes::filled;
use crate::scenario::lesson::{Choice, Lesson, Question, Step, Text};
use crate::scenario::outcome::Verdict;
use crate::ui::keymap::Action;
use crate::ui::lesson::Page;
use crate::ui::numbers;
use crate::ui::theme::{Meaning, Theme};

/// A piece of a line, and what a click on it asks for.
pub(super) type Piece = (String, Style, Option<Action>);

/// One line.
pub(super) struct Line {
    pub(super) pieces: Vec<Piece>,
    /// 0: has to be seen; the larger, the sooner it is left out.
    rank: u8,
    /// True for a line that only leads to the next one.
    leads: bool,
}

/// What is said, from top to bottom.
#[derive(Default)]
pub(super) struct Speech {
    /// Before the main sentence.
    head: Vec<Line>,
    /// The main sentence and how it looks: it may be written in large letters.
    pub(super) main: Option<(String, Style)>,
    /// Behind it.
    tail: Vec<Line>,
}

/// Where lines are made: the theme, and how wide they may be.
#[derive(Clone, Copy)]
pub(super) struct Paper {
    pub(super) theme: Theme,
    pub(super) columns: u16,
    /// True where choices share a line.
    pub(super) dense: bool,
    /// True where there is room for what was said before.
    pub(super) tall: bool,
}

impl Paper {
    fn text(self, text: &str, style: Style, rank: u8) -> Vec<Line> {
        let line = |text| Line { pieces: vec![(text, style, None)], rank, leads: false };
        wrapped(text, self.columns).into_iter().map(line).collect()
    }

    fn signed(self, sign: &str, text: &str, style: Style) -> Vec<Line> {
        let lines = wrapped(text, self.columns.saturating_sub(2));
        let signs = std::iter::once(sign).chain(std::iter::repeat(" "));
        let line = |(sign, text): (&str, String)| Line {
            pieces: vec![(format!("{sign} {text}"), style, None)],
            rank: 0,
            leads: false,
        };
        signs.zip(lines).map(line).collect()
    }

    const fn gap(rank: u8) -> Line {
        Line { pieces: Vec::new(), rank, leads: true }
    }
}

impl Speech {
    /// Every line, the main sentence among them, without the least important ones where not all fit into `rows`; and whether all
    /// that has to be seen is seen.
    pub(super) fn lines(self, paper: Paper, rows: u16) -> (Vec<Line>, bool) {
        let main = self.main.iter().flat_map(|(text, style)| paper.text(text, *style, 0));
        let mut lines: Vec<_> = self.head.into_iter().chain(main).chain(self.tail).collect();
        let rows = usize::from(rows);
        while lines.len() > rows
            && let Some(worst) = lines.iter().map(|line| line.rank).max().filter(|rank| *rank > 0)
            && let Some(last) = lines.iter().rposition(|line| line.rank == worst)
        {
            lines.remove(last);
        }
        while lines.last().is_some_and(|last| last.leads) {
            lines.pop();
        }
        let whole = lines.len() <= rows;
        lines.truncate(rows);
        (lines, whole)
    }
}

/// What is said now.
pub(super) fn of(scene: &Scene<'_>, course: &Course, paper: Paper) -> Speech {
    let notebook = &scene.state.lesson;
    let Some(lesson) = notebook.lesson() else {
        let text = say!("this lesson's text cannot be read here");
        return Speech { main: Some((text.into(), Style::new())), ..Speech::default() };
    };
    if course.over {
        return end(scene, course, lesson, paper);
    }
    let (Some(index), Some(step)) = (course.step, notebook.step(course)) else {
        let main = said(&lesson.learn, &BTreeMap::new());
        return Speech { main: Some((main, paper.theme.strong())), ..Speech::default() };
    };
    let page = notebook.page(scene.world, index).unwrap_or_default();
    let mut speech = match course.phase {
        Phase::Asked => asked(step, &page, course, paper),
        Phase::Doing => doing(scene, (step, &page), course, paper),
        Phase::Told => told(scene, (step, &page), course, paper),
        Phase::Missed => missed(scene, (step, &page), course, paper),
    };
    if paper.tall {
        speech.tail.extend(before(scene, course, index, paper));
    }
    speech
}

fn asked(step: &Step, page: &Page, course: &Course, paper: Paper) -> Speech {
    let Some(ask) = &step.ask else { return Speech::default() };
    let mut tail = vec![Paper::gap(2)];
    tail.extend(choices(ask, page, course, (paper, 0)));
    Speech { main: Some((said(&ask.text, &page.numbers), paper.theme.strong())), tail, ..Speech::default() }
}

fn doing(scene: &Scene<'_>, (step, page): (&Step, &Page), course: &Course, paper: Paper) -> Speech {
    let (theme, notebook) = (paper.theme, &scene.state.lesson);
    let mut speech = Speech::default();
    if let Some(ask) = &step.ask {
        speech.main = Some((said(&ask.text, &page.numbers), Style::new()));
        speech.tail.push(Paper::gap(2));
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
    speech.tail.push(Paper::gap(3));
    speech.tail.extend(paper.signed("▶", &watch, theme.text(Meaning::Travelling).patch(theme.strong())));
    if scene.world.tempo.held {
        let held = say!("the clients' time stands still · n: next thing · a: one accept() · t: go on");
        speech.tail.extend(paper.signed("‖", held, theme.text(Meaning::Otherwise)));
    }
    speech
}

fn told(scene: &Scene<'_>, (step, page): (&Step, &Page), course: &Course, paper: Paper) -> Speech {
    let mut speech = Speech::default();
    if let Some(ask) = &step.ask {
        speech.head = verdict(ask, page, course, paper);
        speech.tail.push(Paper::gap(2));
        speech.tail.extend(paper.text(&said(&ask.text, &page.numbers), paper.theme.calm(), 1));
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

fn missed(scene: &Scene<'_>, (step, page): (&Step, &Page), course: &Course, paper: Paper) -> Speech {
    let theme = paper.theme;
    let within = numbers::span(step.within);
    let text = say!("this did not come as usual within {within}: were knobs turned?", within);
    let head = paper.signed("▲", &text, theme.text(Meaning::Otherwise).patch(theme.strong()));
    let main = if scene.state.lesson.played {
        say!("No harm done: space goes on, backspace plays the scene again.")
    } else {
        say!("The lesson went on from here.")
    };
    let mut tail = vec![Paper::gap(2)];
    if let Some(ask) = &step.ask {
        tail.extend(paper.text(&said(&ask.text, &page.numbers), theme.calm(), 1));
        tail.extend(choices(ask, page, course, (paper, 1)));
    }
    Speech { head, main: Some((main.into(), Style::new())), tail }
}

/// What became of the prediction.
fn verdict(ask: &Question, page: &Page, course: &Course, paper: Paper) -> Vec<Line> {
    let theme = paper.theme;
    let answer = |index: usize| ask.choices.get(index).map(|choice| said(&choice.text, &page.numbers));
    let truth = page.right.iter().position(|right| *right == Some(true)).and_then(answer);
    let mine = course.choice.and_then(|(index, verdict)| Some((answer(index)?, verdict)));
    let (good, other) = (theme.text(Meaning::Served), theme.text(Meaning::Otherwise));
    let (sign, text, style) = match (mine, truth) {
        (Some((mine, Some(true))), _) => ("✓", say!("you said {mine}, and so says the kernel", mine), good),
        (Some((mine, Some(false))), Some(truth)) => {
            ("◌", say!("you said {mine}; the kernel says {truth}", mine, truth), other)
        }
        (Some((mine, Some(false))), None) => ("◌", say!("you said {mine}; it came otherwise", mine), other),
        (Some((mine, None)), _) => ("·", say!("you said {mine}; that could not be told here", mine), theme.calm()),
        (None, Some(truth)) => ("✓", say!("the kernel says {truth}", truth), good),
        (None, None) => return Vec::new(),
    };
    paper.signed(sign, &text, style.patch(theme.strong()))
}

/// The choices: each with its key, the chosen one marked, and the right one once it has been measured.
fn choices(ask: &Question, page: &Page, course: &Course, (paper, rank): (Paper, u8)) -> Vec<Line> {
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
        let text = wrapped(&said(&choice.text, &page.numbers), paper.columns.saturating_sub(3));
        let signs = std::iter::once(format!("{mark}{} ", index + 1)).chain(std::iter::repeat("   ".to_owned()));
        let row = |(sign, text)| vec![(sign, number, action), (text, style, action)];
        signs.zip(text).map(row).collect::<Vec<Vec<Piece>>>()
    };
    let width = |pieces: &[Piece]| pieces.iter().map(|(text, ..)| ink::width(text)).sum::<u16>();
    let mut lines: Vec<Line> = Vec::new();
    for mut rows in ask.choices.iter().enumerate().map(one) {
        let fits = |line: &&mut Line| paper.dense && width(&line.pieces) + width(&rows[0]) + 2 <= paper.columns;
        if rows.len() == 1
            && let Some(line) = lines.last_mut().filter(fits)
        {
            line.pieces.push(("  ".into(), Style::new(), None));
            line.pieces.append(&mut rows[0]);
        } else {
            lines.extend(rows.into_iter().map(|pieces| Line { pieces, rank, leads: false }));
        }
    }
    lines
}

/// What was said before in this scene, the newest first.
fn before(scene: &Scene<'_>, course: &Course, index: usize, paper: Paper) -> Vec<Line> {
    let skipped = usize::from(
        course.phase == Phase::Doing && scene.state.lesson.step(course).is_some_and(|step| step.ask.is_none()),
    );
    let mut lines = Vec::new();
    for (text, numbers) in scene.state.lesson.said_before(scene.world, index).skip(skipped) {
        if lines.is_empty() {
            lines.push(Paper::gap(4));
            let head = (say!("SAID BEFORE").to_owned(), paper.theme.calm(), None);
            lines.push(Line { pieces: vec![head], rank: 4, leads: true });
        }
        lines.push(Paper::gap(5));
        lines.extend(paper.text(&said(text, &numbers), paper.theme.calm(), 4));
    }
    lines
}

/// The last page: the sentence to remember, the score, and what became of the textbook's statements.
fn end(scene: &Scene<'_>, course: &Course, lesson: &Lesson, paper: Paper) -> Speech {
    let theme = paper.theme;
    let head = paper.text(say!("TO REMEMBER"), theme.text(Meaning::Served).patch(theme.strong()), 0);
    let main = Some((said(&lesson.remember, &course.kept), theme.strong()));
    let mut tail = vec![Paper::gap(1)];
    let (right, all) = course.score;
    let score = match all {
        0 => say!("no prediction was made").into(),
        1 if right == 1 => say!("your prediction was right").into(),
        _ => say!("{right} of {all} predictions were right", right, all),
    };
    tail.extend(paper.text(&score, Style::new(), 0));
    for (claim, judged) in lesson.claims.iter().zip(scene.state.lesson.judged(scene.world)) {
        let (sign, text, style) = match judged.verdict {
            Verdict::Holds => ("✓", &claim.yes, theme.text(Meaning::Served)),
            Verdict::DoesNotHold => ("✗", &claim.no, theme.text(Meaning::Otherwise)),
            Verdict::Undecided => continue,
        };
        let numbers = judged.measured.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let mut lines = paper.signed(sign, &said(text, &numbers), style);
        for line in &mut lines {
            line.rank = 2;
        }
        tail.push(Paper::gap(3));
        tail.extend(lines);
    }
    Speech { head, main, tail }
}

/// A lesson's text in the language that is spoken, with its numbers.
pub(super) fn said(text: &Text, numbers: &BTreeMap<String, f64>) -> String {
    filled(text.in_language(lang::here()), |name| numbers.get(name).copied())
}
