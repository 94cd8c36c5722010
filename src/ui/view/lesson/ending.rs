//! The last page: the sentence to remember, the score, and the textbook's claims: each with its verdict and
//! what was measured, and where there is room as the textbook has it.

use ratatui::style::Style;

use super::super::Scene;
use super::line_budget::{LineBudget, PrioritizedText};
use super::words::said;
use crate::fold::course::LessonProgress;
use crate::say;
use crate::scenario::lesson::Lesson;
use crate::scenario::outcome::Verdict;
use crate::ui::theme::Meaning;

/// The text of the last page.
pub(super) fn of(scene: &Scene<'_>, progress: &LessonProgress, lesson: &Lesson, budget: LineBudget) -> PrioritizedText {
    let theme = budget.theme;
    let head = budget.text(say!("TO REMEMBER"), theme.text(Meaning::Served).patch(theme.strong()), 1);
    let main = Some((said(&lesson.remember, &progress.kept), theme.strong()));
    let mut tail = vec![LineBudget::gap(3)];
    let (right, all) = progress.score();
    let score = match all {
        0 if lesson.challenge => String::new(),
        0 => say!("no prediction was made").into(),
        1 if right == 1 => say!("your prediction was right").into(),
        _ => say!("{right} of {all} predictions were right", right, all),
    };
    // The frame has it too.
    tail.extend(budget.text(&score, Style::new(), 2));
    let words = if lesson.challenge { Verdict::words_of_goal } else { Verdict::words };
    for (claim, judged) in lesson.claims.iter().zip(scene.state.lesson.judged(scene.world)) {
        let (mark, text, style) = match judged.verdict {
            Verdict::Holds => ("✓", &claim.yes, theme.text(Meaning::Served)),
            Verdict::DoesNotHold => ("✗", &claim.no, theme.text(Meaning::Divergent)),
            Verdict::Undecided => continue,
        };
        let numbers = judged.measured.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let verdict = say!("{verdict}: {sentence}", verdict = words(judged.verdict), sentence = said(text, &numbers));
        let mut lines = budget.marked(mark, &verdict, style);
        for line in &mut lines {
            (line.rank, line.verdict) = (1, true);
        }
        tail.push(LineBudget::gap(3));
        tail.extend(budget.text(&format!("“{}”", said(&claim.statement, &numbers)), Style::new(), 3));
        tail.extend(lines);
    }
    PrioritizedText { head, main, tail, ..PrioritizedText::default() }
}
