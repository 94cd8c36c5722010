//! What to do: every finding in force with its advice, and where the limit comes from.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::sentence::findings_about;
use super::{detail, names};
use crate::fold::finding::Severity;
use crate::say;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let theme = scene.theme;
    let mut findings = findings_about(scene, inside.listener);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let grave = findings.iter().any(|finding| finding.severity == Severity::Problem);
    let line = if grave { theme.text(Meaning::Lost) } else { theme.calm() };
    let inner = text::frame(buf, area, (say!("WHAT TO DO"), theme.strong()), ("", Style::new()), line);
    let mut lines: Vec<(&str, String, Style)> = Vec::new();
    for finding in &findings {
        let (mark, meaning) = match finding.severity {
            Severity::Problem => ("✗ ", Meaning::Lost),
            Severity::Warning => ("▲ ", Meaning::Divergent),
            Severity::Note => ("· ", Meaning::Waiting(1)),
        };
        lines.push((mark, finding.sentence.to_string(), theme.text(meaning)));
    }
    if findings.is_empty() {
        lines.push(("· ", say!("nothing: no rule has found a fault").into(), theme.calm()));
    }
    if let Some(listener) = inside.listener {
        lines.push(("· ", detail::limit(listener, scene.world), theme.calm()));
    }
    let mut row = 0;
    for (mark, text, style) in lines {
        let room = inner.height.saturating_sub(row);
        for (index, text) in names::wrap(&text, inner.width.saturating_sub(2), room).into_iter().enumerate() {
            let mark = if index == 0 { mark } else { "  " };
            text::pieces(buf, inner, (0, row), &[(mark, style), (text.as_str(), Style::new())]);
            row += 1;
        }
    }
}
