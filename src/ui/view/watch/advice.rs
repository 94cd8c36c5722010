//! What to do: the lines to paste of every finding in force, the worst first, each whole; and where the limit comes from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::sentence::{findings_about, said_above};
use super::{detail, names};
use crate::fold::finding::{Action, Finding, Severity};
use crate::say;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;

/// The findings about one listener and what to do about them, wrapped to the width of an area.
pub(super) struct Advice {
    lines: Vec<(&'static str, String, Style)>,
    /// How many of them are about what clients suffer from now, or about the worst finding.
    urgent: usize,
    grave: bool,
}

impl Advice {
    /// For lines of `width` columns. What the headline says is not said again.
    pub(super) fn of(scene: &Scene<'_>, inside: ChosenListener<'_>, width: u16) -> Self {
        let theme = scene.theme;
        let findings = findings_about(scene, inside.listener);
        let grave = findings.iter().any(|finding| finding.severity == Severity::Problem);
        let mut advice = Self { lines: Vec::new(), urgent: 0, grave };
        let above = said_above(scene, inside.listener).map(|finding| finding.rule.as_str());
        let mut shown: Vec<&str> = Vec::new();
        for (index, finding) in findings.iter().enumerate() {
            if Some(finding.rule.as_str()) != above {
                let (mark, meaning) = mark(finding);
                advice.push((mark, theme.text(meaning)), &finding.sentence.to_string(), Style::new(), width);
            }
            for action in &finding.actions {
                if !shown.contains(&action.command.as_str()) {
                    shown.push(&action.command);
                    advice.push(("→", theme.calm()), &purpose(action), theme.calm(), width);
                    advice.push(("  ▶", theme.strong()), &action.command, theme.strong(), width);
                }
            }
            if index == 0 || finding.severity == Severity::Problem {
                advice.urgent = advice.lines.len();
            }
        }
        if findings.is_empty() {
            advice.push(("·", theme.calm()), say!("nothing: no rule has found a fault"), Style::new(), width);
        }
        if let Some(listener) = inside.listener {
            advice.push(("·", theme.calm()), &detail::limit(listener, scene.world), Style::new(), width);
        }
        advice
    }

    /// Rows that it needs for what is urgent.
    pub(super) fn rows(&self) -> u16 {
        self.urgent.min(usize::from(u16::MAX)) as u16
    }

    /// Paints it from its line `first` on; where not all lines fit, the lower edge says which are shown.
    pub(super) fn paint(&self, buf: &mut Buffer, area: Rect, scene: &Scene<'_>, first: usize) {
        let theme = scene.theme;
        let line = if self.grave { theme.text(Meaning::Lost) } else { theme.calm() };
        let right = if self.lines.iter().any(|(mark, ..)| mark.ends_with('▶')) { say!("y copies") } else { "" };
        let inner = text::frame(buf, area, (say!("WHAT TO DO"), theme.strong()), (right, theme.calm()), line);
        let room = usize::from(inner.height);
        let first = first.min(self.lines.len().saturating_sub(room));
        for (row, (mark, text, style)) in (0..inner.height).zip(self.lines.iter().skip(first)) {
            let col = text::write(buf, inner, (0, row), mark, *style);
            text::write(buf, inner, (col.max(1) + 1, row), text, *style);
        }
        if self.lines.len() > room {
            let last = (first + room).min(self.lines.len());
            let shown = say!(" {first}–{last} of {rows} ", first = first + 1, last, rows = self.lines.len());
            let edge = Rect { x: area.x, y: area.bottom() - 1, width: area.width.saturating_sub(2), height: 1 };
            text::right(buf, edge, 0, &shown, theme.calm());
        }
    }

    fn push(&mut self, (mark, marked): (&'static str, Style), text: &str, style: Style, width: u16) {
        let indent = text::width(mark).max(1) + 1;
        let lines = names::wrap(text, width.saturating_sub(indent), u16::MAX);
        let style = if style == Style::new() { marked } else { style };
        for (index, line) in lines.into_iter().enumerate() {
            let mark = match (index, indent) {
                (0, _) => mark,
                (_, 4) => "   ",
                _ => " ",
            };
            self.lines.push((mark, line, style));
        }
    }
}

fn purpose(action: &Action) -> String {
    let what = action.what.to_string();
    let when = if action.live { "" } else { say!(" (after a restart)") };
    format!("{what}{when}:")
}

const fn mark(finding: &Finding) -> (&'static str, Meaning) {
    match finding.severity {
        Severity::Problem => ("✗", Meaning::Lost),
        Severity::Warning => ("▲", Meaning::Divergent),
        Severity::Note => ("·", Meaning::Waiting(1)),
    }
}
