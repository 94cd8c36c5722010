//! A lesson's text as lines with ranks: where not all of them fit, the least important ones are left out, and a
//! text is seen whole or not at all.

use std::ops::Range;

use ratatui::style::Style;

use crate::say;
use crate::text::wrap;
use crate::ui::keymap::Action;
use crate::ui::lesson::MOST_CHOICES;
use crate::ui::theme::{Theme, ascii};

/// A piece of a line, and what a click on it asks for.
pub(super) type Piece = (String, Style, Option<Action>);

/// One line.
#[derive(Default)]
pub(super) struct Line {
    pub(super) pieces: Vec<Piece>,
    /// 0: has to be seen; the larger, the sooner it is left out.
    pub(super) rank: u8,
    /// True for a line that only leads to the next one.
    pub(super) leads: bool,
    /// True where the text of the line above goes on: both are left out together.
    pub(super) follows: bool,
    /// True for the verdict on a textbook's claim: the number of those left out is shown.
    pub(super) verdict: bool,
}

/// The text, from top to bottom.
#[derive(Default)]
pub(super) struct PrioritizedText {
    /// Before the main sentence.
    pub(super) head: Vec<Line>,
    /// The main sentence and how it looks: it may be written in large letters.
    pub(super) main: Option<(String, Style)>,
    /// Behind it.
    pub(super) tail: Vec<Line>,
    /// The choices of an open question, where they stand in `tail`: large letters are for all of them or for none.
    pub(super) choices: Vec<String>,
}

/// How much of it is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VisiblePart {
    /// All that belongs to this moment.
    Whole,
    /// All that has to be seen.
    Most,
    /// Less than that.
    Less,
}

/// Where lines are made: the theme, and how wide they may be.
#[derive(Clone, Copy)]
pub(super) struct LineBudget {
    pub(super) theme: Theme,
    pub(super) columns: u16,
    /// True where choices share a line.
    pub(super) dense: bool,
    /// True where there is room for earlier texts.
    pub(super) tall: bool,
    /// The votes of a class for each choice.
    pub(super) votes: Option<[u32; MOST_CHOICES]>,
}

impl LineBudget {
    /// A text in lines, as the theme can draw it.
    pub(super) fn broken(self, text: &str, columns: u16) -> Vec<String> {
        wrap::lines(&ascii::written_out(text, self.theme.ascii), columns)
    }

    pub(super) fn text(self, text: &str, style: Style, rank: u8) -> Vec<Line> {
        let lines = self.broken(text, self.columns).into_iter().enumerate();
        let line = |(row, text)| Line { pieces: vec![(text, style, None)], rank, follows: row > 0, ..Line::default() };
        lines.map(line).collect()
    }

    pub(super) fn marked(self, mark: &str, text: &str, style: Style) -> Vec<Line> {
        let lines = self.broken(text, self.columns.saturating_sub(2)).into_iter().enumerate();
        let line = |(row, text): (usize, String)| Line {
            pieces: vec![(format!("{} {text}", if row == 0 { mark } else { " " }), style, None)],
            follows: row > 0,
            ..Line::default()
        };
        lines.map(line).collect()
    }

    pub(super) fn gap(rank: u8) -> Line {
        Line { rank, leads: true, ..Line::default() }
    }

    /// A line over those that follow it.
    pub(super) fn heading(text: &str, style: Style, rank: u8) -> Line {
        Line { pieces: vec![(text.to_owned(), style, None)], rank, leads: true, ..Line::default() }
    }
}

impl PrioritizedText {
    /// Every line, the main sentence among them, without the least important texts where not all fit into `rows`; and how much that
    /// is.
    pub(super) fn lines(self, budget: LineBudget, rows: u16) -> (Vec<Line>, VisiblePart) {
        let main = self.main.iter().flat_map(|(text, style)| budget.text(text, *style, 0));
        let mut lines: Vec<_> = self.head.into_iter().chain(main).chain(self.tail).collect();
        let rows = usize::from(rows);
        let (mut visible, mut verdicts) = (VisiblePart::Whole, 0);
        while lines.len() + usize::from(verdicts > 0) > rows
            && let Some(worst) = lines.iter().map(|line| line.rank).max().filter(|rank| *rank > 0)
            && let Some(text) = least(&lines, worst)
        {
            verdicts += usize::from(lines[text.start].verdict);
            if !lines[text.start].leads && worst < PAST {
                visible = VisiblePart::Most;
            }
            lines.drain(text);
        }
        while lines.last().is_some_and(|last| last.leads) {
            lines.pop();
        }
        lines.extend((verdicts > 0).then(|| left_out(verdicts, budget)));
        if lines.len() > rows {
            visible = VisiblePart::Less;
        }
        lines.truncate(rows);
        (lines, visible)
    }
}

/// The rows of the text of this rank that is left out first: the last one; of verdicts the longest, so that most of them are seen.
fn least(lines: &[Line], rank: u8) -> Option<Range<usize>> {
    let begins = |index: &usize| !lines[*index].follows && lines[*index].rank == rank;
    let text = |first: usize| {
        let follow = lines[first + 1..].iter().take_while(|line| line.follows).count();
        first..first + 1 + follow
    };
    (0..lines.len()).filter(begins).map(text).max_by_key(|text| {
        let verdict = lines[text.start].verdict;
        (if verdict { text.len() } else { 0 }, text.start)
    })
}

/// Instead of verdicts for which there is no room.
fn left_out(verdicts: usize, budget: LineBudget) -> Line {
    let text = match verdicts {
        1 => say!("and 1 more verdict: enlarge the window").to_owned(),
        _ => say!("and {count} more verdicts: enlarge the window", count = verdicts),
    };
    Line { pieces: vec![(text, budget.theme.calm(), None)], ..Line::default() }
}

/// From this rank on: what belongs to moments that have passed.
pub(super) const PAST: u8 = 4;
