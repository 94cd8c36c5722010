//! The keys, those that matter now first, as many as fit; help and quit always. No key is cut.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Scene, ink};
use crate::ui::keymap::{self, Binding};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let (theme, state) = (scene.theme, scene.state);
    let sign = |binding: &Binding| if theme.ascii { binding.ascii } else { binding.sign };
    let width = |(binding, words): &(&Binding, &str)| ink::width(sign(binding)) + 1 + ink::width(words);
    let [first, last] = keymap::footer(state.listens, state.place(), &state.modes(scene.world));
    let usual = if area.width >= 150 { 3 } else { 2 };
    let needed =
        |keys: &[(&Binding, &str)], gap: u16| keys.iter().map(|key| width(key) + gap).sum::<u16>().saturating_sub(gap);
    let fits = |shown: usize, gap: u16| {
        let between = if shown > 0 { gap } else { 0 };
        1 + needed(&first[..shown], gap) + between + needed(&last, gap) <= area.width
    };
    let gap = if fits(first.len(), usual) { usual } else { 1 };
    let shown = (0..=first.len()).rev().find(|shown| fits(*shown, gap)).unwrap_or(0);
    let mut col = 1;
    for (binding, words) in first[..shown].iter().chain(&last) {
        let pieces = [(sign(binding), theme.strong()), (" ", theme.calm()), (words, theme.calm())];
        col = ink::pieces(buf, area, (col, 0), &pieces) + gap;
    }
}
