//! The note that the picture is frozen while the watch goes on.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::super::{Scene, text};
use crate::say;
use crate::ui::hit_map::Target;
use crate::ui::keymap::Action;
use crate::ui::numbers;
use crate::ui::theme::Meaning;

pub(super) fn paint(buf: &mut Buffer, scene: &Scene<'_>) {
    let Some(frozen) = &scene.state.frozen else { return };
    let style = scene.theme.fill(Meaning::Divergent);
    let area = buf.area;
    let since = numbers::span(scene.live.1.since(frozen.at));
    let clock = numbers::clock(frozen.at);
    let text = say!(" ‖ FROZEN at {clock} · the watch goes on, {since} since · f unfreezes ", clock, since);
    let top = Rect { height: 1, ..area };
    let col = area.width.saturating_sub(text::width(&text));
    text::write(buf, top, (col, 0), &text::fit(&text, area.width), style);
    scene.hit_map.borrow_mut().note(Rect { x: area.x + col, ..top }, Target::Key(Action::Freeze));
}
