//! The keys, those that matter now first, as many as fit; help and quit always. No key is cut. What a key did takes their place for a
//! moment; that of help and quit, too, where it would be cut.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Scene, text, toast};
use crate::ui::hit_map::Target;
use crate::ui::keymap::{self, Binding};

pub(super) fn paint(buf: &mut Buffer, area: Rect, scene: &Scene<'_>) {
    let state = scene.state;
    let place = if scene.watches() { state.watch.place() } else { state.place() };
    let modes = state.modes(scene.world, scene.plot_width().is_some());
    let [first, last] = keymap::footer(state.live, place, &modes);
    let theme = scene.theme;
    let toast = toast::of(scene);
    let first = if toast.is_some() { Vec::new() } else { first };
    let label = |binding: &Binding| if theme.ascii { binding.ascii } else { binding.label };
    let width = |(binding, words): &(&Binding, &str)| text::width(label(binding)) + 1 + text::width(words);
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
    if let Some((mark, words, style)) = toast {
        let beside = area.width.saturating_sub(needed(&last, gap) + 2 * gap + 4);
        let is_cut = text::width(&words) > beside;
        let room = if is_cut { area.width.saturating_sub(4) } else { beside };
        text::pieces(buf, area, (1, 0), &[(mark, style), (" ", style), (&text::fit(&words, room), style)]);
        if is_cut {
            return;
        }
        col = area.width.saturating_sub(needed(&last, gap) + 1);
    }
    for (binding, words) in first[..shown].iter().chain(&last) {
        let pieces = [(label(binding), theme.strong()), (" ", theme.calm()), (words, theme.calm())];
        let end = text::pieces(buf, area, (col, 0), &pieces);
        keys(scene, Rect { x: area.x + col, width: end - col, height: 1, ..area }, binding);
        col = end + gap;
    }
}

/// Notes the areas of a binding's keys, so that a click presses them: each glyph its own key, and the text a single key.
pub(super) fn keys(scene: &Scene<'_>, area: Rect, binding: &Binding) {
    let mut hit_map = scene.hit_map.borrow_mut();
    if let [(_, action), others @ ..] = binding.keys
        && others.iter().all(|(_, other)| other == action)
    {
        hit_map.note(area, Target::Key(*action));
        return;
    }
    let label = if scene.theme.ascii { binding.ascii } else { binding.label };
    for ((first, width), (_, action)) in parts(label, binding.keys.len()).into_iter().zip(binding.keys) {
        let key_area = Rect { x: area.x + first, width, height: 1, ..area };
        hit_map.note(key_area.intersection(area), Target::Key(*action));
    }
}

/// The column and width of each of `count` keys in the label of all of them: `[ ]`, `lf/rt` or `←→`. Nothing where they cannot be
/// separated.
fn parts(ch: &str, count: usize) -> Vec<(u16, u16)> {
    let cut = |apart: &dyn Fn(char) -> bool| {
        let (mut parts, mut col) = (Vec::new(), 0);
        for part in ch.split(apart) {
            parts.push((col, text::width(part)));
            col += text::width(part) + 1;
        }
        parts
    };
    let single: Vec<_> = (0..ch.chars().count() as u16).map(|col| (col, 1)).collect();
    [cut(&|ch| ch == ' '), cut(&|ch| ch == '/'), single]
        .into_iter()
        .find(|parts| parts.len() == count)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap::Action;

    #[test]
    fn each_key_of_a_pair_has_its_own_columns() {
        assert_eq!(parts("[ ]", 2), [(0, 1), (2, 1)]);
        assert_eq!(parts("←→", 2), [(0, 1), (1, 1)]);
        assert_eq!(parts("lf/rt", 2), [(0, 2), (3, 2)]);
        assert_eq!(parts("t n a", 3), [(0, 1), (2, 1), (4, 1)]);
        assert_eq!(parts("?!", 3), []);
    }

    #[test]
    fn the_label_of_every_binding_has_a_place_for_each_of_its_keys() {
        for binding in keymap::BINDINGS
            .iter()
            .filter(|binding| binding.keys.len() > 1 && binding.keys[0].1 != binding.keys[1].1)
            // The choices themselves have their places.
            .filter(|binding| !matches!(binding.keys[0].1, Action::Predict(_)))
        {
            for label in [binding.label, binding.ascii] {
                let written = label == binding.label || !binding.short.is_empty();
                assert!(!written || parts(label, binding.keys.len()).len() == binding.keys.len(), "{label}");
            }
        }
    }
}
