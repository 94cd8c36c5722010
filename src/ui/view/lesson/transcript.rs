//! Experiments beside the listener: the calls that were made, in their order, in place of queues
//! without clients; and beside them what was measured.

use std::borrow::Cow;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::measured;
use super::plan::split;
use crate::fold::trials::ExperimentResults;
use crate::model::experiment::{CallOutcome, CallRecord};
use crate::model::stamp::Stamp;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::{Meaning, Theme};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    if area.width < 72 {
        return paint_calls(buf, area, scene);
    }
    let (calls, numbers) = split(area, area.width - measured::columns(area.width, scene));
    paint_calls(buf, calls, scene);
    measured::paint(buf, numbers, scene);
}

/// The caller, the call and its outcome; the newest at the bottom.
fn paint_calls(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, trials) = (scene.theme, &scene.world.trials);
    let running = trials.running.map_or("", |trial| trial.name());
    let inner = text::frame(buf, area, (say!("CALLS"), theme.strong()), (running, theme.strong()), theme.calm());
    if trials.lines.is_empty() {
        text::write(
            buf,
            inner,
            (1, 0),
            &text::fit(say!("no call has been made yet"), inner.width.saturating_sub(1)),
            theme.calm(),
        );
        return;
    }
    let first = first_shown(trials, usize::from(inner.height));
    let (hidden, shown) = (first, &trials.lines[first..]);
    let columns = columns(inner.width, shown);
    if hidden > 0 {
        let edge =
            Rect { x: area.x + 2, y: area.bottom().saturating_sub(1), width: area.width.saturating_sub(4), height: 1 };
        text::write(buf, edge.intersection(area), (0, 0), &say!(" ↑ {hidden} earlier ", hidden), theme.calm());
    }
    let mut row = 0;
    for (index, (at, line)) in (first..).zip(shown) {
        if index > first && trials.starts.contains(&index) {
            text::write(buf, inner, (0, row), &"╌".repeat(usize::from(inner.width)), theme.calm());
            row += 1;
        }
        let newest = index + 1 == trials.lines.len() && trials.running.is_some();
        let since = at.since(scene.world.opened);
        paint_call(buf, text::row(inner, row), columns, theme, &Shown { since, line, newest });
        row += 1;
    }
}

/// The first of the newest lines that fit into so many rows; between two experiments there is a rule.
fn first_shown(trials: &ExperimentResults, rows: usize) -> usize {
    let (mut first, mut used) = (trials.lines.len(), 0);
    while first > 0 {
        let rule = usize::from(first < trials.lines.len() && trials.starts.contains(&first));
        if used + rule + 1 > rows {
            break;
        }
        (first, used) = (first - 1, used + rule + 1);
    }
    first
}

/// Columns of the time, of the caller, and of the call; the outcome has the rest.
#[derive(Clone, Copy)]
struct Columns {
    time: u16,
    who: u16,
    call: u16,
}

fn columns(width: u16, shown: &[(Stamp, CallRecord)]) -> Columns {
    let widest = |text: fn(&CallRecord) -> Cow<'_, str>| {
        shown.iter().map(|(_, line)| text::width(&text(line))).max().unwrap_or(0)
    };
    let time = if width >= 60 { 8 } else { 0 };
    let who = widest(|line| actor(&line.who)).clamp(6, 9) + 1;
    let rest = width.saturating_sub(time + who);
    let outcome = (widest(|line| line.outcome.to_string().into()) + 2).min(rest * 2 / 5);
    let call = (widest(|line| line.call.to_string().into()) + 1).min(rest - outcome);
    Columns { time, who, call }
}

/// One line, since when the scene has run, and whether it is the last one while the experiment goes on.
struct Shown<'t> {
    since: Duration,
    line: &'t CallRecord,
    newest: bool,
}

fn paint_call(buf: &mut Buffer, row: Rect, columns: Columns, theme: Theme, shown: &Shown<'_>) {
    let line = shown.line;
    let (mark, style) = look(theme, line.mood);
    let strong = if shown.newest { theme.strong() } else { Style::new() };
    if columns.time > 0 {
        let time = numbers::moment(Stamp::ZERO + shown.since);
        text::write(buf, row, (0, 0), &time, theme.calm());
    }
    let part = |col: u16, width: u16| Rect { x: row.x + col, width: width.min(row.width.saturating_sub(col)), ..row };
    let who = part(columns.time, columns.who);
    text::write(buf, who, (0, 0), &text::fit(&actor(&line.who), who.width.saturating_sub(1)), theme.strong());
    let call = part(columns.time + columns.who, columns.call);
    text::write(buf, call, (0, 0), &text::fit(&line.call.to_string(), call.width.saturating_sub(1)), strong);
    let left = columns.time + columns.who + columns.call;
    let outcome = part(left, row.width.saturating_sub(left));
    let text = format!("{mark} {}", line.outcome);
    text::write(buf, outcome, (0, 0), &text::fit(&text, outcome.width), style);
}

/// The caller, in the current language.
fn actor(who: &str) -> Cow<'_, str> {
    if let Some((word, number)) = who.split_once(' ') {
        return format!("{} {number}", actor(word)).into();
    }
    let word = match who {
        "server" => say!("server"),
        "client" => say!("client"),
        "child" => say!("child"),
        "kernel" => say!("kernel"),
        "wire" => say!("wire"),
        other => other,
    };
    word.into()
}

/// The mark and style of each outcome.
fn look(theme: Theme, outcome: CallOutcome) -> (&'static str, Style) {
    match outcome {
        CallOutcome::Plain => ("→", Style::new()),
        CallOutcome::Good => ("✓", theme.text(Meaning::Served)),
        CallOutcome::Refused => ("✗", theme.text(Meaning::Lost)),
        CallOutcome::Silent => ("…", theme.text(Meaning::Divergent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::lang::{Lang, within};

    #[test]
    fn a_rule_between_experiments_takes_a_row() {
        let line =
            CallRecord { who: "server".into(), call: "close()".into(), outcome: "0".into(), mood: CallOutcome::Good };
        let lines = vec![(Stamp::ZERO, line); 6];
        let mut trials = ExperimentResults { lines, starts: vec![0, 4], ..ExperimentResults::default() };
        assert_eq!([7, 6, 4, 3, 2, 1, 0].map(|rows| first_shown(&trials, rows)), [0, 1, 3, 4, 4, 5, 6]);
        trials.starts = vec![0];
        assert_eq!([7, 6, 3].map(|rows| first_shown(&trials, rows)), [0, 0, 3]);
    }

    #[test]
    fn one_of_several_has_a_number_in_either_language() {
        assert_eq!((actor("server 2"), actor("client")), ("server 2".into(), "client".into()));
        assert_eq!(within(Lang::Chinese, || actor("server 2").into_owned()), "服务器 2");
    }
}
