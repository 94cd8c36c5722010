//! How long connections waited for `accept()`: so many of them in each span, beside the picture where there is room to spare.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, text};
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

/// The upper ends of the spans, in milliseconds; the last span has none.
const ENDS_MS: [u64; 7] = [10, 30, 100, 300, 1000, 3000, 10_000];

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, wait) = (scene.theme, &scene.world.wait);
    let longest = wait.max_ms().map(|ms| numbers::tenths(Duration::from_secs_f64(ms / 1000.0)));
    let longest = longest.map_or_else(String::new, |time| say!("longest {time}", time));
    let title = say!("WAITS FOR accept()");
    let inner = text::frame(buf, area, (title, theme.strong()), (&longest, Style::new()), theme.calm());
    if wait.max_ms().is_none() {
        text::write(buf, inner, (1, 0), say!("no connection was accepted"), theme.calm());
        return;
    }
    let spans = spans();
    let counts: Vec<u64> = spans.iter().map(|(from, to)| wait.count_between(*from, *to)).collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let room = inner.width.saturating_sub(NAME + COUNT + 2);
    for (row, ((from, to), count)) in (0..inner.height).zip(spans.iter().zip(&counts)) {
        let name = match to {
            Some(to) => say!("up to {time} s", time = seconds(*to)),
            None => say!("over {time} s", time = seconds(*from)),
        };
        text::write(buf, inner, (1, row), &name, theme.calm());
        let style = if *count > 0 { Style::new() } else { theme.calm() };
        text::write(buf, inner, (NAME, row), &text::right_cell(&numbers::count(*count), COUNT), style);
        let columns = (count * u64::from(room)).div_ceil(most) as usize;
        let waited = Meaning::Waiting(super::placement::shade(*from));
        text::write(buf, inner, (NAME + COUNT + 1, row), &"█".repeat(columns), theme.text(waited));
    }
}

fn spans() -> Vec<(Duration, Option<Duration>)> {
    let ends = ENDS_MS.map(Duration::from_millis);
    let begins = std::iter::once(Duration::ZERO).chain(ends);
    begins.zip(ends.into_iter().map(Some).chain([None])).collect()
}

/// All of a column in one unit.
fn seconds(span: Duration) -> String {
    format!("{:.2}", span.as_secs_f64())
}

/// Columns of the spans' names.
const NAME: u16 = 14;

/// Columns of the counts.
const COUNT: u16 = 6;
