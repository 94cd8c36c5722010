//! The settings in force, beside those of the host.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::{Scene, text};
use crate::model::event::Environment;
use crate::model::settings::Sysctl;
use crate::say;
use crate::ui::numbers;

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, world) = (scene.theme, scene.world);
    let inner =
        text::frame(buf, area, (say!("SETTINGS"), theme.strong()), (say!("host   here"), theme.calm()), theme.calm());
    let mut row = 0;
    let mut put = |buf: &mut Buffer, name: &str, host: &str, here: &str| {
        let right = format!("{} {}", text::right_cell(host, 6), text::right_cell(here, 6));
        let differs = !host.is_empty() && host != here;
        let style = if differs { theme.strong() } else { Style::new() };
        let room = inner.width.saturating_sub(text::width(&right) + 1);
        text::write(buf, inner, (0, row), &text::fit(name, room), style);
        text::right(buf, inner, row, &right, style);
        row += 1;
    };
    for sysctl in Sysctl::ALL {
        let host = world.began.as_ref().and_then(|began| began.host.value(sysctl));
        let name = sysctl.name().rsplit('.').next().unwrap_or_default();
        put(buf, name, &numbers::setting(host), &numbers::setting(world.sysctls.value(sysctl)));
    }
    let Some(knobs) = &world.knobs else { return };
    put(buf, say!("arrivals"), "", &numbers::arrivals(knobs));
    if world.began.as_ref().is_none_or(|began| began.environment != Environment::Host) {
        put(buf, say!("round trip"), "", &numbers::span(knobs.rtt));
    }
    if world.server_program.is_none() {
        put(buf, "accept()", "", &numbers::accepts(knobs.accept_rate));
        put(buf, say!("service"), "", &numbers::span(knobs.service));
        put(buf, say!("workers"), "", &knobs.workers.map_or_else(|| say!("any").into(), |count| count.to_string()));
    }
    put(buf, say!("half-open"), "", &format!("{:.0} %", knobs.half_open * 100.0));
    put(buf, say!("loss"), "", &format!("{:.1} %", knobs.loss * 100.0));
}
