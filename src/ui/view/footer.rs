//! The keys, as many as fit; help and quit always.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Scene, ink};
use crate::ui::keymap::{self, Action, Binding};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    keys(buf, area, scene, keymap::shown(scene.state.listens, scene.state.browse.place()));
}

/// These keys, as many as fit.
pub(super) fn keys(buf: &mut Buffer, area: Rect, scene: &Scene<'_>, bindings: Vec<&'static Binding>) {
    let theme = scene.theme;
    let sign = |binding: &Binding| if theme.ascii { binding.ascii } else { binding.sign };
    let width = |binding: &Binding| ink::width(sign(binding)) + 1 + ink::width(binding.short);
    let is_last =
        |binding: &&Binding| binding.keys.iter().any(|(_, action)| matches!(action, Action::Help | Action::Quit));
    let shown = bindings.into_iter().filter(|binding| !binding.short.is_empty());
    let (last, mut first): (Vec<_>, Vec<_>) = shown.partition(is_last);
    let gap = if area.width >= 150 { 3 } else { 2 };
    let needed = |list: &[&Binding]| list.iter().map(|binding| width(binding) + gap).sum::<u16>();
    let room = area.width.saturating_sub(needed(&last) + 1);
    let tight = needed(&first) > room;
    let gap = if tight { 1 } else { gap };
    while !first.is_empty() && first.iter().map(|binding| width(binding) + gap).sum::<u16>() > room {
        first.pop();
    }
    let mut col = 1;
    for binding in first.iter().chain(&last) {
        let pieces = [(sign(binding), theme.strong()), (" ", theme.calm()), (binding.short, theme.calm())];
        col = ink::pieces(buf, area, (col, 0), &pieces) + gap;
    }
}
