//! The server: how often `accept()` returns, and whom it has returned.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::large::{boxed, cut};
use super::super::letters::Letter;
use super::super::places::hue;
use super::super::stage::flows;
use super::super::{Scene, text};
use super::clients::rate;
use super::plan::Plan;
use crate::fold::connection::ServerSide;
use crate::model::settings::AcceptRate;
use crate::say;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, plan: &Plan, scene: &Scene<'_>) {
    let (theme, world) = (scene.theme, scene.world);
    let paused = world.knobs.as_ref().is_some_and(|knobs| knobs.accept_rate == AcceptRate::Paused);
    let room = (plan.server.width.saturating_sub(3), plan.text.rows());
    let short = plan.text.fitting("accept()", room) < plan.text;
    let title = match (paused, short) {
        (true, false) => say!("‖ PAUSED"),
        (true, true) => say!("PAUSED"),
        (false, false) => "accept()",
        (false, true) => "accept",
    };
    let inner = boxed(buf, plan.server, scene, plan.text, (title, false));
    let (digits, rest) = cut(inner, plan.numbers.rows());
    let style = theme.text(if paused { Meaning::Waiting(3) } else { Meaning::Served }).patch(theme.strong());
    rate(buf, digits, plan, scene, (flows::rate(scene, |slot| slot.accepts), style));
    let under = plan.text.rows() + u16::from(plan.text != Letter::Plain);
    let (names, sum) = cut(rest, rest.height.saturating_sub(under));
    served(buf, names, plan, scene);
    let line = cut(sum, plan.text.rows()).0;
    let line = Rect { x: line.x + 1, width: line.width.saturating_sub(1), ..line };
    let count = numbers::count(world.clients.accepted);
    let whole = say!("{count} accepted", count);
    let text = if text::width(&whole) <= line.width { whole } else { format!("✓{count}") };
    scene.large_text(plan.text, theme.text(Meaning::Served).patch(theme.strong())).fit(buf, line, &text);
}

/// Those being served, and those done a moment ago.
fn served(buf: &mut Buffer, area: Rect, plan: &Plan, scene: &Scene<'_>) {
    let theme = scene.theme;
    let high = plan.chip.rows() + u16::from(plan.chip != Letter::Plain);
    for (index, connection) in scene.placement.served.iter().take(usize::from(area.height / high)).enumerate() {
        let name = connection.label();
        let body = plan.chip.width(&name).unwrap_or(2) + 2;
        let done = connection.server == ServerSide::Closed;
        let chip_area = cut(Rect { y: area.y + index as u16 * high, ..area }, plan.chip.rows()).0;
        let fill = match (done, plan.chip) {
            (true, _) => theme.calm(),
            (false, Letter::Plain) => theme.fill(hue(connection)),
            (false, _) => theme.text(hue(connection)),
        };
        for row in 0..chip_area.height {
            text::write(buf, chip_area, (1, row), &" ".repeat(usize::from(body)), fill);
        }
        scene.large_text(plan.chip, fill.patch(theme.strong())).write(buf, chip_area, (2, 0), &name);
        let mark = if done { "✓" } else { "▶" };
        text::write(
            buf,
            chip_area,
            (body + 2, chip_area.height / 2),
            mark,
            theme.text(Meaning::Served).patch(theme.strong()),
        );
        scene.hit_map.borrow_mut().connection(Rect { width: (body + 3).min(chip_area.width), ..chip_area }, connection);
    }
}
