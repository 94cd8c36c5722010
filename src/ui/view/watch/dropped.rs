//! What was dropped: of this listener, by cause where the tap sees it; beside it the sums of the whole namespace.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::super::{Scene, text};
use super::names;
use crate::model::counters::Counter;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;
use crate::ui::view::chosen_listener::ChosenListener;
use crate::ui::watch::figures;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, inside: ChosenListener<'_>) {
    let theme = scene.theme;
    let drops = inside.listener.and_then(figures::drops);
    let lost = theme.text(Meaning::Lost);
    let any = drops.unwrap_or(0) > 0;
    let right =
        drops.map_or_else(|| numbers::UNKNOWN.into(), |drops| say!("{count} here", count = numbers::count(drops)));
    let line = if any { lost } else { theme.calm() };
    let title = (say!("DROPS"), theme.strong());
    let inner = text::frame(buf, area, title, (&right, if any { lost } else { theme.calm() }), line);
    let mut row = 0;
    for (text, style) in lines(scene, inside) {
        for text in names::wrap(&text, inner.width, inner.height.saturating_sub(row)) {
            text::write(buf, inner, (0, row), &text, style);
            row += 1;
        }
    }
}

fn lines(scene: &Scene<'_>, inside: ChosenListener<'_>) -> Vec<(String, Style)> {
    let (theme, world) = (scene.theme, scene.world);
    let mut lines = Vec::new();
    if inside.is_unix() {
        return vec![(
            say!("a full unix socket makes connect() wait, or fail with EAGAIN; no counter shows it").into(),
            theme.calm(),
        )];
    }
    if let Some(drops) = inside.listener.and_then(|listener| world.drops_of(listener)) {
        let text = say!("this listener: {count}", count = figures::drops_in_words(drops));
        lines.push((text, if drops.listener > 0 { theme.strong() } else { theme.calm() }));
    }
    if inside.detailed && world.segments.is_some() {
        let lost = world.ledger.lost_by_cause().filter(|(cause, count)| count.segments > 0 && cause.is_listen_drop());
        for (cause, count) in lost {
            let text = say!(
                "✗ ×{count} {cause}, seen since you look",
                count = numbers::count(count.segments),
                cause = cause.words()
            );
            lines.push((text, theme.text(Meaning::Lost)));
        }
        let open = inside.listener.and_then(|listener| world.drops_without_cause(listener));
        if let Some(open) = open.filter(|open| *open > 0) {
            let count = numbers::count(open);
            lines.push((say!("×{count} counted, the cause is not certain", count), theme.calm()));
        }
    }
    let change = world.listeners.counters();
    let counted = |counter: Counter| change.value(counter).map_or_else(|| numbers::UNKNOWN.into(), numbers::count);
    let (overflows, drops) = (counted(Counter::ListenOverflows), counted(Counter::ListenDrops));
    let text = say!("whole namespace: {overflows} overflows, {drops} drops", overflows, drops);
    lines.push((text, Style::new()));
    lines
}
